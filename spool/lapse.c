/*
 * lapse - messages that could not be read for now.
 *
 * Job:     keep what the disk (or a lack of descriptors) denies us for the
 *          moment, and tell it to the queue again later.
 * Called:  by content.c and load.c (adding); by turn.c (telling again).
 * Owns:    spool->lapsed.
 * Never:   gives a message up: only proven rot is set aside.
 */
#include "spool/lapse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spool/aside.h"
#include "spool/domains.h"
#include "spool/inside.h"
#include "spool/reader.h"

#define RETELL_US (30 * 1000000ll)

void
lapse_add(struct spool *spool, struct spool_entry *entry)
{
	char id[SPOOL_ID_LEN + 1];
	int error = errno;

	spool_id_text(entry->id, id);
	spool_say(spool, SPOOL_WARNING,
	    "message %s cannot be read: %s; it is tried again later", id,
	    strerror(error));
	entry->slot = NULL;
	entry->flags |= ENTRY_LAPSED;
	buf_add(&spool->lapsed,
	    span_make((const char *)&entry->id, sizeof(entry->id)));
	spool->lapsed_at = spool_now(spool);
}

static void
retell(struct spool *spool, struct spool_entry *entry)
{
	struct envelope envelope;
	struct buf bytes;
	char *domains;
	size_t len;

	entry->flags &= (uint16_t)~ENTRY_LAPSED;
	buf_init(&bytes, ENVELOPE_MAX + (1 << 20));
	/* Where it cannot be read again, it lapses again. */
	if (spool_read(spool, entry, &bytes, &envelope)) {
		domains = domains_of(&envelope, &len);
		envelope_clear(&envelope);
		if (spool->events.waiting != NULL)
			spool->events.waiting(spool->events.owner, entry,
			    span_make(domains, len));
		free(domains);
	}
	buf_clear(&bytes);
}

void
lapse_retell(struct spool *spool)
{
	struct spool_entry *entry;
	size_t count = spool->lapsed.len / sizeof(uint64_t);
	uint64_t id;

	if (count == 0 || !spool_since(spool, spool->lapsed_at, RETELL_US))
		return;
	for (; count > 0; count--) {
		memcpy(&id, spool->lapsed.data, sizeof(id));
		buf_eat(&spool->lapsed, sizeof(id));
		entry = entries_find(&spool->entries, id);
		if (entry != NULL && entry->flags & ENTRY_LAPSED)
			retell(spool, entry);
	}
}
