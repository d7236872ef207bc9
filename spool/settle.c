/*
 * settle - what became of a message's recipients.
 *
 * Job:     mark recipients as settled; record it for the next batch; end the
 *          message with its last one.
 * Called:  by the sending side through spool.h; by aside.c, batch.c, load.c.
 * Owns:    the spool's pending results.
 * Never:   waits: a crash may forget the last moments, and what they settled
 *          is delivered again.
 */
#include "spool/settle.h"

#include "base/xalloc.h"
#include "spool/index.h"
#include "spool/inside.h"
#include "spool/load.h"

void
settle_end(struct spool *spool, uint64_t id, uint64_t generation)
{
	uint64_t other;
	size_t place = 0;

	if (generation != 0)
		index_add_end(&spool->results, id, generation);
	while ((other = strays_next(&spool->strays, id, &place)) != 0)
		if (other != generation)
			index_add_end(&spool->results, id, other);
	load_note_end(spool, id, generation);
}

void
settle_finish(struct spool *spool, struct spool_entry *entry)
{
	settle_end(spool, entry->id, spool_segment(spool, entry)->generation);
	if (entry->flags & ENTRY_LARGE)
		buf_add(&spool->ended_large,
		    span_make((const char *)&entry->id, sizeof(entry->id)));
	spool_drop_entry(spool, entry);
}

void
settle_restate(struct spool *spool, const struct spool_entry *entry)
{
	uint64_t generation = spool_segment(spool, entry)->generation;
	uint32_t marks[INDEX_MARKS_MAX], recipient;
	size_t count = 0;

	for (recipient = 0; recipient < entry->recipient_count; recipient++) {
		if (!entry_settled(entry, recipient))
			continue;
		marks[count++] = recipient << 1;
		if (count == INDEX_MARKS_MAX) {
			index_add_marks(&spool->results, entry->id, generation,
			    marks, count);
			count = 0;
		}
	}
	if (count > 0)
		index_add_marks(&spool->results, entry->id, generation, marks,
		    count);
}

/* Up to INDEX_MARKS_MAX settlements become one item. */
static size_t
settle_some(struct spool *spool, struct spool_entry *entry,
    const struct settlement *settlements, size_t count)
{
	uint64_t generation = spool_segment(spool, entry)->generation;
	uint32_t marks[INDEX_MARKS_MAX];
	size_t i, new = 0;

	for (i = 0; i < count && new < INDEX_MARKS_MAX; i++)
		if (entry_settle(&spool->entries, entry,
			settlements[i].recipient))
			marks[new ++] = (uint32_t)settlements[i].recipient
				<< 1 |
			    (settlements[i].how == FAILED);
	if (new > 0 && !entry_ended(entry))
		index_add_marks(&spool->results, entry->id, generation, marks,
		    new);
	return i;
}

bool
spool_settle(struct spool *spool, struct spool_entry *entry,
    const struct settlement *settlements, size_t count)
{
	size_t done = 0;

	assert(!spool->options.read_only);
	while (done < count)
		done +=
		    settle_some(spool, entry, settlements + done, count - done);
	if (!entry_ended(entry))
		return false;
	settle_finish(spool, entry);
	return true;
}

bool
spool_settled(struct spool *spool, const struct spool_entry *entry,
    size_t recipient)
{
	(void)spool;
	return entry_settled(entry, recipient);
}
