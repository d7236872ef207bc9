#ifndef PILE_H
#define PILE_H

#include <stdbool.h>
#include <stddef.h>

#include "relayd/delivery/core.h"
#include "relayd/delivery/letter.h"
#include "relayd/delivery/notice.h"

/*
 * The failures that go into the postmaster's summary, and the recipients that
 * are settled when it is on disk.
 */
struct pile;

struct pile *pile_new(struct core *core);
/* Those that were not told of stay owed. */
void pile_free(struct pile *pile);
/* A failed recipient of an open letter: it stays taken. */
void pile_add(struct pile *pile, struct letter *letter, size_t recipient,
    const struct outcome *outcome);
size_t pile_count(const struct pile *pile);
/* The letter is about to go. */
void pile_forget(struct pile *pile, const struct letter *letter);
/* DUE_TELLER: the summary may be due. */
void pile_due(struct pile *pile);
/* Settles some of what was told; true when there is more. */
bool pile_turn(struct pile *pile);

#endif
