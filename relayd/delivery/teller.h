#ifndef TELLER_H
#define TELLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/core.h"
#include "relayd/delivery/letter.h"
#include "relayd/delivery/notice.h"

/*
 * Tells senders, and the postmaster in a summary; a recipient whose failure is
 * to be told stays owed until the telling is on disk.
 */
struct teller *teller_new(struct core *core);
/* Notices on their way to the disk go on; nobody hears of them. */
void teller_free(struct teller *teller);

/* Too many wait to be told: leave failures for a later attempt. */
bool teller_full(const struct teller *teller);

enum teller_says {
	TELLER_NOBODY, /* nobody is to be told: settle it now */
	TELLER_KEEPS,  /* the teller settles it when it is told */
};
/*
 * A recipient of an open letter, with its outcome (whose texts are taken over
 * when it keeps it).  All but DELAYED recipients stay taken meanwhile; a delay
 * settles nothing.  tried: wall-clock second of the last try; 0: none, or
 * unknown.
 */
enum teller_says teller_tell(struct teller *teller, struct letter *letter,
    size_t recipient, enum notice_kind kind, struct outcome *outcome,
    int64_t tried);
/*
 * Writes the notices that teller_tell() gathered about this letter, one for
 * each addressee.  more: others of its recipients are tried at once; who fails
 * among them within a moment is told of in the same notice.
 */
void teller_send(struct teller *teller, struct letter *letter, bool more);
/* The letter is about to go: nothing is told about it any more. */
void teller_forget(struct teller *teller, struct letter *letter);

/* Once a turn: settles what was told.  True when there is more to do. */
bool teller_turn(struct teller *teller);
/* DUE_STORY, DUE_TELLER */
void teller_story_due(struct teller *teller, struct due *due);
void teller_due(struct teller *teller);

#endif
