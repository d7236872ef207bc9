/*
 * ctl_filter - which messages are meant.
 *
 * Job:     options and IDs of a command line into a request.
 * Called:  by the commands that list or handle messages.
 * Owns:    nothing.
 * Never:   decides what matches: relayd does.
 */
#include "relayd/ctl/ctl_filter.h"

#include <string.h>

#include "base/span.h"
#include "relayd/admin/units.h"
#include "relayd/ctl/ctl.h"

enum kind {
	TEXT,
	SECONDS,
	NUMBER,
	FLAG
};

static const struct {
	const char *name;
	enum kind kind;
} options[] = {
	{ "domain", TEXT },
	{ "sender", TEXT },
	{ "recipient", TEXT },
	{ "client", TEXT },
	{ "older", SECONDS },
	{ "younger", SECONDS },
	{ "limit", NUMBER },
	{ "all", FLAG },
};

enum {
	LARGEST = 1 << 30,
};

static bool
set(struct ctl_filter *filter, const char *name, json_t *value)
{
	if (value == NULL) {
		ctl_say(CTL_USAGE, "the value of --%s is not UTF-8", name);
		return false;
	}
	json_object_set_new(filter->request, name, value);
	if (strcmp(name, "limit") != 0)
		filter->given = true;
	return true;
}

static bool
set_value(struct ctl_filter *filter, size_t i, const char *value)
{
	const char *name = options[i].name;
	uint64_t number;

	if (value == NULL) {
		ctl_say(CTL_USAGE, "--%s needs a value", name);
		return false;
	}
	if (options[i].kind == TEXT)
		return set(filter, name, json_string(value));
	if (options[i].kind == SECONDS ?
		!units_seconds(span_of(value), &number) || number > LARGEST :
		!span_number(span_of(value), LARGEST, &number)) {
		ctl_say(CTL_USAGE, "--%s is \"%s\"; expected %s", name, value,
		    options[i].kind == SECONDS ? "a time such as 2h or 3d" :
						 "a number");
		return false;
	}
	return set(filter, name, json_integer((json_int_t)number));
}

static bool
is_extra(const char *name, const char *const *extra)
{
	for (; extra != NULL && *extra != NULL; extra++)
		if (strcmp(name, *extra) == 0)
			return true;
	return false;
}

/* One argument that begins with --; *at moves over its value. */
static bool
read_option(struct ctl_filter *filter, char *argv[], int *at,
    const char *const *extra)
{
	char name[32];
	const char *text = argv[*at] + 2, *value = strchr(text, '=');
	size_t len = value == NULL ? strlen(text) : (size_t)(value - text), i;

	snprintf(name, sizeof(name), "%.*s", (int)(len < 31 ? len : 31), text);
	if (strcmp(name, "yes") == 0) {
		filter->yes = true;
		return true;
	}
	if (is_extra(name, extra)) {
		json_object_set_new(filter->request, name, json_true());
		return true;
	}
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(options[i].name, name) != 0)
			continue;
		if (options[i].kind == FLAG)
			return set(filter, name, json_true());
		return set_value(filter, i,
		    value != NULL ? value + 1 : argv[++*at]);
	}
	ctl_say(CTL_USAGE, "--%s is no option of this command", name);
	return false;
}

bool
ctl_filter_read(struct ctl_filter *filter, int argc, char *argv[],
    const char *const *extra)
{
	json_t *ids = json_array();
	bool good = true;
	int i;

	for (i = 1; i < argc && good; i++) {
		if (strcmp(argv[i], "-y") == 0)
			filter->yes = true;
		else if (strncmp(argv[i], "--", 2) == 0)
			good = read_option(filter, argv, &i, extra);
		else if (json_array_append_new(ids, json_string(argv[i])) != 0)
			good = false;
	}
	if (good && json_array_size(ids) > 0)
		good = set(filter, "ids", json_incref(ids));
	json_decref(ids);
	return good;
}
