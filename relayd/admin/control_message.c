/*
 * control_message - one waiting message, as JSON.
 *
 * Job:     envelope, where it waits and why, what was answered to it.
 * Called:  by control_queue, control_show, and relayctl --spool.
 * Owns:    nothing.
 * Never:   puts a byte of a peer's into an answer unescaped.
 */
#include "relayd/admin/control_message.h"

#include "relayd/delivery/manage.h"
#include "spool/look.h"

enum {
	HEADER_LINES_MAX = 2000,
};

const char *
message_state(int state)
{
	static const char *const words[] = {
		[WAIT_ATTEMPT] = "in_attempt",
		[WAIT_READY] = "ready",
		[WAIT_RETRY] = "waiting",
		[WAIT_HELD] = "held",
	};

	return words[state];
}

const char *
message_if_loading(const struct control_rooms *rooms)
{
	return look_loading(rooms->spool) ?
	    " yet: the spool is still being read" :
	    "";
}

static void
add_wait(void *owner, const struct wait *wait)
{
	json_t *row;

	row = json_pack("{s:o, s:s, s:i}", "destination",
	    control_text(span_of(wait->destination)), "state",
	    message_state((int)wait->state), "attempts", (int)wait->attempts);
	if (wait->state == WAIT_RETRY)
		json_object_set_new(row, "next_seconds",
		    json_integer((json_int_t)((wait->next_ms + 999) / 1000)));
	if (wait->reason != NULL)
		json_object_set_new(row, "reason",
		    control_text(span_of(wait->reason)));
	json_array_append_new(owner, row);
}

json_t *
message_recipients(struct spool *spool, const struct spool_entry *entry,
    const struct envelope *envelope, size_t *next, size_t most)
{
	json_t *list = json_array();

	for (;
	     *next < envelope->recipient_count && json_array_size(list) < most;
	     ++*next)
		if (!spool_settled(spool, entry, *next))
			json_array_append_new(list,
			    control_text(envelope->recipients[*next].address));
	return list;
}

void
message_add_envelope(json_t *row, struct spool *spool,
    const struct spool_entry *entry, const struct envelope *envelope,
    size_t recipients_max)
{
	size_t i, owed = 0, next = 0;

	for (i = 0; i < envelope->recipient_count; i++)
		owed += !spool_settled(spool, entry, i);
	json_object_set_new(row, "sender", control_text(envelope->sender));
	json_object_set_new(row, "client", control_text(envelope->client));
	json_object_set_new(row, "helo", control_text(envelope->helo));
	json_object_set_new(row, "session", control_text(envelope->session));
	json_object_set_new(row, "recipients",
	    message_recipients(spool, entry, envelope, &next, recipients_max));
	json_object_set_new(row, "recipients_owed",
	    json_integer((json_int_t)owed));
	json_object_set_new(row, "recipients_total",
	    json_integer((json_int_t)envelope->recipient_count));
}

json_t *
message_row(const struct control_rooms *rooms, struct spool_entry *entry,
    const struct envelope *envelope, size_t recipients_max)
{
	int64_t arrival = spool_entry_arrival(entry);
	char id[SPOOL_ID_LEN + 1];
	json_t *row, *waits = json_array();
	uint64_t size;

	spool_id_text(spool_entry_id(entry), id);
	manage_look(rooms->delivery, entry, add_wait, waits);
	row = json_pack("{s:s, s:s, s:I, s:I, s:b, s:o}", "kind", "message",
	    "id", id, "arrival", (json_int_t)arrival, "age_seconds",
	    (json_int_t)(loop_wall(rooms->loop) - arrival), "held",
	    manage_is_held(rooms->delivery, spool_entry_id(entry)), "waits",
	    waits);
	if (look_size(rooms->spool, entry, &size))
		json_object_set_new(row, "size",
		    json_integer((json_int_t)size));
	if (envelope != NULL)
		message_add_envelope(row, rooms->spool, entry, envelope,
		    recipients_max);
	return row;
}

struct past {
	json_t *rows;
	const struct envelope *envelope;
};

static void
add_past(void *owner, size_t recipient, int64_t at,
    const struct outcome *outcome)
{
	struct past *past = owner;
	json_t *row = json_pack("{s:I, s:s}", "at", (json_int_t)at, "status",
	    outcome->enhanced);

	if (past->envelope != NULL &&
	    recipient < past->envelope->recipient_count)
		json_object_set_new(row, "recipient",
		    control_text(
			past->envelope->recipients[recipient].address));
	if (outcome->code != 0)
		json_object_set_new(row, "code", json_integer(outcome->code));
	if (outcome->text != NULL)
		json_object_set_new(row, "text",
		    control_text(span_of(outcome->text)));
	if (outcome->remote != NULL)
		json_object_set_new(row, "host",
		    control_text(span_of(outcome->remote)));
	json_array_append_new(past->rows, row);
}

json_t *
message_attempts(const struct control_rooms *rooms,
    const struct spool_entry *entry, const struct envelope *envelope)
{
	struct past past = { .rows = json_array(), .envelope = envelope };

	manage_past(rooms->delivery, entry, add_past, &past);
	return past.rows;
}

/* A folded line begins with blanks, whatever it was folded with. */
static json_t *
header_line(struct span line)
{
	struct buf text;
	json_t *row;

	if (line.data[0] != ' ' && line.data[0] != '\t')
		return control_text(line);
	buf_init(&text, line.len + 8);
	buf_addf(&text, "    ");
	buf_add(&text, span_trim(line));
	row = control_text(buf_span(&text));
	buf_clear(&text);
	return row;
}

json_t *
message_header(const char *data, size_t len)
{
	struct span rest = span_make(data, len), line;
	json_t *lines = json_array();

	while (rest.len > 0 && json_array_size(lines) < HEADER_LINES_MAX) {
		line = span_cut(&rest, '\n');
		if (span_ends(line, SPAN("\r")))
			line.len--;
		if (line.len == 0)
			break;
		json_array_append_new(lines, header_line(line));
	}
	return lines;
}
