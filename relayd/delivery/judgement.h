#ifndef JUDGEMENT_H
#define JUDGEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "relayd/delivery/attempt.h"

/*
 * What becomes of each recipient of an attempt.
 */
struct judgement {
	size_t kept;          /* recipients that are tried again */
	bool crowded;         /* the peer takes fewer recipients at a time */
	size_t crowded_from;  /* the first of those, a number in the envelope */
	bool at_once;         /* those kept are tried again now */
	size_t settled_count; /* to be settled now */
	struct settlement *settled; /* owned */
};

/*
 * Looks the outcomes over: none may be left unheard, and LATER past the lifetime
 * has become FAILED.  Counts kept and crowded.  at_once: only an old connection
 * ended, and whoever is kept is tried again now.
 */
void judgement_reach(struct judgement *judgement, struct attempt *attempt,
    bool at_once);
void judgement_clear(struct judgement *judgement);
/*
 * Releases those that are kept, hands to the teller what is to be told, and
 * gathers what can be settled now.
 */
void judgement_carry_out(struct judgement *judgement, struct attempt *attempt);

#endif
