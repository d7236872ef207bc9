/*
 * spool_court - what a disk holds is judged by what was promised.
 *
 * Job:     open a disk with a spool of its own and compare it with the
 *          witness.
 * Called:  by tests, through spool_model.h.
 * Owns:    the list of what that spool told.
 * Never:   changes the witness.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "tests/support/specimen.h"
#include "tests/support/spool_model.h"

static const char *
compare(struct spool *spool, struct spool_entry *entry,
    const struct model_message *message)
{
	return specimen_compare(spool, entry, message->id, message->size,
	    message->recipient_count);
}

const char *
model_read(struct model *model, uint64_t id)
{
	struct spool_entry *entry = spool_find(model->spool, id);

	if (entry == NULL)
		return "a message is not there";
	return compare(model->spool, entry, model_find(model, id));
}

/* What the spool that is judged has told. */
struct court {
	struct spool *spool;
	const struct model *witness;
	uint64_t *told; /* owned */
	size_t count, size;
	const char *wrong;
};

static void
court_said(void *owner, enum spool_level level, const char *text)
{
	(void)owner;
	if (getenv("SPOOL_MODEL_JUDGE_SAYS") != NULL)
		fprintf(stderr, "judge: %d %s\n", (int)level, text);
}

static void
court_waiting(void *owner, struct spool_entry *entry, struct span domains)
{
	struct court *court = owner;
	size_t i;

	if (domains.len == 0)
		court->wrong = "a message has no domains";
	for (i = 0; i < court->count; i++)
		if (court->told[i] == spool_entry_id(entry))
			court->wrong = "a message was told twice";
	if (court->count == court->size) {
		court->size = court->size == 0 ? 64 : 2 * court->size;
		court->told =
		    xrealloc(court->told, court->size, sizeof(uint64_t));
	}
	court->told[court->count++] = spool_entry_id(entry);
}

static const char *
judge_told(struct court *court, uint64_t id)
{
	struct spool_entry *entry = spool_find(court->spool, id);
	const struct model_message *message = model_find(court->witness, id);
	size_t i, long_ago = 0;
	bool settled;

	if (entry == NULL)
		return "a message was told and is not there";
	if (message == NULL)
		return "a message came from nowhere";
	if (message->refused_long)
		return "a refused message is owed";
	for (i = 0; i < message->recipient_count; i++) {
		settled = spool_settled(court->spool, entry, i);
		if (settled && !message->settled[i])
			return "a recipient is lost";
		if (!settled && message->settled_long[i])
			return "a recipient repeats";
		long_ago += message->settled_long[i];
	}
	if (long_ago == message->recipient_count)
		return "a message that ended long ago came back";
	return compare(court->spool, entry, message);
}

static const char *
judge_owed(const struct court *court)
{
	const struct model_message *message;
	size_t i;

	for (i = 0; i < court->witness->count; i++) {
		message = court->witness->messages[i];
		if (message->state == MODEL_OWED &&
		    message->settled_count < message->recipient_count &&
		    spool_find(court->spool, message->id) == NULL)
			return "an acknowledged message is lost";
	}
	return NULL;
}

const char *
model_judge(const struct model *model, const struct disk *disk)
{
	struct court court = { .witness = model };
	struct spool_options options = model->options;
	struct spool_events events = {
		.owner = &court,
		.waiting = court_waiting,
		.said = court_said,
	};
	struct buf why;
	size_t i;

	options.disk = disk;
	buf_init(&why, 512);
	court.spool = spool_open(&options, &events, &why);
	if (court.spool == NULL)
		court.wrong = "it does not open";
	buf_clear(&why);
	while (court.spool != NULL && spool_load(court.spool, 1000))
		;
	if (court.spool != NULL && court.wrong == NULL)
		court.wrong = judge_owed(&court);
	for (i = 0; i < court.count && court.wrong == NULL; i++)
		court.wrong = judge_told(&court, court.told[i]);
	if (court.spool != NULL && !options.read_only)
		for (i = 0; i < 3; i++)
			spool_turn(court.spool);
	spool_close(court.spool);
	free(court.told);
	return court.wrong;
}
