#ifndef SPOOL_MODEL_H
#define SPOOL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/spool.h"

/*
 * A spool with a witness: what was acknowledged, settled, and made durable,
 * so that what a disk holds afterwards can be judged.
 */
enum model_state {
	MODEL_COMMITTING, /* no answer yet */
	MODEL_OWED,
	MODEL_REFUSED,
};

struct model_message {
	uint64_t id;
	size_t size; /* of the content */
	size_t recipient_count;
	enum model_state state;
	bool *settled;      /* owned; by us */
	bool *settled_long; /* owned; and a turn has ended since */
	size_t settled_count;
	bool refused_long; /* refused, and a turn has ended since */
	bool doubtful; /* refused, and yet found after a restart: either way */
};

struct model {
	struct spool_options options;
	struct spool *spool;
	struct model_message **messages; /* owned; in the order of IDs */
	size_t count;
	size_t owed; /* that are not ended */
	uint64_t random;
	size_t waiting_seen; /* told by waiting() */
	bool loading, loaded;
	char said[256]; /* the last warning or error */
	size_t warnings;
};

/* Everything zero but options; opens nothing. */
void model_init(struct model *model, const struct disk *disk);
/* Closes the spool if it is open, forgets all. */
void model_clear(struct model *model);

/* Opens and loads; false with the reason in said. */
bool model_open(struct model *model);
void model_close(struct model *model);

/* Begins and commits a message; false when the spool would not begin one. */
bool model_receive(struct model *model, size_t size, size_t recipients);
/* A turn; what was settled before it and is not busy after it is durable. */
void model_turn(struct model *model);
/* Settles up to count recipients of a message that is owed. */
void model_settle(struct model *model, struct model_message *message,
    size_t count);
/* The row of a message; NULL: it was never begun. */
struct model_message *model_find(const struct model *model, uint64_t id);
/* Reads it whole and compares; NULL, or what is wrong. */
const char *model_read(struct model *model, uint64_t id);
/* A message that is owed and not ended; NULL: there is none. */
struct model_message *model_pick(struct model *model);
/* How many were refused. */
size_t model_refused(const struct model *model);
uint64_t model_random(struct model *model, uint64_t below);

/*
 * Opens what lies on disk with a spool of its own and judges it against the
 * witness.  NULL, or the promise that was broken (static text).
 */
const char *model_judge(const struct model *model, const struct disk *disk);

#endif
