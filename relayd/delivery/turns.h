#ifndef TURNS_H
#define TURNS_H

#include <stdbool.h>
#include <stddef.h>

#include "relayd/delivery/schedule.h"

struct errand;
struct flows;

/*
 * The errands of one destination that may go, and whose turn it is.  While
 * few wait they go as they came.  When more do, the clients take turns, and
 * in a client's turn its senders do: ten thousand messages of one origin delay
 * another's one by a message, not by ten thousand.  Origins are told apart by
 * spool_entry_flow(): 32 clients of 16 senders, and those that fall together
 * share a turn.
 */
struct turns {
	struct due_line few;
	struct flows *flows; /* owned; NULL while `few` has them all */
	size_t count;
};

void turns_init(struct turns *turns);
/* Last of its origin, or first.  The errand is in no other list. */
void turns_add(struct turns *turns, struct errand *errand, bool in_front);
void turns_remove(struct turns *turns, struct errand *errand);
/* Whose turn it is; NULL when there is none. */
struct errand *turns_next(const struct turns *turns);
/* It has had its turn: the next is another origin's. */
void turns_pass(struct turns *turns, const struct errand *errand);

/*
 * A walk over all, which meets each once; what is added meanwhile it may
 * leave out.
 */
struct errand *turns_first(const struct turns *turns);
struct errand *turns_after(const struct turns *turns,
    const struct errand *errand);
/* Back to where the walk took it from: it will not meet it again. */
void turns_put_back(struct turns *turns, struct errand *errand,
    struct errand *next);

#endif
