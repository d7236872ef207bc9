/*
 * conf_mail - values of relayd.conf that mail and the net give a meaning to.
 *
 * Job:     check names, addresses, routes and servers, and store each in the
 *          one form in which the rooms take it.
 * Called:  by conf, through the table in conf_keys.
 * Owns:    nothing; what it stores is owned by the struct conf.
 * Never:   looks anything up: the net is not asked.
 */
#include "relayd/admin/conf_mail.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/address.h"
#include "domains/domain.h"
#include "domains/ip.h"
#include "domains/route.h"

enum {
	SERVERS_MAX = 10, /* name servers; more than resolv.conf knows */
	SERVER_TEXT_MAX = IP_TEXT_MAX + 8
};

/* A domain name with a dot in it that is not an address. */
bool
conf_mail_hostname(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	char domain[DOMAIN_MAX + 1];
	const char *why = "a text";
	struct ip ip;

	(void)key;
	if (value->text == NULL ||
	    !domain_normalise(span_of(value->text), domain, &why))
		return conf_read_wrong(reader, value,
		    "the full name of this host (%s)", why);
	if (strchr(domain, '.') == NULL || ip_parse(span_of(domain), &ip))
		return conf_read_wrong(reader, value,
		    "the full name of this host, with its domain");
	conf_read_keep(field, domain, strlen(domain));
	return true;
}

/*
 * ASCII only: it stands in the From of every notice, which must pass next
 * hops without SMTPUTF8.
 */
bool
conf_mail_postmaster(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field)
{
	struct address address;
	const char *why = "a text";

	(void)key;
	if (value->text == NULL ||
	    address_parse(span_of(value->text), &address, &why) != PATH_OK)
		return conf_read_wrong(reader, value, "an address (%s)", why);
	if (address.domain[0] == '\0')
		return conf_read_wrong(reader, value,
		    "an address with its domain");
	if (address.utf8)
		return conf_read_wrong(reader, value,
		    "an address whose local part is ASCII");
	conf_read_keep(field, address.text, address.text_len);
	return true;
}

bool
conf_mail_address(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	char text[IP_TEXT_MAX];
	struct ip ip;

	(void)key;
	if (value->text == NULL || !ip_parse(span_of(value->text), &ip))
		return conf_read_wrong(reader, value, "a v4 or v6 address");
	ip_text(&ip, text);
	conf_read_keep(field, text, strlen(text));
	return true;
}

bool
conf_mail_listen_address(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field)
{
	char text[IP_TEXT_MAX];
	struct ip ip;

	(void)key;
	if (value->text != NULL && strcmp(value->text, "*") == 0) {
		conf_read_keep(field, "*", 1);
		return true;
	}
	if (value->text == NULL || !ip_parse(span_of(value->text), &ip))
		return conf_read_wrong(reader, value,
		    "\"*\" or a v4 or v6 address");
	ip_text(&ip, text);
	conf_read_keep(field, text, strlen(text));
	return true;
}

bool
conf_mail_route(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	struct route *route = field, found;
	const char *why = "a text";
	size_t at = 0;

	(void)key;
	if (value->text == NULL)
		return conf_read_wrong(reader, value,
		    "\"mx\" or hops such as \"mx1.campus.test:25\"");
	if (!route_parse(span_of(value->text), &found, &at, &why))
		return conf_read_wrong(reader, value,
		    "\"mx\" or hops such as \"mx1.campus.test:25\" (at "
		    "character %zu: %s)",
		    at + 1, why);
	found.tls = route->tls;
	route_clear(route);
	*route = found;
	return true;
}

/*
 * One name server: address, address:port, [address], [address]:port.  A v6
 * address without brackets has no port.
 */
static bool
server_parse(struct span text, struct ip *ip, uint64_t *port)
{
	struct span address = text;
	size_t end;

	*port = 53;
	if (ip_parse(text, ip))
		return true;
	if (span_starts(text, SPAN("["))) {
		end = span_find(text, ']');
		address = span_skip(span_head(text, end), 1);
		text = span_skip(text, end + 1);
		if (text.len == 0)
			return ip_parse(address, ip);
		if (!span_starts(text, SPAN(":")))
			return false;
		text = span_skip(text, 1);
	} else {
		address = span_cut(&text, ':');
	}
	return ip_parse(address, ip) && span_number(text, 65535, port) &&
	    *port > 0;
}

static bool
add_server(const struct conf_reader *reader, const struct conf_value *value,
    const char *text, struct buf *out)
{
	char address[IP_TEXT_MAX];
	uint64_t port;
	struct ip ip;

	if (text == NULL || !server_parse(span_of(text), &ip, &port))
		return conf_read_wrong(reader, value,
		    "an address such as \"127.0.0.1\", \"127.0.0.1:5353\" or "
		    "\"[::1]:5353\"");
	ip_text(&ip, address);
	buf_addf(out, ip_is_v4(&ip) ? "%s%s:%u" : "%s[%s]:%u",
	    out->len == 0 ? "" : ",", address, (unsigned)port);
	return true;
}

/* [ "127.0.0.1:5353", "[::1]" ] as "127.0.0.1:5353,[::1]:53". */
bool
conf_mail_servers(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	const config_setting_t *setting = value->setting;
	struct conf_value element = *value;
	bool good = true;
	struct buf out;
	int count, i;

	(void)key;
	if (!config_setting_is_aggregate(setting) ||
	    config_setting_is_group(setting))
		return conf_read_wrong(reader, value,
		    "an array such as [ \"127.0.0.1:5353\" ]");
	count = config_setting_length(setting);
	if (count < 1 || count > SERVERS_MAX)
		return conf_read_wrong(reader, value,
		    "an array of 1 to %d addresses", SERVERS_MAX);
	buf_init(&out, SERVERS_MAX * SERVER_TEXT_MAX);
	for (i = 0; i < count; i++) {
		element.setting = config_setting_get_elem(setting, (unsigned)i);
		element.text = config_setting_get_string(element.setting);
		good = add_server(reader, &element, element.text, &out) && good;
	}
	if (good)
		conf_read_keep(field, buf_text(&out), out.len);
	buf_clear(&out);
	return good;
}

bool
conf_mail_priority(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	gnutls_priority_t priority;
	const char *at = NULL;
	int error;

	if (!conf_read_is_text(reader, key, value))
		return false;
	error = gnutls_priority_init(&priority, value->text, &at);
	if (error != GNUTLS_E_SUCCESS)
		return conf_read_wrong(reader, value,
		    "a GnuTLS priority string (not understood from \"%s\" on)",
		    at == NULL ? "" : at);
	gnutls_priority_deinit(priority);
	conf_read_keep(field, value->text, strlen(value->text));
	return true;
}

/* "stderr", "syslog", "syslog:SOCKET", or a file. */
bool
conf_mail_log_target(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field)
{
	if (value->text != NULL &&
	    (strcmp(value->text, "stderr") == 0 ||
		strcmp(value->text, "syslog") == 0 ||
		span_starts(span_of(value->text), SPAN("syslog:/")))) {
		conf_read_keep(field, value->text, strlen(value->text));
		return true;
	}
	return conf_read_path(reader, key, value, field);
}

/* Octal digits in a text, as chmod(1) has them; for user and group, or others, too. */
bool
conf_mail_mode(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	const char *digit = value->text;
	unsigned mode = 0;

	(void)key;
	while (digit != NULL && *digit >= '0' && *digit <= '7' && mode <= 0666)
		mode = mode * 8 + (unsigned)(*digit++ - '0');
	if (digit == NULL || *digit != '\0' || (mode & ~0666u) != 0 ||
	    (mode & 0600) != 0600)
		return conf_read_wrong(reader, value,
		    "a mode in a text, from \"0600\" to \"0666\"");
	*(unsigned *)field = mode;
	return true;
}
