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

#define EVERY (CTL_FILTER_LISTS | CTL_FILTER_HANDLES | CTL_FILTER_DROPS)

static const struct option {
	const char *name;
	enum kind kind;
	unsigned uses; /* the commands that have it */
	bool means;    /* it says which messages are meant */
} options[] = {
	{ "domain", TEXT, EVERY, true },
	{ "sender", TEXT, EVERY, true },
	{ "recipient", TEXT, EVERY, true },
	{ "client", TEXT, EVERY, true },
	{ "older", SECONDS, EVERY, true },
	{ "younger", SECONDS, EVERY, true },
	{ "all", FLAG, EVERY, true },
	{ "limit", NUMBER, CTL_FILTER_LISTS, false },
	{ "yes", FLAG, CTL_FILTER_HANDLES | CTL_FILTER_DROPS, false },
	{ "notice", FLAG, CTL_FILTER_DROPS, false },
};

enum {
	LARGEST = 1 << 30,
};

/* Of two the last would stand for both: nobody is to guess that. */
static bool
set(struct ctl_filter *filter, const struct option *option, json_t *value)
{
	if (value == NULL) {
		ctl_say(CTL_USAGE, "the value of --%s is not UTF-8",
		    option->name);
		return false;
	}
	if (json_object_get(filter->request, option->name) != NULL) {
		ctl_say(CTL_USAGE, "--%s is given twice", option->name);
		json_decref(value);
		return false;
	}
	json_object_set_new(filter->request, option->name, value);
	filter->given = filter->given || option->means;
	return true;
}

static bool
set_flag(struct ctl_filter *filter, const struct option *option,
    const char *value)
{
	if (value == NULL)
		return set(filter, option, json_true());
	ctl_say(CTL_USAGE, "--%s takes no value", option->name);
	return false;
}

static bool
set_value(struct ctl_filter *filter, const struct option *option,
    const char *value)
{
	uint64_t number;

	if (value == NULL) {
		ctl_say(CTL_USAGE, "--%s needs a value", option->name);
		return false;
	}
	if (option->kind == TEXT)
		return set(filter, option, json_string(value));
	if (option->kind == SECONDS ?
		!units_seconds(span_of(value), &number) || number > LARGEST :
		!span_number(span_of(value), LARGEST, &number)) {
		ctl_say(CTL_USAGE, "--%s is \"%s\"; expected %s", option->name,
		    value,
		    option->kind == SECONDS ? "a time such as 2h or 3d" :
					      "a number");
		return false;
	}
	return set(filter, option, json_integer((json_int_t)number));
}

static const struct option *
find_option(struct span name, enum ctl_filter_use use)
{
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (span_equal(name, span_of(options[i].name)) &&
		    (options[i].uses & (unsigned)use) != 0)
			return &options[i];
	return NULL;
}

/* One argument that begins with --; *at moves over its value. */
static bool
read_option(struct ctl_filter *filter, char *argv[], int *at,
    enum ctl_filter_use use)
{
	struct span value = span_of(argv[*at] + 2);
	struct span name = span_cut(&value, '=');
	const struct option *option = find_option(name, use);

	if (option == NULL) {
		ctl_say(CTL_USAGE, "--%.*s is no option of this command",
		    SPAN_ARG(name));
		return false;
	}
	if (option->kind == FLAG)
		return set_flag(filter, option, value.data);
	return set_value(filter, option,
	    value.data != NULL ? value.data : argv[++*at]);
}

static bool
read_id(json_t *ids, const char *id)
{
	if (json_array_append_new(ids, json_string(id)) == 0)
		return true;
	ctl_say(CTL_USAGE, "an argument is not UTF-8");
	return false;
}

bool
ctl_filter_read(struct ctl_filter *filter, int argc, char *argv[],
    enum ctl_filter_use use)
{
	json_t *ids = json_array();
	bool good = true;
	int i;

	for (i = 1; i < argc && good; i++) {
		if (strcmp(argv[i], "-y") == 0 && use != CTL_FILTER_LISTS)
			filter->yes = true;
		else if (strncmp(argv[i], "--", 2) == 0)
			good = read_option(filter, argv, &i, use);
		else
			good = read_id(ids, argv[i]);
	}
	if (good && json_array_size(ids) > 0) {
		json_object_set(filter->request, "ids", ids);
		filter->given = true;
	}
	/* It is asked here, not there. */
	if (json_object_del(filter->request, "yes") == 0)
		filter->yes = true;
	json_decref(ids);
	return good;
}
