/*
 * orphan - files in large/ that no message names.
 *
 * Job:     remove what intakes of an earlier life left, or set it aside.
 * Called:  by load.c (adding) and keeper.c (removing, when that is safe).
 * Owns:    spool->orphans.
 * Never:   removes the file of a message whose end is not durable.
 */
#include "spool/orphan.h"

#include <errno.h>
#include <string.h>

#include "spool/inside.h"
#include "spool/large.h"

enum {
	A_FEW = 64 /* a turn */
};

struct orphan {
	uint64_t id;
	bool keep;
};

void
orphan_add(struct spool *spool, uint64_t id, bool keep)
{
	struct orphan orphan = { .id = id, .keep = keep };

	buf_add(&spool->orphans,
	    span_make((const char *)&orphan, sizeof(orphan)));
}

static bool
holds(const struct buf *ids, uint64_t id)
{
	size_t i;

	for (i = 0; i + sizeof(id) <= ids->len; i += sizeof(id))
		if (memcmp(ids->data + i, &id, sizeof(id)) == 0)
			return true;
	return false;
}

bool
orphan_ends(const struct spool *spool, uint64_t id)
{
	return holds(&spool->ended_large, id) ||
	    holds(&spool->batch.ended_large, id);
}

static void
keep_file(struct spool *spool, uint64_t id)
{
	char name[SPOOL_ID_LEN + 1];

	spool_id_text(id, name);
	if (large_set_aside(spool, id))
		spool_say(spool, SPOOL_WARNING,
		    "large/%s: no message names it, and a record is damaged; "
		    "set aside in corrupt/",
		    name);
	else
		spool_say(spool, SPOOL_WARNING,
		    "large/%s: cannot set it aside: %s", name, strerror(errno));
}

void
orphan_remove(struct spool *spool)
{
	struct orphan orphan;
	int i;

	for (i = 0; i < A_FEW && spool->orphans.len > 0; i++) {
		memcpy(&orphan, spool->orphans.data, sizeof(orphan));
		buf_eat(&spool->orphans, sizeof(orphan));
		if (orphan.keep)
			keep_file(spool, orphan.id);
		else
			large_unlink(spool, orphan.id);
		spool->large_files--;
	}
}
