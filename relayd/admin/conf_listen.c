/*
 * conf_listen - the listeners of relayd.conf.
 *
 * Job:     read the list, and check the listeners against each other and
 *          against the certificate.
 * Called:  by conf_walk for the key listen; by conf at the end.
 * Owns:    nothing; the listeners belong to the struct conf.
 * Never:   opens a socket.
 */
#include "relayd/admin/conf_listen.h"

#include <stdio.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/admin/conf_walk.h"

enum {
	LISTENERS_MAX = 64, /* as many as main takes from a service manager */
	PREFIX_LONGEST = 32
};

bool
conf_listen_read(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	const config_setting_t *setting = value->setting, *element;
	struct conf *conf = field;
	struct conf_value wrong = *value;
	char prefix[PREFIX_LONGEST];
	int count, i;

	if (!config_setting_is_list(setting))
		return conf_read_wrong(reader, value, "%s", key->required);
	count = config_setting_length(setting);
	if (count < 1 || count > LISTENERS_MAX)
		return complain(reader->complaints, reader->file,
		    config_setting_source_line(setting), 0,
		    "listen has %d listeners; expected 1 to %d", count,
		    LISTENERS_MAX);
	conf->listen = xcalloc((size_t)count, sizeof(*conf->listen));
	conf->listen_count = (size_t)count;
	for (i = 0; i < count; i++) {
		element = config_setting_get_elem(setting, (unsigned)i);
		snprintf(prefix, sizeof(prefix), "listen[%d].", i);
		if (config_setting_is_group(element)) {
			conf_walk(reader, &conf_keys_listen, element, prefix,
			    &conf->listen[i]);
			continue;
		}
		wrong.setting = element;
		wrong.text = config_setting_get_string(element);
		conf_read_wrong(reader, &wrong,
		    "a list of groups such as "
		    "{ address = \"*\"; port = 25; }");
	}
	return true;
}

/* Would the kernel refuse b beside a?  (A v6 wildcard takes v4 as well.) */
static bool
collide(const struct conf_listen *a, const struct conf_listen *b)
{
	struct ip a_ip, b_ip;

	/* Port 0 or no address: complained of already. */
	if (a->port != b->port || a->port == 0 || a->address == NULL ||
	    b->address == NULL)
		return false;
	if (!ip_parse(span_of(a->address), &a_ip) ||
	    !ip_parse(span_of(b->address), &b_ip))
		return true; /* one of them is "*" */
	if (ip_equal(&a_ip, &b_ip))
		return true;
	return ip_is_v4(&a_ip) == ip_is_v4(&b_ip) &&
	    (strcmp(a->address, "0.0.0.0") == 0 ||
		strcmp(b->address, "0.0.0.0") == 0 ||
		strcmp(a->address, "::") == 0 || strcmp(b->address, "::") == 0);
}

static void
check_one(const struct conf_reader *reader, struct conf *conf, size_t index,
    const config_setting_t *element)
{
	struct conf_listen *listen = &conf->listen[index];
	size_t line = config_setting_source_line(element), i;

	if (config_setting_get_member((config_setting_t *)element, "tls") ==
	    NULL)
		listen->tls = conf->tls.certificate != NULL ?
		    LISTEN_TLS_STARTTLS :
		    LISTEN_TLS_OFF;
	if (listen->tls != LISTEN_TLS_OFF && conf->tls.certificate == NULL)
		complain(reader->complaints, reader->file, line, 0,
		    "listen[%zu].tls is \"%s\" and tls.certificate is "
		    "missing; expected both",
		    index,
		    listen->tls == LISTEN_TLS_IMPLICIT ? "implicit" :
							 "starttls");
	for (i = 0; i < index; i++) {
		if (!collide(&conf->listen[i], listen))
			continue;
		complain(reader->complaints, reader->file, line, 0,
		    "listen[%zu] is %s port %u, which listen[%zu] takes "
		    "already; expected a port or an address of its own",
		    index, listen->address, (unsigned)listen->port, i);
		return;
	}
}

void
conf_listen_check(const struct conf_reader *reader, struct conf *conf,
    const config_setting_t *setting)
{
	const config_setting_t *element;
	size_t i;

	for (i = 0; setting != NULL && i < conf->listen_count; i++) {
		element = config_setting_get_elem(setting, (unsigned)i);
		if (config_setting_is_group(element))
			check_one(reader, conf, i, element);
	}
}
