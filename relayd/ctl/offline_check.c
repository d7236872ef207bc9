/*
 * offline_check - relayctl --spool DIR check.
 *
 * Job:     have every checksum of a spool verified, and print what was found.
 * Called:  by relayctl.
 * Owns:    nothing.
 * Never:   writes into the spool.
 */
#include <inttypes.h>

#include "relayd/ctl/ctl_paper.h"
#include "relayd/ctl/ctl_patience.h"
#include "relayd/ctl/offline.h"
#include "spool/audit.h"

enum {
	WHY_MAX = 4096,
};

static void
found(void *owner, enum audit_grade grade, const char *text)
{
	const struct ctl *ctl = owner;
	const char *word = grade == AUDIT_DAMAGE ? "damage" : "note";
	json_t *row;

	patience_end(); /* these lines are a progress of their own */
	if (!ctl->json) {
		paper_colour(grade == AUDIT_DAMAGE ? PAPER_RED : PAPER_PLAIN);
		printf("%s: %s\n", word, text);
		paper_colour(PAPER_PLAIN);
		return;
	}
	row = json_pack("{s:s, s:s, s:s}", "kind", "finding", "grade", word,
	    "text", text);
	ctl_print_json(row);
	json_decref(row);
}

static void
segment(void *owner, const struct audit_segment *segment)
{
	const struct ctl *ctl = owner;
	char used[PAPER_SHORT], size[PAPER_SHORT];
	json_t *row;

	patience_end();
	if (!ctl->json) {
		printf("segment %08" PRIx32 ": %s, generation %" PRIu64
		       ", %s of %s used: %zu messages, %zu of them waiting, "
		       "%zu results, %zu torn, %zu rotten\n",
		    segment->number, segment->state, segment->generation,
		    paper_size((json_int_t)segment->used, used),
		    paper_size((json_int_t)segment->size, size),
		    segment->messages, segment->waiting, segment->results,
		    segment->torn, segment->rotten);
		return;
	}
	row = json_pack("{s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, "
			"s:I}",
	    "kind", "segment", "number", (json_int_t)segment->number,
	    "generation", (json_int_t)segment->generation, "state",
	    segment->state, "messages", (json_int_t)segment->messages,
	    "waiting", (json_int_t)segment->waiting, "results",
	    (json_int_t)segment->results, "used", (json_int_t)segment->used,
	    "size", (json_int_t)segment->size, "torn",
	    (json_int_t)segment->torn, "rotten", (json_int_t)segment->rotten);
	ctl_print_json(row);
	json_decref(row);
}

static void
print_totals(const struct ctl *ctl, const struct audit_totals *totals)
{
	json_t *row;

	if (!ctl->json) {
		printf("%zu segments, %zu messages, %zu of them waiting, "
		       "%zu results, %zu large files, %zu that no message "
		       "names, %zu set aside: ",
		    totals->segments, totals->messages, totals->waiting,
		    totals->results, totals->large_files, totals->unnamed,
		    totals->set_aside);
		if (totals->damage == 0)
			printf("all is well\n");
		else
			printf("%zu places are damaged\n", totals->damage);
		return;
	}
	row = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "kind",
	    "totals", "segments", (json_int_t)totals->segments, "messages",
	    (json_int_t)totals->messages, "waiting",
	    (json_int_t)totals->waiting, "results", (json_int_t)totals->results,
	    "large_files", (json_int_t)totals->large_files, "unnamed",
	    (json_int_t)totals->unnamed, "set_aside",
	    (json_int_t)totals->set_aside, "damage",
	    (json_int_t)totals->damage);
	ctl_print_json(row);
	json_decref(row);
}

enum ctl_status
offline_check(struct ctl *ctl, int argc, char *argv[])
{
	struct spool_options options = { .directory = ctl->spool };
	struct audit_events events = {
		.owner = ctl,
		.found = found,
		.segment = segment,
	};
	struct audit_totals totals;
	struct buf why;
	bool looked;

	(void)argv;
	if (argc > 1)
		return ctl_say(CTL_USAGE, "check takes no argument");
	if (!offline_may_look(ctl))
		return CTL_NO;
	buf_init(&why, WHY_MAX);
	patience_begin();
	looked = audit_run(&options, &events, &totals, &why);
	patience_end();
	if (looked)
		print_totals(ctl, &totals);
	else
		ctl_say(CTL_NO, "%s: %s", ctl->spool, buf_text(&why));
	buf_clear(&why);
	return looked && totals.damage == 0 ? CTL_YES : CTL_NO;
}
