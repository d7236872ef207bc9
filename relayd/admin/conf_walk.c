/*
 * conf_walk - from libconfig's tree to a struct, by a table of keys.
 *
 * Job:     take each setting to its key's reader, tell unknown and missing
 *          keys, fill in the defaults.
 * Called:  by conf for the whole file, by conf_listen for each listener.
 * Owns:    nothing.
 * Never:   knows a key by name: that is the table's.
 */
#include "relayd/admin/conf_walk.h"

#include <string.h>

#include "base/xalloc.h"

enum {
	NAME_LONGEST = 128, /* bytes of a name that is compared */
	TOLD_LONGEST = 60   /* and of one that is told */
};

struct walk {
	const struct conf_reader *reader;
	const struct conf_keys *keys;
	const char *prefix; /* for complaints */
	char *base;
};

static void
read_value(const struct walk *walk, const struct conf_key *key,
    const config_setting_t *setting, const char *text)
{
	struct conf_value value = { .setting = setting, .text = text };
	struct buf name;
	bool good;

	buf_init(&name, 2 * NAME_LONGEST);
	buf_addf(&name, "%s%s", walk->prefix, key->name);
	value.name = buf_text(&name);
	good = key->read(walk->reader, key, &value, walk->base + key->offset);
	/* A default that does not fit its own row is our mistake. */
	assert(good || setting != NULL);
	buf_clear(&name);
}

static void
unknown(const struct walk *walk, const config_setting_t *setting,
    const char *name)
{
	const char *nearest = conf_keys_nearest(walk->keys, name);
	struct buf told;

	buf_init(&told, 5 * TOLD_LONGEST);
	buf_addf(&told, "%s", walk->prefix);
	buf_add_escaped(&told, span_of(name), TOLD_LONGEST);
	if (nearest != NULL)
		complain(walk->reader->complaints, walk->reader->file,
		    config_setting_source_line(setting), 0,
		    "%s is not a key; did you mean %s%s?", buf_text(&told),
		    walk->prefix, nearest);
	else
		complain(walk->reader->complaints, walk->reader->file,
		    config_setting_source_line(setting), 0,
		    "%s is not a key; expected one of relayd.conf(5)",
		    buf_text(&told));
	buf_clear(&told);
}

static void walk_group(const struct walk *walk, const config_setting_t *group,
    const char *outer);

/* One setting; outer is the name of its group with a dot behind it, or "". */
static void
walk_setting(const struct walk *walk, const config_setting_t *setting,
    const char *outer)
{
	const struct conf_key *key;
	struct conf_value value = { .setting = setting };
	struct buf name;

	buf_init(&name, NAME_LONGEST);
	buf_addf(&name, "%s%s", outer, config_setting_name(setting));
	key = conf_keys_find(walk->keys, buf_text(&name));
	if (key != NULL) {
		read_value(walk, key, setting,
		    config_setting_get_string(setting));
	} else if (!conf_keys_has_group(walk->keys, buf_text(&name))) {
		unknown(walk, setting,
		    name.full ? config_setting_name(setting) : buf_text(&name));
	} else if (!config_setting_is_group(setting)) {
		value.name = buf_text(&name);
		value.text = config_setting_get_string(setting);
		conf_read_wrong(walk->reader, &value,
		    "a group such as { name = value; }");
	} else {
		buf_add_byte(&name, '.');
		walk_group(walk, setting, buf_text(&name));
	}
	buf_clear(&name);
}

static void
walk_group(const struct walk *walk, const config_setting_t *group,
    const char *outer)
{
	int i;

	for (i = 0; i < config_setting_length(group); i++)
		walk_setting(walk, config_setting_get_elem(group, (unsigned)i),
		    outer);
}

/* config_setting_lookup() wants a setting that it could change, but does not. */
static bool
is_given(const config_setting_t *group, const char *name)
{
	return config_setting_lookup((config_setting_t *)group, name) != NULL;
}

static void
fill_in(const struct walk *walk, const config_setting_t *group)
{
	const struct conf_key *key;
	size_t i;

	for (i = 0; i < walk->keys->count; i++) {
		key = &walk->keys->keys[i];
		if (is_given(group, key->name))
			continue;
		if (key->required != NULL)
			complain(walk->reader->complaints, walk->reader->file,
			    0, 0, "%s%s is missing; expected %s", walk->prefix,
			    key->name, key->required);
		if (key->fallback != NULL)
			read_value(walk, key, NULL, key->fallback);
	}
}

void
conf_walk(const struct conf_reader *reader, const struct conf_keys *keys,
    const config_setting_t *group, const char *prefix, void *base)
{
	struct walk walk = { reader, keys, prefix, base };

	walk_group(&walk, group, "");
	fill_in(&walk, group);
}
