/*
 * wires - what every connection needs.
 *
 * Job:     our name, source address, trust and login, as the configuration has them.
 * Called:  by delivery.c at a start and a reload, by line.c.
 * Owns:    copies of the texts, the trust store and the login.
 * Never:   changes once it is made.
 */
#include "relayd/delivery/wires.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/login.h"
#include "relayd/net/tls.h"

struct wires {
	struct client_needs needs[TLS_VERIFY + 1];
	struct client_needs logged_in;
	struct login *login;    /* owned; or NULL */
	char *hostname;         /* owned */
	char *local_address;    /* owned; or NULL */
	struct tls_client *tls; /* owned */
};

struct wires *
wires_new(struct core *core, const struct conf *conf, struct buf *why)
{
	struct wires *wires;
	struct tls_client *tls;
	struct login *login = NULL;
	int level;

	tls = tls_client_new(conf->tls.ca, NULL, why);
	if (tls == NULL)
		return NULL;
	if (conf->delivery.outside_login != NULL) {
		login = login_load(conf->delivery.outside_login, why);
		if (login == NULL) {
			tls_client_free(tls);
			return NULL;
		}
	}
	wires = xcalloc(1, sizeof(*wires));
	wires->tls = tls;
	wires->login = login;
	wires->hostname = xstrdup(conf->hostname);
	if (conf->delivery.local_address != NULL)
		wires->local_address = xstrdup(conf->delivery.local_address);
	for (level = TLS_OFF; level <= TLS_VERIFY; level++) {
		wires->needs[level] = (struct client_needs){
			.loop = core->loop,
			.hostname = wires->hostname,
			.local_address = wires->local_address,
			.tls = tls,
			.tls_level = (enum tls_level)level,
			.connect_seconds = conf->delivery.connect_seconds,
			.timeout_percent = 100,
		};
	}
	wires->logged_in = wires->needs[TLS_VERIFY];
	wires->logged_in.login = login;
	return wires;
}

void
wires_free(struct wires *wires)
{
	if (wires == NULL)
		return;
	tls_client_free(wires->tls);
	login_free(wires->login);
	free(wires->hostname);
	free(wires->local_address);
	free(wires);
}

const struct client_needs *
wires_needs(const struct wires *wires, enum tls_level tls)
{
	return &wires->needs[tls];
}

const struct client_needs *
wires_logged_in(const struct wires *wires)
{
	assert(wires->login != NULL);
	return &wires->logged_in;
}
