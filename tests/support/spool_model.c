/*
 * spool_model - a spool with a witness.
 *
 * Job:     drive a spool, remember what it promised, and judge what a disk
 *          holds by that.
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

enum {
	DOMAINS = 3,
	PREFIX = 40,
};

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

static struct model_message *
find(const struct model *model, uint64_t id)
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
	struct model_message *message = find(model, spool_entry_id(entry));

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

/* Every byte follows from the ID and its place. */
static void
fill(uint64_t id, size_t at, char *bytes, size_t len)
{
	uint64_t word;
	size_t i;

	for (i = 0; i < len; i++) {
		word = (id + (at + i) / 8) * 0x9e3779b97f4a7c15u;
		bytes[i] = (char)(word >> (at + i) % 8 * 8);
	}
}

static void
make_prefix(uint64_t id, char prefix[PREFIX])
{
	fill(~id, 0, prefix, PREFIX);
}

struct texts {
	char address[48];
	char domain[16];
};

static void
make_envelope(uint64_t id, size_t count, struct envelope *envelope,
    struct texts *texts)
{
	size_t i;

	*envelope = (struct envelope){
		.sender = SPAN("sender@campus.test"),
		.session = SPAN("7f3a"),
		.client = SPAN("192.0.2.17"),
		.helo = SPAN("\x01odd\xff"),
		.arrival = (int64_t)(id / 1000000),
		.recipient_count = count,
		.recipients = xcalloc(count, sizeof(struct recipient)),
	};
	for (i = 0; i < count; i++) {
		snprintf(texts[i].domain, sizeof(texts[i].domain),
		    "d%zu.example", i % DOMAINS);
		snprintf(texts[i].address, sizeof(texts[i].address), "r%zu@%s",
		    i, texts[i].domain);
		envelope->recipients[i] = (struct recipient){
			.address = span_of(texts[i].address),
			.domain = span_of(texts[i].domain),
		};
	}
}

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
		fill(id, at, piece, len);
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
	struct texts *texts;
	char prefix[PREFIX];
	uint64_t id;

	if (intake == NULL)
		return false;
	id = intake_id(intake);
	assert(find(model, id) == NULL);
	message = add_message(model, id, size, recipients);
	if (!add_content(intake, id, size)) {
		message->state = MODEL_REFUSED;
		intake_cancel(intake);
		return true;
	}
	texts = xcalloc(recipients, sizeof(*texts));
	make_envelope(id, recipients, &envelope, texts);
	make_prefix(id, prefix);
	intake_commit(intake, &envelope, span_make(prefix, PREFIX), false, done,
	    message);
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

/* ---- judging ---- */

static const char *
read_envelope(struct spool *spool, struct spool_entry *entry,
    const struct model_message *message)
{
	struct envelope envelope, wanted;
	struct texts *texts;
	struct buf bytes;
	const char *wrong = NULL;
	size_t i;

	buf_init(&bytes, ENVELOPE_MAX);
	if (!spool_read(spool, entry, &bytes, &envelope)) {
		buf_clear(&bytes);
		return "an envelope cannot be read";
	}
	texts = xcalloc(message->recipient_count, sizeof(*texts));
	make_envelope(message->id, message->recipient_count, &wanted, texts);
	if (envelope.recipient_count != wanted.recipient_count ||
	    !span_equal(envelope.sender, wanted.sender) ||
	    !span_equal(envelope.helo, wanted.helo))
		wrong = "an envelope is another one";
	for (i = 0; wrong == NULL && i < wanted.recipient_count; i++)
		if (!span_equal(envelope.recipients[i].address,
			wanted.recipients[i].address))
			wrong = "a recipient is another one";
	envelope_clear(&wanted);
	envelope_clear(&envelope);
	free(texts);
	buf_clear(&bytes);
	return wrong;
}

static const char *
compare_content(struct spool *spool, const struct content *content,
    const struct model_message *message)
{
	char have[1024], want[1024];
	size_t total = PREFIX + message->size, at, len;

	if (content->size != total)
		return "a content has another length";
	for (at = 0; at < total; at += len) {
		len = at == 0 ? PREFIX : total - at;
		if (len > sizeof(have))
			len = sizeof(have);
		if (content_read(spool, content, at, have, len) != (ssize_t)len)
			return "a content cannot be read";
		if (at == 0)
			make_prefix(message->id, want);
		else
			fill(message->id, at - PREFIX, want, len);
		if (memcmp(have, want, len) != 0)
			return "a content is another one";
	}
	return NULL;
}

static const char *
read_message(struct spool *spool, struct spool_entry *entry,
    const struct model_message *message)
{
	struct content content;
	const char *wrong = read_envelope(spool, entry, message);

	if (wrong != NULL)
		return wrong;
	if (!content_open(spool, entry, &content))
		return "a content is rotten";
	wrong = compare_content(spool, &content, message);
	content_close(spool, &content);
	return wrong;
}

const char *
model_read(struct model *model, uint64_t id)
{
	struct spool_entry *entry = spool_find(model->spool, id);

	if (entry == NULL)
		return "a message is not there";
	return read_message(model->spool, entry, find(model, id));
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
	const struct model_message *message = find(court->witness, id);
	size_t i, long_ago = 0;
	const char *wrong;
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
	wrong = read_message(court->spool, entry, message);
	return wrong;
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
