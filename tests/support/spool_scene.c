/*
 * spool_scene - the scene in which the spool is tested by its users' view.
 *
 * Job:     a spool on a simulated disk, with a witness; restarts, power cuts.
 * Called:  by tests.
 * Owns:    sim and model.
 * Never:   touches a real disk.
 */
#include "tests/support/spool_scene.h"

#include <check.h>

struct disk_sim *sim;
struct model model;

void
spool_scene_set_up(void)
{
	sim = disk_sim_new();
	model_init(&model, disk_sim_disk(sim));
	ck_assert_msg(model_open(&model), "%s", model.said);
}

void
spool_scene_tear_down(void)
{
	model_clear(&model);
	ck_assert_uint_eq(disk_sim_open_count(sim), 0);
	disk_sim_free(sim);
}

void
spool_scene_restart(void)
{
	model_close(&model);
	ck_assert_msg(model_open(&model), "%s", model.said);
}

/* The power goes; what was not synced is lost. */
void
spool_scene_cut_power(uint64_t seed)
{
	struct disk_sim *after = disk_sim_crash(sim, seed);

	model_close(&model);
	disk_sim_free(sim);
	sim = after;
	model.options.disk = disk_sim_disk(sim);
}

uint64_t
spool_scene_receive(size_t size, size_t recipients)
{
	ck_assert(model_receive(&model, size, recipients));
	return model.messages[model.count - 1]->id;
}

struct spool_counts
spool_scene_count(void)
{
	struct spool_counts counts;

	spool_count(model.spool, &counts);
	return counts;
}

void
spool_scene_readable(uint64_t id)
{
	const char *wrong = model_read(&model, id);

	ck_assert_msg(wrong == NULL, "%s", wrong);
}

void
spool_scene_settle_all(void)
{
	struct model_message *message;
	size_t i;

	for (i = 0; i < model.count; i++) {
		message = model.messages[i];
		if (message->state == MODEL_OWED &&
		    message->settled_count < message->recipient_count)
			model_settle(&model, message, message->recipient_count);
	}
}

struct model_message *
spool_scene_last(void)
{
	return model.messages[model.count - 1];
}

void
spool_scene_flow(int messages)
{
	int i;

	for (i = 0; i < messages; i++) {
		spool_scene_receive(2000, 1);
		model_turn(&model);
		model_settle(&model, spool_scene_last(), 1);
	}
	model_turn(&model);
	model_turn(&model);
}

int64_t spool_scene_now;

int64_t
spool_scene_clock(void)
{
	return spool_scene_now;
}
