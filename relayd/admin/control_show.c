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
	CHUNK = 48 << 10,     /* of content in one step; a multiple of 3 */
	RECIPIENTS_ROW = 500, /* in one row, and one step */
};

struct showing {
	uint64_t id;
	uint64_t at; /* of the content */
	/* of the envelope: */
	struct buf bytes;
	struct envelope envelope;
	size_t next; /* recipient that was not told yet */
};

static void
showing_free(void *state)
{
	struct showing *showing = state;

	envelope_clear(&showing->envelope);
	buf_clear(&showing->bytes);
	free(showing);
}

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

/* The entry, while it waits; its pointer is good for this step only. */
static struct spool_entry *
entry_of(struct control_job *job)
{
	const struct showing *showing = job->state;
	struct spool_entry *entry = spool_find(job->rooms->spool, showing->id);

	if (entry == NULL)
		control_fail(job, CONTROL_NO,
		    "the message left while it was shown");
	return entry;
}

/* All that are owed, many as they may be, are told in rows of some. */
static bool
say_recipients(struct control_job *job)
{
	struct showing *showing = job->state;
	const struct envelope *envelope = &showing->envelope;
	struct spool_entry *entry = entry_of(job);
	json_t *list;

	if (entry == NULL)
		return false;
	list = message_recipients(job->rooms->spool, entry, envelope,
	    &showing->next, RECIPIENTS_ROW);
	if (json_array_size(list) == 0)
		json_decref(list);
	else
		control_say(job,
		    json_pack("{s:s, s:o}", "kind", "recipients", "recipients",
			list));
	return showing->next < envelope->recipient_count;
}

static bool
say_message(struct control_job *job)
{
	struct spool *spool = job->rooms->spool;
	struct showing *showing = job->state;
	struct spool_entry *entry = entry_of(job);
	const struct envelope *envelope = NULL;
	json_t *row;

	if (entry == NULL)
		return false;
	buf_init(&showing->bytes, LOOK_ENVELOPE_MAX);
	if (look_envelope(spool, entry, &showing->bytes, &showing->envelope))
		envelope = &showing->envelope;
	row = message_row(job->rooms, entry, envelope, 0);
	if (envelope != NULL)
		json_object_set_new(row, "recipients",
		    message_recipients(spool, entry, envelope, &showing->next,
			RECIPIENTS_ROW));
	json_object_set_new(row, "attempts",
	    message_attempts(job->rooms, entry, envelope));
	if (!add_header(job, entry, row)) {
		control_say(job, row);
		return control_fail(job, CONTROL_NO,
		    "the content of this message cannot be read");
	}
	control_say(job, row);
	job->step = say_recipients;
	return envelope != NULL && showing->next < envelope->recipient_count;
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

static bool
say_content(struct control_job *job)
{
	struct showing *showing = job->state;
	struct spool_entry *entry = entry_of(job);
	char data[CHUNK];
	ssize_t got;

	if (entry == NULL)
		return false;
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
	struct showing *showing;
	const char *text = NULL;
	bool body = false;
	uint64_t id;

	if (!control_string(job, "id", &text) ||
	    !control_flag(job, "body", &body))
		return;
	if (text == NULL || !spool_id_parse(span_of(text), &id)) {
		control_fail(job, CONTROL_USAGE,
		    "a message ID has %d letters and digits, such as "
		    "001k0z9ty9x5g",
		    SPOOL_ID_LEN);
		return;
	}
	if (spool_find(job->rooms->spool, id) == NULL) {
		control_fail(job, CONTROL_NO, "no message %s waits%s", text,
		    message_if_loading(job->rooms));
		return;
	}
	showing = xcalloc(1, sizeof(*showing));
	showing->id = id;
	job->state = showing;
	job->release = showing_free;
	job->step = body ? say_content : say_message;
}
