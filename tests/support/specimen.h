#ifndef SPECIMEN_H
#define SPECIMEN_H

#include <stddef.h>
#include <stdint.h>

#include "spool/envelope.h"
#include "spool/spool.h"

/*
 * A message every byte of which follows from its ID, so that whoever finds it
 * can say whether it is whole.
 */
enum {
	SPECIMEN_PREFIX = 40
};

struct specimen_text {
	char address[48];
	char domain[16];
};

/* Bytes of content from at. */
void specimen_fill(uint64_t id, size_t at, char *bytes, size_t len);
/* SPECIMEN_PREFIX bytes. */
void specimen_prefix(uint64_t id, char *prefix);
/* texts: one for each recipient; must outlive the envelope. */
void specimen_envelope(uint64_t id, size_t count, struct envelope *envelope,
    struct specimen_text *texts);
/* Compares all of a waiting message.  NULL, or what is wrong with it. */
const char *specimen_compare(struct spool *spool, struct spool_entry *entry,
    uint64_t id, size_t size, size_t recipients);

#endif
