#ifndef LETTER_H
#define LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/errand.h"
#include "spool/spool.h"

/*
 * What is to be known of a message while it is more than one waiting errand:
 * its errands for several destinations, its envelope and content while they are
 * read, and which recipients are taken (in an attempt, or told of and not settled yet).
 * A plain message has none: its entry's slot then names its one errand.
 */
struct opened;

struct letter {
	struct spool_entry *entry; /* borrowed */
	uint64_t id;
	struct errand **errands; /* owned array of borrowed */
	size_t errand_count, errand_room;
	unsigned users;        /* attempts and notices that hold it open */
	unsigned stories;      /* notices that wait to be on disk */
	size_t taken_count;    /* recipients that are taken */
	uint64_t taken_few;    /* a bit each, for up to 64 recipients */
	uint64_t *taken_many;  /* owned: for more */
	struct opened *opened; /* owned; NULL while it is closed */
};

/* Tells the entry of a new errand. */
void letter_attach(struct spool_entry *entry, struct errand *errand);
/* The errands of an entry: its one, or its letter's. */
struct errand **letter_errands(struct spool_entry *entry, size_t *count);
/* The entry's letter, made if it has none. */
struct letter *letter_raise(struct spool_entry *entry);
/* The entry forgets the errand. */
void letter_detach(struct letter *letter, struct errand *errand);
/* Frees it when the entry's slot can say as much. */
void letter_lower(struct letter *letter);
/* Frees it whatever it is in the middle of: the entry is gone. */
void letter_free(struct letter *letter);

/* False: the message cannot be read and its entry is gone; see router_forget(). */
bool letter_open(struct letter *letter, struct spool *spool);
void letter_close(struct letter *letter, struct spool *spool);
/* While it is open: */
const struct envelope *letter_envelope(const struct letter *letter);
const struct content *letter_content(const struct letter *letter);

/* Not settled and not taken: somebody must still see to this recipient. */
bool letter_owes(const struct letter *letter, struct spool *spool,
    size_t recipient);
void letter_take(struct letter *letter, size_t recipient);
void letter_release(struct letter *letter, size_t recipient);
/* Settles taken recipients.  True: the message has ended, its entry is gone: router_forget(). */
bool letter_settle(struct letter *letter, struct spool *spool,
    const struct settlement *settlements, size_t count);

#endif
