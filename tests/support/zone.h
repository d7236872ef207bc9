#ifndef ZONE_H
#define ZONE_H

#include <stdint.h>

/*
 * A DNS server in a thread, on a UDP port of 127.0.0.1: answers from a table.
 * A name that is not in it does not exist; one that is, without a record of
 * the type asked for, has no data.
 */
struct zone;

enum zone_type {
	ZONE_END, /* ends the table */
	ZONE_A,
	ZONE_AAAA,
	ZONE_MX,
	ZONE_SERVFAIL, /* this name: the server fails, whatever is asked */
	ZONE_SILENT,   /* this name: no answer */
};

struct zone_record {
	enum zone_type type;
	const char *name;
	const char *value;   /* an address, or the exchanger ("." for none) */
	uint16_t preference; /* of an MX */
};

/* records are borrowed. */
struct zone *zone_new(const struct zone_record *records);
uint16_t zone_port(const struct zone *zone);
void zone_free(struct zone *zone);

#endif
