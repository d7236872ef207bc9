/*
 * load - clients that send the messages of a ledger, whatever happens.
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
#include "tests/support/ledger.h"
#include "tests/support/talk.h"

enum {
	PER_CONNECTION = 7,
	CONTENT_MAX = 1 << 20,
	PAUSE_MS = 5, /* after a connection that failed */
};

struct load {
	struct ledger *ledger; /* borrowed */
	uint16_t port;
	const char *recipients[2];
	const char *sender;
	atomic_bool stop;
	size_t count;
	pthread_t *threads; /* owned */
};

static bool
send_next(struct load *load, struct talk *talk)
{
	size_t n = ledger_next(load->ledger);
	struct buf content;
	int code;

	buf_init(&content, CONTENT_MAX);
	ledger_content(n, &content);
	code =
	    talk_mail(talk, load->sender, load->recipients, buf_span(&content));
	buf_clear(&content);
	if (code == 250)
		ledger_acknowledged(load->ledger, n);
	return code == 250;
}

/* One connection; false when it failed. */
static bool
connection(struct load *load)
{
	struct talk talk;
	bool good;
	int i;

	if (!talk_open(&talk, NULL, load->port))
		return false;
	good = talk_reply(&talk) == 220 &&
	    talk_say(&talk, "EHLO load.test") == 250;
	for (i = 0; good && i < PER_CONNECTION && !load->stop; i++)
		good = send_next(load, &talk);
	if (good)
		talk_say(&talk, "QUIT");
	talk_close(&talk);
	return good;
}

static void *
client(void *owner)
{
	struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	struct load *load = owner;

	while (!load->stop)
		if (!connection(load))
			nanosleep(&pause, NULL);
	return NULL;
}

struct load *
load_start(struct ledger *ledger, uint16_t port, size_t clients,
    const char *sender, const char *recipient)
{
	struct load *load = xcalloc(1, sizeof(*load));

	load->ledger = ledger;
	load->port = port;
	load->sender = sender;
	load->recipients[0] = recipient;
	load->threads = xcalloc(clients, sizeof(load->threads[0]));
	while (load->count < clients &&
	    pthread_create(&load->threads[load->count], NULL, client, load) ==
		0)
		load->count++;
	assert(load->count == clients);
	return load;
}

void
load_stop(struct load *load)
{
	load->stop = true;
	while (load->count > 0)
		pthread_join(load->threads[--load->count], NULL);
	free(load->threads);
	free(load);
}
