/*
 * test_neighbours - a next hop that misbehaves, beside one that does not: all of
 * delivery with real connections, in virtual time.  Nothing is lost or sent
 * twice, and nobody else waits.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/misdeed.h"
#include "tests/support/scripted_hop.h"
#include "tests/support/sending_parts.h"
#include "tests/support/suite.h"

enum {
	SECOND = 1000,
	EVERY = 10,       /* seconds from one message of the neighbour's */
	WATCHED = 700,    /* seconds: the longest time-out, and a bit */
	LATER = 3 * 3600, /* all back-offs are over */
	PATIENCE = 2,     /* ms that the kernel has for loopback */
	RECIPIENTS = 3,
	RULES = 2,
	PARTS = 2, /* of all rows: so that the loop has few descriptors */
};

/* ---- what is to come of it ---- */

/* How often each recipient's copy goes over the wire, and who fails. */
struct fate {
	unsigned copies[RECIPIENTS];
	const char *failed; /* letters; the others are delivered in the end */
};

/* clang-format off */
#define ONCE   { { 1, 1, 1 }, "" }
#define TWICE  { { 2, 2, 2 }, "" }
#define NOBODY { { 0, 0, 0 }, "abc" }
/* clang-format on */

enum {
	SMTP = 1,
	LMTP = 2
};

static const struct {
	const char *on;
	int spoken;
	struct fate fates[MISDEED_KINDS];
} stages[] = {
	/* clang-format off */
	/* a host of the campus that lets us in no more is a mistake to be mended */
	{ "",     SMTP | LMTP, { ONCE, ONCE, ONCE, ONCE, ONCE, ONCE } },
	{ "EHLO", SMTP,        { ONCE, ONCE, ONCE, ONCE, ONCE, ONCE } },
	{ "LHLO", LMTP,        { ONCE, ONCE, ONCE, ONCE, ONCE, ONCE } },
	{ "MAIL", SMTP | LMTP, { ONCE, NOBODY, ONCE, ONCE, ONCE, ONCE } },
	{ "RCPT TO:<b", SMTP | LMTP, { ONCE, { { 1, 0, 1 }, "b" }, ONCE, ONCE, ONCE, ONCE } },
	{ "DATA", SMTP | LMTP, { ONCE, NOBODY, ONCE, ONCE, ONCE, ONCE } },
	/* what was not said to be taken goes again: RFC 5321 4.5.3.2.6 */
	{ ".", SMTP, { TWICE, { { 1, 1, 1 }, "abc" }, TWICE, TWICE, TWICE, ONCE } },
	{ ". RCPT TO:<b", LMTP, { { { 1, 2, 1 }, "" }, { { 1, 1, 1 }, "b" },
	    { { 1, 2, 2 }, "" }, { { 1, 2, 2 }, "" }, { { 1, 2, 2 }, "" }, ONCE } },
	/* clang-format on */
};

enum {
	STAGES = sizeof(stages) / sizeof(stages[0]),
	ROWS = STAGES * MISDEEDS
};

/* ---- the scene ---- */

static struct sending sending;
static struct scripted_hop *neighbour;
static struct row {
	struct scripted_hop *hop; /* NULL: not of this manner */
	size_t stage, misdeed;
	struct script_rule rules[RULES];
} rows[ROWS];
static unsigned patience;

/* The loopback is fast, but nothing promises that it is done at once. */
static bool
busy(void *owner)
{
	(void)owner;
	patience = patience == 0 ? PATIENCE : patience - 1;
	return patience > 0;
}

static const struct {
	const char *offers;
	int spoken;
} manners[] = {
	{ "SIZE 1000000,8BITMIME", SMTP },
	{ "PIPELINING,SIZE 1000000,8BITMIME", SMTP },
	{ "SIZE 1000000,8BITMIME", LMTP },
	{ "PIPELINING,SIZE 1000000,8BITMIME", LMTP },
};

static const struct fate *
fate_of(const struct row *row)
{
	return &stages[row->stage].fates[misdeeds[row->misdeed].kind];
}

static void
prepare_row(struct row *row, size_t number, size_t manner, size_t part)
{
	row->stage = number / MISDEEDS;
	row->misdeed = number % MISDEEDS;
	row->hop = NULL;
	if ((stages[row->stage].spoken & manners[manner].spoken) == 0 ||
	    row->misdeed % PARTS != part)
		return;
	row->hop = scripted_hop_new(sending.loop);
	row->hop->offers = manners[manner].offers;
	row->hop->lmtp = manners[manner].spoken == LMTP;
	row->rules[0] =
	    misdeed_rule(&misdeeds[row->misdeed], stages[row->stage].on);
	/* It mends its ways, but where it means it. */
	row->rules[0].times = fate_of(row)->failed[0] == '\0' ? 1 : 0;
	row->rules[1] = (struct script_rule){ .on = NULL };
	row->hop->rules = row->rules;
}

static void
set_up(size_t manner, size_t part)
{
	struct buf hosted;
	size_t i;

	buf_init(&hosted, 1 << 20);
	sending_parts_open(&sending);
	sending.clock.busy = busy;
	neighbour = scripted_hop_new(sending.loop);
	buf_addf(&hosted, "campus.test via=[127.0.0.1]:%u\n", neighbour->port);
	for (i = 0; i < ROWS; i++) {
		prepare_row(&rows[i], i, manner, part);
		if (rows[i].hop != NULL)
			buf_addf(&hosted, "d%zu.test via=%s[127.0.0.1]:%u\n", i,
			    rows[i].hop->lmtp ? "lmtp:" : "",
			    rows[i].hop->port);
	}
	sending_parts_start(&sending, buf_text(&hosted));
	buf_clear(&hosted);
}

static void
tear_down(void)
{
	size_t i;

	sending_parts_stop(&sending);
	sending_parts_rest(&sending);
	sending_parts_close(&sending);
	scripted_hop_free(neighbour);
	for (i = 0; i < ROWS; i++)
		scripted_hop_free(rows[i].hop);
}

static void
send_row(size_t i)
{
	char sender[32], names[RECIPIENTS][32];
	struct sending_to to[RECIPIENTS] = { { .notify = 0 } };
	size_t k;

	snprintf(sender, sizeof(sender), "row%zu@campus.test", i);
	for (k = 0; k < RECIPIENTS; k++) {
		snprintf(names[k], sizeof(names[k]), "%c@d%zu.test",
		    (char)('a' + k), i);
		to[k].address = names[k];
	}
	sending_mail(&sending, sender, to, RECIPIENTS);
}

/* ---- what came of it ---- */

/* Copies of messages for an address that went over the wire to the hop. */
static size_t
copies(const struct scripted_hop *hop, const char *address)
{
	const struct scripted_message *message;
	size_t i, count = 0;

	for (i = 0; i < hop->message_count; i++) {
		message = &hop->messages[i];
		/* A lone dot is none. */
		if (message->wire.len > 0 && message->rcpts.len > 0 &&
		    memmem(message->rcpts.data, message->rcpts.len, address,
			strlen(address)) != NULL)
			count++;
	}
	return count;
}

/* Was it sent to recipient k of a row as often as it should be? */
static bool
sent_as_it_should(size_t i, size_t k)
{
	const struct fate *fate = fate_of(&rows[i]);
	char address[32];

	snprintf(address, sizeof(address), "<%c@d%zu.test>", (char)('a' + k),
	    i);
	return copies(rows[i].hop, address) == fate->copies[k];
}

static void
check_row(size_t i, struct buf *wrong)
{
	const struct fate *fate = fate_of(&rows[i]);
	char sender[32];
	size_t k, notices;

	for (k = 0; k < RECIPIENTS; k++) {
		if (!sent_as_it_should(i, k))
			buf_addf(wrong, "\n'%s', misdeed %zu: copies for %c",
			    stages[rows[i].stage].on, rows[i].misdeed,
			    (char)('a' + k));
	}
	snprintf(sender, sizeof(sender), "<row%zu@campus.test>", i);
	notices = copies(neighbour, sender);
	if (notices != (fate->failed[0] == '\0' ? 0 : 1))
		buf_addf(wrong, "\n'%s', misdeed %zu: %zu notices",
		    stages[rows[i].stage].on, rows[i].misdeed, notices);
}

static void
count_fates(size_t *taken, size_t *failed)
{
	size_t i;

	*taken = *failed = 0;
	for (i = 0; i < ROWS; i++) {
		if (rows[i].hop == NULL)
			continue;
		*failed += strlen(fate_of(&rows[i])->failed);
		*taken += RECIPIENTS - strlen(fate_of(&rows[i])->failed);
	}
}

/* A message each EVERY seconds: each is there within a second. */
static void
watch_the_neighbour(void)
{
	size_t i;

	for (i = 1; i <= WATCHED / EVERY; i++) {
		sending_one(&sending, "good@campus.test");
		sending_run(&sending, SECOND);
		ck_assert_uint_eq(copies(neighbour, "<good@campus.test>"), i);
		sending_run(&sending, (EVERY - 1) * SECOND);
	}
}

START_TEST(misdeeds_of_one_next_hop_delay_no_other_and_lose_nothing)
{
	struct buf wrong;
	size_t i, taken, failed;

	set_up((size_t)_i / PARTS, (size_t)_i % PARTS);
	for (i = 0; i < ROWS; i++)
		if (rows[i].hop != NULL)
			send_row(i);
	watch_the_neighbour();
	sending_run(&sending, (uint64_t)LATER * SECOND);
	buf_init(&wrong, 1 << 20);
	for (i = 0; i < ROWS; i++)
		if (rows[i].hop != NULL)
			check_row(i, &wrong);
	ck_assert_msg(wrong.len == 0, "%s", buf_text(&wrong));
	buf_clear(&wrong);
	count_fates(&taken, &failed);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(sending_counts(&sending).failed, failed);
	/* and the neighbour's: its own and the notices */
	ck_assert_uint_eq(sending_counts(&sending).delivered,
	    taken + neighbour->message_count);
	tear_down();
}
END_TEST

static Suite *
neighbours_suite(void)
{
	Suite *suite = suite_create("neighbours");
	TCase *tcase = tcase_create("neighbours");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase,
	    misdeeds_of_one_next_hop_delay_no_other_and_lose_nothing, 0,
	    PARTS * sizeof(manners) / sizeof(manners[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(neighbours_suite)
