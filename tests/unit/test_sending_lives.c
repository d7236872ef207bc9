/*
 * test_sending_lives - some hundred short lives of the sending side, at random.
 *
 * Mail arrives for several destinations; hosts go down, refuse, answer each
 * recipient as they like, break sessions, let few in; routes change; an
 * administrator holds, releases, retries, drops; notices cannot be written, DNS
 * and the disk fail for a while; the relay starts anew.  After each step the
 * ledger is compared.  At the end all are well, and nothing is owed but what is
 * held; then that goes, too.
 */
#include <stdio.h>
#include <string.h>

#include "relayd/delivery/holds.h"
#include "relayd/delivery/manage.h"
#include "tests/support/sending.h"
#include "tests/support/sending_ledger.h"
#include "tests/support/suite.h"

enum {
	LIVES = 200,
	STEPS = 60,
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	HOSTS = 9,
	DOMAINS = 5,
	RECIPIENTS_MAX = 230,
};

static const char *const domains[DOMAINS] = { "campus.test", "a.test", "b.test",
	"c.test", "d.test" };
static const char *const host_names[HOSTS] = { "hop1", "hop2", "hop3", "dual6",
	"dual4", "mx.a.test", "mx.b.test", "mx.c.test", "mx.d.test" };

/* How a host answers a message. */
enum mood {
	WELL,
	CHOOSES,      /* each recipient's answer is its own */
	BUSY,         /* 4xx to all */
	LEAVES,       /* 421 */
	BREAKS,       /* before the dot */
	BREAKS_AFTER, /* and took it */
	DIED,         /* while it was idle, so that nothing was heard */
	CROWDED,      /* takes some, 452 to the rest */
	MOODY,        /* all of these in turn */
};

static struct sending sending;
static struct far_host hosts[HOSTS];
static struct ledger ledger;
static uint64_t dice;
static bool dual; /* hosts of two addresses are in the routes */

static unsigned
roll(unsigned sides)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice >> 33) % sides;
}

/* ---- the far side ---- */

static enum mood *
mood_of(struct far_host *host)
{
	return host->owner;
}

static enum outcome_kind
choose_kind(void)
{
	static const enum outcome_kind kinds[] = { OUTCOME_DELIVERED,
		OUTCOME_DELIVERED, OUTCOME_LATER, OUTCOME_FAILED };

	return kinds[roll(4)];
}

static void
answer_each(struct client_job *job, enum mood mood)
{
	size_t i, room = roll((unsigned)job->recipient_count + 1);
	enum outcome_kind kind;

	for (i = 0; i < job->recipient_count; i++) {
		kind =
		    mood == CHOOSES || (mood == BREAKS_AFTER && roll(3) == 0) ?
		    choose_kind() :
		    mood == BUSY || (mood == CROWDED && i >= room) ?
		    OUTCOME_LATER :
		    OUTCOME_DELIVERED;
		ledger_answer(&ledger, job, i, kind,
		    mood == BREAKS_AFTER && kind == OUTCOME_DELIVERED);
		if (mood == CROWDED && i >= room)
			outcome_set(&job->outcomes[i], OUTCOME_LATER, 452,
			    "4.5.3", SPAN("452 too many"), "hop");
	}
}

static bool
answer(struct far_host *host, struct client_job *job)
{
	enum mood mood = *mood_of(host);

	if (mood == MOODY)
		mood = (enum mood)roll(MOODY);
	ledger.jobs++;
	switch (mood) {
	case LEAVES:
		far_side_say(job, OUTCOME_LATER, 421, "4.3.2", "421 closing");
		return false;
	case BREAKS:
	case DIED:
		far_side_say(job, OUTCOME_LATER, 0, "4.4.2", "reset");
		job->stale = mood == DIED && host->reused;
		return false;
	case BREAKS_AFTER:
		job->sent_dot = true;
		answer_each(job, mood);
		return false;
	case WELL:
	case CHOOSES:
	case BUSY:
	case CROWDED:
	case MOODY:
		answer_each(job, mood);
		return true;
	}
	return true;
}

static void
heal(struct far_host *host)
{
	host->down = NULL;
	host->refuses = false;
	host->room = 0;
	host->connect_ms = host->answer_ms = 0;
	*mood_of(host) = WELL;
}

static void
a_host_changes(void)
{
	static const unsigned times[] = { 0, 0, 200, 3 * SECOND, 90 * SECOND };
	struct far_host *host = &hosts[roll(HOSTS)];

	heal(host);
	host->connect_ms = times[roll(4)];
	host->answer_ms = times[roll(5)];
	switch (roll(4)) {
	case 0:
		host->down = "connection refused";
		host->refuses = roll(6) == 0;
		break;
	case 1:
		host->room = 1 + roll(2);
		break;
	case 2:
	case 3:
		*mood_of(host) = (enum mood)(1 + roll(MOODY));
		break;
	}
}

/* ---- the near side ---- */

static void
add_route(char *table, size_t room, const char *domain)
{
	static const char *const vias[] = { "hop1", "hop2", "hop3", "hop1,hop2",
		"hop3,hop1", "mx", "dual" };
	size_t used = strlen(table);

	snprintf(table + used, room - used, "%s via=%s\n", domain,
	    vias[roll(dual ? 7 : 6)]);
}

static void
make_table(char *table, size_t room)
{
	size_t i;

	snprintf(table, room, "campus.test via=hop%u\n", 1 + roll(3));
	for (i = 1; i < DOMAINS; i++)
		if (roll(3) > 0)
			add_route(table, room, domains[i]);
}

static void
routes_change(void)
{
	char table[512];

	make_table(table, sizeof(table));
	sending_reload(&sending, table);
}

static void
mail_arrives(void)
{
	static const unsigned asks[] = { 0, 0, 0, NOTIFY_SUCCESS,
		NOTIFY_NEVER };
	static const char *const clients[] = { "192.0.2.17", "192.0.2.18" };
	const char *to[RECIPIENTS_MAX];
	unsigned notify[RECIPIENTS_MAX];
	size_t count = roll(20) == 0 ? RECIPIENTS_MAX : 1 + roll(6), i;

	for (i = 0; i < count; i++) {
		to[i] = domains[roll(DOMAINS)];
		notify[i] = asks[roll(5)];
	}
	sending.client = clients[roll(2)];
	ledger_mail(&ledger, roll(4) == 0 ? "" : "sender@campus.test", to,
	    notify, count);
}

static void
administrator_handles(struct ledger_message *message)
{
	struct spool_entry *entry = spool_find(sending.spool, message->id);
	bool notice = roll(2) == 0;

	if (entry == NULL)
		return;
	switch (roll(5)) {
	case 0:
	case 1:
		if (manage_hold(sending.delivery, entry))
			message->held = true;
		break;
	case 2:
		if (manage_release(sending.delivery, entry))
			message->held = false;
		break;
	case 3:
		manage_retry(sending.delivery, entry);
		break;
	case 4:
		if (roll(2) == 0)
			break;
		if (manage_drop(sending.delivery, entry, notice) && !notice)
			message->dropped = true;
		break;
	}
}

static void
relay_starts_anew(void)
{
	char file[96];
	struct buf why;
	uint64_t *ids;
	size_t count;

	snprintf(file, sizeof(file), "%s/held", sending.directory);
	buf_init(&why, 1024);
	ids = manage_held(sending.delivery, &count);
	ck_assert(holds_write(file, ids, count, &why));
	free(ids);
	buf_clear(&why);
	ledger_forgets(&ledger);
	ledger.heard = ledger.jobs = 0;
	sending.held = file;
	sending_restart(&sending);
	sending.held = NULL;
}

static void
disk_fails_for_a_while(void)
{
	ledger.unreadable = sending.unreadable = true;
	ledger_forgets(&ledger);
	sending_run(&sending, 1 + roll(20 * SECOND));
	ledger_forgets(&ledger);
	sending.unreadable = false;
}

static void
world_changes(void)
{
	switch (roll(6)) {
	case 0:
		far_side.spool_refuses = !far_side.spool_refuses;
		break;
	case 1:
		far_side.commits_fail = !far_side.commits_fail;
		break;
	case 2:
		outcome_set(&far_side.no_hosts, OUTCOME_LATER, 0, "4.4.3",
		    SPAN("DNS does not answer"), NULL);
		break;
	case 3:
		outcome_clear(&far_side.no_hosts);
		far_side.no_hosts.kind = OUTCOME_NONE;
		break;
	case 4:
		relay_starts_anew();
		break;
	case 5:
		if (roll(3) == 0)
			disk_fails_for_a_while();
		break;
	}
}

static void
step(void)
{
	unsigned many = roll(4);

	switch (roll(8)) {
	case 0:
	case 1:
	case 2:
		while (many-- > 0)
			mail_arrives();
		break;
	case 3:
	case 4:
		a_host_changes();
		break;
	case 5:
		if (roll(2) == 0)
			routes_change();
		break;
	case 6:
		if (ledger.message_count > 0)
			administrator_handles(&ledger.messages[roll(
			    (unsigned)ledger.message_count)]);
		break;
	case 7:
		world_changes();
		break;
	}
}

static void
time_passes(void)
{
	static const unsigned most[] = { 5, 1500, 5 * SECOND, 5 * SECOND,
		2 * MINUTE, 30 * MINUTE };

	sending_run(&sending, roll(most[roll(6)]));
}

/* ---- a life ---- */

static void
life_begins(int number)
{
	static enum mood moods[HOSTS];
	char table[512];
	size_t i;

	dice = (uint64_t)number * 2654435761u + 1;
	dual = roll(3) == 0;
	memset(hosts, 0, sizeof(hosts));
	for (i = 0; i < HOSTS; i++) {
		hosts[i].name = host_names[i];
		hosts[i].owner = &moods[i];
		hosts[i].answer = answer;
		heal(&hosts[i]);
	}
	make_table(table, sizeof(table));
	sending_open(&sending, table, hosts, HOSTS);
	sending.random = dice;
	sending.conf.delivery.connections = 1 + roll(8);
	sending.conf.delivery.connections_per_destination = 1 + roll(4);
	sending.conf.delivery.messages_per_connection = 1 + roll(10);
	if (roll(3) == 0) {
		sending.conf.delivery.lifetime = 2 * HOUR / SECOND;
		sending.conf.delivery.notice_after = 10 * MINUTE / SECOND;
	}
	ledger_open(&ledger, &sending);
}

static void
compare(int number, const char *where, int at)
{
	snprintf(ledger.story, sizeof(ledger.story), "life %d, %s %d", number,
	    where, at);
	ledger_check(&ledger);
	if (!dual)
		ck_assert_uint_le(far_side.most,
		    sending.conf.delivery.connections);
}

static void
all_are_well(void)
{
	size_t i;

	for (i = 0; i < HOSTS; i++)
		heal(&hosts[i]);
	far_side.spool_refuses = far_side.commits_fail = false;
	outcome_clear(&far_side.no_hosts);
	far_side.no_hosts.kind = OUTCOME_NONE;
}

static void
all_is_released(void)
{
	struct spool_entry *entry;
	size_t i;

	for (i = 0; i < ledger.message_count; i++) {
		entry = spool_find(sending.spool, ledger.messages[i].id);
		if (entry != NULL)
			manage_release(sending.delivery, entry);
		ledger.messages[i].held = false;
	}
}

START_TEST(whatever_happens_nothing_is_lost_or_sent_twice)
{
	int i;

	life_begins(_i);
	for (i = 0; i < STEPS; i++) {
		step();
		compare(_i, "step", i);
		time_passes();
		compare(_i, "time", i);
	}
	all_are_well();
	sending_run(&sending, 4 * HOUR);
	ledger.unreadable = false;
	compare(_i, "well", 0);
	ck_assert_uint_eq(ledger_owed(&ledger, false), 0);
	all_is_released();
	compare(_i, "released", 0);
	sending_run(&sending, 2 * HOUR);
	compare(_i, "end", 0);
	ck_assert_uint_eq(ledger_owed(&ledger, false), 0);
	sending_close(&sending);
}
END_TEST

static Suite *
sending_lives_suite(void)
{
	Suite *suite = suite_create("sending_lives");
	TCase *tcase = tcase_create("sending_lives");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase,
	    whatever_happens_nothing_is_lost_or_sent_twice, 0, LIVES);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(sending_lives_suite)
