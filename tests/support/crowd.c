/*
 * crowd - clients that send the messages of a tally, whatever happens.
 *
 * Job:     keep a relay busy from several threads; enter each 250.
 * Called:  by tests that kill or stop a relay under load.
 * Owns:    its threads and their connections.
 * Never:   sends the same number twice; enters what it did not hear.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"
#include "tests/support/talk.h"
#include "tests/support/tally.h"

enum {
	PER_CONNECTION = 7,
	CONTENT_MAX = 1 << 20,
	PAUSE_MS = 5, /* after a connection that failed */
};

struct crowd {
	struct tally *tally; /* borrowed */
	uint16_t port;
	const char *recipients[2];
	const char *sender;
	atomic_bool stop;
	size_t count;
	pthread_t *threads; /* owned */
};

static bool
send_next(struct crowd *crowd, struct talk *talk)
{
	size_t n = tally_next(crowd->tally);
	struct buf content;
	int code;

	buf_init(&content, CONTENT_MAX);
	tally_content(n, &content);
	code = talk_mail(talk, crowd->sender, crowd->recipients,
	    buf_span(&content));
	buf_clear(&content);
	if (code == 250)
		tally_acknowledged(crowd->tally, n);
	return code == 250;
}

/* One connection; false when it failed. */
static bool
connection(struct crowd *crowd)
{
	struct talk talk;
	bool good;
	int i;

	if (!talk_open(&talk, NULL, crowd->port))
		return false;
	good = talk_reply(&talk) == 220 &&
	    talk_say(&talk, "EHLO load.test") == 250;
	for (i = 0; good && i < PER_CONNECTION && !crowd->stop; i++)
		good = send_next(crowd, &talk);
	if (good)
		talk_say(&talk, "QUIT");
	talk_close(&talk);
	return good;
}

static void *
client(void *owner)
{
	struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	struct crowd *crowd = owner;

	while (!crowd->stop)
		if (!connection(crowd))
			nanosleep(&pause, NULL);
	return NULL;
}

struct crowd *
crowd_start(struct tally *tally, uint16_t port, size_t clients,
    const char *sender, const char *recipient)
{
	struct crowd *crowd = xcalloc(1, sizeof(*crowd));

	crowd->tally = tally;
	crowd->port = port;
	crowd->sender = sender;
	crowd->recipients[0] = recipient;
	crowd->threads = xcalloc(clients, sizeof(crowd->threads[0]));
	while (crowd->count < clients &&
	    pthread_create(&crowd->threads[crowd->count], NULL, client,
		crowd) == 0)
		crowd->count++;
	assert(crowd->count == clients);
	return crowd;
}

void
crowd_stop(struct crowd *crowd)
{
	crowd->stop = true;
	while (crowd->count > 0)
		pthread_join(crowd->threads[--crowd->count], NULL);
	free(crowd->threads);
	free(crowd);
}
