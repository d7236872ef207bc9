/*
 * change - a change of one table.
 *
 * Job:     lock, try, show, install, reload.
 * Called:  by relayctl allow, revoke and edit.
 * Owns:    struct change and the rules before and after.
 * Never:   installs what relayd would not take.
 */
#include "relayd/ctl/change.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/difference.h"
#include "domains/tricks.h"
#include "relayd/ctl/ctl_commands.h"
#include "relayd/ctl/ctl_patience.h"

enum {
	WHY_MAX = 4096,
	COMPLAINTS_MAX = 1 << 24,
	SHOWN_MAX = 65536,
};

static struct rules *load(const struct change *change, const char *aside,
    struct complaints *complaints);

bool
change_open(struct change *change, struct ctl *ctl, bool hosted,
    unsigned wait_seconds)
{
	struct complaints complaints;
	const char *path;
	struct buf why;
	bool good;

	*change = (struct change){ .ctl = ctl, .hosted = hosted };
	if (!ctl_conf(ctl, &change->conf))
		return false;
	path = hosted ? change->conf->hosted : change->conf->allowlist;
	buf_init(&why, WHY_MAX);
	if (path == NULL)
		buf_addf(&why, "%s names no allowlist to change", ctl->conf);
	good = path != NULL &&
	    table_file_open(&change->file, path, wait_seconds, &why);
	if (!good) {
		ctl_say(CTL_NO, "%s", buf_text(&why));
		conf_free(change->conf);
		buf_clear(&why);
		return false;
	}
	buf_clear(&why);
	complaints_init(&complaints);
	change->before = load(change, NULL, &complaints);
	buf_init(&change->complaints, COMPLAINTS_MAX);
	if (change->before == NULL)
		buf_add(&change->complaints,
		    span_of(complaints_text(&complaints)));
	complaints_clear(&complaints);
	return true;
}

/* Names the table where its complaints name the file aside. */
static void
print_complaints(const struct change *change, struct complaints *complaints)
{
	struct span text = span_of(complaints_text(complaints)), line;
	struct span aside = span_of(change->file.aside);

	while (text.len > 0) {
		line = span_cut(&text, '\n');
		if (span_starts(line, aside))
			fprintf(stderr, "%s%.*s\n", change->file.path,
			    SPAN_ARG(span_skip(line, aside.len)));
		else
			fprintf(stderr, "%.*s\n", SPAN_ARG(line));
	}
}

bool
change_try(struct change *change, struct span text)
{
	struct complaints complaints;
	struct buf why;
	bool written;

	if (change->file.aside != NULL)
		table_file_discard(&change->file);
	rules_free(change->after);
	change->after = NULL;
	buf_init(&why, WHY_MAX);
	written = table_file_write(&change->file, text, &why);
	if (!written)
		ctl_say(CTL_NO, "%s", buf_text(&why));
	buf_clear(&why);
	if (!written)
		return false;
	complaints_init(&complaints);
	change->after = load(change, change->file.aside, &complaints);
	print_complaints(change, &complaints);
	complaints_clear(&complaints);
	return change->after != NULL;
}

bool
change_show(const struct change *change)
{
	/* Standard output is for JSON alone; reload's answer has the lines. */
	FILE *out = change->ctl->json ? stderr : stdout;
	struct buf lines;
	bool any;

	if (change->before == NULL) {
		fprintf(out,
		    "(the tables had errors before: nothing to compare "
		    "with)\n");
		return true;
	}
	buf_init(&lines, SHOWN_MAX);
	patience_begin();
	difference_say(change->before, change->after, &lines);
	patience_end();
	any = lines.len > 0;
	fwrite(buf_text(&lines), 1, lines.len, out);
	buf_clear(&lines);
	return any;
}

enum ctl_status
change_install(struct change *change)
{
	char *argv[] = { (char[]){ "reload" }, NULL };
	enum ctl_status status;
	struct buf why;
	bool good;

	buf_init(&why, WHY_MAX);
	good = table_file_install(&change->file, &why);
	if (!good)
		ctl_say(CTL_NO, "%s", buf_text(&why));
	buf_clear(&why);
	if (!good)
		return CTL_NO;
	fflush(stdout);
	change->ctl->brief = true;
	status = ctl_reload(change->ctl, 1, argv);
	if (status != CTL_NOT_RUNNING)
		return status;
	ctl_say(CTL_YES,
	    "relayd is not running: %s is in force when it "
	    "starts",
	    change->file.path);
	return CTL_YES;
}

void
change_close(struct change *change)
{
	rules_free(change->before);
	rules_free(change->after);
	conf_free(change->conf);
	buf_clear(&change->complaints);
	table_file_close(&change->file);
}

/* Both tables; aside (may be NULL) stands for the one that is changed. */
static struct rules *
load(const struct change *change, const char *aside,
    struct complaints *complaints)
{
	struct rules_sources sources;
	struct rules *rules;

	conf_rules_sources(change->conf, &sources);
	if (aside != NULL && change->hosted)
		sources.hosted = aside;
	if (aside != NULL && !change->hosted)
		sources.allowlist = aside;
	patience_begin();
	rules = rules_load(&sources, complaints);
	if (rules != NULL && !tricks_try(rules, complaints)) {
		rules_free(rules);
		rules = NULL;
	}
	patience_end();
	return rules;
}
