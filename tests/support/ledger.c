/*
 * ledger - the account of a load: what was acknowledged, what arrived.
 *
 * Job:     make messages from numbers, remember the 250s, compare arrivals.
 * Called:  by load.c from its threads; by tests.
 * Owns:    the two flags of every number.
 * Never:   takes a message that it did not make for one of its own.
 */
#include "tests/support/ledger.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define NUMBER_FIELD "X-Ledger: "

enum {
	CONTENT_MAX = 1 << 20,
	LINES_USUAL = 60,
	LINES_LARGE = 4000, /* about 160 KiB: beyond a spool's journal record */
	LARGE_EVERY = 50,
	LINE_BYTES = 80,
};

struct ledger {
	pthread_mutex_t lock;
	size_t next;
	bool acknowledged[LEDGER_MAX];
	bool arrived[LEDGER_MAX];
};

struct ledger *
ledger_new(void)
{
	struct ledger *ledger = xcalloc(1, sizeof(*ledger));

	pthread_mutex_init(&ledger->lock, NULL);
	return ledger;
}

void
ledger_free(struct ledger *ledger)
{
	pthread_mutex_destroy(&ledger->lock);
	free(ledger);
}

size_t
ledger_next(struct ledger *ledger)
{
	size_t n;

	pthread_mutex_lock(&ledger->lock);
	n = ledger->next++;
	pthread_mutex_unlock(&ledger->lock);
	assert(n < LEDGER_MAX);
	return n;
}

/* xorshift64*: the same numbers for the same seed, everywhere. */
static uint64_t
shuffle(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* A line of printable bytes; one in eight begins with a dot. */
static void
add_line(struct buf *out, uint64_t *state)
{
	char line[LINE_BYTES];
	size_t i, len = shuffle(state) % (LINE_BYTES - 2);

	for (i = 0; i < len; i++)
		line[i] = (char)(' ' + shuffle(state) % 95);
	if (len > 0 && shuffle(state) % 8 == 0)
		line[0] = '.';
	line[len] = '\r';
	line[len + 1] = '\n';
	buf_add(out, span_make(line, len + 2));
}

void
ledger_content(size_t n, struct buf *out)
{
	uint64_t state = n * 2 + 1;
	size_t lines;

	buf_addf(out,
	    NUMBER_FIELD "%zu\r\n"
			 "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
			 "From: <printer@campus.test>\r\n"
			 "Message-ID: <%zu@ledger.test>\r\n\r\n",
	    n, n);
	lines = shuffle(&state) % LINES_USUAL;
	if (n % LARGE_EVERY == LARGE_EVERY - 1)
		lines = LINES_LARGE;
	while (lines-- > 0)
		add_line(out, &state);
}

void
ledger_acknowledged(struct ledger *ledger, size_t n)
{
	pthread_mutex_lock(&ledger->lock);
	ledger->acknowledged[n] = true;
	pthread_mutex_unlock(&ledger->lock);
}

size_t
ledger_acknowledged_count(struct ledger *ledger)
{
	size_t n, count = 0;

	pthread_mutex_lock(&ledger->lock);
	for (n = 0; n < ledger->next; n++)
		count += ledger->acknowledged[n];
	pthread_mutex_unlock(&ledger->lock);
	return count;
}

/* Reads the number of an arrival; false when it is none of ours. */
static bool
read_number(struct span content, size_t *n, struct span *ours)
{
	const char *found = memmem(content.data, content.len, NUMBER_FIELD,
	    strlen(NUMBER_FIELD));
	struct span rest;
	uint64_t number;

	if (found == NULL)
		return false;
	*ours = span_skip(content, (size_t)(found - content.data));
	rest = span_skip(*ours, strlen(NUMBER_FIELD));
	rest = span_head(rest, span_find(rest, '\r'));
	if (!span_number(rest, LEDGER_MAX - 1, &number))
		return false;
	*n = number;
	return true;
}

/* Enters one arrival. */
static void
arrive(struct ledger *ledger, const struct hop_mail *mail,
    struct ledger_balance *balance)
{
	struct buf sent;
	struct span ours;
	size_t n;

	if (mail->content.len == 0 ||
	    !read_number(buf_span(&mail->content), &n, &ours)) {
		balance->wrong++;
		return;
	}
	buf_init(&sent, CONTENT_MAX);
	ledger_content(n, &sent);
	if (!span_equal(ours, buf_span(&sent)))
		balance->wrong++;
	else if (ledger->arrived[n])
		balance->twice++;
	else
		ledger->arrived[n] = true;
	buf_clear(&sent);
}

void
ledger_balance(struct ledger *ledger, struct hop *hop,
    struct ledger_balance *balance)
{
	const struct hop_mail *mail;
	size_t n;

	*balance = (struct ledger_balance){ .missing = 0 };
	pthread_mutex_lock(&ledger->lock);
	memset(ledger->arrived, 0, sizeof(ledger->arrived));
	for (n = 0; (mail = hop_mail(hop, n)) != NULL; n++)
		if (mail->accepted)
			arrive(ledger, mail, balance);
	balance->sent = ledger->next;
	for (n = 0; n < ledger->next; n++) {
		balance->acknowledged += ledger->acknowledged[n];
		balance->missing +=
		    ledger->acknowledged[n] && !ledger->arrived[n];
	}
	pthread_mutex_unlock(&ledger->lock);
}
