#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * While an earlier life is loaded, newest first: what is known of messages
 * whose record has not been met yet.  Which have ended, and which recipients
 * were settled.
 */
struct ledger {
	struct ledger_row *rows; /* owned; open addressing */
	size_t size, count;
	struct ledger_mark *marks; /* owned; linked by number */
	size_t mark_count, mark_size;
};

void ledger_init(struct ledger *ledger);
void ledger_clear(struct ledger *ledger);

/* generation: of the record that the result was about, as it says itself. */
void ledger_end(struct ledger *ledger, uint64_t id, uint64_t generation);
void ledger_settle(struct ledger *ledger, uint64_t id, uint64_t generation,
    uint32_t recipient);
/* Has it ended?  *generation: of the end that was told last. */
bool ledger_ended(const struct ledger *ledger, uint64_t id,
    uint64_t *generation);
/*
 * The settled recipients of id, one a call: *place is 0 at first.  False
 * when there are no more.
 */
bool ledger_next(const struct ledger *ledger, uint64_t id, size_t *place,
    uint64_t *generation, uint32_t *recipient);

#endif
