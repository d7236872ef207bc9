/*
 * look - a message as a listing shows it.
 *
 * Job:     answer without reading the message.
 * Called:  by the listings of relayctl.
 * Owns:    nothing.
 * Never:   verifies, sets aside, or takes an entry out of the queue.
 */
#include "spool/look.h"

#include "spool/inside.h"
#include "spool/reader.h"

bool
look_size(struct spool *spool, const struct spool_entry *entry, uint64_t *size)
{
	struct record record;

	if (reader_message(spool, spool_segment(spool, entry),
		(uint64_t)entry->place * RECORD_ALIGN, entry->id, &record,
		NULL) != READ_WELL)
		return false;
	*size = record.prefix_len + record.content_len;
	return true;
}

bool
look_envelope(struct spool *spool, const struct spool_entry *entry,
    struct buf *bytes, struct envelope *envelope)
{
	struct record record;

	*envelope = (struct envelope){ 0 };
	if (reader_message(spool, spool_segment(spool, entry),
		(uint64_t)entry->place * RECORD_ALIGN, entry->id, &record,
		bytes) != READ_WELL)
		return false;
	buf_cut(bytes, record.envelope_len);
	if (envelope_decode(buf_span(bytes), envelope) &&
	    envelope->recipient_count == entry->recipient_count)
		return true;
	envelope_clear(envelope);
	return false;
}

bool
look_loading(const struct spool *spool)
{
	return spool->loader != NULL;
}

bool
look_space(const struct spool *spool, uint64_t *bytes, uint64_t *inodes)
{
	return spool->disk->space(spool->disk->owner, spool->root, bytes,
		   inodes) == 0;
}
