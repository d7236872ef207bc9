#ifndef CONTROL_MESSAGE_H
#define CONTROL_MESSAGE_H

#include <jansson.h>

#include "relayd/admin/control.h"
#include "spool/envelope.h"
#include "spool/spool.h"

/*
 * One waiting message as an object: "kind":"message", "id", "arrival",
 * "age_seconds", "size", "sender", "client", "helo", "session", "recipients"
 * (those still owed, at most so many, of "recipients_owed") and "waits", an
 * object for each destination.  envelope NULL: it could not be read, and the
 * texts are missing.
 */
json_t *message_row(const struct control_rooms *rooms,
    struct spool_entry *entry, const struct envelope *envelope,
    size_t recipients_max);
/* The next ones that are still owed, from number *next on, at most so many. */
json_t *message_recipients(struct spool *spool, const struct spool_entry *entry,
    const struct envelope *envelope, size_t *next, size_t most);
/* Its part that comes from the envelope: "sender" to "recipients_total". */
void message_add_envelope(json_t *row, struct spool *spool,
    const struct spool_entry *entry, const struct envelope *envelope,
    size_t recipients_max);
/*
 * The header's lines, folded ones apart, up to the empty one, of the first
 * bytes (MESSAGE_HEADER_MAX are enough) of a content.
 */
enum {
	MESSAGE_HEADER_MAX = 64 << 10
};
json_t *message_header(const char *data, size_t len);
/* {"at":...,"recipient":...,"code":...,"status":...,"text":...,"host":...} */
json_t *message_attempts(const struct control_rooms *rooms,
    const struct spool_entry *entry, const struct envelope *envelope);
/* Behind "no such message": nothing, or that the queue is not whole yet. */
const char *message_if_loading(const struct control_rooms *rooms);
/* The word for a state in answers: "held". */
const char *message_state(int state);

#endif
