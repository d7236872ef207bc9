/*
 * large - the files in large/.
 *
 * Job:     make, open, remove and set aside the content of large messages.
 * Called:  by intake.c, batch.c, content.c, load.c, aside.c.
 * Owns:    the names in large/.
 * Never:   removes one that a record on the disk may still name: that is for
 *          its callers to know.
 */
#include "spool/large.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "spool/inside.h"

int
large_create(struct spool *spool, uint64_t id)
{
	char name[SPOOL_ID_LEN + 1];

	spool_id_text(id, name);
	return spool->disk->open(spool->disk->owner, spool->large_dir, name,
	    O_RDWR | O_CREAT | O_EXCL, 0600);
}

int
large_open(struct spool *spool, uint64_t id)
{
	char name[SPOOL_ID_LEN + 1];

	spool_id_text(id, name);
	return spool->disk->open(spool->disk->owner, spool->large_dir, name,
	    O_RDONLY, 0);
}

void
large_unlink(struct spool *spool, uint64_t id)
{
	char name[SPOOL_ID_LEN + 1];

	spool_id_text(id, name);
	if (spool->disk->unlink(spool->disk->owner, spool->large_dir, name) ==
		-1 &&
	    errno != ENOENT)
		/* It is an orphan now: the next start tries again. */
		spool_say(spool, SPOOL_WARNING, "cannot remove large/%s: %s",
		    name, strerror(errno));
}

bool
large_set_aside(struct spool *spool, uint64_t id)
{
	char name[SPOOL_ID_LEN + 1], to[SPOOL_ID_LEN + 16];

	spool_id_text(id, name);
	snprintf(to, sizeof(to), "%s.large", name);
	return spool->disk->rename(spool->disk->owner, spool->large_dir, name,
		   spool->corrupt_dir, to) == 0;
}

struct visitor {
	void (*found)(void *arg, uint64_t id);
	void *arg;
};

static bool
visit(void *arg, const char *name)
{
	struct visitor *visitor = arg;
	uint64_t id;

	if (spool_id_parse(span_of(name), &id))
		visitor->found(visitor->arg, id);
	return true;
}

bool
large_list(struct spool *spool, void (*found)(void *arg, uint64_t id),
    void *arg)
{
	struct visitor visitor = { found, arg };

	return spool->disk->list(spool->disk->owner, spool->large_dir, visit,
		   &visitor) == 0;
}
