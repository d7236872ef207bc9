/*
 * desk - where administrators ask a running relay.
 *
 * Job:     open the control socket before root is dropped; give its commands
 *          the rooms that they look at; read the counters.
 * Called:  by main at the start and the end.
 * Owns:    nothing: the parts are struct relay's.
 * Never:   knows a command.
 */
#include "relayd/relay.h"

static void
read_totals(void *owner, struct rates_totals *totals)
{
	const struct relay *relay = owner;
	struct delivery_counts delivery;
	struct smtp_counts smtp;

	smtp_server_count(relay->smtp, &smtp);
	delivery_count(relay->delivery, &delivery);
	*totals =
	    (struct rates_totals){ .of = {
				       [RATE_CONNECTIONS] = smtp.connections,
				       [RATE_ACCEPTED] = smtp.messages,
				       [RATE_REFUSED] = smtp.refused,
				       [RATE_DELIVERED] = delivery.delivered,
				       [RATE_DEFERRED] = delivery.deferred,
				       [RATE_FAILED] = delivery.failed,
				   } };
}

static void
ask_reload(void *owner,
    void (*told)(void *told_owner, bool good, const char *text),
    void *told_owner)
{
	reload_ask(((struct relay *)owner)->reload, told, told_owner);
}

static void
forget_reload(void *owner, const void *told_owner)
{
	reload_forget(((struct relay *)owner)->reload, told_owner);
}

bool
desk_open(struct relay *relay, const struct privileges *privileges,
    struct buf *why)
{
	const struct conf *conf = relay->settings.conf;
	struct control_access access = {
		.mode = conf->control_mode,
		.group = conf->control_group,
		.uid = privileges->wanted ? privileges->uid : (uid_t)-1,
		.gid = privileges->wanted ? privileges->gid : (gid_t)-1,
	};

	if (conf->control == NULL)
		return true;
	return control_socket_open(&relay->control_socket, conf->control,
	    &access, why);
}

void
desk_start(struct relay *relay)
{
	struct control_rooms rooms = {
		.loop = relay->loop,
		.spool = relay->spool,
		.smtp = relay->smtp,
		.delivery = relay->delivery,
		.resolver = relay->resolver,
		.uses = relay->uses,
		.helper = relay->helper,
		.conf = relay->settings.conf,
		.rules = relay->settings.rules,
		.hosted = relay->settings.hosted,
		.allowlist = relay->settings.allowlist,
		.loaded_at = loop_wall(relay->loop),
		.started_at = loop_wall(relay->loop),
		.reload = ask_reload,
		.reload_forget = forget_reload,
		.owner = relay,
	};

	relay->rates = rates_new(relay->loop, read_totals, relay);
	rooms.rates = relay->rates;
	if (relay->control_socket.fd != -1)
		relay->control = control_new(&relay->control_socket, &rooms);
}

void
desk_end(struct relay *relay)
{
	control_socket_close(&relay->control_socket);
	control_free(relay->control);
	rates_free(relay->rates);
	relay->control = NULL;
	relay->rates = NULL;
}
