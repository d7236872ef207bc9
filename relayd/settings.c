/*
 * settings - configuration and tables, taken together or not at all.
 *
 * Job:     load relayd.conf and the two tables; check what they refer to.
 * Called:  by main at the start and for -t; by reload.
 * Owns:    struct settings.
 * Never:   changes a running relay.
 */
#include "relayd/settings.h"

#include "domains/tricks.h"
#include "relayd/admin/privileges.h"
#include "relayd/delivery/login.h"
#include "relayd/net/tls.h"

enum {
	WHY_MAX = 4096
};

bool
settings_load(const char *file, struct settings *settings,
    struct complaints *complaints)
{
	struct rules_sources sources;

	settings->rules = NULL;
	settings->conf = conf_load(file, complaints);
	if (settings->conf == NULL)
		return false;
	conf_rules_sources(settings->conf, &sources);
	/* Before they are read: a change from now on shows. */
	settings->hosted = file_stamp_take(sources.hosted);
	settings->allowlist = file_stamp_take(sources.allowlist);
	settings->rules = rules_load(&sources, complaints);
	if (settings->rules != NULL && tricks_try(settings->rules, complaints))
		return true;
	settings_clear(settings);
	return false;
}

bool
settings_check(const struct settings *settings, struct complaints *complaints)
{
	const struct conf *conf = settings->conf;
	struct tls_server *server;
	struct tls_client *client;
	struct login *login;
	struct privileges privileges;
	struct buf why;

	buf_init(&why, WHY_MAX);
	if (conf->tls.certificate != NULL) {
		server = tls_server_new(conf->tls.certificate, conf->tls.key,
		    conf->tls.priority, &why);
		if (server == NULL)
			complain(complaints, conf->file, 0, 0, "%s",
			    buf_text(&why));
		tls_server_free(server);
	}
	buf_empty(&why);
	client = tls_client_new(conf->tls.ca, NULL, &why);
	if (client == NULL)
		complain(complaints, conf->file, 0, 0, "%s", buf_text(&why));
	tls_client_free(client);
	buf_empty(&why);
	if (conf->delivery.outside_login != NULL) {
		login = login_load(conf->delivery.outside_login, &why);
		if (login == NULL)
			complain(complaints, conf->file, 0, 0, "%s",
			    buf_text(&why));
		login_free(login);
	}
	buf_empty(&why);
	if (!privileges_find(conf->user, conf->group, &privileges, &why))
		complain(complaints, conf->file, 0, 0, "%s", buf_text(&why));
	buf_clear(&why);
	return complaints->errors == 0;
}

void
settings_clear(struct settings *settings)
{
	rules_free(settings->rules);
	conf_free(settings->conf);
	*settings = (struct settings){ .conf = NULL };
}
