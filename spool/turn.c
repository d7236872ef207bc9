/*
 * turn - what the spool does once a turn of the loop.
 *
 * Job:     while no sync runs, write what is uncommitted and hand it to the
 *          sync thread; when one has ended, let its batch out.
 * Called:  by the loop through spool_turn() and spool_synced().
 * Owns:    the order in which the others have their turn.
 * Never:   writes while a sync runs: what arrives meanwhile is the next batch.
 */
#include "base/xalloc.h"
#include "spool/inside.h"
#include "spool/keeper.h"
#include "spool/lapse.h"
#include "spool/zero.h"

enum {
	ROUNDS = 16 /* without a thread: a large message takes two */
};

static void
let_out(struct spool *spool)
{
	intake_files_synced(spool);
	keeper_synced(spool);
	batch_synced(spool);
}

/* True when a job was handed over. */
static bool
hand_over(struct spool *spool)
{
	batch_write(spool);
	keeper_work(spool);
	intake_sync_files(spool);
	zero_ahead(spool);
	return syncer_hand(spool->syncer);
}

void
spool_turn(struct spool *spool)
{
	int round = 0;

	if (spool->options.read_only || syncer_busy(spool->syncer))
		return;
	lapse_retell(spool);
	while (
	    hand_over(spool) && spool->options.no_thread && round++ < ROUNDS) {
		syncer_done(spool->syncer);
		let_out(spool);
	}
}

int
spool_fd(const struct spool *spool)
{
	return spool->syncer == NULL ? -1 : syncer_fd(spool->syncer);
}

void
spool_synced(struct spool *spool)
{
	if (spool->syncer != NULL && syncer_done(spool->syncer))
		let_out(spool);
}

bool
spool_busy(const struct spool *spool)
{
	return spool->batch.open || spool->results.len > 0 ||
	    !TAILQ_EMPTY(&spool->ready) || !TAILQ_EMPTY(&spool->filing);
}
