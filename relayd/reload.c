/*
 * reload - new settings for a running relay, all or nothing.
 *
 * Job:     have the files read beside the loop, hand what they say to every
 *          room, or change nothing; tell whoever asked.
 * Called:  by main at SIGHUP; by the control socket.
 * Owns:    the settings that are being read, and rules that are no longer in
 *          force but held by a transaction.
 * Never:   drops a connection, leaves two rooms with different rules, or keeps
 *          the loop waiting for a file.
 */
#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/xalloc.h"
#include "domains/day.h"
#include "domains/difference.h"
#include "relayd/admin/conf_difference.h"
#include "relayd/admin/log.h"
#include "relayd/expiry.h"
#include "relayd/relay.h"

enum {
	WHY_MAX = 4096,
	CHANGES_MAX = 65536, /* bytes of what changed; more is counted */
	RETIRED_MS = 1000,   /* how often retired rules are looked at */
	CARRY_BUDGET = 1000, /* names in one turn, about a microsecond each */
};

/* Somebody who waits to be told. */
struct asker {
	TAILQ_ENTRY(asker) link;
	void (*told)(void *owner, bool good, const char *text);
	void *owner; /* borrowed */
};
TAILQ_HEAD(askers, asker);

/* Files that are being read: the helper's until they are. */
struct reading {
	struct relay *relay;       /* not for the helper */
	char *file;                /* owned */
	const struct rules *older; /* borrowed: those in force */
	const struct conf *older_conf;
	struct settings new;
	struct complaints complaints;
	struct buf changes;
	bool good;
	size_t carried; /* names whose addresses were copied */
};

/* Rules that a transaction may still hold. */
struct retired {
	LIST_ENTRY(retired) link;
	struct rules *rules; /* owned */
};

struct reload {
	struct relay *relay; /* borrowed */
	struct watch watch;  /* a timer: due while there are retired rules */
	struct watch carry;  /* a timer: due while addresses are copied */
	struct reading *reading; /* owned, then */
	bool under_way;
	struct askers asked;   /* for what is under way */
	struct askers waiting; /* for the next */
	bool once_more;
	LIST_HEAD(, retired) retired;
};

static void begin(struct reload *reload);
static void look_at_retired(void *owner);
static void carry_on(void *owner);
static void reading_free(struct reading *reading);

static void
keep(void *owner)
{
	(void)owner; /* the watch dies with struct reload */
}

struct reload *
reload_new(struct relay *relay)
{
	struct reload *reload = xcalloc(1, sizeof(*reload));

	reload->relay = relay;
	TAILQ_INIT(&reload->asked);
	TAILQ_INIT(&reload->waiting);
	LIST_INIT(&reload->retired);
	watch_init(&reload->watch, -1, reload, NULL, look_at_retired, keep);
	loop_add(relay->loop, &reload->watch);
	watch_init(&reload->carry, -1, reload, NULL, carry_on, keep);
	loop_add(relay->loop, &reload->carry);
	return reload;
}

void
reload_ask(struct reload *reload,
    void (*told)(void *owner, bool good, const char *text), void *owner)
{
	struct asker *asker;

	if (told != NULL) {
		asker = xcalloc(1, sizeof(*asker));
		asker->told = told;
		asker->owner = owner;
		TAILQ_INSERT_TAIL(&reload->waiting, asker, link);
	}
	/* The files may have changed behind the reader: once more, then. */
	reload->once_more = reload->under_way;
	if (!reload->under_way)
		begin(reload);
}

static void
forget_in(struct askers *askers, const void *owner)
{
	struct asker *asker, *next;

	for (asker = TAILQ_FIRST(askers); asker != NULL; asker = next) {
		next = TAILQ_NEXT(asker, link);
		if (owner != NULL && asker->owner != owner)
			continue;
		TAILQ_REMOVE(askers, asker, link);
		free(asker);
	}
}

void
reload_forget(struct reload *reload, const void *owner)
{
	forget_in(&reload->asked, owner);
	forget_in(&reload->waiting, owner);
}

void
reload_free(struct reload *reload)
{
	struct retired *retired;

	if (reload == NULL)
		return;
	reload_forget(reload, NULL);
	while ((retired = LIST_FIRST(&reload->retired)) != NULL) {
		LIST_REMOVE(retired, link);
		rules_free(retired->rules);
		free(retired);
	}
	reading_free(reload->reading);
	loop_remove(reload->relay->loop, &reload->watch);
	loop_remove(reload->relay->loop, &reload->carry);
	free(reload);
}

/* ---- beside the loop ---- */

static void
read_files(void *owner)
{
	struct reading *reading = owner;

	reading->good =
	    settings_load(reading->file, &reading->new, &reading->complaints);
	if (!reading->good)
		return;
	/* What a running relay does not take must not stop its next start. */
	reading->good = settings_check(&reading->new, &reading->complaints);
	if (!reading->good) {
		settings_clear(&reading->new); /* long work, if it is large */
		return;
	}
	conf_difference_say(reading->older_conf, reading->new.conf,
	    &reading->changes);
	difference_say(reading->older, reading->new.rules, &reading->changes);
}

static void
free_rules(void *owner)
{
	rules_free(owner);
}

/* ---- in the loop ---- */

/*
 * Every room takes the new configuration, or every room keeps the old one.  Of
 * the old one nothing is to be loaded again: its files may have changed, too.
 */
static bool
hand_out(struct relay *relay, const struct settings *new, struct buf *why)
{
	const struct conf *conf = new->conf, *older = relay->settings.conf;

	if (!delivery_prepare(relay->delivery, conf, why) ||
	    !log_open(conf->log_target, conf->log_level, why))
		return false;
	if (!smtp_server_reload(relay->smtp, conf, new->rules, why)) {
		if (!log_open(older->log_target, older->log_level, why))
			log_say(LEVEL_ERROR, "reload-failed",
			    "the log stays where the new settings have it");
		return false;
	}
	delivery_reload(relay->delivery, conf, new->rules);
	return true;
}

static void
log_lines(enum log_level level, const char *event, const char *text)
{
	struct span rest = span_of(text), line;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		log_say(level, event, "%.*s", SPAN_ARG(line));
	}
}

/* Large ones take a while to free: that, too, is not for the loop. */
static void
retire(struct reload *reload, struct rules *rules)
{
	struct retired *retired = xcalloc(1, sizeof(*retired));

	retired->rules = rules;
	LIST_INSERT_HEAD(&reload->retired, retired, link);
	look_at_retired(reload);
}

static void
look_at_retired(void *owner)
{
	struct reload *reload = owner;
	struct relay *relay = reload->relay;
	struct retired *retired, *next;

	for (retired = LIST_FIRST(&reload->retired); retired != NULL;
	     retired = next) {
		next = LIST_NEXT(retired, link);
		if (rules_held(retired->rules))
			continue;
		LIST_REMOVE(retired, link);
		helper_run(relay->helper, free_rules, NULL, retired->rules);
		free(retired);
	}
	reload->watch.deadline = LIST_EMPTY(&reload->retired) ?
	    LOOP_NEVER :
	    loop_now(relay->loop) + RETIRED_MS;
}

/* Swaps in what hand_out() gave to the rooms. */
static void
take(struct relay *relay, struct settings *new)
{
	struct rules *older = relay->settings.rules;
	struct log_line line;

	conf_keep_until_restart(new->conf, relay->settings.conf);
	names_reload(relay->names, new->rules);
	if (relay->control != NULL)
		control_reloaded(relay->control, new);
	relay->settings.rules = NULL;
	settings_clear(&relay->settings);
	relay->settings = *new;
	*new = (struct settings){ .conf = NULL };
	retire(relay->reload, older);
	expiry_look(relay->expiry);
	log_begin(&line, LEVEL_INFO, "reloaded");
	log_number(&line, "hosted", rules_hosted_count(relay->settings.rules));
	log_number(&line, "grants", rules_grant_count(relay->settings.rules));
	log_end(&line);
}

/* Another certificate, known by the day with which it ends. */
static void
say_certificate(const struct relay *relay, int64_t before, struct buf *changes)
{
	int64_t after = smtp_server_expires(relay->smtp);
	char day[DAY_TEXT_MAX];

	if (after == before)
		return;
	if (before != -1)
		buf_addf(changes, "- certificate: ends on %s\n",
		    day_text(before, day));
	if (after != -1)
		buf_addf(changes, "+ certificate: ends on %s\n",
		    day_text(after, day));
}

/* What is new in relayd.conf, and is not taken before a start. */
static void
log_waiting(const char *changes)
{
	struct span rest = span_of(changes), line;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (span_ends(line, SPAN(" (at the next start)")))
			log_say(LEVEL_WARNING, "reload", "%.*s",
			    SPAN_ARG(line));
	}
}

static void
tell(struct reload *reload, bool good, const char *text)
{
	struct asker *asker;

	while ((asker = TAILQ_FIRST(&reload->asked)) != NULL) {
		TAILQ_REMOVE(&reload->asked, asker, link);
		asker->told(asker->owner, good, text);
		free(asker);
	}
}

static void
conclude(struct reading *reading)
{
	struct relay *relay = reading->relay;
	const char *complaints = complaints_text(&reading->complaints);
	struct buf why;
	int64_t ended = smtp_server_expires(relay->smtp);
	bool good;

	buf_init(&why, WHY_MAX);
	good = reading->good && hand_out(relay, &reading->new, &why);
	if (good) {
		say_certificate(relay, ended, &reading->changes);
		log_lines(LEVEL_WARNING, "reload", complaints);
		log_waiting(buf_text(&reading->changes));
		take(relay, &reading->new);
		tell(relay->reload, true, buf_text(&reading->changes));
	} else if (reading->good) {
		log_say(LEVEL_ERROR, "reload-failed", "%s", buf_text(&why));
		helper_run(relay->helper, free_rules, NULL, reading->new.rules);
		reading->new.rules = NULL;
		tell(relay->reload, false, buf_text(&why));
	} else {
		log_lines(LEVEL_ERROR, "reload-failed", complaints);
		tell(relay->reload, false, complaints);
	}
	buf_clear(&why);
}

/* Whatever concluding did not take goes with it. */
static void
reading_free(struct reading *reading)
{
	if (reading == NULL)
		return;
	settings_clear(&reading->new);
	buf_clear(&reading->changes);
	complaints_clear(&reading->complaints);
	free(reading->file);
	free(reading);
}

static void
finish(struct reload *reload)
{
	conclude(reload->reading);
	reading_free(reload->reading);
	reload->reading = NULL;
	reload->under_way = false;
	if (reload->once_more)
		begin(reload);
	else
		sd_notify(0, "READY=1");
}

/*
 * Names of a million lines are not copied in one turn.  What DNS says of one
 * after its turn is asked again: every name is, by names_reload().
 */
static void
carry_on(void *owner)
{
	struct reload *reload = owner;
	struct reading *reading = reload->reading;
	struct relay *relay = reload->relay;

	if (rules_names_carry(reading->new.rules, relay->settings.rules,
		&reading->carried, CARRY_BUDGET))
		reload->carry.deadline = loop_now(relay->loop);
	else
		finish(reload);
}

static void
files_read(void *owner)
{
	struct reading *reading = owner;
	struct reload *reload = reading->relay->reload;

	reload->reading = reading;
	if (reading->good)
		carry_on(reload);
	else
		finish(reload);
}

static void
begin(struct reload *reload)
{
	struct relay *relay = reload->relay;
	struct reading *reading = xcalloc(1, sizeof(*reading));

	if (!reload->once_more)
		sd_notify(0, "RELOADING=1");
	reload->once_more = false;
	reload->under_way = true;
	TAILQ_CONCAT(&reload->asked, &reload->waiting, link);
	reading->relay = relay;
	reading->file = xstrdup(relay->settings.conf->file);
	reading->older = relay->settings.rules;
	reading->older_conf = relay->settings.conf;
	complaints_init(&reading->complaints);
	buf_init(&reading->changes, CHANGES_MAX);
	helper_run(relay->helper, read_files, files_read, reading);
}
