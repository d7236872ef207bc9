#ifndef HOSTLIST_H
#define HOSTLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/core.h"
#include "relayd/delivery/hosts.h"

/*
 * The hosts of a destination, looked up anew when they have been used for a
 * while, and which of them did not answer lately.
 */
struct listed_host; /* a host and its record */

struct hostlist {
	struct listed_host *hosts; /* owned */
	size_t count;
	uint64_t fresh_until; /* monotonic ms */
	unsigned version;     /* numbers of another version mean nothing */
	struct hosts_search *search; /* under way, or NULL */
	struct destination *destination;
};

void hostlist_init(struct hostlist *list, struct destination *destination);
void hostlist_clear(struct hostlist *list);
/* Forgets the hosts and any search for them. */
void hostlist_forget(struct hostlist *list);

/* True when there are hosts to try now; else a search is under way. */
bool hostlist_ready(struct hostlist *list);
/*
 * The number of the next host to try, in order, those that failed lately last;
 * tried has a bit for each that was tried.  False when all were.
 */
bool hostlist_pick(const struct hostlist *list, uint32_t tried, size_t *number);
/*
 * The number of the next address of the same host as number, of the other
 * family, that was not tried and did not fail lately.  False without one.
 */
bool hostlist_sibling(const struct hostlist *list, uint32_t tried,
    size_t number, size_t *sibling);
const struct host *hostlist_host(const struct hostlist *list, size_t number);
/* It did not answer, or it did. */
void hostlist_failed(struct hostlist *list, size_t number);
/* It greeted us, and then the first session with it broke or ended with 421. */
void hostlist_broke(struct hostlist *list, size_t number);
void hostlist_worked(struct hostlist *list, size_t number);

#endif
