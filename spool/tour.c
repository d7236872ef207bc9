/*
 * tour - a walk over the messages that wait, in slices.
 *
 * Job:     meet every waiting message once, however long the walk takes.
 * Called:  by relayd/admin, for whoever asks about the queue.
 * Owns:    nothing: a place in the table of entries.
 * Never:   keeps a pointer to an entry between two slices.
 */
#include "spool/tour.h"

#include "spool/inside.h"

enum {
	AHEAD = 8 /* buckets whose entries are on their way from memory */
};

void
tour_begin(const struct spool *spool, struct tour *tour)
{
	*tour = (struct tour){
		.buckets = spool->entries.bucket_count,
		.newest = spool->last_id,
	};
}

/* One bucket; what it holds now. */
static size_t
meet_bucket(struct spool *spool, const struct tour *tour, size_t number,
    void (*meet)(void *owner, struct spool_entry *entry), void *owner)
{
	struct spool_entry *entry, *next;
	size_t met = 0;

	for (entry = entries_bucket(&spool->entries, number); entry != NULL;
	     entry = next) {
		next = entry->next;
		met++;
		if (entry->id <= tour->newest)
			meet(owner, entry);
	}
	return met;
}

/*
 * The table may have grown since the walk began: what was in one bucket then
 * is in that one and in those that were split off from it.
 */
bool
tour_step(struct spool *spool, struct tour *tour, size_t budget,
    void (*meet)(void *owner, struct spool_entry *entry), void *owner)
{
	size_t half = entries_level(tour->buckets), work = 0, number;

	for (; tour->next < tour->buckets && work < budget; tour->next++) {
		number = tour->next & (half - 1);
		__builtin_prefetch(entries_bucket(&spool->entries,
		    (number + AHEAD) & (half - 1)));
		for (; number < spool->entries.bucket_count; number += half) {
			if (entries_home(tour->buckets, number) == tour->next)
				work += meet_bucket(spool, tour, number, meet,
				    owner);
			work++;
		}
	}
	return tour->next < tour->buckets;
}
