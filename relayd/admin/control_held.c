/*
 * control_held - the held messages, saved for the next start.
 *
 * Job:     have the set written and synced beside the loop.
 * Called:  by control_handle; main asks where the file is.
 * Owns:    struct held_save until it is written and forgotten.
 * Never:   waits for the disk in the loop's thread.
 */
#include "relayd/admin/control_held.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/holds.h"
#include "relayd/delivery/manage.h"
#include "relayd/net/helper.h"
#include "spool/spool.h"

enum {
	PATH_LONGEST = 8192,
	WHY_MAX = 4096,
};

struct held_save {
	struct control_job *job; /* borrowed; NULL: it is gone */
	char *file;              /* owned */
	uint64_t *ids;           /* owned */
	size_t count;
	struct buf why;
	bool done;
};

char *
held_file(const struct conf *conf)
{
	struct buf path;
	char *file;

	buf_init(&path, PATH_LONGEST);
	buf_addf(&path, "%s/held", conf->spool.directory);
	file = xstrdup(buf_text(&path));
	buf_clear(&path);
	return file;
}

static void
held_save_free(struct held_save *save)
{
	free(save->file);
	free(save->ids);
	buf_clear(&save->why);
	free(save);
}

/* On the helper's thread. */
static void
write_them(void *owner)
{
	struct held_save *save = owner;

	holds_write(save->file, save->ids, save->count, &save->why);
}

static void
written(void *owner)
{
	struct held_save *save = owner;

	save->done = true;
	if (save->job == NULL)
		held_save_free(save);
	else
		control_wake(save->job);
}

struct held_save *
held_save_new(struct control_job *job)
{
	struct held_save *save = xcalloc(1, sizeof(*save));
	const struct control_rooms *rooms = job->rooms;

	save->job = job;
	buf_init(&save->why, WHY_MAX);
	save->file = held_file(rooms->conf);
	save->ids = manage_held(rooms->delivery, &save->count);
	helper_run(rooms->helper, write_them, written, save);
	return save;
}

bool
held_save_done(const struct held_save *save)
{
	return save->done;
}

const char *
held_save_error(struct held_save *save)
{
	return save->why.len == 0 ? NULL : buf_text(&save->why);
}

void
held_save_forget(struct held_save *save)
{
	if (save == NULL)
		return;
	save->job = NULL;
	if (save->done)
		held_save_free(save);
}
