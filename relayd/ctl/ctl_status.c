/*
 * ctl_status - relayctl status.
 *
 * Job:     say on one screen how the relay does.
 * Called:  by relayctl.
 * Owns:    nothing.
 * Never:   judges: relayd does.
 */
#include <time.h>

#include "relayd/ctl/ctl_commands.h"
#include "relayd/ctl/ctl_paper.h"

static const json_t *
part(const json_t *row, const char *name)
{
	return json_object_get(row, name);
}

static long long
number(const json_t *row, const char *name)
{
	return (long long)paper_number(row, name);
}

static void
print_health(const json_t *row)
{
	const json_t *why = part(row, "why"), *reason;
	size_t i;

	if (json_is_true(part(row, "healthy"))) {
		paper_colour(PAPER_GREEN);
		printf("healthy\n");
	} else {
		paper_colour(PAPER_RED);
		printf("not healthy\n");
	}
	paper_colour(PAPER_PLAIN);
	json_array_foreach(why, i, reason)
	{
		printf("             %s\n", json_string_value(reason));
	}
}

static void
print_queue(const json_t *queue)
{
	char age[PAPER_SHORT];

	printf("queue        %lld messages for %lld destinations\n",
	    number(queue, "messages"), number(queue, "destinations"));
	printf("             %lld in attempt, %lld ready, %lld waiting, "
	       "%lld held; %lld connections\n",
	    number(queue, "in_attempt"), number(queue, "ready"),
	    number(queue, "waiting"), number(queue, "held"),
	    number(queue, "connections"));
	if (json_is_true(part(queue, "loading")))
		printf("             the spool is still being read: more may "
		       "come\n");
	if (part(queue, "oldest_id") != NULL)
		printf("             oldest %s, %s\n",
		    paper_age(paper_number(queue, "oldest_seconds"), age),
		    ctl_text(queue, "oldest_id"));
}

static void
print_rates(const json_t *rates)
{
	const char *name;
	const json_t *rate;

	printf("%-13s %12s %12s %12s\n", "per second", "1 minute", "15 minutes",
	    "in all");
	json_object_foreach((json_t *)(uintptr_t)rates, name, rate)
	{
		printf("  %-11s %12.2f %12.2f %12lld\n", name,
		    json_real_value(part(rate, "per_second_1m")),
		    json_real_value(part(rate, "per_second_15m")),
		    number(rate, "total"));
	}
}

static void
print_spool(const json_t *spool)
{
	char free_size[PAPER_SHORT], floor_size[PAPER_SHORT];

	printf("spool        %s free, %s are kept free; %lld segments, "
	       "%lld large files\n",
	    paper_size(paper_number(spool, "free"), free_size),
	    paper_size(paper_number(spool, "minimum_free"), floor_size),
	    number(spool, "segments"), number(spool, "large_files"));
}

/* "3 hosted domains in 1.2K, changed 2h03m ago" */
static void
print_table(const json_t *tables, const char *title, const char *count,
    const char *what, const char *bytes, const char *changed)
{
	char size[PAPER_SHORT], age[PAPER_SHORT];

	printf("%-12s %lld %s", title, number(tables, count), what);
	if (part(tables, bytes) != NULL)
		printf(" in %s, changed %s ago",
		    paper_size(paper_number(tables, bytes), size),
		    paper_age((json_int_t)time(NULL) -
			    paper_number(tables, changed),
			age));
	printf("\n");
}

static void
print_rest(const json_t *row)
{
	const json_t *tables = part(row, "tables"), *dns = part(row, "dns");
	char age[PAPER_SHORT];

	print_table(tables, "tables", "hosted", "hosted domains",
	    "hosted_bytes", "hosted_changed");
	print_table(tables, "", "grants", "grants", "allowlist_bytes",
	    "allowlist_changed");
	printf("             read %s ago\n",
	    paper_age(paper_number(tables, "age_seconds"), age));
	if (part(row, "certificate_days") != NULL)
		printf("certificate  %lld days left\n",
		    number(row, "certificate_days"));
	printf("dns          %s; %lld asked, %lld failed\n",
	    json_is_true(part(dns, "fine")) ? "fine" : "does not answer",
	    number(dns, "asked"), number(dns, "failed"));
	if (part(dns, "last_error") != NULL) {
		printf("             the last time: ");
		paper_rest(ctl_text(dns, "last_error"), 28);
	}
}

static void
take_row(void *owner, const json_t *row)
{
	const struct ctl *ctl = owner;
	char age[PAPER_SHORT];

	if (ctl->json) {
		ctl_print_json(row);
		return;
	}
	printf("relayd %s    %s, up %s, pid %lld: ", ctl_text(row, "version"),
	    ctl_text(row, "hostname"),
	    paper_age(paper_number(row, "uptime_seconds"), age),
	    number(row, "pid"));
	print_health(row);
	printf("sessions     %lld of at most %lld\n", number(row, "sessions"),
	    number(row, "sessions_max"));
	print_queue(part(row, "queue"));
	print_spool(part(row, "spool"));
	print_rest(row);
	print_rates(part(row, "rates"));
}

enum ctl_status
ctl_status(struct ctl *ctl, int argc, char *argv[])
{
	(void)argv;
	if (argc != 1)
		return ctl_say(CTL_USAGE, "status takes no arguments");
	return ctl_ask(ctl, json_pack("{s:s}", "command", "status"), take_row,
	    ctl);
}
