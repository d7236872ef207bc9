/*
 * line - one connection to a destination.
 *
 * Job:     find a host that lets us in, carry one attempt after the other,
 *          end when used up.
 * Called:  by destination.c; by the client with what it hears.
 * Owns:    struct line, its client and its attempt.
 * Never:   chooses a message, or judges a destination.
 */
#include "relayd/delivery/line.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "domains/rules.h"
#include "relayd/delivery/destination.h"
#include "relayd/delivery/lines.h"
#include "relayd/delivery/router.h"
#include "relayd/delivery/wires.h"

enum {
	STAGGER_MS = 250, /* RFC 8305 5: from one family to the next */
};

static void line_ready(void *owner);
static void line_done(void *owner, struct client_job *job, bool usable);
static void line_closed(void *owner, const struct outcome *why);

/* The only assignment to line->state: the lists and counts go with it. */
static void
enter(struct line *line, enum line_state state)
{
	struct destination *destination = line->destination;

	if (line->state == LINE_IDLE) {
		TAILQ_REMOVE(&destination->idle, line, idle_link);
		lines_not_idle(line);
	}
	if (line->state == LINE_CONNECTING)
		destination->connecting_count--;
	if (line->state == LINE_BUSY)
		lines_busy_less(line);
	line->state = state;
	if (state == LINE_IDLE) {
		TAILQ_INSERT_HEAD(&destination->idle, line, idle_link);
		lines_idle(line);
	}
	if (state == LINE_BUSY)
		lines_busy_more(line);
}

static void
cancel_due(struct line *line)
{
	if (line->due_waits)
		schedule_cancel(&line->destination->core->schedule, &line->due);
	line->due_waits = false;
}

/* Takes it off everything; its clients are gone already. */
static void
line_free(struct line *line)
{
	struct destination *destination = line->destination;

	cancel_due(line);
	enter(line, LINE_ENDING);
	LIST_REMOVE(line, link);
	if (--destination->line_count == 0)
		destination->health.proven = false;
	lines_closed(line);
	destination_wake(destination);
	free(line);
}

/* Is this still the destination that route leads to, after a reload? */
static bool
leads_here(const struct route *route, struct span domain,
    const struct destination *destination)
{
	struct buf name;
	bool same;

	buf_init(&name, ROUTE_DESTINATION_MAX);
	route_destination(route, domain, &name);
	same = span_equal(buf_span(&name), span_of(destination->name));
	buf_clear(&name);
	return same;
}

/* A password is for the hops that it was configured with, and no others. */
static const struct client_needs *
needs_of(const struct destination *destination)
{
	const struct wires *wires = destination->core->wires;
	const struct route *route;
	struct span domain;
	bool hosted;

	if (!router_domain(destination, &domain, &hosted))
		/* Cannot be: who asks has errands here. */
		return wires_needs(wires, TLS_VERIFY);
	route = rules_route(destination->core->rules, domain, &hosted);
	if (route->login && leads_here(route, domain, destination))
		return wires_logged_in(wires);
	return wires_needs(wires, route->tls);
}

static void
connect_to(struct line *line, struct reach *reach, size_t number)
{
	struct destination *destination = line->destination;
	struct client_events events = {
		.owner = reach,
		.ready = line_ready,
		.done = line_done,
		.closed = line_closed,
	};

	reach->host = number;
	line->tried |= UINT32_C(1) << number;
	reach->client = client_new(needs_of(destination),
	    hostlist_host(&destination->hosts, number), &events);
}

static struct reach *
other_of(struct reach *reach)
{
	struct line *line = reach->line;

	return reach == &line->reach[0] ? &line->reach[1] : &line->reach[0];
}

static bool
host_is_known(const struct line *line)
{
	return line->version == line->destination->hosts.version;
}

/* The next host, with another address of it beside when that takes long. */
static void
connect_next(struct line *line, size_t number)
{
	struct core *core = line->destination->core;
	size_t sibling;

	connect_to(line, &line->reach[0], number);
	cancel_due(line);
	if (!hostlist_sibling(&line->destination->hosts, line->tried, number,
		&sibling))
		return;
	line->due_waits = true;
	core_schedule(core, &line->due, loop_now(core->loop) + STAGGER_MS);
}

void
line_due(struct due *due)
{
	struct line *line =
	    (struct line *)(void *)((char *)due - offsetof(struct line, due));
	size_t sibling;

	line->due_waits = false;
	if (line->state == LINE_CONNECTING && host_is_known(line) &&
	    line->reach[0].client != NULL && line->reach[1].client == NULL &&
	    hostlist_sibling(&line->destination->hosts, line->tried,
		line->reach[0].host, &sibling))
		connect_to(line, &line->reach[1], sibling);
}

void
line_open(struct destination *destination)
{
	struct line *line = xcalloc(1, sizeof(*line));
	size_t number = 0;
	bool any;

	line->destination = destination;
	line->reach[0].line = line->reach[1].line = line;
	line->due.kind = DUE_LINE;
	line->version = destination->hosts.version;
	line->reloads = destination->core->reloads;
	line->refused = true;
	line->state = LINE_CONNECTING;
	LIST_INSERT_HEAD(&destination->lines, line, link);
	destination->line_count++;
	destination->connecting_count++;
	lines_opened(line);
	any = hostlist_pick(&destination->hosts, 0, &number);
	assert(any);
	connect_next(line, number);
}

/* Greeted: the other address, if it is still tried, is too slow. */
static void
line_ready(void *owner)
{
	struct reach *reach = owner, *other = other_of(reach);
	struct line *line = reach->line;
	struct hostlist *hosts = &line->destination->hosts;

	cancel_due(line);
	if (host_is_known(line))
		hostlist_worked(hosts, reach->host);
	if (other->client != NULL) {
		client_abort(other->client);
		other->client = NULL;
		if (host_is_known(line))
			hostlist_failed(hosts, other->host);
	}
	line->used = reach;
	enter(line, LINE_IDLE);
	destination_greeted(line->destination);
}

/*
 * This host did not let us in: the next one, or the destination has none.
 * They refuse for good (RFC 7504 and 554, RFC 5321 3.1) only when every one
 * said so, and none that the campus chose: there it is a mistake to be mended.
 */
static void
try_another(struct reach *reach, const struct outcome *why)
{
	struct line *line = reach->line;
	struct destination *destination = line->destination;
	struct outcome last = { .kind = OUTCOME_NONE };
	size_t number;

	/* Of another list, it may have hosts that this line never asked. */
	if (why->kind != OUTCOME_FAILED || !host_is_known(line))
		line->refused = false;
	if (!host_is_known(line) && other_of(reach)->client != NULL)
		return;
	if (host_is_known(line)) {
		hostlist_failed(&destination->hosts, reach->host);
		if (other_of(reach)->client != NULL)
			return;
		if (hostlist_pick(&destination->hosts, line->tried, &number)) {
			connect_next(line, number);
			return;
		}
	}
	outcome_set(&last,
	    line->refused && !router_is_hosted(destination) ? OUTCOME_FAILED :
							      OUTCOME_LATER,
	    why->code, why->enhanced, span_of(why->text), why->remote);
	line_free(line);
	destination_unreachable(destination, &last);
	outcome_clear(&last);
}

static void
line_closed(void *owner, const struct outcome *why)
{
	struct reach *reach = owner;
	struct line *line = reach->line;

	reach->client = NULL;
	switch (line->state) {
	case LINE_CONNECTING:
		try_another(reach, why);
		break;
	case LINE_IDLE: /* it hung up: nothing was under way */
	case LINE_ENDING:
		line_free(line);
		break;
	case LINE_BUSY:
		assert(false); /* done() comes first */
	}
}

void
line_start(struct line *line, struct errand *errand)
{
	struct attempt *attempt;

	attempt =
	    attempt_new(line->destination->core, errand, ATTEMPT_RECIPIENTS);
	if (attempt == NULL)
		return;
	line->attempt = attempt;
	line->jobs++;
	enter(line, LINE_BUSY);
	client_send(line->used->client, &attempt->job);
}

/* May it carry another message? */
static bool
worn_out(const struct line *line)
{
	const struct core *core = line->destination->core;

	return core->draining || line->reloads != core->reloads ||
	    line->jobs >= core->conf->delivery.messages_per_connection ||
	    lines_gives_way(line);
}

/*
 * Whoever lets us in and then breaks off is no better than one who does not:
 * RFC 5321 5.1 wants the others tried.  An old connection may end.
 */
static void
blame_host(struct line *line)
{
	if (line->jobs == 1 && host_is_known(line))
		hostlist_broke(&line->destination->hosts, line->used->host);
}

/* The destination hears what the attempt says of it.  True: as it should be. */
static bool
tell_destination(struct line *line, const struct attempt *attempt)
{
	struct destination *destination = line->destination;

	switch (attempt_says(attempt)) {
	case ATTEMPT_ANSWERED:
		destination_answered(destination);
		return true;
	case ATTEMPT_TROUBLE:
		blame_host(line);
		destination_trouble(destination, attempt_trouble(attempt));
		break;
	case ATTEMPT_STALE:
	case ATTEMPT_UNREAD:
		break;
	}
	return false;
}

static void
line_done(void *owner, struct client_job *job, bool usable)
{
	struct reach *reach = owner;
	struct line *line = reach->line;
	struct attempt *attempt = line->attempt;
	bool good;

	assert(line->state == LINE_BUSY && &attempt->job == job);
	line->attempt = NULL;
	good = tell_destination(line, attempt);
	attempt_end(attempt, line->jobs > 1);
	destination_wake(line->destination);
	if (!usable) {
		enter(line, LINE_ENDING);
	} else {
		enter(line, LINE_IDLE);
		if (!good || worn_out(line))
			line_quit(line);
	}
}

void
line_quit(struct line *line)
{
	assert(line->state == LINE_IDLE);
	client_quit(line->used->client);
	line_free(line);
}

void
line_abort(struct line *line)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (line->reach[i].client != NULL)
			client_abort(line->reach[i].client);
	if (line->attempt != NULL)
		attempt_cancel(line->attempt);
	line_free(line);
}
