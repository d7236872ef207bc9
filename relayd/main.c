/*
 * main - relayd itself: wires the rooms together, in the order of a start.
 *
 * Job:     read the files, open everything, drop privileges, run the loop,
 *          reload at SIGHUP, end at SIGTERM.
 * Called:  by the shell or the service manager.
 * Owns:    struct relay, and through it every room.
 * Never:   speaks SMTP, decides who may send, or touches the queue itself.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "relayd/admin/control_held.h"
#include "relayd/admin/log.h"
#include "relayd/admin/privileges.h"
#include "relayd/expiry.h"
#include "relayd/relay.h"

enum {
	EXIT_USAGE = 2,
	LOAD_BUDGET = 2000, /* messages of an earlier life told in one turn */
	DRAIN_SECONDS = 5, /* what is in flight at SIGTERM may take this long */
	MESSAGE_WHY_MAX = 4096,
};

/* ---- what the spool says ---- */

static void
spool_waiting(void *owner, struct spool_entry *entry, struct span domains)
{
	struct relay *relay = owner;

	delivery_waiting(relay->delivery, entry, domains);
}

static void
spool_said(void *owner, enum spool_level level, const char *text)
{
	static const enum log_level levels[] = {
		[SPOOL_NOTE] = LEVEL_INFO,
		[SPOOL_WARNING] = LEVEL_WARNING,
		[SPOOL_ERROR] = LEVEL_ERROR,
	};

	(void)owner;
	log_say(levels[level], "spool", "%s", text);
}

static void
spool_loaded(void *owner)
{
	struct relay *relay = owner;
	struct spool_counts counts;
	struct log_line line;

	spool_count(relay->spool, &counts);
	log_begin(&line, LEVEL_INFO, "spool-loaded");
	log_number(&line, "waiting", counts.messages);
	log_number(&line, "segments", counts.segments);
	log_end(&line);
}

static void
synced_ready(void *owner, short revents)
{
	struct relay *relay = owner;

	(void)revents;
	spool_synced(relay->spool);
}

static void
loading_due(void *owner)
{
	struct relay *relay = owner;

	if (spool_load(relay->spool, LOAD_BUDGET))
		relay->loading.deadline = loop_now(relay->loop);
}

static void
turn_spool(void *owner)
{
	struct relay *relay = owner;

	spool_turn(relay->spool);
}

/* ---- the end ---- */

static void
drain(struct relay *relay)
{
	if (relay->draining) {
		loop_stop(relay->loop); /* asked twice: at once */
		return;
	}
	sd_notify(0, "STOPPING=1");
	log_say(LEVEL_INFO, "stopping", "no new connections are taken");
	relay->draining = true;
	smtp_server_drain(relay->smtp);
	delivery_drain(relay->delivery);
	relay->drained.deadline = loop_now(relay->loop) + DRAIN_SECONDS * 1000;
}

static void
drained_due(void *owner)
{
	struct relay *relay = owner;

	loop_stop(relay->loop);
}

/* Each turn: nothing is in flight any more, so nothing is to be waited for. */
static void
stop_when_drained(void *owner)
{
	struct relay *relay = owner;

	if (relay->draining && smtp_server_sessions(relay->smtp) == 0 &&
	    delivery_active(relay->delivery) == 0 && !spool_busy(relay->spool))
		loop_stop(relay->loop);
}

static void
signalled(void *owner, int number)
{
	struct relay *relay = owner;

	if (number == SIGHUP)
		reload_ask(relay->reload, NULL, NULL);
	else
		drain(relay);
}

/* ---- the start ---- */

/* The most descriptors that the system lets us have. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		log_say(LEVEL_WARNING, "start", "descriptors stay limited: %s",
		    strerror(errno));
}

/* Opened as the user who will own it, so that what is made later fits. */
static bool
open_spool(struct relay *relay, const struct privileges *privileges,
    struct buf *why)
{
	const struct conf *conf = relay->settings.conf;
	struct spool_options options = {
		.directory = conf->spool.directory,
		.minimum_free = conf->spool.minimum_free,
		.minimum_inodes = conf->spool.minimum_free_inodes,
		.segment_size = (size_t)conf->spool.segment_size,
		.intake_memory = (size_t)conf->limits.intake_memory,
	};
	struct spool_events events = {
		.owner = relay,
		.waiting = spool_waiting,
		.loaded = spool_loaded,
		.said = spool_said,
	};

	if (!privileges_own_directory(privileges, options.directory, why) ||
	    !privileges_borrow(privileges, why))
		return false;
	relay->spool = spool_open(&options, &events, why);
	privileges_return(privileges);
	return relay->spool != NULL;
}

static void
granted(void *owner, const struct rules *rules, size_t line)
{
	struct relay *relay = owner;

	uses_count(relay->uses, rules, line, loop_wall(relay->loop));
}

static bool
open_smtp(struct relay *relay, struct buf *why)
{
	struct smtp_server_needs needs = {
		.loop = relay->loop,
		.spool = relay->spool,
		.conf = relay->settings.conf,
		.rules = relay->settings.rules,
		.granted = granted,
		.granted_owner = relay,
	};
	int passed[64], count, i;

	relay->smtp = smtp_server_new(&needs);
	count = sd_listen_fds(1);
	if (count > (int)(sizeof(passed) / sizeof(passed[0])))
		count = (int)(sizeof(passed) / sizeof(passed[0]));
	for (i = 0; i < count; i++)
		passed[i] = SD_LISTEN_FDS_START + i;
	return smtp_server_listen(relay->smtp, passed,
	    count > 0 ? (size_t)count : 0, why);
}

/* What an administrator held in an earlier life. */
static bool
hold_again(struct relay *relay, struct buf *why)
{
	char *file = held_file(relay->settings.conf);
	bool good = delivery_hold_these(relay->delivery, file, why);

	free(file);
	return good;
}

static bool
open_delivery(struct relay *relay, struct buf *why)
{
	struct delivery_needs needs = {
		.loop = relay->loop,
		.spool = relay->spool,
		.conf = relay->settings.conf,
		.rules = relay->settings.rules,
	};

	relay->resolver =
	    resolver_new(relay->loop, relay->settings.conf->dns_servers, why);
	if (relay->resolver == NULL)
		return false;
	needs.resolver = relay->resolver;
	relay->delivery = delivery_new(&needs, why);
	if (relay->delivery == NULL)
		return false;
	if (!hold_again(relay, why))
		return false;
	relay->names =
	    names_new(relay->loop, relay->resolver, relay->settings.rules);
	return true;
}

/* The service manager's watchdog: a loop that turns is alive. */
static void
alive_due(void *owner)
{
	struct relay *relay = owner;

	sd_notify(0, "WATCHDOG=1");
	relay->alive.deadline = loop_now(relay->loop) + relay->alive_ms;
}

static void
keep(void *owner)
{
	(void)owner; /* the watches of struct relay die with it */
}

static void
add_watchdog(struct relay *relay)
{
	uint64_t us = 0;

	watch_init(&relay->alive, -1, relay, NULL, alive_due, keep);
	loop_add(relay->loop, &relay->alive);
	if (sd_watchdog_enabled(0, &us) <= 0)
		return;
	relay->alive_ms = us / 1000 / 3;
	relay->alive.deadline = loop_now(relay->loop);
}

static void
add_watches(struct relay *relay)
{
	watch_init(&relay->synced, spool_fd(relay->spool), relay, synced_ready,
	    NULL, keep);
	relay->synced.events = POLLIN;
	loop_add(relay->loop, &relay->synced);
	watch_init(&relay->loading, -1, relay, NULL, loading_due, keep);
	relay->loading.deadline = loop_now(relay->loop);
	loop_add(relay->loop, &relay->loading);
	watch_init(&relay->drained, -1, relay, NULL, drained_due, keep);
	loop_add(relay->loop, &relay->drained);
	add_watchdog(relay);
	/* In this order: what delivery settled joins this turn's batch. */
	loop_each_turn(relay->loop, turn_spool, relay);
	loop_each_turn(relay->loop, stop_when_drained, relay);
	loop_each_turn(relay->loop, log_flush, NULL);
}

/* As the user who writes them: a damaged line is logged and left out. */
static void
open_uses(struct relay *relay)
{
	struct complaints complaints;
	char *path = uses_path(relay->settings.conf->spool.directory);
	struct span rest, line;

	complaints_init(&complaints);
	relay->uses = uses_new(path, &complaints);
	uses_run(relay->uses, relay->loop, relay->helper);
	rest = span_of(complaints_text(&complaints));
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		log_say(LEVEL_WARNING, "uses-damaged", "%.*s", SPAN_ARG(line));
	}
	complaints_clear(&complaints);
	free(path);
}

/* Opens what needs root, then drops it: design section 8. */
static bool
start(struct relay *relay, struct buf *why)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	struct privileges privileges;

	if (!privileges_find(relay->settings.conf->user,
		relay->settings.conf->group, &privileges, why) ||
	    !log_open(relay->settings.conf->log_target,
		relay->settings.conf->log_level, why))
		return false;
	if (privileges.wanted && !log_give(privileges.uid, privileges.gid, why))
		return false;
	raise_descriptors();
	relay->loop = loop_new(NULL);
	/* Before another thread is made: it inherits the signal mask. */
	relay->signals = signals_new(relay->loop, numbers,
	    sizeof(numbers) / sizeof(numbers[0]), signalled, relay);
	if (!open_spool(relay, &privileges, why) || !open_smtp(relay, why) ||
	    !open_delivery(relay, why) || !desk_open(relay, &privileges, why) ||
	    !privileges_drop(&privileges, why))
		return false;
	add_watches(relay);
	relay->helper = helper_new(relay->loop);
	open_uses(relay);
	relay->reload = reload_new(relay);
	relay->expiry = expiry_new(relay);
	desk_start(relay);
	return true;
}

static void
end(struct relay *relay)
{
	relay->draining = false; /* the last turn has nobody left to ask */
	desk_end(relay);
	signals_free(relay->signals);
	helper_wait(relay->helper); /* a reload needs the rooms */
	expiry_free(relay->expiry);
	smtp_server_free(relay->smtp);
	names_free(relay->names);
	if (relay->delivery != NULL)
		delivery_free(relay->delivery);
	if (relay->loop != NULL)
		loop_turn(relay->loop, false); /* reaps the sessions */
	helper_free(relay->helper);
	uses_free(relay->uses);
	reload_free(relay->reload);
	resolver_free(relay->resolver);
	loop_free(relay->loop);
	if (relay->spool != NULL)
		spool_close(relay->spool);
	settings_clear(&relay->settings);
}

/* relayd -t: every error of every file, or one line that says all is well. */
static int
check_files(const char *file)
{
	struct complaints complaints;
	struct settings settings;
	bool good;

	complaints_init(&complaints);
	good = settings_load(file, &settings, &complaints) &&
	    settings_check(&settings, &complaints);
	fputs(complaints_text(&complaints), stderr);
	if (good)
		printf("relayd: %s is good: %zu hosted domains, %zu grants\n",
		    file, rules_hosted_count(settings.rules),
		    rules_grant_count(settings.rules));
	settings_clear(&settings);
	complaints_clear(&complaints);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
serve(const char *file)
{
	struct relay relay = { .control_socket.fd = -1 };
	struct complaints complaints;
	struct buf why;
	bool good;

	complaints_init(&complaints);
	buf_init(&why, MESSAGE_WHY_MAX);
	good = settings_load(file, &relay.settings, &complaints);
	fputs(complaints_text(&complaints), stderr);
	complaints_clear(&complaints);
	if (good) {
		good = start(&relay, &why);
		if (good) {
			log_say(LEVEL_INFO, "started", "relayd %s serves %s",
			    RELAYD_VERSION, relay.settings.conf->hostname);
			sd_notify(0, "READY=1");
			loop_run(relay.loop);
			log_say(LEVEL_INFO, "stopped", "orderly");
		} else {
			fprintf(stderr, "relayd: %s\n", buf_text(&why));
		}
	}
	end(&relay);
	log_flush(NULL);
	log_close();
	buf_clear(&why);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
usage(FILE *out, int status)
{
	fprintf(out,
	    "usage: relayd [-c relayd.conf] [-t]\n"
	    "       relayd -V | -h\n"
	    "  -c  the configuration (default %s)\n"
	    "  -t  check configuration and tables, say every error, exit\n"
	    "  -V  print the version\n",
	    RELAYD_CONF);
	return status;
}

int
main(int argc, char *argv[])
{
	const char *file = RELAYD_CONF;
	bool check_only = false;
	int option;

	while ((option = getopt(argc, argv, "c:thV")) != -1) {
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 't':
			check_only = true;
			break;
		case 'V':
			printf("relayd %s\n", RELAYD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			return usage(stdout, EXIT_SUCCESS);
		default:
			return usage(stderr, EXIT_USAGE);
		}
	}
	if (optind != argc)
		return usage(stderr, EXIT_USAGE);
	umask(077);
	return check_only ? check_files(file) : serve(file);
}
