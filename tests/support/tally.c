/*
 * tally - the ledger of a load: what was acknowledged, what arrived.
 *
 * Job:     make messages from numbers, remember the 250s, compare arrivals.
 * Called:  by crowd.c from its threads; by tests.
 * Owns:    the two flags of every number.
 * Never:   takes a message that it did not make for one of its own.
 */
#include "tests/support/tally.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define NUMBER_FIELD "X-Tally: "

enum {
	CONTENT_MAX = 1 << 20,
	LINES_USUAL = 60,
	LINES_LARGE = 4000, /* about 160 KiB: beyond a spool's journal record */
	LARGE_EVERY = 50,
	LINE_BYTES = 80,
};

struct tally {
	pthread_mutex_t lock;
	size_t next;
	bool acknowledged[TALLY_MAX];
	bool arrived[TALLY_MAX];
};

struct tally *
tally_new(void)
{
	struct tally *tally = xcalloc(1, sizeof(*tally));

	pthread_mutex_init(&tally->lock, NULL);
	return tally;
}

void
tally_free(struct tally *tally)
{
	pthread_mutex_destroy(&tally->lock);
	free(tally);
}

size_t
tally_next(struct tally *tally)
{
	size_t n;

	pthread_mutex_lock(&tally->lock);
	n = tally->next++;
	pthread_mutex_unlock(&tally->lock);
	assert(n < TALLY_MAX);
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
tally_content(size_t n, struct buf *out)
{
	uint64_t state = n * 2 + 1;
	size_t lines;

	buf_addf(out,
	    NUMBER_FIELD "%zu\r\n"
			 "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
			 "From: <printer@campus.test>\r\n"
			 "Message-ID: <%zu@tally.test>\r\n\r\n",
	    n, n);
	lines = shuffle(&state) % LINES_USUAL;
	if (n % LARGE_EVERY == LARGE_EVERY - 1)
		lines = LINES_LARGE;
	while (lines-- > 0)
		add_line(out, &state);
}

void
tally_acknowledged(struct tally *tally, size_t n)
{
	pthread_mutex_lock(&tally->lock);
	tally->acknowledged[n] = true;
	pthread_mutex_unlock(&tally->lock);
}

size_t
tally_acknowledged_count(struct tally *tally)
{
	size_t n, count = 0;

	pthread_mutex_lock(&tally->lock);
	for (n = 0; n < tally->next; n++)
		count += tally->acknowledged[n];
	pthread_mutex_unlock(&tally->lock);
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
	if (!span_number(rest, TALLY_MAX - 1, &number))
		return false;
	*n = number;
	return true;
}

/* Enters one arrival. */
static void
arrive(struct tally *tally, const struct hop_mail *mail,
    struct tally_balance *balance)
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
	tally_content(n, &sent);
	if (!span_equal(ours, buf_span(&sent)))
		balance->wrong++;
	else if (tally->arrived[n])
		balance->twice++;
	else
		tally->arrived[n] = true;
	buf_clear(&sent);
}

void
tally_balance(struct tally *tally, struct hop *hop,
    struct tally_balance *balance)
{
	const struct hop_mail *mail;
	size_t n;

	*balance = (struct tally_balance){ .missing = 0 };
	pthread_mutex_lock(&tally->lock);
	memset(tally->arrived, 0, sizeof(tally->arrived));
	for (n = 0; (mail = hop_mail(hop, n)) != NULL; n++)
		if (mail->accepted)
			arrive(tally, mail, balance);
	balance->sent = tally->next;
	for (n = 0; n < tally->next; n++) {
		balance->acknowledged += tally->acknowledged[n];
		balance->missing +=
		    tally->acknowledged[n] && !tally->arrived[n];
	}
	pthread_mutex_unlock(&tally->lock);
}
