/*
 * control_show - "show" on the control socket.
 *
 * Job:     one waiting message: envelope, where it waits and why, what was
 *          answered, its header, or all of its content.
 * Called:  by control.
 * Owns:    struct showing, while the content is sent.
 * Never:   keeps a message open between two turns.
 */
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/admin/control.h"
#include "relayd/admin/control_commands.h"
#include "relayd/admin/control_filter.h"
#include "relayd/admin/control_message.h"
#include "relayd/delivery/manage.h"
#include "spool/look.h"

enum {
	CHUNK = 48 << 10, /* of content in one turn; a multiple of 3 */
};

struct showing {
	uint64_t id;
	uint64_t at;
};

/* False: the message cannot be read, and its entry may be gone. */
static bool
add_header(struct control_job *job, struct spool_entry *entry, json_t *row)
{
	char *data = xcalloc(MESSAGE_HEADER_MAX, 1);
	ssize_t got;

	got = manage_read(job->rooms->delivery, entry, 0, data,
	    MESSAGE_HEADER_MAX);
	if (got >= 0)
		json_object_set_new(row, "header",
		    message_header(data, (size_t)got));
	free(data);
	return got >= 0;
}

static void
say_message(struct control_job *job, struct spool_entry *entry)
{
	struct envelope envelope;
	struct buf bytes;
	json_t *row;
	bool read;

	buf_init(&bytes, LOOK_ENVELOPE_MAX);
	read = look_envelope(job->rooms->spool, entry, &bytes, &envelope);
	row = message_row(job->rooms, entry, read ? &envelope : NULL,
	    ENVELOPE_RECIPIENTS_MAX);
	json_object_set_new(row, "attempts",
	    message_attempts(job->rooms, entry, read ? &envelope : NULL));
	envelope_clear(&envelope);
	buf_clear(&bytes);
	if (!add_header(job, entry, row))
		control_fail(job, CONTROL_NO,
		    "the content of this message cannot be read");
	control_say(job, row);
}

static void
say_chunk(struct control_job *job, const char *data, size_t len)
{
	gnutls_datum_t in = { (unsigned char *)(uintptr_t)data, (unsigned)len };
	gnutls_datum_t out = { NULL, 0 };

	if (gnutls_base64_encode2(&in, &out) < 0)
		abort(); /* it fails for want of memory only */
	control_say(job,
	    json_pack("{s:s, s:s%}", "kind", "content", "base64",
		(const char *)out.data, (size_t)out.size));
	gnutls_free(out.data);
}

/* A chunk of the content each turn. */
static bool
step(struct control_job *job)
{
	struct showing *showing = job->state;
	struct spool_entry *entry;
	char data[CHUNK];
	ssize_t got;

	entry = spool_find(job->rooms->spool, showing->id);
	if (entry == NULL)
		return control_fail(job, CONTROL_NO,
		    "the message left while it was shown");
	got = manage_read(job->rooms->delivery, entry, showing->at, data,
	    sizeof(data));
	if (got < 0)
		return control_fail(job, CONTROL_NO,
		    "the content of this message cannot be read");
	if (got > 0)
		say_chunk(job, data, (size_t)got);
	showing->at += (uint64_t)got;
	return got == CHUNK;
}

void
control_show_begin(struct control_job *job)
{
	struct spool_entry *entry;
	struct showing *showing;
	const char *text = NULL;
	bool body = false;
	uint64_t id;

	if (!control_string(job, "id", &text) ||
	    !control_flag(job, "body", &body))
		return;
	if (text == NULL || !spool_id_parse(span_of(text), &id)) {
		control_fail(job, CONTROL_USAGE, "\"id\" must be a message ID");
		return;
	}
	entry = spool_find(job->rooms->spool, id);
	if (entry == NULL) {
		control_fail(job, CONTROL_NO, "no message %s waits", text);
		return;
	}
	if (!body) {
		say_message(job, entry);
		return;
	}
	showing = xcalloc(1, sizeof(*showing));
	showing->id = id;
	job->state = showing;
	job->release = free;
	job->step = step;
}
