/*
 * fuzz_bdat - any octets as the chunks of BDAT (RFC 3030): however they are
 * divided, each BDAT has one reply, no octet of a chunk is ever a command, and
 * what was taken is all of them with CRLF line ends.
 *
 * The first byte of the input says in pieces of how many bytes everything
 * comes, the second whether the message is wanted; then come chunks, each a
 * byte with its length and as many octets as that says, or all that is left.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/desk.h"

enum {
	TEXT_MAX = 4 << 20,
	SMALL = 300, /* octets of a message, where only such are taken */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum wanted {
	TAKEN,
	NOBODY,  /* there is no recipient: each chunk is refused */
	TOO_BIG, /* perhaps */
	WAYS
};

static struct desk *desk;
static struct buf expected; /* content, as it must come out */
static size_t taken;

#define HEAD "Date: x\r\nFrom: x\r\nMessage-ID: <x@x>\r\n\r\n"

static void
look_at_message(void *owner, const struct envelope *envelope,
    struct span content)
{
	struct span ours;

	(void)owner;
	assert(envelope->recipient_count == 1);
	assert(content.len > expected.len);
	assert(span_ends(content, buf_span(&expected)));
	ours = span_head(content, content.len - expected.len);
	assert(span_starts(ours, SPAN("Received: from ")));
	assert(span_ends(ours, SPAN(" +0000\r\n")));
	assert(span_find(ours, ';') > span_find_last(ours, '\n') - 40);
	taken++;
}

static void
clean(void)
{
	desk_free(desk);
	buf_clear(&expected);
}

static void
set_up(void)
{
	struct desk_options options = { 0 };

	if (desk != NULL)
		return;
	desk = desk_new(&options);
	desk_conf(desk)->limits.errors_per_session = 0;
	desk_watch(desk, look_at_message, NULL);
	buf_init(&expected, TEXT_MAX);
	atexit(clean);
}

/* All octets with CRLF where there was a CRLF, a CR or an LF. */
static void
expect(struct span octets)
{
	size_t i;

	for (i = 0; i < octets.len; i++) {
		char byte = octets.data[i];

		if (byte != '\r' && byte != '\n')
			buf_add_byte(&expected, byte);
		else
			buf_add(&expected, SPAN("\r\n"));
		if (byte == '\r' && i + 1 < octets.len &&
		    octets.data[i + 1] == '\n')
			i++;
	}
	if (!span_ends(buf_span(&expected), SPAN("\r\n")))
		buf_add(&expected, SPAN("\r\n"));
}

/* The chunks, as commands; returns how many. */
static size_t
make_chunks(struct span rest, struct buf *said, struct buf *octets)
{
	size_t count = 1;
	struct span chunk;

	buf_addf(said, "BDAT %zu\r\n" HEAD, strlen(HEAD));
	buf_add(octets, SPAN(HEAD));
	while (rest.len > 1) {
		chunk = span_head(span_skip(rest, 1), (uint8_t)rest.data[0]);
		rest = span_skip(rest, chunk.len + 1);
		buf_addf(said, "BDAT %zu%s\r\n", chunk.len,
		    rest.len > 1 ? "" : " LAST");
		buf_add(said, chunk);
		buf_add(octets, chunk);
		count++;
	}
	return count;
}

static size_t
count_replies(struct span rest)
{
	struct span line;
	size_t count = 0;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		assert(line.len > 3);
		count += line.data[3] == ' ';
	}
	return count;
}

/* Banner, EHLO, MAIL, RCPT, the chunks, QUIT. */
static void
run(struct span said, size_t step, enum wanted way, size_t chunks,
    struct buf *heard)
{
	taken = 0;
	desk_connect(desk);
	for (; said.len > 0; said = span_skip(said, step)) {
		desk_send(desk, span_head(said, step));
		desk_receive(desk, heard);
	}
	assert(count_replies(buf_span(heard)) == 4 + chunks + 1);
	assert(span_starts(span_skip(buf_span(heard),
			       heard->len -
				   strlen("221 2.0.0 mail.campus.test "
					  "closing connection\r\n")),
	    SPAN("221 ")));
	assert(taken == desk_queued(desk));
	assert(way != NOBODY || taken == 0);
	assert(way != TAKEN || taken == 1);
	assert(way != TOO_BIG || (taken == 1) == (expected.len <= SMALL));
	desk_mask_ids(heard);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf said, octets, whole, pieces;
	enum wanted way;
	size_t chunks;

	if (size < 4)
		return 0;
	set_up();
	way = (enum wanted)(data[1] % WAYS);
	desk_conf(desk)->limits.message_size = way == TOO_BIG ? SMALL : 100000;
	buf_init(&said, TEXT_MAX);
	buf_init(&octets, TEXT_MAX);
	buf_init(&whole, TEXT_MAX);
	buf_init(&pieces, TEXT_MAX);
	buf_empty(&expected);
	buf_addf(&said, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@%s>\r\n",
	    way == NOBODY ? "elsewhere.example" : "campus.test");
	chunks = make_chunks(span_make((const char *)data + 2, size - 2), &said,
	    &octets);
	expect(buf_span(&octets));
	buf_addf(&said, "QUIT\r\n");
	run(buf_span(&said), said.len, way, chunks, &whole);
	run(buf_span(&said), (size_t)data[0] + 1, way, chunks, &pieces);
	assert(span_equal(buf_span(&whole), buf_span(&pieces)));
	buf_clear(&said);
	buf_clear(&octets);
	buf_clear(&whole);
	buf_clear(&pieces);
	return 0;
}
