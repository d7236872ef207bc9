/*
 * conf_read - plain values of relayd.conf: numbers, sizes, times, texts.
 *
 * Job:     check one value against its row of the table and store it.
 * Called:  by conf, through the table in conf_keys.
 * Owns:    nothing; what it stores is owned by the struct conf.
 * Never:   stores a value that it complained about.
 */
#include "relayd/admin/conf_read.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/admin/units.h"

enum {
	FOUND_MAX = 80,    /* bytes of a text that a complaint quotes */
	EXPECTED_MAX = 512 /* bytes of what was expected */
};

/* Says what the operator wrote. */
static void
add_found(struct buf *out, const struct conf_value *value)
{
	static const char *const names[] = {
		[CONFIG_TYPE_GROUP] = "a group { }",
		[CONFIG_TYPE_ARRAY] = "an array [ ]",
		[CONFIG_TYPE_LIST] = "a list ( )",
	};
	const config_setting_t *setting = value->setting;

	if (value->text != NULL) {
		buf_add_byte(out, '"');
		buf_add_escaped(out, span_of(value->text), FOUND_MAX);
		buf_add_byte(out, '"');
		return;
	}
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		buf_addf(out, "%lld", config_setting_get_int64(setting));
		return;
	case CONFIG_TYPE_FLOAT:
		buf_addf(out, "%g", config_setting_get_float(setting));
		return;
	case CONFIG_TYPE_BOOL:
		buf_addf(out, "%s",
		    config_setting_get_bool(setting) ? "true" : "false");
		return;
	default:
		buf_addf(out, "%s", names[config_setting_type(setting)]);
	}
}

bool
conf_read_wrong(const struct conf_reader *reader,
    const struct conf_value *value, const char *expected, ...)
{
	struct buf found, words;
	va_list args;

	buf_init(&found, 5 * FOUND_MAX);
	buf_init(&words, EXPECTED_MAX);
	add_found(&found, value);
	va_start(args, expected);
	buf_vaddf(&words, expected, args);
	va_end(args);
	complain(reader->complaints, reader->file,
	    value->setting == NULL ? 0 :
				     config_setting_source_line(value->setting),
	    0, "%s is %s; expected %s", value->name, buf_text(&found),
	    buf_text(&words));
	buf_clear(&found);
	buf_clear(&words);
	return false;
}

/*
 * A number, as libconfig's or as a text that units understands, in the range
 * of key.
 */
static bool
number(const struct conf_key *key, const struct conf_value *value,
    bool (*units)(struct span text, uint64_t *number), uint64_t *out)
{
	long long found;

	if (value->text != NULL) {
		if (!units(span_of(value->text), out))
			return false;
	} else {
		switch (config_setting_type(value->setting)) {
		case CONFIG_TYPE_INT:
		case CONFIG_TYPE_INT64:
			found = config_setting_get_int64(value->setting);
			if (found < 0)
				return false;
			*out = (uint64_t)found;
			break;
		default:
			return false;
		}
	}
	return *out >= key->least && *out <= key->most;
}

static bool
plain(struct span text, uint64_t *out)
{
	return span_number(text, INT64_MAX, out);
}

static bool
count_in_range(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, uint64_t *out)
{
	if (number(key, value, plain, out))
		return true;
	return conf_read_wrong(reader, value,
	    "a number from %" PRIu64 " to %" PRIu64, key->least, key->most);
}

/* The same for a number with units; what names its kind. */
static bool
units_in_range(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value,
    bool (*read)(struct span text, uint64_t *number),
    void (*add)(struct buf *out, uint64_t number), const char *what,
    uint64_t *out)
{
	struct buf least, most;

	if (number(key, value, read, out))
		return true;
	buf_init(&least, 32);
	buf_init(&most, 32);
	add(&least, key->least);
	add(&most, key->most);
	conf_read_wrong(reader, value, "%s from \"%s\" to \"%s\"", what,
	    buf_text(&least), buf_text(&most));
	buf_clear(&least);
	buf_clear(&most);
	return false;
}

bool
conf_read_count(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	uint64_t found;

	if (!count_in_range(reader, key, value, &found))
		return false;
	*(size_t *)field = found;
	return true;
}

bool
conf_read_port(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	uint64_t found;

	if (!count_in_range(reader, key, value, &found))
		return false;
	*(uint16_t *)field = (uint16_t)found;
	return true;
}

bool
conf_read_bytes(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	uint64_t found;

	if (!units_in_range(reader, key, value, units_bytes, units_add_bytes,
		"a size", &found))
		return false;
	*(uint64_t *)field = found;
	return true;
}

bool
conf_read_seconds(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	uint64_t found;

	if (!units_in_range(reader, key, value, units_seconds,
		units_add_seconds, "a time", &found))
		return false;
	*(int64_t *)field = (int64_t)found;
	return true;
}

bool
conf_read_timeout(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	uint64_t found;

	if (!units_in_range(reader, key, value, units_seconds,
		units_add_seconds, "a time", &found))
		return false;
	*(unsigned *)field = (unsigned)found;
	return true;
}

bool
conf_read_flag(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	(void)key;
	if (value->setting == NULL)
		*(bool *)field = strcmp(value->text, "true") == 0;
	else if (config_setting_type(value->setting) == CONFIG_TYPE_BOOL)
		*(bool *)field = config_setting_get_bool(value->setting) != 0;
	else
		return conf_read_wrong(reader, value, "true or false");
	return true;
}

/* Stores the number of the word in the list: the member is an enum. */
bool
conf_read_word(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	struct buf list;
	unsigned i;

	for (i = 0; value->text != NULL && key->words[i] != NULL; i++) {
		if (strcmp(value->text, key->words[i]) == 0) {
			*(unsigned *)field = i;
			return true;
		}
	}
	buf_init(&list, EXPECTED_MAX);
	for (i = 0; key->words[i] != NULL; i++)
		buf_addf(&list, "%s\"%s\"", i == 0 ? "" : ", ", key->words[i]);
	conf_read_wrong(reader, value, "one of %s", buf_text(&list));
	buf_clear(&list);
	return false;
}

void
conf_read_keep(char **field, const char *text, size_t len)
{
	free(*field);
	*field = xstrndup(text, len);
}

bool
conf_read_is_text(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value)
{
	if (value->text != NULL && span_printable(span_of(value->text)) &&
	    strlen(value->text) >= key->least &&
	    strlen(value->text) <= key->most)
		return true;
	return conf_read_wrong(reader, value,
	    "a text of %" PRIu64 " to %" PRIu64 " printable ASCII characters",
	    key->least, key->most);
}

bool
conf_read_text(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	if (!conf_read_is_text(reader, key, value))
		return false;
	conf_read_keep(field, value->text, strlen(value->text));
	return true;
}

char *
conf_read_absolute(const struct conf_reader *reader, const char *path)
{
	struct buf whole;
	char *kept;

	if (path[0] == '/')
		return xstrdup(path);
	buf_init(&whole, strlen(reader->folder) + strlen(path) + 1);
	buf_addf(&whole, "%s%s%s", reader->folder,
	    span_ends(span_of(reader->folder), SPAN("/")) ? "" : "/", path);
	kept = xstrdup(buf_text(&whole));
	buf_clear(&whole);
	return kept;
}

/* A path may hold UTF-8, but nothing that would garble a message about it. */
bool
conf_read_path(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	char *path;
	size_t i;

	if (value->text == NULL || value->text[0] == '\0')
		return conf_read_wrong(reader, value, "a file name");
	for (i = 0; value->text[i] != '\0'; i++)
		if ((unsigned char)value->text[i] < 0x20)
			return conf_read_wrong(reader, value,
			    "a file name without control characters");
	path = conf_read_absolute(reader, value->text);
	if (strlen(path) > key->most) {
		free(path);
		return conf_read_wrong(reader, value,
		    "a path of at most %" PRIu64 " bytes", key->most);
	}
	free(*(char **)field);
	*(char **)field = path;
	return true;
}

enum {
	PATHS_MAX = 64
};

bool
conf_read_paths(const struct conf_reader *reader, const struct conf_key *key,
    const struct conf_value *value, void *field)
{
	const config_setting_t *setting = value->setting;
	struct conf_value element = *value;
	bool good = true;
	char *path = NULL;
	struct buf lines;
	int count, i;

	if (setting == NULL || !config_setting_is_array(setting))
		return conf_read_path(reader, key, value, field);
	count = config_setting_length(setting);
	if (count < 1 || count > PATHS_MAX)
		return conf_read_wrong(reader, value,
		    "a file name, or an array of 1 to %d", PATHS_MAX);
	buf_init(&lines, PATHS_MAX * (key->most + 1));
	for (i = 0; i < count && good; i++) {
		element.text = config_setting_get_string_elem(setting, i);
		good = conf_read_path(reader, key, &element, &path);
		if (good)
			buf_addf(&lines, "%s%s", i == 0 ? "" : "\n", path);
	}
	if (good)
		conf_read_keep(field, buf_text(&lines), lines.len);
	free(path);
	buf_clear(&lines);
	return good;
}
