/*
 * conf_keys - every key of relayd.conf, with type, default and range.
 *
 * Job:     be the one table that the reader and relayd.conf(5) follow.
 * Called:  by conf.
 * Owns:    the table.
 * Never:   reads a file.
 */
#include "relayd/admin/conf_keys.h"

#include <string.h>

#include "relayd/admin/conf.h"
#include "relayd/admin/conf_listen.h"
#include "relayd/admin/conf_mail.h"
#include "spool/envelope.h"

enum {
	NAME_MAX_LEN = 63, /* of a key: longer ones are not compared */
	FAR = 3            /* so many letters wrong: another word was meant */
};

#define KIB          (UINT64_C(1) << 10)
#define MIB          (UINT64_C(1) << 20)
#define GIB          (UINT64_C(1) << 30)
#define TIB          (UINT64_C(1) << 40)
#define MINUTE       (UINT64_C(60))
#define HOUR         (60 * MINUTE)
#define DAY          (24 * HOUR)
#define WEEK         (7 * DAY)
#define PATH_LONGEST 4000
#define SUN_LONGEST  107 /* sun_path of sockaddr_un, and its NUL */

#define AT(member)        offsetof(struct conf, member)
#define LISTEN_AT(member) offsetof(struct conf_listen, member)

/* conf_read_count() also stores into the uint64_t of minimum_free_inodes. */
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "relayd needs 64 bits");

static const char *const listen_tls[] = { "off", "starttls", "implicit", NULL };
static const char *const tls_levels[] = { "off", "may", "require", "verify",
	NULL };
static const char *const bounces[] = { "reliable", "all", NULL };
static const char *const log_levels[] = { "debug", "info", "warning", "error",
	NULL };

/* clang-format off */
static const struct conf_key root[] = {
	{ "hostname", conf_mail_hostname, AT(hostname), .required =
	    "the full name of this host, such as \"mail.campus.test\"" },
	{ "postmaster", conf_mail_postmaster, AT(postmaster), .required =
	    "an address, such as \"postmaster@campus.test\"" },
	{ "contact", conf_read_text, AT(contact), .least = 1, .most = 200 },
	{ "hosted", conf_read_path, AT(hosted), .least = 1, .most = PATH_LONGEST, .required =
	    "the file of the hosted domains" },
	{ "allowlist", conf_read_path, AT(allowlist), .least = 1, .most = PATH_LONGEST },
	{ "control", conf_read_path, AT(control), .least = 1, .most = SUN_LONGEST, .restart = true },
	{ "control_mode", conf_mail_mode, AT(control_mode), .fallback = "0660",
	    .restart = true },
	{ "control_group", conf_read_text, AT(control_group), .least = 1, .most = 32, .restart = true },
	{ "user", conf_read_text, AT(user), .least = 1, .most = 32, .restart = true },
	{ "group", conf_read_text, AT(group), .least = 1, .most = 32, .restart = true },
	{ "listen", conf_listen_read, 0, .required =
	    "a list such as ( { address = \"*\"; port = 25; } )" },

	{ "tls.certificate", conf_read_paths, AT(tls.certificate), .least = 1, .most = PATH_LONGEST },
	{ "tls.key", conf_read_paths, AT(tls.key), .least = 1, .most = PATH_LONGEST },
	{ "tls.priority", conf_mail_priority, AT(tls.priority), .least = 1, .most = 1000 },
	{ "tls.ca", conf_read_path, AT(tls.ca), .least = 1, .most = PATH_LONGEST },

	{ "spool.directory", conf_read_path, AT(spool.directory),
	    "/var/spool/relayd", .least = 1, .most = PATH_LONGEST, .restart = true },
	{ "spool.minimum_free", conf_read_bytes, AT(spool.minimum_free),
	    "256M", .least = 0, .most = 1024 * TIB, .restart = true },
	{ "spool.minimum_free_inodes", conf_read_count, AT(spool.minimum_free_inodes),
	    "1000", .least = 0, .most = UINT32_MAX, .restart = true },
	{ "spool.segment_size", conf_read_bytes, AT(spool.segment_size),
	    "64M", .least = 1 * MIB, .most = 1 * GIB, .restart = true },

	{ "limits.connections", conf_read_count, AT(limits.connections),
	    "2000", .least = 1, .most = 1000000 },
	{ "limits.connections_per_client", conf_read_count,
	    AT(limits.connections_per_client), "100", .least = 1, .most = 1000000 },
	{ "limits.connections_per_network", conf_read_count,
	    AT(limits.connections_per_network), "500", .least = 1, .most = 1000000 },
	{ "limits.network_prefix_v4", conf_read_count,
	    AT(limits.network_prefix_v4), "24", .least = 8, .most = 32 },
	{ "limits.network_prefix_v6", conf_read_count,
	    AT(limits.network_prefix_v6), "56", .least = 16, .most = 64 },
	{ "limits.messages_per_client_hour", conf_read_count,
	    AT(limits.messages_per_client_hour), "10000", .least = 0, .most = UINT32_MAX },
	{ "limits.recipients_per_client_hour", conf_read_count,
	    AT(limits.recipients_per_client_hour), "50000", .least = 0, .most = UINT32_MAX },
	{ "limits.recipients_per_message", conf_read_count,
	    AT(limits.recipients_per_message), "1000", .least = 1, .most = ENVELOPE_RECIPIENTS_MAX },
	{ "limits.message_size", conf_read_bytes, AT(limits.message_size),
	    "50M", .least = 64 * KIB, .most = 4 * GIB },
	{ "limits.errors_per_session", conf_read_count,
	    AT(limits.errors_per_session), "20", .least = 1, .most = 1000000 },
	{ "limits.unknown_recipients_per_session", conf_read_count,
	    AT(limits.unknown_recipients_per_session), "50", .least = 1, .most = 1000000 },
	{ "limits.commands_per_session", conf_read_count,
	    AT(limits.commands_per_session), "100000", .least = 10, .most = UINT32_MAX },
	{ "limits.command_seconds", conf_read_timeout, AT(limits.command_seconds),
	    "5m", .least = 1, .most = 1 * DAY },
	{ "limits.data_seconds", conf_read_timeout, AT(limits.data_seconds),
	    "3m", .least = 1, .most = 1 * DAY },
	{ "limits.data_rate", conf_read_bytes, AT(limits.data_rate),
	    "25", .least = 1, .most = 1 * GIB },
	{ "limits.intake_memory", conf_read_bytes, AT(limits.intake_memory),
	    "64M", .least = 1 * MIB, .most = 1 * TIB, .restart = true },

	{ "delivery.lifetime", conf_read_seconds, AT(delivery.lifetime),
	    "5d", .least = 1, .most = 52 * WEEK },
	{ "delivery.notice_after", conf_read_seconds, AT(delivery.notice_after),
	    "4h", .least = 0, .most = 52 * WEEK },
	{ "delivery.retry_first", conf_read_seconds, AT(delivery.retry_first),
	    "1m", .least = 1, .most = 1 * WEEK },
	{ "delivery.retry_max", conf_read_seconds, AT(delivery.retry_max),
	    "1h", .least = 1, .most = 1 * WEEK },
	{ "delivery.connections", conf_read_count, AT(delivery.connections),
	    "500", .least = 1, .most = 100000 },
	{ "delivery.connections_per_destination", conf_read_count,
	    AT(delivery.connections_per_destination), "20", .least = 1, .most = 10000 },
	{ "delivery.messages_per_connection", conf_read_count,
	    AT(delivery.messages_per_connection), "100", .least = 1, .most = 1000000 },
	{ "delivery.idle_seconds", conf_read_timeout, AT(delivery.idle_seconds),
	    "5s", .least = 0, .most = 5 * MINUTE },
	{ "delivery.connect_seconds", conf_read_timeout, AT(delivery.connect_seconds),
	    "30s", .least = 1, .most = 10 * MINUTE },
	{ "delivery.outside", conf_mail_route, AT(delivery.outside), .fallback = "mx" },
	{ "delivery.outside_tls", conf_read_word, AT(delivery.outside.tls),
	    "may", .words = tls_levels },
	{ "delivery.outside_login", conf_read_path, AT(delivery.outside_login), .least = 1, .most = PATH_LONGEST },
	{ "delivery.bounce", conf_read_word, AT(delivery.bounce),
	    "reliable", .words = bounces },
	{ "delivery.local_address", conf_mail_address,
	    .offset = AT(delivery.local_address) },

	{ "dns.servers", conf_mail_servers, .offset = AT(dns_servers), .restart = true },

	{ "log.target", conf_mail_log_target, AT(log_target),
	    "stderr", .least = 1, .most = PATH_LONGEST },
	{ "log.level", conf_read_word, AT(log_level), "info", .words = log_levels },
};

/* tls has no fallback here: it depends on tls.certificate (conf_listen). */
static const struct conf_key listen_keys[] = {
	{ "address", conf_mail_listen_address, LISTEN_AT(address), .fallback = "*" },
	{ "port", conf_read_port, LISTEN_AT(port), "25", .least = 1, .most = 65535 },
	{ "tls", conf_read_word, LISTEN_AT(tls), .words = listen_tls },
	{ "priority", conf_mail_priority, LISTEN_AT(priority), .least = 1, .most = 1000 },
	{ "accept_bare_lf", conf_read_flag, LISTEN_AT(accept_bare_lf),
	    .fallback = "false" },
};
/* clang-format on */

const struct conf_keys conf_keys_root = { root,
	sizeof(root) / sizeof(root[0]) };
const struct conf_keys conf_keys_listen = { listen_keys,
	sizeof(listen_keys) / sizeof(listen_keys[0]) };

const struct conf_key *
conf_keys_find(const struct conf_keys *keys, const char *name)
{
	size_t i;

	for (i = 0; i < keys->count; i++)
		if (strcmp(keys->keys[i].name, name) == 0)
			return &keys->keys[i];
	return NULL;
}

bool
conf_keys_has_group(const struct conf_keys *keys, const char *group)
{
	size_t len = strlen(group), i;

	for (i = 0; i < keys->count; i++)
		if (strncmp(keys->keys[i].name, group, len) == 0 &&
		    keys->keys[i].name[len] == '.')
			return true;
	return false;
}

/* Levenshtein's distance of two words of at most NAME_MAX_LEN letters. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1], i, j, above, corner, least;

	for (j = 0; j <= strlen(b); j++)
		row[j] = j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		corner = row[0];
		row[0] = i;
		for (j = 1; b[j - 1] != '\0'; j++) {
			above = row[j];
			least = corner + (a[i - 1] != b[j - 1]);
			if (above + 1 < least)
				least = above + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			row[j] = least;
			corner = above;
		}
	}
	return row[strlen(b)];
}

static const char *
leaf(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot == NULL ? name : dot + 1;
}

const char *
conf_keys_nearest(const struct conf_keys *keys, const char *name)
{
	const char *nearest = NULL;
	size_t best = FAR, found, i;

	if (strlen(name) > NAME_MAX_LEN)
		return NULL;
	for (i = 0; i < keys->count; i++) {
		/* The right word in the wrong group is as near as can be. */
		if (strcmp(leaf(keys->keys[i].name), leaf(name)) == 0)
			return keys->keys[i].name;
		found = distance(name, keys->keys[i].name);
		if (found < best) {
			best = found;
			nearest = keys->keys[i].name;
		}
	}
	return nearest;
}
