/*
 * fuzz_session - any bytes to a whole session, from the banner on.
 *
 * The first byte of the input picks a listener and a client, the second says
 * in pieces of how many bytes the rest comes.  What is checked: pieces change
 * nothing, save that what is sent behind STARTTLS may end the session; every reply is lines of RFC 5321 4.2; what was queued was said, is
 * for whom this client may send to, and has CRLF line ends only; the log is
 * one printable line after the other.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/desk.h"

enum {
	TEXT_MAX = 8 << 20,
	REPLY_LINE_MAX = 512 /* RFC 5321 4.5.3.1.5 */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GRANTED "192.0.2.17"

static const struct desk_options setups[] = {
	{ .starttls = true },
	{ .accept_bare_lf = true },
	{ .tls = true },
	{ .starttls = true, .client = GRANTED },
	{ .accept_bare_lf = true, .client = GRANTED },
	{ .disk_full = true },
};
enum {
	SETUPS = sizeof(setups) / sizeof(setups[0])
};

static struct desk *desks[SETUPS];

static void
clean(void)
{
	size_t i;

	for (i = 0; i < SETUPS; i++)
		if (desks[i] != NULL)
			desk_free(desks[i]);
}

/* Line ends are CRLF, also the last, and nothing else. */
static void
look_at_content(struct span content)
{
	size_t i;

	assert(span_starts(content, SPAN("Received: from ")));
	assert(span_ends(content, SPAN("\r\n")));
	for (i = 0; i < content.len; i++) {
		if (content.data[i] == '\r')
			assert(content.data[i + 1] == '\n');
		if (content.data[i] == '\n')
			assert(content.data[i - 1] == '\r');
	}
}

/* What tests/dialogs/tables/hosted says, in other words. */
static bool
is_hosted(const struct recipient *one)
{
	if (span_equal(one->domain, SPAN("lab.example")))
		return span_starts_nocase(one->address, SPAN("ann@")) ||
		    span_starts_nocase(one->address, SPAN("bob@")) ||
		    span_starts_nocase(one->address, SPAN("postmaster@"));
	return span_equal(one->domain, SPAN("campus.test")) ||
	    span_ends(one->domain, SPAN(".campus.test")) ||
	    span_equal(one->domain, SPAN("xn--bcher-kva.example"));
}

static void
look_at_message(void *owner, const struct envelope *envelope,
    struct span content)
{
	const struct desk_options *setup = owner;
	size_t i;

	look_at_content(content);
	assert(envelope->recipient_count > 0 && !setup->disk_full);
	for (i = 0; i < envelope->recipient_count; i++) {
		const struct recipient *one = &envelope->recipients[i];
		size_t at = span_find_last(one->address, '@');
		struct span local = span_head(one->address, at);

		assert(
		    span_equal(span_skip(one->address, at + 1), one->domain));
		if (setup->client != NULL)
			continue;
		assert(is_hosted(one));
		assert(span_find(local, '%') == local.len &&
		    span_find(local, '!') == local.len &&
		    span_find(local, '@') == local.len);
	}
}

static struct desk *
desk_of(size_t index)
{
	static bool cleans;
	struct conf *conf;

	if (desks[index] != NULL)
		return desks[index];
	if (!cleans)
		atexit(clean);
	cleans = true;
	desks[index] = desk_new(&setups[index]);
	conf = desk_conf(desks[index]);
	conf->limits.message_size = 2000;
	conf->limits.recipients_per_message = 3;
	conf->limits.messages_per_client_hour = 4;
	conf->limits.recipients_per_client_hour = 6;
	conf->limits.unknown_recipients_per_session = 5;
	conf->limits.commands_per_session = 200;
	desk_watch(desks[index], look_at_message,
	    (void *)(uintptr_t)&setups[index]);
	return desks[index];
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How many messages were said to be queued. */
static size_t
look_at_replies(struct span rest)
{
	struct span line;
	size_t queued = 0;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		assert(rest.data != NULL && span_ends(line, SPAN("\r")));
		assert(line.len + 1 <= REPLY_LINE_MAX && line.len >= 4);
		line = span_head(line, line.len - 1);
		assert(span_printable(line));
		assert(line.data[0] >= '2' && line.data[0] <= '5');
		assert(is_digit(line.data[1]) && is_digit(line.data[2]));
		assert(line.data[3] == ' ' || line.data[3] == '-');
		queued += span_starts(line, SPAN("250 2.0.0 queued as "));
	}
	return queued;
}

static void
look_at_log(struct span log)
{
	size_t i;

	for (i = 0; i < log.len; i++)
		assert(log.data[i] == '\n' ||
		    ((unsigned char)log.data[i] >= ' ' &&
			log.data[i] != '\x7f'));
	assert(log.len == 0 || span_ends(log, SPAN("\n")));
}

static void
run(struct desk *desk, struct span rest, size_t step, struct buf *heard)
{
	desk_connect(desk);
	while (rest.len > 0) {
		desk_send(desk, span_head(rest, step));
		desk_receive(desk, heard);
		rest = span_skip(rest, step);
	}
	desk_receive(desk, heard);
	assert(!heard->full);
	assert(look_at_replies(buf_span(heard)) == desk_queued(desk));
	session_gone(desk_session(desk), "lost");
	assert(desk_service(desk)->envelope_bytes == 0);
	look_at_log(desk_log(desk));
	desk_mask_ids(heard);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size);
	struct buf whole, pieces;
	struct desk *desk;

	if (size < 3)
		return 0;
	desk = desk_of(data[0] % SETUPS);
	rest = span_skip(rest, 2);
	buf_init(&whole, TEXT_MAX);
	buf_init(&pieces, TEXT_MAX);
	run(desk, rest, rest.len, &whole);
	run(desk, rest, (size_t)data[1] + 1, &pieces);
	/* What stands behind STARTTLS is the one thing that depends on time. */
	if (whole.len == 0 ||
	    memmem(whole.data, whole.len, "554 5.5.0 ", 10) == NULL)
		assert(span_equal(buf_span(&whole), buf_span(&pieces)));
	buf_clear(&whole);
	buf_clear(&pieces);
	return 0;
}
