/*
 * fuzz_spool - whatever a crash or a bad disk has made of the journal, opening,
 * loading and reading the spool ends well, and what lies behind the checksums
 * is parsed as carefully as what lies before them.
 *
 * The first byte of the input chooses: the rest is an envelope, the items of
 * an index, or changes to a spool with real segments (open, sealed, recycled)
 * that is made once: a file, a place in it, how many bytes, and these.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/envelope.h"
#include "spool/index.h"
#include "tests/support/disk_sim.h"
#include "tests/support/spool_model.h"

enum {
	ENVELOPE,
	INDEX,
	SEGMENTS,
	KINDS,
	MESSAGES = 120,
	FILES = 8,
	CHANGE_HEAD = 5, /* file, place (3 bytes), length */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A spool that has seen some work: the same one for every input. */
static struct disk_sim *
make_image(void)
{
	struct disk_sim *sim = disk_sim_new();
	struct model_message *message;
	struct model model;
	size_t i;

	model_init(&model, disk_sim_disk(sim));
	assert(model_open(&model));
	for (i = 0; i < MESSAGES; i++) {
		assert(model_receive(&model, 300 + i * 37, 1 + i % 3));
		model_turn(&model);
		message = model.messages[model.count - 1];
		if (i % 5 != 0)
			model_settle(&model, message, 1 + i % 2);
	}
	model_turn(&model);
	model_clear(&model);
	assert(disk_sim_file(sim, "journal/000001", &i) != NULL);
	return sim;
}

static void
change(struct disk_sim *sim, struct span changes)
{
	const unsigned char *at;
	unsigned char *bytes;
	size_t place, len, size;
	char path[32];

	while (changes.len > CHANGE_HEAD) {
		at = (const unsigned char *)changes.data;
		snprintf(path, sizeof(path), "journal/%06u", 1 + at[0] % FILES);
		place = (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
		len = at[4];
		if (len > changes.len - CHANGE_HEAD)
			len = changes.len - CHANGE_HEAD;
		bytes = disk_sim_file(sim, path, &size);
		if (bytes != NULL && size > len)
			memcpy(bytes + place % (size - len), at + CHANGE_HEAD,
			    len);
		changes = span_skip(changes, CHANGE_HEAD + len);
	}
}

/* Twice: the first start may set things aside, the second must find it sound. */
static void
recover(struct span changes)
{
	static struct disk_sim *image;
	struct disk_sim *sim;
	struct model model;
	int start;

	if (image == NULL)
		image = make_image();
	sim = disk_sim_crash(image, 1);
	change(sim, changes);
	model_init(&model, disk_sim_disk(sim));
	for (start = 0; start < 2; start++) {
		if (!model_open(&model))
			break;
		if (model_receive(&model, 1000, 2))
			model_turn(&model);
		model_close(&model);
	}
	model_clear(&model);
	assert(disk_sim_open_count(sim) == 0);
	disk_sim_free(sim);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size);
	struct envelope envelope;
	struct index_item item;

	if (size == 0)
		return 0;
	rest = span_skip(rest, 1);
	switch (data[0] % KINDS) {
	case ENVELOPE:
		if (envelope_decode(rest, &envelope))
			envelope_clear(&envelope);
		break;
	case INDEX:
		while (index_next(&rest, &item))
			continue;
		break;
	default:
		recover(rest);
		break;
	}
	return 0;
}
