/*
 * reload - new settings for a running relay, all or nothing.
 *
 * Job:     load the files again, hand them to every room, or change nothing.
 * Called:  by main at SIGHUP.
 * Owns:    nothing that outlives the call.
 * Never:   drops a connection, or leaves two rooms with different rules.
 */
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "relayd/admin/log.h"
#include "relayd/relay.h"

enum {
	WHY_MAX = 4096
};

static void
warn_restart(const char *key, const char *old, const char *new)
{
	if (strcmp(old == NULL ? "" : old, new == NULL ? "" : new) != 0)
		log_say(LEVEL_WARNING, "reload",
		    "a new %s is taken at the next start only", key);
}

/* Every room takes the new configuration, or every room keeps the old one. */
static bool
hand_out(struct relay *relay, const struct settings *new, struct buf *why)
{
	const struct conf *conf = new->conf;

	if (!smtp_server_reload(relay->smtp, conf, new->rules, why))
		return false;
	if (delivery_reload(relay->delivery, conf, new->rules, why)) {
		if (log_open(conf->log_target, conf->log_level, why))
			return true;
	}
	if (!delivery_reload(relay->delivery, relay->settings.conf,
		relay->settings.rules, why) ||
	    !smtp_server_reload(relay->smtp, relay->settings.conf,
		relay->settings.rules, why))
		log_say(LEVEL_ERROR, "reload-failed",
		    "the old settings cannot be put back: %s", buf_text(why));
	return false;
}

static void
log_complaints(struct complaints *complaints)
{
	struct span rest = span_of(complaints_text(complaints)), line;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		log_say(LEVEL_ERROR, "reload-failed", "%.*s", SPAN_ARG(line));
	}
}

/* Swaps in what hand_out() gave to the rooms. */
static void
take(struct relay *relay, const struct settings *new)
{
	const struct conf *old = relay->settings.conf;
	struct log_line line;

	warn_restart("spool.directory", old->spool.directory,
	    new->conf->spool.directory);
	warn_restart("dns.servers", old->dns_servers, new->conf->dns_servers);
	warn_restart("user", old->user, new->conf->user);
	warn_restart("group", old->group, new->conf->group);
	names_reload(relay->names, new->rules);
	settings_clear(&relay->settings);
	relay->settings = *new;
	log_begin(&line, LEVEL_INFO, "reloaded");
	log_number(&line, "hosted", rules_hosted_count(new->rules));
	log_number(&line, "grants", rules_grant_count(new->rules));
	log_end(&line);
}

void
relay_reload(struct relay *relay)
{
	struct complaints complaints;
	struct settings new;
	struct buf why;

	sd_notify(0, "RELOADING=1");
	complaints_init(&complaints);
	buf_init(&why, WHY_MAX);
	if (!settings_load(relay->settings.conf->file, &new, &complaints)) {
		log_complaints(&complaints);
	} else if (!hand_out(relay, &new, &why)) {
		log_say(LEVEL_ERROR, "reload-failed", "%s", buf_text(&why));
		settings_clear(&new);
	} else {
		take(relay, &new);
	}
	buf_clear(&why);
	complaints_clear(&complaints);
	sd_notify(0, "READY=1");
}
