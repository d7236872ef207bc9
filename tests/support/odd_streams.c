/*
 * odd_streams - what clients say, by the dice.
 *
 * Job:     write one session of a kind, the same for the same number.
 * Called:  by test_differential.
 * Owns:    nothing beyond a call.
 * Never:   says STARTTLS, whose meaning depends on time.
 */
#include "tests/support/odd_streams.h"

#include <stdint.h>

struct dice {
	uint64_t state;
	unsigned number; /* of the stream */
	unsigned mails;  /* MAIL so far */
	bool clean;      /* bad lines are left out */
	struct buf *out;
};

enum {
	BODY_MAX = 4096
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static size_t
below(struct dice *dice, size_t bound)
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (size_t)((z ^ (z >> 31)) % bound);
}

/* One of a list of texts. */
#define ONE_OF(dice, list) \
	(list)[below((dice), sizeof(list) / sizeof((list)[0]))]
#define WORD(text)                       \
	{                                \
		(text), sizeof(text) - 1 \
	}

static void
mail(struct dice *dice)
{
	buf_addf(dice->out, "MAIL FROM:<s%um%u@client.example>\r\n",
	    dice->number, ++dice->mails);
}

static void
recipients(struct dice *dice)
{
	size_t count = 1 + below(dice, 3);

	while (count-- > 0)
		buf_addf(dice->out, "RCPT TO:<r%zu@campus.test>\r\n",
		    below(dice, 5));
}

static void
head(struct dice *dice, struct buf *out)
{
	buf_addf(out,
	    "X-Mark: %u.%u\r\nDate: Mon, 23 Nov 2026 08:05:09 +0000\r\n"
	    "From: a@client.example\r\nMessage-ID: <%u.%u@client.example>\r\n"
	    "\r\n",
	    dice->number, dice->mails, dice->number, dice->mails);
}

static void
pieces(struct dice *dice, const struct span *list, size_t count,
    struct buf *out)
{
	size_t n = 1 + below(dice, 14);

	while (n-- > 0)
		buf_add(out, list[below(dice, count)]);
}

static const struct span plain_body[] = { WORD("a line\r\n"), WORD("\r\n"),
	WORD("..stuffed\r\n"), WORD("..\r\n"), WORD("QUIT\r\n"),
	WORD("two. dots.\r\n"), WORD("RSET\r\nDATA\r\n") };
static const struct span odd_body[] = { WORD("a\0b\r\n"), WORD("\0\r\n"),
	WORD("\xc3\xa4\xff\x80\r\n"), WORD("\t\x0b\x0c\x1b\x7f\r\n"),
	WORD("0123456789012345678901234567890123456789012345678901234567890"),
	WORD("\r\n"), WORD("..\0\r\n"), WORD(" blank at the end \r\n") };
static const struct span lf_body[] = { WORD("a\n"), WORD("\n.\n"),
	WORD("\n.\r\n"), WORD("b\r\n.\n"), WORD("\n\n.\n\n"), WORD("c\r\n"),
	WORD("\n..\n"), WORD("\n.x\n"), WORD("RSET\n") };
static const struct span cr_body[] = { WORD("a\r"), WORD("\r.\r"),
	WORD("b\r\n.\r"), WORD("\r.\r\n"), WORD("\r\r\n"), WORD("c\r\n"),
	WORD("d\r\n.\r\r\n"), WORD("\r\0\n"), WORD("e\n\r") };

#define LIST(list) (list), sizeof(list) / sizeof((list)[0])

/* The forged session that a false end of data would let loose. */
static void
forge(struct dice *dice)
{
	if (below(dice, 2) == 0)
		return;
	mail(dice);
	buf_addf(dice->out, "RCPT TO:<forged@campus.test>\r\nDATA\r\n");
	head(dice, dice->out);
	buf_addf(dice->out, "forged\r\n");
}

static void
data(struct dice *dice, const struct span *list, size_t count)
{
	mail(dice);
	recipients(dice);
	buf_addf(dice->out, "DATA\r\n");
	head(dice, dice->out);
	pieces(dice, list, count, dice->out);
	if (list == lf_body || list == cr_body)
		forge(dice);
	buf_addf(dice->out, "\r\n.\r\n");
}

/* A message in chunks whose borders fall anywhere. */
static void
chunks(struct dice *dice, const struct span *list, size_t count)
{
	struct span rest, chunk;
	struct buf all;

	mail(dice);
	recipients(dice);
	buf_init(&all, BODY_MAX);
	head(dice, &all);
	pieces(dice, list, count, &all);
	buf_addf(&all, "end\r\n");
	rest = buf_span(&all);
	while (rest.len > 0) {
		chunk = span_head(rest, 1 + below(dice, 90));
		rest = span_skip(rest, chunk.len);
		buf_addf(dice->out, "BDAT %zu%s\r\n", chunk.len,
		    rest.len == 0 && below(dice, 2) == 0 ? " LAST" : "");
		buf_add(dice->out, chunk);
	}
	buf_addf(dice->out, "BDAT 0 LAST\r\n");
	buf_clear(&all);
}

static const char *const orders[] = { "MAIL", "RCPT TO:<r1@campus.test>\r\n",
	"RCPT TO:<r2@campus.test>\r\n", "RCPT TO:<x@elsewhere.example>\r\n",
	"DATA", "RSET\r\n", "NOOP\r\n", "VRFY x\r\n", "EHLO again\r\n",
	"HELO again\r\n", "BDAT 6\r\nQUIT\r\n", "BDAT 2 LAST\r\n\r\n",
	"HELP\r\n", "RCPT TO:<bad\r\n", "MAIL FROM:<bad\r\n", "BOGUS x\r\n",
	".\r\n", "DATA x\r\n" };

/*
 * DATA with its content, which is commands where DATA is refused.  Behind a
 * BDAT comes RSET before MAIL, as RFC 3030 2 asks for if it was refused.
 */
static void
disorder(struct dice *dice)
{
	size_t steps = 4 + below(dice, 24);
	bool chunk = false;

	while (steps-- > 0) {
		const char *word = ONE_OF(dice, orders);

		if (word[0] == 'M' && word[4] == '\0') {
			buf_addf(dice->out, chunk ? "RSET\r\n" : "");
			chunk = false;
			mail(dice);
		} else if (word[0] == 'D' && word[4] == '\0') {
			buf_addf(dice->out, "DATA\r\n");
			head(dice, dice->out);
			buf_addf(dice->out, "x\r\n.\r\n");
		} else {
			buf_addf(dice->out, "%s", word);
			chunk = chunk || word[0] == 'B';
		}
	}
}

static const char *const senders[] = { "MAIL FROM:s%um%u@client.example\r\n",
	"mail from: <s%um%u@client.example>\r\n",
	"Mail From:<s%um%u@client.example> size=10\r\n",
	"MAIL FROM: s%um%u@client.example \r\n",
	"MAIL FROM:<s%um%u@client.example> BODY=8BITMIME\r\n",
	"MAIL FROM:<@hop.example:s%um%u@client.example>\r\n" };
static const char *const receivers[] = { "RCPT TO:r1@campus.test\r\n",
	"rcpt to: <r2@Campus.Test>\r\n", "RCPT TO:<\"r3\"@campus.test>\r\n",
	"RCPT TO: r4@campus.test \r\n",
	"RCPT TO:<@a.example:r5@campus.test>\r\n",
	"RCPT TO:<r6@campus.test> NOTIFY=NEVER\r\n" };

static void
device(struct dice *dice)
{
	buf_addf(dice->out, below(dice, 2) == 0 ? "\r\n" : "noop\r\n");
	/* ONE_OF is a literal of the list above, which has two %u. */
	buf_addf(dice->out, ONE_OF(dice, senders), dice->number, ++dice->mails);
	buf_addf(dice->out, "%s", ONE_OF(dice, receivers));
	buf_addf(dice->out, "%s", ONE_OF(dice, receivers));
	buf_addf(dice->out, "data\r\n");
	head(dice, dice->out);
	buf_addf(dice->out, "x\r\n.\r\n");
}

static const char *const strangers[] = { "<x@elsewhere.example>",
	"<x%elsewhere.example@campus.test>",
	"<elsewhere.example!x@campus.test>",
	"<\"x@elsewhere.example\"@campus.test>", "<x@[127.0.0.1]>",
	"<@campus.test:x@elsewhere.example>",
	"<x@campus.test@elsewhere.example>",
	"<\"r1@campus.test\"@elsewhere.example>", "<>", "<r1@campus.test>",
	"<x@sub.elsewhere.campus.test.example>", "<r2@CAMPUS.TEST>",
	"<x@elsewhere.example@campus.test>", "<campus.test>",
	"r1@campus.test,x" };

static void
paths(struct dice *dice)
{
	size_t count = 1 + below(dice, 6);

	mail(dice);
	while (count-- > 0)
		buf_addf(dice->out, "RCPT TO:%s\r\n", ONE_OF(dice, strangers));
	buf_addf(dice->out, "DATA\r\n");
	head(dice, dice->out);
	buf_addf(dice->out, "x\r\n.\r\n");
}

static const struct span control_lines[] = { WORD("NOOP \0\r\n"),
	WORD("\x01\x02\r\n"), WORD("RCPT TO:<r\x01@campus.test>\r\n"),
	WORD("RCPT TO:<r9@campus.test>\0\r\n"), WORD("RSET\x7f\r\n"),
	WORD("RSET\0x\r\n"), WORD("\r\r\n"), WORD("DATA\x0b\r\n") };
static const struct span lf_lines[] = {
	WORD("NOOP\nRCPT TO:<r9@campus.test>\r\n"),
	WORD("RCPT TO:<r9@campus.test>\nNOOP\r\n"), WORD("RSET\nNOOP\r\n"),
	WORD("DATA\nNOOP\r\n"), WORD("QUIT\nRSET\r\n"), WORD("\nRSET\r\n"),
	WORD("NOOP x\n\nRSET\r\n")
};

/* Bad lines here and there between the commands of a transaction. */
static void
bad_lines(struct dice *dice, const struct span *list, size_t count)
{
	struct buf unsaid;

	buf_init(&unsaid, BODY_MAX);
	mail(dice);
	pieces(dice, list, count, dice->clean ? &unsaid : dice->out);
	recipients(dice);
	pieces(dice, list, count, dice->clean ? &unsaid : dice->out);
	buf_addf(dice->out, "DATA\r\n");
	head(dice, dice->out);
	buf_addf(dice->out, "x\r\n.\r\n");
	buf_clear(&unsaid);
}

static void
one_of_kind(struct dice *dice, enum odd_kind kind)
{
	switch (kind) {
	case ODD_PLAIN:
	case ODD_CUT:
		data(dice, LIST(plain_body));
		return;
	case ODD_ORDER:
		disorder(dice);
		return;
	case ODD_DEVICE:
		device(dice);
		return;
	case ODD_BDAT:
		chunks(dice, LIST(plain_body));
		return;
	case ODD_BODY:
		data(dice, LIST(odd_body));
		return;
	case ODD_PATHS:
		paths(dice);
		return;
	case ODD_LF_DATA:
		data(dice, LIST(lf_body));
		return;
	case ODD_CR_DATA:
		data(dice, LIST(cr_body));
		return;
	case ODD_BREAK_BDAT:
		if (below(dice, 2) == 0)
			chunks(dice, LIST(lf_body));
		else
			chunks(dice, LIST(cr_body));
		return;
	case ODD_LF_COMMAND:
		bad_lines(dice, LIST(lf_lines));
		return;
	case ODD_CONTROL:
		bad_lines(dice, LIST(control_lines));
		return;
	case ODD_KINDS:
		return;
	}
}

void
odd_stream(enum odd_kind kind, unsigned number, bool clean, struct buf *out)
{
	struct dice dice = { .state = number,
		.number = number,
		.clean = clean,
		.out = out };
	size_t times = 1 + below(&dice, 3);

	buf_addf(out, "EHLO client.example\r\n");
	while (times-- > 0)
		one_of_kind(&dice, kind);
	if (kind == ODD_CUT)
		buf_cut(out, below(&dice, out->len));
	else
		buf_addf(out, "QUIT\r\n");
}
