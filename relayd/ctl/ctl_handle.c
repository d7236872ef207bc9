/*
 * ctl_handle - relayctl retry, hold, release and drop.
 *
 * Job:     say what would be touched, ask, do it.
 * Called:  by relayctl.
 * Owns:    nothing.
 * Never:   touches anything before it was said yes to, here or by --yes; nor
 *          what arrived after the question.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/ctl/ctl_commands.h"
#include "relayd/ctl/ctl_filter.h"
#include "relayd/ctl/ctl_paper.h"

struct handling {
	struct ctl *ctl;
	bool dry;
	json_int_t matched, changed;
	bool loading; /* there may be more */
	char newest[32];
};

static void
take_row(void *owner, const json_t *row)
{
	struct handling *handling = owner;
	const json_t *recipients = json_object_get(row, "recipients");
	const char *first = json_string_value(json_array_get(recipients, 0));

	if (strcmp(ctl_text(row, "kind"), "handled") == 0) {
		handling->matched = paper_number(row, "matched");
		handling->changed = paper_number(row, "changed");
		handling->loading =
		    json_is_true(json_object_get(row, "loading"));
		snprintf(handling->newest, sizeof(handling->newest), "%s",
		    ctl_text(row, "newest"));
	}
	if (handling->dry) {
		if (strcmp(ctl_text(row, "kind"), "message") == 0)
			fprintf(stderr, "  %s from <%s> to <%s>\n",
			    ctl_text(row, "id"), ctl_text(row, "sender"),
			    first == NULL ? "" : first);
	} else if (handling->ctl->json) {
		ctl_print_json(row);
	}
}

static bool
says_yes(const char *verb, const struct handling *handling)
{
	char answer[8] = "";

	if (!isatty(STDIN_FILENO)) {
		ctl_say(CTL_USAGE,
		    "%s would touch %lld messages: say --yes, for there is "
		    "nobody to ask",
		    verb, (long long)handling->matched);
		return false;
	}
	fprintf(stderr, "%s these %lld messages? [y/N] ", verb,
	    (long long)handling->matched);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y');
}

/* What would be touched, and may it?  YES: go on. */
static enum ctl_status
ask_first(struct ctl *ctl, const char *verb, const json_t *request,
    struct handling *handling)
{
	json_t *dry = json_deep_copy(request);
	enum ctl_status status;

	json_object_set_new(dry, "dry", json_true());
	handling->dry = true;
	status = ctl_ask(ctl, dry, take_row, handling);
	handling->dry = false;
	if (status != CTL_YES)
		return status;
	if (handling->matched > 10)
		fprintf(stderr, "  ... and %lld more\n",
		    (long long)handling->matched - 10);
	return says_yes(verb, handling) ? CTL_YES : CTL_NO;
}

static enum ctl_status
handle(struct ctl *ctl, int argc, char *argv[], const char *done,
    enum ctl_filter_use use)
{
	struct ctl_filter filter = { .request = json_pack("{s:s}", "command",
					 argv[0]) };
	struct handling handling = { .ctl = ctl };
	enum ctl_status status = CTL_USAGE;

	if (!ctl_filter_read(&filter, argc, argv, use)) {
		json_decref(filter.request);
		return CTL_USAGE;
	}
	if (!filter.given)
		status = ctl_say(CTL_USAGE,
		    "say which messages: IDs, a filter, or --all");
	else if (filter.yes)
		status = CTL_YES;
	else
		status = ask_first(ctl, argv[0], filter.request, &handling);
	if (status != CTL_YES) {
		json_decref(filter.request);
		return status;
	}
	if (handling.newest[0] != '\0')
		json_object_set_new(filter.request, "newest",
		    json_string(handling.newest));
	status = ctl_ask(ctl, filter.request, take_row, &handling);
	if (!ctl->json && status != CTL_NOT_RUNNING && handling.matched > 0)
		printf("%lld of %lld messages %s\n%s",
		    (long long)handling.changed, (long long)handling.matched,
		    done,
		    handling.loading ?
			"relayd still reads its spool: more may come\n" :
			"");
	return status;
}

enum ctl_status
ctl_retry(struct ctl *ctl, int argc, char *argv[])
{
	return handle(ctl, argc, argv, "are tried now", CTL_FILTER_HANDLES);
}

enum ctl_status
ctl_hold(struct ctl *ctl, int argc, char *argv[])
{
	return handle(ctl, argc, argv, "are held now", CTL_FILTER_HANDLES);
}

enum ctl_status
ctl_release(struct ctl *ctl, int argc, char *argv[])
{
	return handle(ctl, argc, argv, "are released", CTL_FILTER_HANDLES);
}

enum ctl_status
ctl_drop(struct ctl *ctl, int argc, char *argv[])
{
	return handle(ctl, argc, argv, "are dropped", CTL_FILTER_DROPS);
}
