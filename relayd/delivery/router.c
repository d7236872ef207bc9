/*
 * router - from a recipient's domain to its destination.
 *
 * Job:     find or make the destination of a domain; put messages under theirs;
 *          move them when the rules change.
 * Called:  by delivery.c, attempt.c and the modules that ask for a domain.
 * Owns:    every destination, and every lane: a domain that leads to one.
 * Never:   leaves a recipient that is owed without an errand or a notice.
 */
#include "relayd/delivery/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/rules.h"
#include "relayd/admin/log.h"
#include "relayd/delivery/teller.h"

enum {
	/* Beyond these the oldest are forgotten, and looked up when needed. */
	LANES_MAX = 4096, /* of one destination */
};

struct lane {
	struct lookup_item item; /* by domain */
	struct destination *destination;
	TAILQ_ENTRY(lane) link; /* of the destination's */
	bool hosted;
	char domain[]; /* the key, with a NUL behind it */
};

struct router {
	struct core *core;
	struct lookup lanes, destinations;
	LIST_HEAD(, destination) all;
};

struct router *
router_new(struct core *core)
{
	struct router *router = xcalloc(1, sizeof(*router));

	router->core = core;
	lookup_init(&router->lanes, core_random(core));
	lookup_init(&router->destinations, core_random(core));
	LIST_INIT(&router->all);
	return router;
}

static bool
is_unsorting(void *owner, const struct due *due)
{
	(void)owner;
	return due->kind == DUE_ERRAND &&
	    ((const struct errand *)(const void *)due)->destination->unsorting;
}

/* In one walk for all destinations that ask for it, also those that wait. */
static void
unsort(struct router *router)
{
	struct due_line taken = TAILQ_HEAD_INITIALIZER(taken);
	struct destination *destination;
	struct errand *errand;
	struct due *due;

	schedule_take(&router->core->schedule, is_unsorting, NULL, &taken);
	while ((due = TAILQ_FIRST(&taken)) != NULL) {
		TAILQ_REMOVE(&taken, due, line);
		errand = errand_of(due);
		errand_due(&errand->destination->queue, errand);
		errand_unsorted(&errand->destination->queue, errand);
	}
	LIST_FOREACH(destination, &router->all, link) {
		if (destination->unsorting)
			destination_unsort(destination);
		destination->unsorting = false;
	}
}

/* Every errand of it leaves its message; the messages stay owed. */
static void
empty(struct destination *destination)
{
	struct letter *letter;
	struct errand *errand;

	while ((errand = errand_first_unsorted(&destination->queue)) != NULL ||
	    (errand = errand_first_held(&destination->queue)) != NULL) {
		letter = letter_raise(errand->entry);
		letter_detach(letter, errand);
		letter_lower(letter);
		destination_drop(errand);
	}
}

static void
abort_lines(struct destination *destination)
{
	struct line *line;

	while ((line = LIST_FIRST(&destination->lines)) != NULL)
		line_abort(line);
}

void
router_free(struct router *router)
{
	struct destination *destination;

	LIST_FOREACH(destination, &router->all, link) {
		abort_lines(destination);
		destination->unsorting = true;
	}
	unsort(router);
	while ((destination = LIST_FIRST(&router->all)) != NULL) {
		empty(destination);
		router_drop(router, destination);
	}
	lookup_clear(&router->lanes);
	lookup_clear(&router->destinations);
	free(router);
}

static void
drop_lane(struct router *router, struct lane *lane)
{
	lookup_remove(&router->lanes, &lane->item);
	TAILQ_REMOVE(&lane->destination->lanes, lane, link);
	lane->destination->lane_count--;
	free(lane);
}

static void
add_lane(struct router *router, struct destination *destination,
    struct span domain, bool hosted)
{
	struct lane *lane = xcalloc(1, sizeof(*lane) + domain.len + 1);

	memcpy(lane->domain, domain.data, domain.len);
	lane->destination = destination;
	lane->hosted = hosted;
	if (hosted) /* what its hops say to strangers is not for the campus */
		destination_doubt(destination);
	lookup_add(&router->lanes, &lane->item,
	    span_make(lane->domain, domain.len), lane);
	TAILQ_INSERT_TAIL(&destination->lanes, lane, link);
	if (++destination->lane_count > LANES_MAX) {
		destination->lanes_forgotten = true;
		drop_lane(router, TAILQ_FIRST(&destination->lanes));
	}
}

/* The name of the destination that the rules give to a domain. */
static void
name_of(const struct router *router, struct span domain, struct buf *name,
    bool *hosted)
{
	const struct route *route;

	buf_init(name, ROUTE_DESTINATION_MAX);
	route = rules_route(router->core->rules, domain, hosted);
	route_destination(route, domain, name);
}

static struct destination *
make(struct router *router, const char *name)
{
	struct destination *destination;

	destination = destination_new(router->core, name);
	lookup_add(&router->destinations, &destination->item,
	    span_of(destination->name), destination);
	LIST_INSERT_HEAD(&router->all, destination, link);
	return destination;
}

struct destination *
router_find(struct router *router, struct span domain)
{
	struct lane *lane = lookup_find(&router->lanes, domain);
	struct destination *destination;
	struct buf name;
	bool hosted;

	if (lane != NULL)
		return lane->destination;
	name_of(router, domain, &name, &hosted);
	destination = lookup_find(&router->destinations, buf_span(&name));
	if (destination == NULL)
		destination = make(router, buf_text(&name));
	add_lane(router, destination, domain, hosted);
	buf_clear(&name);
	return destination;
}

void
router_drop(struct router *router, struct destination *destination)
{
	struct lane *lane;

	while ((lane = TAILQ_FIRST(&destination->lanes)) != NULL)
		drop_lane(router, lane);
	lookup_remove(&router->destinations, &destination->item);
	LIST_REMOVE(destination, link);
	destination_free(destination);
}

bool
router_domain(const struct destination *destination, struct span *domain,
    bool *hosted)
{
	const struct lane *lane = TAILQ_FIRST(&destination->lanes);

	if (lane == NULL)
		return false;
	*domain = lane->item.key;
	*hosted = lane->hosted;
	return true;
}

bool
router_is_hosted(const struct destination *destination)
{
	const struct lane *lane;

	TAILQ_FOREACH(lane, &destination->lanes, link)
		if (lane->hosted)
			return true;
	return destination->lanes_forgotten; /* one of them may have been */
}

bool
router_is_strange(const struct destination *destination)
{
	return span_starts(destination->item.key, SPAN("mx:")) &&
	    !router_is_hosted(destination);
}

/*
 * A message found at a start that is long past the time of its delay notice
 * had one in an earlier life; one that is just past it may get a second one.
 */
static bool
was_told(const struct core *core, const struct spool_entry *entry)
{
	int64_t after = core->conf->delivery.notice_after;

	return after > 0 &&
	    loop_wall(core->loop) - spool_entry_arrival(entry) >= 2 * after;
}

void
router_place(struct router *router, struct spool_entry *entry,
    struct span domains)
{
	bool told = was_told(router->core, entry);
	struct destination *destination;
	struct span rest = domains;
	struct errand *errand;
	uint64_t mark = ++router->core->mark;

	while (rest.len > 0) {
		destination = router_find(router, span_cut(&rest, '\0'));
		if (destination->mark == mark)
			continue;
		destination->mark = mark;
		errand = destination_add(destination, entry);
		errand_set_told(errand, told);
	}
}

/* The campus has taken the lane over, or given it up. */
static void
changes_hands(struct destination *destination)
{
	hostlist_forget(&destination->hosts);
	destination_doubt(destination);
	destination_wake(destination);
}

/* Drops the lanes that no longer lead here.  True when there were some. */
static bool
drop_lost_lanes(struct router *router, struct destination *destination)
{
	bool lost = destination->lanes_forgotten, was_hosted;
	struct lane *lane, *next;
	struct buf name;

	for (lane = TAILQ_FIRST(&destination->lanes); lane != NULL;
	     lane = next) {
		next = TAILQ_NEXT(lane, link);
		was_hosted = lane->hosted;
		name_of(router, lane->item.key, &name, &lane->hosted);
		if (lane->hosted != was_hosted)
			changes_hands(destination);
		if (!span_equal(buf_span(&name), destination->item.key)) {
			drop_lane(router, lane);
			lost = true;
		}
		buf_clear(&name);
	}
	return lost;
}

void
router_reload(struct router *router)
{
	struct destination *destination;

	LIST_FOREACH(destination, &router->all, link) {
		destination_hang_up(destination);
		if (!drop_lost_lanes(router, destination))
			continue;
		destination->lanes_forgotten = false;
		hostlist_forget(&destination->hosts);
		destination->unsorting = true;
	}
	unsort(router);
}

void
router_spread(struct router *router, struct letter *letter, bool told)
{
	const struct envelope *envelope = letter_envelope(letter);
	struct destination *destination;
	uint64_t mark = ++router->core->mark;
	size_t i;

	for (i = 0; i < letter->errand_count; i++)
		letter->errands[i]->destination->mark = mark;
	for (i = 0; i < envelope->recipient_count; i++) {
		if (!letter_owes(letter, router->core->spool, i))
			continue;
		destination =
		    router_find(router, envelope->recipients[i].domain);
		if (destination->mark == mark)
			continue;
		destination->mark = mark;
		errand_set_told(destination_add(destination, letter->entry),
		    told);
	}
}

void
router_sort(struct router *router, struct errand *errand)
{
	struct attempt *attempt;

	/* Whoever leads elsewhere gets an errand there when it is read. */
	errand_set_offset(errand, 0, false);
	attempt = attempt_new(router->core, errand, ENVELOPE_RECIPIENTS_MAX);
	if (attempt != NULL)
		attempt_cancel(attempt);
}

/* Recipients that nobody sees to get errands again. */
static bool
rescue(struct router *router, struct letter *letter)
{
	char id[SPOOL_ID_LEN + 1];

	if (!letter_open(letter, router->core->spool)) {
		router_forget(router, letter);
		return false;
	}
	router_spread(router, letter, was_told(router->core, letter->entry));
	letter_close(letter, router->core->spool);
	if (letter->errand_count == 0) {
		spool_id_text(letter->id, id);
		log_say(LEVEL_ERROR, "stranded",
		    "message %s has no recipient that is owed", id);
	}
	return true;
}

void
router_rest(struct router *router, struct letter *letter)
{
	if (letter->errand_count == 0 && letter->stories == 0 &&
	    letter->users == 0 && !rescue(router, letter))
		return;
	letter_lower(letter);
}

void
router_again(struct router *router, struct letter *letter)
{
	if (rescue(router, letter))
		letter_lower(letter);
}

void
router_forget(struct router *router, struct letter *letter)
{
	size_t i;

	teller_forget(router->core->teller, letter);
	for (i = 0; i < letter->errand_count; i++)
		destination_drop(letter->errands[i]);
	letter_free(letter);
}

void
router_ended(struct router *router, struct letter *letter)
{
	holds_remove(&router->core->holds, letter->id);
	router_forget(router, letter);
}

size_t
router_count(const struct router *router)
{
	return router->destinations.count;
}
