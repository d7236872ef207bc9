/*
 * test_misdeeds - a next hop that misbehaves in every way at every stage: what
 * each recipient comes to, in which words, after how long, and that nothing is
 * sent twice.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* The real one, not the double of tests/support/far_side.c. */
#include "relayd/delivery/client.c"
#include "tests/support/certs.h"
#include "tests/support/client_fixture.h"
#include "tests/support/misdeed.h"
#include "tests/support/suite.h"

/* ---- the stages ---- */

/* Who is spoken to. */
enum manner {
	LOCKSTEP,
	PIPELINED,
	DROP_BY_DROP, /* PIPELINED, and each reply comes byte by byte */
	LMTP,
	LMTP_PIPELINED,
	MANNERS
};

enum {
	PLAIN = 1 << LOCKSTEP,
	GROUPS = 1 << PIPELINED | 1 << DROP_BY_DROP,
	SMTP = PLAIN | GROUPS,
	LOCAL = 1 << LMTP | 1 << LMTP_PIPELINED,
	ANY = SMTP | LOCAL,
};

/* user and secret, in base64 */
#define USER     "dXNlcg=="
#define PASSWORD "c2VjcmV0"

/* Nobody got in. */
#define DOOR(refused, lost)                                                   \
	"closed L450/4.7.1", refused, "closed L421/4.3.2", "closed L0/4.5.0", \
	    lost, FINE
#define NOT_IN DOOR("closed L550/4.0.0", "closed L0/4.4.2")
/* The same words for every recipient. */
#define ALIKE(then)                                                          \
	ALL("L450/4.7.1")                                                    \
	then, ALL("F550/5.7.1") then, ALL("L421/4.3.2") "closed L421/4.3.2", \
	    ALL("L0/4.5.0") "closed L0/4.5.0",                               \
	    ALL("L0/4.4.2") "closed L0/4.4.2", FINE
/* The same for one of them; when the session ends: for all. */
#define ONE(before, after)                         \
	before "L450/4.7.1 " after "usable",       \
	    before "F550/5.7.1 " after "usable",   \
	    ALL("L421/4.3.2") "closed L421/4.3.2", \
	    ALL("L0/4.5.0") "closed L0/4.5.0",     \
	    ALL("L0/4.4.2") "closed L0/4.4.2", FINE
/* The same behind what was heard for those before. */
#define FROM(before, x, after)                           \
	before "L450/4.7.1 " after "usable",             \
	    before "F550/5.7.1 " after "usable",         \
	    before x("L421/4.3.2 ") "closed L421/4.3.2", \
	    before x("L0/4.5.0 ") "closed L0/4.5.0",     \
	    before x("L0/4.4.2 ") "closed L0/4.4.2", FINE
#define ONCE(x)  x
#define TWICE(x) x x
#define D        "D250/2.0.0 "
/* Decided before: the session is all that can be lost. */
#define DECIDED(x)                                                          \
	x "usable", x "usable", x "closed L421/4.3.2", x "closed L0/4.5.0", \
	    x "closed L0/4.4.2"

static const struct {
	const char *on;
	const char *step;     /* its name in the texts */
	unsigned seconds;     /* RFC 5321 4.5.3.2, or ours */
	unsigned manners;     /* 1 << manner */
	enum tls_level tls;   /* TLS_VERIFY: and AUTH */
	bool no_tls;          /* offered, but there is none */
	const char *auth;     /* offered with it */
	unsigned passed;      /* so many that fit on go well */
	const char *first[2]; /* what comes before: command, reply */
	size_t jobs;          /* its last one is looked at; 0 is 1 */
	const char *says;     /* of a well-formed no; NULL: its own words */
	const char *stories[MISDEED_KINDS];
} stages[] = {
	/* clang-format off */
	{ .on = "", .step = "greeting", .seconds = 300, .manners = ANY, .stories = { NOT_IN } },
	/* RFC 5321 3.2: a 5yz says that it is an old host */
	{ .on = "EHLO", .step = "EHLO", .seconds = 300, .manners = SMTP,
	    .stories = { DOOR(FINE, "closed L0/4.4.2") } },
	{ .on = "LHLO", .step = "EHLO", .seconds = 300, .manners = LOCAL, .stories = { NOT_IN } },
	{ .on = "HELO", .step = "HELO", .seconds = 300, .manners = SMTP, .first = { "EHLO", "500 what?\r\n" },
	    .stories = { NOT_IN } },

	/* TLS where it can be had: else in the clear */
	{ .on = "STARTTLS", .step = "STARTTLS", .seconds = 120, .manners = ANY, .tls = TLS_MAY,
	    .stories = { FINE, FINE, "closed L421/4.3.2", FINE, FINE, FINE } },
	{ .on = "handshake", .step = "handshake", .seconds = 0, .manners = ANY, .tls = TLS_MAY, .no_tls = true,
	    .stories = { FINE, FINE, FINE, FINE, FINE, FINE } },
	/* TLS 1.3: a server that does not like us says so after our end of the handshake */
	{ .on = "EHLO", .step = "EHLO", .seconds = 300, .manners = SMTP, .tls = TLS_MAY, .passed = 1,
	    .stories = { DOOR(FINE, FINE) } },
	/* TLS or nothing */
	{ .on = "STARTTLS", .step = "STARTTLS", .seconds = 120, .manners = ANY, .tls = TLS_REQUIRE,
	    .stories = { NOT_IN } },
	{ .on = "EHLO", .step = "EHLO", .seconds = 300, .manners = SMTP, .tls = TLS_REQUIRE, .passed = 1,
	    .stories = { DOOR(FINE, "closed L0/4.4.2") } },

	/* a provider that does not know us now may know us tomorrow */
	{ .on = "AUTH PLAIN", .step = "AUTH PLAIN", .seconds = 120, .manners = SMTP, .tls = TLS_VERIFY,
	    .auth = "AUTH PLAIN", .stories = { NOT_IN } },
	{ .on = "AUTH LOGIN", .step = "AUTH LOGIN", .seconds = 120, .manners = PLAIN, .tls = TLS_VERIFY,
	    .auth = "AUTH LOGIN",
	    .stories = { NOT_IN } },
	{ .on = USER, .step = "AUTH user", .seconds = 120, .manners = PLAIN, .tls = TLS_VERIFY,
	    .auth = "AUTH LOGIN",
	    .stories = { NOT_IN } },
	{ .on = PASSWORD, .step = "AUTH password", .seconds = 120, .manners = PLAIN, .tls = TLS_VERIFY,
	    .auth = "AUTH LOGIN", .stories = { NOT_IN } },

	{ .on = "MAIL", .step = "MAIL FROM", .seconds = 300, .manners = ANY & ~(1 << LMTP_PIPELINED), .stories = { ALIKE("usable") } },
	/* LMTP and 354 for nobody: the lone dot would hear nothing */
	{ .on = "MAIL", .step = "MAIL FROM", .seconds = 300, .manners = 1 << LMTP_PIPELINED,
	    .stories = { ALIKE("closed N0/") } },
	{ .on = "RCPT TO:<a", .step = "RCPT TO", .seconds = 300, .manners = ANY, .stories = { ONE("", D D) } },
	{ .on = "RCPT TO:<b", .step = "RCPT TO", .seconds = 300, .manners = ANY, .stories = { ONE(D, D) } },
	{ .on = "RCPT TO:<c", .step = "RCPT TO", .seconds = 300, .manners = ANY, .stories = { ONE(D D, "") } },
	{ .on = "DATA", .step = "DATA", .seconds = 120, .manners = ANY, .stories = { ALIKE("usable") } },
	{ .on = ".", .step = "final dot", .seconds = 600, .manners = SMTP, .stories = { ALIKE("usable") } },
	/* RFC 2033 4.2: each has its own reply */
	{ .on = ". RCPT TO:<a", .step = "final dot", .seconds = 600, .manners = LOCAL, .stories = { ONE("", D D) } },
	{ .on = ". RCPT TO:<b", .step = "final dot", .seconds = 600, .manners = LOCAL, .stories = { FROM(D, TWICE, D) } },
	{ .on = ". RCPT TO:<c", .step = "final dot", .seconds = 600, .manners = LOCAL, .stories = { FROM(D D, ONCE, "") } },

	/* nobody is left, and 354 was heard: a lone dot, whatever is said to it */
	{ .on = ".", .step = "lone dot", .seconds = 600, .manners = GROUPS, .first = { "RCPT", "550 5.1.1 who?\r\n" },
	    .stories = { DECIDED(ALL("F550/5.1.1")), ALL("F550/5.1.1") "usable" } },
	/* the second message, behind one that was refused: all of it waits */
	{ .on = "RSET", .step = "RSET", .seconds = 300, .manners = ANY, .first = { "DATA", "450 4.7.1 no\r\n" }, .jobs = 2,
	    .says = "unexpected reply ",
	    .stories = { ALL("L0/4.5.0") "closed L0/4.5.0", ALL("L0/4.5.0") "closed L0/4.5.0",
		ALL("L421/4.3.2") "closed L421/4.3.2", ALL("L0/4.5.0") "closed L0/4.5.0",
		ALL("L0/4.4.2") "closed L0/4.4.2", FINE } },
	/* it was taken: how we part is no matter */
	{ .on = "QUIT", .step = "QUIT", .seconds = 0, .manners = ANY, .stories = { FINE, FINE, FINE, FINE, FINE, FINE } },
	/* clang-format on */
};

enum {
	STAGES = sizeof(stages) / sizeof(stages[0]),
	RULES = 3
};

/* ---- the scene ---- */

static struct certs *certs;
static struct tls_server *server;
static struct tls_client *trust;
static struct login *login;
static char offers[128];

static void
make_login(struct buf *why)
{
	const char *path = certs_path(certs, "login");
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
	fputs("user\nsecret\n", file);
	fclose(file);
	login = login_load(path, why);
	ck_assert_msg(login != NULL, "%s", buf_text(why));
}

static void
make_tls(void)
{
	struct certs_wish wish = { .dns = "hop.test" };
	struct buf why;

	buf_init(&why, 1000);
	certs = certs_new();
	certs_issue(certs, "hop", &wish);
	server = tls_server_new(certs_path(certs, "hop.pem"),
	    certs_path(certs, "hop.key"), NULL, &why);
	trust = tls_client_new(certs_path(certs, "ca.pem"), NULL, &why);
	ck_assert(server != NULL && trust != NULL);
	make_login(&why);
	buf_clear(&why);
}

static void
teardown(void)
{
	login_free(login);
	tls_server_free(server);
	tls_client_free(trust);
	if (certs != NULL)
		certs_free(certs);
}

static size_t
open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	ck_assert_ptr_nonnull(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static void
prepare(size_t stage, enum manner manner)
{
	bool grouped = manner != LOCKSTEP && manner != LMTP;

	client_scene_open(&scene);
	if (stages[stage].tls != TLS_OFF && certs == NULL)
		make_tls();
	snprintf(offers, sizeof(offers), "%s%s%sSIZE 1000000,8BITMIME",
	    grouped ? "PIPELINING," : "",
	    stages[stage].no_tls ? "STARTTLS," : "",
	    stages[stage].auth != NULL ? "AUTH PLAIN LOGIN," : "");
	if (stages[stage].auth != NULL &&
	    strcmp(stages[stage].auth, "AUTH LOGIN") == 0)
		memcpy(strstr(offers, "PLAIN"), "PLANE", 5);
	scene.hop->offers = offers;
	scene.hop->dribble = manner == DROP_BY_DROP;
	scene.hop->lmtp = scene.host.lmtp = manner >= LMTP;
	if (stages[stage].tls != TLS_OFF && !stages[stage].no_tls)
		scene.hop->tls = server;
	scene.needs.tls = trust;
	scene.needs.tls_level = stages[stage].tls;
	scene.needs.login = stages[stage].auth == NULL ? NULL : login;
	if (stages[stage].jobs > 0)
		scene.jobs = stages[stage].jobs;
}

static void
write_script(struct script_rule *rules, size_t stage, size_t misdeed)
{
	rules[0] = misdeed_rule(&misdeeds[misdeed], stages[stage].on);
	rules[0].after = stages[stage].passed;
	rules[0].times = stages[stage].passed; /* not in the clear again */
	rules[1] = (struct script_rule){
		.on = stages[stage].first[0],
		.reply = stages[stage].first[1],
		.times = scene.jobs > 1 ? 1 : 0,
	};
	rules[2] = (struct script_rule){ .on = NULL };
}

/* ---- what came of it ---- */

/* The words that tell why somebody got nothing; NULL: everybody did. */
static const char *
reason(void)
{
	size_t i;

	if (scene.why.text != NULL)
		return scene.why.text;
	for (i = 0; i < 3; i++)
		if (scene.outcomes[scene.jobs - 1][i].kind != OUTCOME_DELIVERED)
			return scene.outcomes[scene.jobs - 1][i].text;
	return NULL;
}

static bool
is_clean(const char *text)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if ((unsigned char)text[i] < 0x20 ||
		    (unsigned char)text[i] > 0x7e)
			return false;
	return i < OUTCOME_TEXT_MAX * 4 + 4;
}

static void
check_words(size_t stage, size_t misdeed)
{
	bool under_tls = stages[stage].passed > 0 || stages[stage].auth != NULL;
	const char *text = reason(), *want = misdeeds[misdeed].text;
	char begin[128];

	if (text == NULL)
		return;
	ck_assert_msg(is_clean(text), "%s", text);
	/* What was decided before has words of its own. */
	if (scene.why.text == NULL &&
	    strcmp(stages[stage].step, "lone dot") == 0)
		want = "550 5.1.1 who?";
	else if (misdeeds[misdeed].kind <= REFUSED &&
	    stages[stage].says != NULL)
		want = stages[stage].says;
	snprintf(begin, sizeof(begin), want, stages[stage].step);
	/* GnuTLS has its own words for an end. */
	if (under_tls && misdeeds[misdeed].kind == NO_MORE)
		ck_assert_ptr_nonnull(strstr(text, stages[stage].step));
	else
		ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0,
		    "\"%s\" instead of \"%s\"", text, begin);
}

/* It went over the wire once, or not at all. */
static void
check_copies(size_t stage, size_t misdeed, bool delivered)
{
	bool sent = delivered ||
	    (stages[stage].on[0] == '.' && stages[stage].first[0] == NULL);
	size_t i, copies = 0;

	for (i = 0; i < scene.hop->message_count; i++)
		copies += scene.hop->messages[i].wire.len > 0;
	ck_assert_uint_eq(copies, sent ? 1 : 0);
	/* The hop itself believes in half a 250. */
	if (sent && !scene.hop->lmtp && misdeeds[misdeed].kind <= SENT_OFF)
		ck_assert_int_eq(scene.hop->messages[0].accepted, delivered);
	if (scene.done > 0)
		ck_assert_int_eq(scene.job[scene.done - 1].sent_dot, sent);
	ck_assert_uint_le(scene.hop->connections, 2);
}

static void
play(size_t stage, size_t misdeed, enum manner manner)
{
	const char *want = stages[stage].stories[misdeeds[misdeed].kind];
	struct script_rule rules[RULES];
	size_t files;

	prepare(stage, manner);
	write_script(rules, stage, misdeed);
	scene.hop->rules = rules;
	files = open_files();
	ck_assert_msg(strcmp(client_scene_run(&scene), want) == 0,
	    "misdeed %zu at '%s': %s instead of %s", misdeed, stages[stage].on,
	    buf_text(&scene.story), want);
	check_words(stage, misdeed);
	check_copies(stage, misdeed, strstr(want, "D250") != NULL);
	if (misdeeds[misdeed].late && stages[stage].seconds > 0)
		ck_assert_uint_eq(scene.took, stages[stage].seconds * 1000);
	if (misdeeds[misdeed].kind == GOOD && stages[stage].seconds > 0)
		ck_assert_uint_ge(scene.took, 5000);
	/* Nothing is left of it when QUIT has had its time. */
	virtual_clock_run(&scene.clock, 21000);
	ck_assert_uint_eq(open_files(), files + scene.hop->open);
	client_scene_close(&scene);
}

static void
play_all(size_t stage, enum manner manner)
{
	size_t i;

	if ((stages[stage].manners & (1u << manner)) == 0)
		return;
	for (i = 0; i < MISDEEDS; i++)
		/* What is long or slow already is no other case then. */
		if (manner != DROP_BY_DROP || !misdeed_is_long(&misdeeds[i]))
			play(stage, i, manner);
}

START_TEST(each_misdeed_at_each_stage_has_its_outcome)
{
	play_all((size_t)_i, LOCKSTEP);
}
END_TEST

START_TEST(pipelining_changes_no_outcome)
{
	play_all((size_t)_i, PIPELINED);
}
END_TEST

START_TEST(replies_that_come_byte_by_byte_change_no_outcome)
{
	play_all((size_t)_i, DROP_BY_DROP);
}
END_TEST

START_TEST(lmtp_hop_decides_for_each_recipient)
{
	play_all((size_t)_i, LMTP);
}
END_TEST

START_TEST(lmtp_hop_that_pipelines_does_so_too)
{
	play_all((size_t)_i, LMTP_PIPELINED);
}
END_TEST

static Suite *
misdeeds_suite(void)
{
	Suite *suite = suite_create("misdeeds");
	TCase *tcase = tcase_create("misdeeds");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, each_misdeed_at_each_stage_has_its_outcome,
	    0, STAGES);
	tcase_add_loop_test(tcase, pipelining_changes_no_outcome, 0, STAGES);
	tcase_add_loop_test(tcase,
	    replies_that_come_byte_by_byte_change_no_outcome, 0, STAGES);
	tcase_add_loop_test(tcase, lmtp_hop_decides_for_each_recipient, 0,
	    STAGES);
	tcase_add_loop_test(tcase, lmtp_hop_that_pipelines_does_so_too, 0,
	    STAGES);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(misdeeds_suite)
