#ifndef STORY_H
#define STORY_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/core.h"
#include "relayd/delivery/letter.h"
#include "relayd/delivery/notice.h"

/*
 * One notice to one addressee, from its recipients' outcomes until it is on disk.
 */
enum story_state {
	STORY_GATHERING, /* recipients are added */
	STORY_WAITING,   /* for more of it, or for a spool that takes it */
	STORY_SENT,      /* in the spool, the sync is to come */
	STORY_TOLD,      /* on disk: its recipients can be settled */
	STORY_LOST,      /* not on disk: again later */
};

struct story {
	struct due due; /* DUE_STORY, while WAITING */
	TAILQ_ENTRY(story) link;
	enum story_state state;
	enum notice_kind kind;
	struct core *core;     /* borrowed */
	struct letter *letter; /* held; NULL for a delay, or when it is gone */
	uint64_t id;           /* of the message */
	uint64_t linger_until; /* monotonic ms; 0: it has not waited for more */
	struct buf to;         /* the addressee */
	size_t count, room;
	size_t *recipients;       /* owned */
	struct outcome *outcomes; /* owned, with their texts */
	int64_t last_attempt;     /* wall-clock second, the owner's; 0: none */
	void (*ended)(struct story *story); /* it is TOLD or LOST now */
};
TAILQ_HEAD(story_list, story);

/* Takes over `to`. */
struct story *story_new(struct core *core, struct letter *letter,
    enum notice_kind kind, struct buf *to, void (*ended)(struct story *story));
/* Lets go of its letter (recipients released) and frees. */
void story_free(struct story *story);
/* Takes over the texts of outcome. */
void story_add(struct story *story, size_t recipient, struct outcome *outcome);
/* Writes the notice; the letter is open.  WAITING or SENT afterwards. */
void story_send(struct story *story, const struct letter *letter);
/* WAITING, and due again in a while. */
void story_later(struct story *story);
/* WAITING for more recipients; false when it has done so long enough. */
bool story_linger(struct story *story);
/* No longer WAITING: GATHERING again. */
void story_resume(struct story *story);
/* After TOLD: settles its recipients and lets go of the letter. */
void story_settle(struct story *story);
/* The letter is about to go. */
void story_forget_letter(struct story *story);

#endif
