/*
 * spool_model - a spool with a witness.
 *
 * Job:     drive a spool and remember what it promised.
 * Called:  by tests of the spool.
 * Owns:    the witness: a row for each message that was begun.
 * Never:   asks the spool what it promised.
 */
#include "tests/support/spool_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/disk_sim.h"
#include "tests/support/specimen.h"

static int64_t
still_clock(void)
{
	/* It stands: IDs must go on all the same, and nothing is retried. */
	return 1700000000000000;
}

static uint64_t
some_random(void)
{
	static uint64_t state = 42;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return state;
}

void
model_init(struct model *model, const struct disk *disk)
{
	*model = (struct model){
		.options = {
			.directory = DISK_SIM_ROOT,
			.disk = disk,
			.segment_size = 32 << 10,
			.large_from = 4 << 10,
			.no_thread = true,
			.wall_us = still_clock,
			.random = some_random,
		},
		.random = 1,
	};
}

static void
free_message(struct model_message *message)
{
	free(message->settled);
	free(message->settled_long);
	free(message);
}

void
model_clear(struct model *model)
{
	size_t i;

	model_close(model);
	for (i = 0; i < model->count; i++)
		free_message(model->messages[i]);
	free(model->messages);
	model->messages = NULL;
	model->count = 0;
}

uint64_t
model_random(struct model *model, uint64_t below)
{
	model->random =
	    model->random * 6364136223846793005u + 1442695040888963407u;
	return (model->random >> 33) % below;
}

struct model_message *
model_find(const struct model *model, uint64_t id)
{
	size_t low = 0, high = model->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (model->messages[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < model->count && model->messages[low]->id == id)
		return model->messages[low];
	return NULL;
}

/* ---- opening ---- */

/*
 * A restart while the disk fails may forget the last results; then the
 * spool's word counts from here.
 */
static void
learn(struct model *model, struct model_message *message,
    const struct spool_entry *entry)
{
	size_t i;

	if (message->state == MODEL_REFUSED && !message->refused_long)
		message->doubtful = true;
	message->settled_count = 0;
	for (i = 0; i < message->recipient_count; i++) {
		message->settled[i] = spool_settled(model->spool, entry, i);
		message->settled_count += message->settled[i];
	}
}

static void
waiting(void *owner, struct spool_entry *entry, struct span domains)
{
	struct model *model = owner;
	struct model_message *message =
	    model_find(model, spool_entry_id(entry));

	assert(domains.len > 0);
	if (message != NULL && model->loading)
		learn(model, message, entry);
	model->waiting_seen++;
}

static void
loaded(void *owner)
{
	struct model *model = owner;

	model->loaded = true;
}

static void
said(void *owner, enum spool_level level, const char *text)
{
	struct model *model = owner;

	if (level == SPOOL_NOTE)
		return;
	model->warnings++;
	snprintf(model->said, sizeof(model->said), "%s", text);
	if (getenv("SPOOL_MODEL_SAYS") != NULL)
		fprintf(stderr, "%s\n", text);
}

bool
model_open(struct model *model)
{
	struct spool_events events = {
		.owner = model,
		.waiting = waiting,
		.loaded = loaded,
		.said = said,
	};
	struct buf why;

	model->loaded = false;
	model->waiting_seen = 0;
	buf_init(&why, 512);
	model->spool = spool_open(&model->options, &events, &why);
	if (model->spool == NULL) {
		snprintf(model->said, sizeof(model->said), "%s",
		    buf_text(&why));
		buf_clear(&why);
		return false;
	}
	model->loading = true;
	while (spool_load(model->spool, 100))
		;
	model->loading = false;
	return true;
}

void
model_close(struct model *model)
{
	spool_close(model->spool);
	model->spool = NULL;
}

/* ---- messages ---- */

static void
done(void *owner, enum commit_result result)
{
	struct model_message *message = owner;

	assert(message->state == MODEL_COMMITTING);
	message->state = result == COMMITTED ? MODEL_OWED : MODEL_REFUSED;
}

static struct model_message *
add_message(struct model *model, uint64_t id, size_t size, size_t recipients)
{
	struct model_message *message = xcalloc(1, sizeof(*message));

	message->id = id;
	message->size = size;
	message->recipient_count = recipients;
	message->settled = xcalloc(recipients, sizeof(bool));
	message->settled_long = xcalloc(recipients, sizeof(bool));
	model->messages = xrealloc(model->messages, model->count + 1,
	    sizeof(struct model_message *));
	model->messages[model->count++] = message;
	return message;
}

static bool
add_content(struct intake *intake, uint64_t id, size_t size)
{
	char piece[1000];
	size_t at, len;

	for (at = 0; at < size; at += len) {
		len = size - at < sizeof(piece) ? size - at : sizeof(piece);
		specimen_fill(id, at, piece, len);
		if (!intake_add(intake, span_make(piece, len)))
			return false;
	}
	return true;
}

bool
model_receive(struct model *model, size_t size, size_t recipients)
{
	struct intake *intake = spool_begin(model->spool);
	struct model_message *message;
	struct envelope envelope;
	struct specimen_text *texts;
	char prefix[SPECIMEN_PREFIX];
	uint64_t id;

	if (intake == NULL)
		return false;
	id = intake_id(intake);
	assert(model_find(model, id) == NULL);
	message = add_message(model, id, size, recipients);
	if (!add_content(intake, id, size)) {
		message->state = MODEL_REFUSED;
		intake_cancel(intake);
		return true;
	}
	texts = xcalloc(recipients, sizeof(*texts));
	specimen_envelope(id, recipients, &envelope, texts);
	specimen_prefix(id, prefix);
	intake_commit(intake, &envelope, span_make(prefix, SPECIMEN_PREFIX),
	    false, done, message);
	envelope_clear(&envelope);
	free(texts);
	return true;
}

static void
settled_are_durable(struct model *model)
{
	struct model_message *message;
	size_t i;

	for (i = 0; i < model->count; i++) {
		message = model->messages[i];
		memcpy(message->settled_long, message->settled,
		    message->recipient_count);
		message->refused_long =
		    message->state == MODEL_REFUSED && !message->doubtful;
	}
}

size_t
model_refused(const struct model *model)
{
	size_t i, refused = 0;

	for (i = 0; i < model->count; i++)
		refused += model->messages[i]->state == MODEL_REFUSED;
	return refused;
}

void
model_turn(struct model *model)
{
	spool_turn(model->spool);
	if (!spool_busy(model->spool) &&
	    spool_health(model->spool) == SPOOL_FINE)
		settled_are_durable(model);
}

void
model_settle(struct model *model, struct model_message *message, size_t count)
{
	struct settlement *settlements = xcalloc(count, sizeof(*settlements));
	struct spool_entry *entry;
	size_t i, found = 0;
	bool ended;

	entry = spool_find(model->spool, message->id);
	assert(entry != NULL);
	for (i = 0; i < message->recipient_count && found < count; i++) {
		assert(spool_settled(model->spool, entry, i) ==
		    message->settled[i]);
		if (message->settled[i])
			continue;
		message->settled[i] = true;
		message->settled_count++;
		settlements[found++] =
		    (struct settlement){ i, i % 2 ? FAILED : DELIVERED };
	}
	ended = spool_settle(model->spool, entry, settlements, found);
	assert(ended == (message->settled_count == message->recipient_count));
	free(settlements);
}

struct model_message *
model_pick(struct model *model)
{
	size_t tries, i;
	struct model_message *message;

	for (tries = 0; tries < 20 && model->count > 0; tries++) {
		/* Mostly a young one: some stay for long. */
		i = (size_t)model_random(model, model->count);
		if (model_random(model, 4) != 0 && model->count > 12)
			i = model->count - 1 - (size_t)model_random(model, 12);
		message = model->messages[i];
		if (message->state == MODEL_OWED &&
		    message->settled_count < message->recipient_count)
			return message;
	}
	return NULL;
}
