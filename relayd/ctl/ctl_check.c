/*
 * ctl_check - relayctl check.
 *
 * Job:     say every error of configuration and tables, and everything that is
 *          allowed but probably not meant.
 * Called:  by relayctl.
 * Owns:    the look-ups of names on the allowlist while it checks.
 * Never:   changes anything, or asks the running relayd.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "domains/allowlist.h"
#include "domains/lint.h"
#include "domains/subject.h"
#include "relayd/admin/own_hosts.h"
#include "relayd/ctl/ctl_commands.h"
#include "relayd/ctl/ctl_patience.h"
#include "relayd/net/loop.h"
#include "relayd/net/resolve.h"

enum {
	NAMES_MAX = 1000, /* that are looked up */
	PATIENCE_MS = 2000,
	TRIES = 2,
	WHY_MAX = 1024,
};

/* Names on the allowlist, and those that DNS does not know. */
struct lookup {
	struct loop *loop;
	size_t under_way;
	struct complaints *complaints;
	const struct rules *rules;
};

struct name {
	struct lookup *lookup;
	size_t line;
	char text[DOMAIN_MAX + 2];
};

static void
resolved(void *owner, const struct address_answer *answer)
{
	struct name *name = owner;
	struct lookup *lookup = name->lookup;

	if (answer->status != RESOLVE_OK)
		complain_softly(lookup->complaints,
		    rules_allowlist_file(lookup->rules), name->line, 1,
		    "%s does not resolve (%s): it grants nothing", name->text,
		    answer->status == RESOLVE_FAILED ? answer->error :
						       "no addresses");
	if (--lookup->under_way == 0)
		loop_stop(lookup->loop);
}

/* Begins to look up line n if it is a name. */
static bool
begin(struct lookup *lookup, struct resolver *resolver, size_t n,
    struct name *name)
{
	const struct allowlist *list = rules_allowlist(lookup->rules);
	struct allowlist_line line;
	struct subject subject;
	const char *why;

	if (!allowlist_at(list, n, &line, name->text, sizeof(name->text)) ||
	    !subject_parse(span_of(name->text), &subject, &why) ||
	    !subject.named)
		return false;
	name->lookup = lookup;
	name->line = line.line;
	lookup->under_way++;
	resolve_address(resolver, name->text, resolved, name);
	return true;
}

static void
check_names(const struct settings *settings, struct complaints *complaints)
{
	struct lookup lookup = { .loop = loop_new(NULL),
		.under_way = 1,
		.complaints = complaints,
		.rules = settings->rules };
	struct name *names = xcalloc(NAMES_MAX, sizeof(*names));
	size_t count = rules_grant_count(settings->rules), used = 0, i;
	struct resolver *resolver;
	struct buf why;

	buf_init(&why, WHY_MAX);
	resolver = resolver_new_patient(lookup.loop,
	    settings->conf->dns_servers, PATIENCE_MS, TRIES, &why);
	if (resolver == NULL)
		complain(complaints, settings->conf->file, 0, 0, "%s",
		    buf_text(&why));
	for (i = 0; resolver != NULL && i < count && used < NAMES_MAX; i++)
		if (begin(&lookup, resolver, i, &names[used]))
			used++;
	if (--lookup.under_way > 0)
		loop_run(lookup.loop);
	resolver_free(resolver);
	loop_free(lookup.loop);
	buf_clear(&why);
	free(names);
}

static void
check_settings(const struct settings *settings, struct complaints *complaints)
{
	struct lint_host *hosts;
	size_t count;

	settings_check(settings, complaints);
	hosts = own_hosts(&count);
	lint_tables(settings->rules, hosts, count, (int64_t)time(NULL),
	    complaints);
	free(hosts);
	if (rules_name(settings->rules, 0) != NULL)
		check_names(settings, complaints);
}

/* "file:line:column: text" as JSON. */
static void
print_json(struct span line)
{
	struct span warning = SPAN(": warning: ");
	json_t *row = json_pack("{s:s}", "kind", "complaint");
	bool soft = false;
	size_t i;

	for (i = 0; i + warning.len <= line.len && !soft; i++)
		soft = span_starts(span_skip(line, i), warning);
	json_object_set_new(row, "severity",
	    json_string(soft ? "warning" : "error"));
	json_object_set_new(row, "text", json_stringn(line.data, line.len));
	ctl_print_json(row);
	json_decref(row);
}

enum ctl_status
ctl_check(struct ctl *ctl, int argc, char *argv[])
{
	struct complaints complaints;
	struct settings settings;
	struct span rest, line;
	enum ctl_status status;

	if (argc > 2)
		return ctl_say(CTL_USAGE, "expected check [FILE]");
	complaints_init(&complaints);
	patience_begin();
	if (settings_load(argc == 2 ? argv[1] : ctl->conf, &settings,
		&complaints)) {
		check_settings(&settings, &complaints);
		settings_clear(&settings);
	}
	patience_end();
	rest = span_of(complaints_text(&complaints));
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (ctl->json)
			print_json(line);
		else
			printf("%.*s\n", SPAN_ARG(line));
	}
	status = complaints.errors > 0 ? CTL_NO : CTL_YES;
	if (!ctl->json)
		printf("%zu errors, %zu warnings\n", complaints.errors,
		    complaints.warnings);
	complaints_clear(&complaints);
	return status;
}
