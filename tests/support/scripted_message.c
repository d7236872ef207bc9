/*
 * scripted_message - what a scripted next hop was given.
 *
 * Job:     make one, and empty it.
 * Called:  by scripted_connection.c.
 * Owns:    the texts of struct scripted_message.
 * Never:   knows a connection.
 */
#include "base/xalloc.h"
#include "tests/support/scripted_hop.h"

enum {
	MESSAGE_MAX = 64 << 20
};

struct scripted_message *
scripted_message_new(void)
{
	struct scripted_message *message = xcalloc(1, sizeof(*message));

	buf_init(&message->mail, MESSAGE_MAX);
	buf_init(&message->rcpts, MESSAGE_MAX);
	buf_init(&message->wire, MESSAGE_MAX);
	buf_init(&message->content, MESSAGE_MAX);
	return message;
}

void
scripted_message_clear(struct scripted_message *message)
{
	buf_clear(&message->mail);
	buf_clear(&message->rcpts);
	buf_clear(&message->wire);
	buf_clear(&message->content);
}
