/*
 * conf - relayd.conf, read whole or not at all.
 *
 * Job:     turn the file into a struct conf that is right by construction,
 *          or tell every error that it has.
 * Called:  by settings at the start, for -t and at a reload.
 * Owns:    struct conf and all that it points to.
 * Never:   opens what the file names: tables, certificates and the spool are
 *          their rooms'.
 */
#include "relayd/admin/conf.h"

#include <errno.h>
#include <libconfig.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/admin/conf_listen.h"
#include "relayd/admin/conf_source.h"
#include "relayd/admin/conf_walk.h"

/* The file's name with its whole path; NULL with errno. */
static char *
absolute(const char *file)
{
	char folder[PATH_MAX];
	struct buf whole;
	char *kept;

	if (file[0] == '/')
		return xstrdup(file);
	if (getcwd(folder, sizeof(folder)) == NULL)
		return NULL;
	buf_init(&whole, strlen(folder) + strlen(file) + 1);
	buf_addf(&whole, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, file);
	kept = xstrdup(buf_text(&whole));
	buf_clear(&whole);
	return kept;
}

static char *
folder_of(const char *path)
{
	size_t slash = span_find_last(span_of(path), '/');

	return xstrndup(path, slash == 0 ? 1 : slash);
}

/* Where a key that is given stands; 0 when it is not given. */
static size_t
line_of(const config_t *tree, const char *name)
{
	const config_setting_t *setting = config_lookup(tree, name);

	return setting == NULL ? 0 : config_setting_source_line(setting);
}

/* Two keys that need each other: complains where only the first is given. */
static void
check_pair(const struct conf_reader *reader, const config_t *tree,
    const char *given, const char *needed)
{
	if (config_lookup(tree, given) != NULL &&
	    config_lookup(tree, needed) == NULL)
		complain(reader->complaints, reader->file, line_of(tree, given),
		    0, "%s is given and %s is missing; expected both", given,
		    needed);
}

static size_t
lines_of(const char *text)
{
	size_t lines = 1;

	while ((text = strchr(text, '\n')) != NULL) {
		text++;
		lines++;
	}
	return lines;
}

/* Each certificate has its key. */
static void
check_keys(const struct conf_reader *reader, const config_t *tree,
    const struct conf *conf)
{
	size_t certificates, keys;

	if (conf->tls.certificate == NULL || conf->tls.key == NULL)
		return;
	certificates = lines_of(conf->tls.certificate);
	keys = lines_of(conf->tls.key);
	if (certificates != keys)
		complain(reader->complaints, reader->file,
		    line_of(tree, "tls.key"), 0,
		    "tls.certificate has %zu files and tls.key %zu; expected "
		    "as many",
		    certificates, keys);
}

/* A password goes to a host that we named, and that TLS has verified. */
static void
check_login(const struct conf_reader *reader, const config_t *tree,
    struct conf *conf)
{
	struct route *outside = &conf->delivery.outside;
	size_t line = line_of(tree, "delivery.outside_login");

	if (conf->delivery.outside_login == NULL)
		return;
	outside->login = true;
	if (outside->mx)
		complain(reader->complaints, reader->file, line, 0,
		    "delivery.outside_login is given and delivery.outside is "
		    "\"mx\"; expected the smarthost, such as "
		    "\"smtp.provider.example:587\"");
	if (outside->tls != TLS_VERIFY)
		complain(reader->complaints, reader->file, line, 0,
		    "delivery.outside_login is given and delivery.outside_tls "
		    "is \"%s\"; expected \"verify\"",
		    tls_level_name(outside->tls));
}

/* What one value alone cannot tell. */
static void
check(const struct conf_reader *reader, const config_t *tree, struct conf *conf)
{
	check_pair(reader, tree, "tls.certificate", "tls.key");
	check_pair(reader, tree, "tls.key", "tls.certificate");
	check_keys(reader, tree, conf);
	check_login(reader, tree, conf);
	check_pair(reader, tree, "group", "user");
	if (conf->delivery.retry_first > conf->delivery.retry_max)
		complain(reader->complaints, reader->file,
		    line_of(tree, "delivery.retry_first"), 0,
		    "delivery.retry_first is more than delivery.retry_max; "
		    "expected at most as much");
	conf_listen_check(reader, conf, config_lookup(tree, "listen"));
}

/* libconfig stops at the first fault of syntax, and so do we. */
static bool
parse(const struct conf_reader *reader, config_t *tree, struct buf *text)
{
	const char *error;

	if (config_read_string(tree, buf_text(text)) == CONFIG_TRUE)
		return true;
	error = config_error_text(tree);
	if (strcmp(error, "duplicate setting name") == 0)
		error = "a key is given twice; expected it once";
	else if (strcmp(error, "syntax error") == 0)
		error = "syntax error here or just before; expected "
			"name = value; with texts in quotes";
	return complain(reader->complaints, reader->file,
	    (size_t)config_error_line(tree), 0, "%s", error);
}

static void
read_file(const struct conf_reader *reader, struct conf *conf)
{
	struct buf text;
	config_t tree;

	buf_init(&text, CONF_SOURCE_MAX);
	config_init(&tree);
	if (conf_source_read(conf->file, reader->file, &text,
		reader->complaints) &&
	    parse(reader, &tree, &text)) {
		conf_walk(reader, &conf_keys_root, config_root_setting(&tree),
		    "", conf);
		check(reader, &tree, conf);
	}
	config_destroy(&tree);
	buf_clear(&text);
}

struct conf *
conf_load(const char *file, struct complaints *complaints)
{
	struct conf_reader reader = { .file = file, .complaints = complaints };
	struct conf *conf = xcalloc(1, sizeof(*conf));
	char *folder;

	conf->file = absolute(file);
	if (conf->file == NULL) {
		complain(complaints, file, 0, 0,
		    "the current folder cannot be found: %s", strerror(errno));
	} else {
		folder = folder_of(conf->file);
		reader.folder = folder;
		read_file(&reader, conf);
		free(folder);
	}
	if (complaints->errors == 0)
		return conf;
	conf_free(conf);
	return NULL;
}

void
conf_rules_sources(const struct conf *conf, struct rules_sources *sources)
{
	*sources = (struct rules_sources){
		.hosted = conf->hosted,
		.allowlist = conf->allowlist,
		.postmaster = conf->postmaster,
		.contact = conf->contact,
		.outside = conf->delivery.outside,
	};
}

void
conf_free(struct conf *conf)
{
	size_t i;

	if (conf == NULL)
		return;
	for (i = 0; i < conf->listen_count; i++) {
		free(conf->listen[i].address);
		free(conf->listen[i].priority);
	}
	free(conf->listen);
	free(conf->file);
	free(conf->hostname);
	free(conf->postmaster);
	free(conf->contact);
	free(conf->hosted);
	free(conf->allowlist);
	free(conf->tls.certificate);
	free(conf->tls.key);
	free(conf->tls.priority);
	free(conf->tls.ca);
	free(conf->spool.directory);
	route_clear(&conf->delivery.outside);
	free(conf->delivery.outside_login);
	free(conf->delivery.local_address);
	free(conf->dns_servers);
	free(conf->control);
	free(conf->control_group);
	free(conf->user);
	free(conf->group);
	free(conf->log_target);
	free(conf);
}
