#ifndef HEADERS_H
#define HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/*
 * What the header section of a message holds, seen while it passes by.
 * Pure, and it can stop at any byte.
 */
enum {
	HEADERS_NAME_MAX = 16 /* of the fields that matter here */
};

struct headers {
	int at;                      /* private */
	bool first;                  /* no line is whole yet, private */
	char name[HEADERS_NAME_MAX]; /* private */
	size_t name_len;             /* may exceed the array, private */

	size_t received; /* Received fields so far */
	bool date;
	bool message_id;
	bool from;
	bool dkim; /* somebody has signed it: nothing may be added */
	/*
	 * The first line is no header field, or is indented: a blank line must
	 * stand between our fields and it.
	 */
	bool headless;
};

void headers_init(struct headers *headers);
/* Content in order, line ends CRLF. */
void headers_feed(struct headers *headers, struct span content);
/* True when the header section is over: nothing more will be learnt. */
bool headers_done(const struct headers *headers);

#endif
