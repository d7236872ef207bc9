/*
 * conf_difference - what another relayd.conf changes.
 *
 * Job:     say the keys that differ; keep those that only a start can take.
 * Called:  by reload.c, beside the loop and in it.
 * Owns:    nothing.
 * Never:   knows a key by name: it goes by the table in conf_keys.
 */
#include "relayd/admin/conf_difference.h"

#include <string.h>

#include "base/xalloc.h"
#include "relayd/admin/conf_keys.h"
#include "relayd/admin/conf_listen.h"
#include "relayd/admin/conf_mail.h"
#include "relayd/admin/units.h"

enum {
	VALUE_MAX = 8192
};

/* How the values of a reader are kept and said. */
struct kind {
	bool (*read)(const struct conf_reader *reader,
	    const struct conf_key *key, const struct conf_value *value,
	    void *field);
	size_t size; /* of the member */
	void (*say)(const struct conf_key *key, const void *field,
	    struct buf *out);
};

static void
say_text(const struct conf_key *key, const void *field, struct buf *out)
{
	const char *text = *(char *const *)field;

	(void)key;
	if (text == NULL)
		return;
	buf_add_byte(out, '"');
	buf_add_escaped(out, span_of(text), VALUE_MAX / 8);
	buf_add_byte(out, '"');
}

/* Lines, as the array that they were; one alone as a text. */
static void
say_lines(const struct conf_key *key, const void *field, struct buf *out)
{
	const char *text = *(char *const *)field;
	struct span rest;
	bool many;

	(void)key;
	if (text == NULL)
		return;
	many = strchr(text, '\n') != NULL;
	if (many)
		buf_add(out, SPAN("[ "));
	for (rest = span_of(text); rest.len > 0;) {
		buf_add_byte(out, '"');
		buf_add_escaped(out, span_cut(&rest, '\n'), VALUE_MAX / 8);
		buf_add_byte(out, '"');
		if (rest.len > 0)
			buf_add(out, SPAN(", "));
	}
	if (many)
		buf_add(out, SPAN(" ]"));
}

static void
say_count(const struct conf_key *key, const void *field, struct buf *out)
{
	(void)key;
	buf_addf(out, "%zu", *(const size_t *)field);
}

static void
say_bytes(const struct conf_key *key, const void *field, struct buf *out)
{
	(void)key;
	buf_add_byte(out, '"');
	units_add_bytes(out, *(const uint64_t *)field);
	buf_add_byte(out, '"');
}

static void
add_seconds(struct buf *out, uint64_t seconds)
{
	buf_add_byte(out, '"');
	units_add_seconds(out, seconds);
	buf_add_byte(out, '"');
}

static void
say_seconds(const struct conf_key *key, const void *field, struct buf *out)
{
	(void)key;
	add_seconds(out, (uint64_t) * (const int64_t *)field);
}

static void
say_timeout(const struct conf_key *key, const void *field, struct buf *out)
{
	(void)key;
	add_seconds(out, *(const unsigned *)field);
}

static void
say_mode(const struct conf_key *key, const void *field, struct buf *out)
{
	(void)key;
	buf_addf(out, "0%o", *(const unsigned *)field);
}

static void
say_word(const struct conf_key *key, const void *field, struct buf *out)
{
	buf_addf(out, "\"%s\"", key->words[*(const unsigned *)field]);
}

static void
say_route(const struct conf_key *key, const void *field, struct buf *out)
{
	const struct route *route = field;

	(void)key;
	buf_add_byte(out, '"');
	if (route->mx)
		buf_add(out, SPAN("mx"));
	else
		route_hops_text(route, out);
	buf_add_byte(out, '"');
}

static const struct kind kinds[] = {
	/* clang-format off */
	{ conf_read_text,       sizeof(char *),   say_text },
	{ conf_read_path,       sizeof(char *),   say_text },
	{ conf_read_paths,      sizeof(char *),   say_lines },
	{ conf_mail_hostname,   sizeof(char *),   say_text },
	{ conf_mail_postmaster, sizeof(char *),   say_text },
	{ conf_mail_priority,   sizeof(char *),   say_text },
	{ conf_mail_address,    sizeof(char *),   say_text },
	{ conf_mail_servers,    sizeof(char *),   say_text },
	{ conf_mail_log_target, sizeof(char *),   say_text },
	{ conf_read_count,      sizeof(size_t),   say_count },
	{ conf_read_bytes,      sizeof(uint64_t), say_bytes },
	{ conf_read_seconds,    sizeof(int64_t),  say_seconds },
	{ conf_read_timeout,    sizeof(unsigned), say_timeout },
	{ conf_mail_mode,       sizeof(unsigned), say_mode },
	{ conf_read_word,       sizeof(unsigned), say_word },
	{ conf_mail_route,      sizeof(struct route), say_route },
	/* clang-format on */
};

/* NULL: the listeners, which are no member. */
static const struct kind *
kind_of(const struct conf_key *key)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].read == key->read)
			return &kinds[i];
	assert(key->read == conf_listen_read);
	return NULL;
}

static const char *
base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash == NULL ? file : slash + 1;
}

static void
add_line(struct buf *out, char sign, const struct conf *conf,
    const struct conf_key *key, struct span value)
{
	if (value.len == 0)
		return; /* not given, and no default */
	buf_addf(out, "%c %s: %s = %.*s%s\n", sign, base_name(conf->file),
	    key->name, SPAN_ARG(value),
	    sign == '+' && key->restart ? " (at the next start)" : "");
}

static void
compare_key(const struct conf_key *key, const struct kind *kind,
    const struct conf *older, const struct conf *newer, struct buf *out)
{
	struct buf was, is;

	buf_init(&was, VALUE_MAX);
	buf_init(&is, VALUE_MAX);
	kind->say(key, (const char *)older + key->offset, &was);
	kind->say(key, (const char *)newer + key->offset, &is);
	if (!span_equal(buf_span(&was), buf_span(&is))) {
		add_line(out, '-', older, key, buf_span(&was));
		add_line(out, '+', newer, key, buf_span(&is));
	}
	buf_clear(&was);
	buf_clear(&is);
}

/* ---- listeners ---- */

static void
say_listener(const struct conf_listen *listen, struct buf *out)
{
	static const char *const tls[] = {
		[LISTEN_TLS_OFF] = "off",
		[LISTEN_TLS_STARTTLS] = "starttls",
		[LISTEN_TLS_IMPLICIT] = "implicit",
	};

	buf_addf(out, "{ address = \"%s\"; port = %u; tls = \"%s\";",
	    listen->address, listen->port, tls[listen->tls]);
	if (listen->priority != NULL)
		buf_addf(out, " priority = \"%s\";", listen->priority);
	if (listen->accept_bare_lf)
		buf_add(out, SPAN(" accept_bare_lf = true;"));
	buf_add(out, SPAN(" }"));
}

static bool
has_listener(const struct conf *conf, struct span wanted)
{
	struct buf text;
	bool found = false;
	size_t i;

	buf_init(&text, VALUE_MAX);
	for (i = 0; i < conf->listen_count && !found; i++) {
		buf_empty(&text);
		say_listener(&conf->listen[i], &text);
		found = span_equal(buf_span(&text), wanted);
	}
	buf_clear(&text);
	return found;
}

/* Every listener of one that the other has not. */
static void
add_listeners(struct buf *out, char sign, const struct conf_key *key,
    const struct conf *conf, const struct conf *other)
{
	struct buf text;
	size_t i;

	buf_init(&text, VALUE_MAX);
	for (i = 0; i < conf->listen_count; i++) {
		buf_empty(&text);
		say_listener(&conf->listen[i], &text);
		if (!has_listener(other, buf_span(&text)))
			add_line(out, sign, conf, key, buf_span(&text));
	}
	buf_clear(&text);
}

void
conf_difference_say(const struct conf *older, const struct conf *newer,
    struct buf *out)
{
	const struct conf_key *key;
	const struct kind *kind;
	size_t i;

	for (i = 0; i < conf_keys_root.count; i++) {
		key = &conf_keys_root.keys[i];
		kind = kind_of(key);
		if (kind != NULL) {
			compare_key(key, kind, older, newer, out);
			continue;
		}
		add_listeners(out, '-', key, older, newer);
		add_listeners(out, '+', key, newer, older);
	}
}

/* ---- what waits for a start ---- */

void
conf_keep_until_restart(struct conf *newer, struct conf *older)
{
	char spare[sizeof(uint64_t)];
	const struct conf_key *key;
	const struct kind *kind;
	size_t size, i;

	for (i = 0; i < conf_keys_root.count; i++) {
		key = &conf_keys_root.keys[i];
		if (!key->restart)
			continue;
		kind = kind_of(key);
		assert(kind != NULL && kind->size <= sizeof(spare));
		size = kind->size;
		memcpy(spare, (char *)newer + key->offset, size);
		memcpy((char *)newer + key->offset, (char *)older + key->offset,
		    size);
		memcpy((char *)older + key->offset, spare, size);
	}
}
