/*
 * sending_ledger - what became of every recipient, kept beside the sending side.
 *
 * Job:     write down who was taken, refused and told; compare that with what
 *          the spool and the queues say.
 * Called:  by tests of the sending side that do many things at random.
 * Owns:    the ledger.
 * Never:   changes what it compares.
 */
#include "tests/support/sending_ledger.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/route.h"
#include "relayd/delivery/destination.h"
#include "relayd/delivery/letter.h"
#include "relayd/delivery/manage.h"
#include "tests/support/far_side.h"

/* Check writes a line for each ck_assert(): here there are millions. */
#define MUST(condition, ...)                       \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

enum {
	PLACES = ERRAND_HELD + 1,
	DESTINATIONS = 64
};

/* A recount of the queues. */
struct recount {
	size_t total[PLACES];
	struct {
		const struct destination *destination;
		size_t place[PLACES];
	} each[DESTINATIONS];
	size_t count;
};

void
ledger_open(struct ledger *ledger, struct sending *sending)
{
	memset(ledger, 0, sizeof(*ledger));
	ledger->sending = sending;
}

/* ---- what happens ---- */

void
ledger_mail(struct ledger *ledger, const char *sender,
    const char *const *domains, const unsigned *notify, size_t count)
{
	struct ledger_message *message;
	struct ledger_recipient *recipient;
	struct sending_to *to = xcalloc(count, sizeof(*to));
	size_t i, number;

	MUST(ledger->message_count < LEDGER_MESSAGES, "too many");
	ck_assert_uint_le(ledger->recipient_count + count, LEDGER_RECIPIENTS);
	message = &ledger->messages[ledger->message_count];
	message->first = ledger->recipient_count;
	message->count = count;
	for (i = 0; i < count; i++) {
		number = ledger->recipient_count++;
		recipient = &ledger->recipients[number];
		recipient->message = ledger->message_count;
		recipient->notify = notify[i];
		snprintf(recipient->address, sizeof(recipient->address),
		    "%06zu@%s", number, domains[i]);
		to[i] = (struct sending_to){ .address = recipient->address,
			.notify = notify[i] };
	}
	ledger->message_count++;
	message->id = sending_mail(ledger->sending, sender, to, count);
	free(to);
}

static struct ledger_recipient *
find(struct ledger *ledger, const char *address)
{
	size_t number = strtoul(address, NULL, 10);

	MUST(number < ledger->recipient_count, "too many");
	return &ledger->recipients[number];
}

static void
say(struct outcome *outcome, enum outcome_kind kind)
{
	if (kind == OUTCOME_DELIVERED)
		outcome_set(outcome, kind, 250, "2.0.0", SPAN("250 ok"), "hop");
	else if (kind == OUTCOME_FAILED)
		outcome_set(outcome, kind, 550, "5.1.1", SPAN("550 no"), "hop");
	else
		outcome_set(outcome, kind, 451, "4.7.1", SPAN("451 wait"),
		    "hop");
}

void
ledger_answer(struct ledger *ledger, struct client_job *job, size_t i,
    enum outcome_kind kind, bool lost)
{
	struct span address =
	    job->envelope->recipients[job->recipients[i]].address;
	struct ledger_recipient *recipient = find(ledger, address.data);

	MUST(!ledger->messages[recipient->message].ended,
	    "%s: %s was tried behind its end", ledger->story,
	    recipient->address);
	if (kind == OUTCOME_DELIVERED) {
		recipient->taken++;
		recipient->lost += lost;
		ledger->heard += !lost;
		MUST(recipient->taken <= recipient->lost + 1,
		    "%s: %s was delivered twice", ledger->story,
		    recipient->address);
	}
	if (kind == OUTCOME_FAILED)
		recipient->refused = true;
	if (lost)
		outcome_set(&job->outcomes[i], OUTCOME_LATER, 0, "4.4.2",
		    SPAN("connection reset"), NULL);
	else
		say(&job->outcomes[i], kind);
}

void
ledger_forgets(struct ledger *ledger)
{
	struct ledger_recipient *recipient;
	struct spool_entry *entry;
	size_t i;

	for (i = 0; i < ledger->recipient_count; i++) {
		recipient = &ledger->recipients[i];
		if ((recipient->notify & NOTIFY_SUCCESS) == 0 ||
		    ledger->messages[recipient->message].ended)
			continue;
		entry = spool_find(ledger->sending->spool,
		    ledger->messages[recipient->message].id);
		/* Delivered, and its sender was still to be told so. */
		if (entry == NULL ||
		    !spool_settled(ledger->sending->spool, entry,
			i - ledger->messages[recipient->message].first))
			recipient->lost = recipient->taken;
	}
}

/* "failed ID to ADDRESS: RECIPIENT ..." or "summary: RECIPIENT ..." */
static void
hear(struct ledger *ledger)
{
	struct span rest = buf_span(&far_side.told), line;
	size_t colon;

	rest = span_skip(rest, ledger->told_upto);
	ledger->told_upto = buf_span(&far_side.told).len;
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (!span_starts(line, SPAN("failed")) &&
		    !span_starts(line, SPAN("summary")))
			continue;
		colon = span_find(line, ':');
		find(ledger, line.data + colon + 2)->told = true;
	}
}

/* ---- what must be true ---- */

static void
check_settled(const struct ledger *ledger,
    const struct ledger_recipient *recipient)
{
	bool delivered = recipient->taken > recipient->lost;
	bool dropped = ledger->messages[recipient->message].dropped;
	bool silent = (recipient->notify & NOTIFY_NEVER) != 0;

	MUST(delivered || recipient->told || dropped || silent ||
		(recipient->taken > 0 && recipient->notify == NOTIFY_SUCCESS),
	    "%s: %s is settled, but neither delivered nor told of",
	    ledger->story, recipient->address);
}

/* Is there an errand that sees to this domain, or one that may yet? */
static bool
is_seen_to(const struct ledger *ledger, const char *domain,
    struct errand **errands, size_t count)
{
	const struct route *route;
	struct buf name;
	bool hosted, found = false;
	size_t i;

	buf_init(&name, ROUTE_DESTINATION_MAX);
	route = rules_route(ledger->sending->rules, span_of(domain), &hosted);
	route_destination(route, span_of(domain), &name);
	for (i = 0; i < count; i++)
		found |= errand_place(errands[i]) == ERRAND_UNSORTED ||
		    errand_place(errands[i]) == ERRAND_OUT ||
		    errand_place(errands[i]) == ERRAND_HELD ||
		    span_equal(buf_span(&name),
			span_of(errands[i]->destination->name));
	buf_clear(&name);
	return found;
}

static void
add(struct recount *recount, const struct errand *errand)
{
	size_t i;

	for (i = 0; i < recount->count; i++)
		if (recount->each[i].destination == errand->destination)
			break;
	MUST(i < DESTINATIONS, "too many");
	if (i == recount->count)
		recount->each[recount->count++].destination =
		    errand->destination;
	recount->each[i].place[errand_place(errand)]++;
	recount->total[errand_place(errand)]++;
}

static void
check_errands(const struct ledger *ledger, const struct ledger_message *message,
    struct errand **errands, size_t count, struct recount *recount)
{
	enum errand_place place;
	size_t i, k;

	for (i = 0; i < count; i++) {
		add(recount, errands[i]);
		for (k = 0; k < i; k++)
			MUST(errands[i]->destination != errands[k]->destination,
			    "%s: a message is queued twice for %s",
			    ledger->story, errands[i]->destination->name);
		place = errand_place(errands[i]);
		/* One whose attempt was under way is held when its back-off ends. */
		MUST(message->held ? place != ERRAND_READY :
				     place != ERRAND_HELD,
		    "%s: a %s message is in place %d", ledger->story,
		    message->held ? "held" : "free", place);
	}
}

static void
check_message(struct ledger *ledger, struct ledger_message *message,
    struct recount *recount)
{
	struct spool *spool = ledger->sending->spool;
	struct spool_entry *entry = spool_find(spool, message->id);
	const struct ledger_recipient *recipient;
	struct errand **errands = NULL;
	struct letter *letter;
	size_t count = 0, i;

	if (entry == NULL && ledger->unreadable)
		return;
	if (entry == NULL)
		message->ended = true;
	else
		errands = letter_errands(entry, &count);
	check_errands(ledger, message, errands, count, recount);
	letter = entry == NULL ? NULL : letter_raise(entry);
	for (i = 0; i < message->count; i++) {
		recipient = &ledger->recipients[message->first + i];
		if (entry == NULL || spool_settled(spool, entry, i))
			check_settled(ledger, recipient);
		else if (letter_owes(letter, spool, i))
			MUST(is_seen_to(ledger,
				 strchr(recipient->address, '@') + 1,
				 letter->errands, letter->errand_count),
			    "%s: %s is owed, but not queued where it leads",
			    ledger->story, recipient->address);
	}
	if (letter != NULL)
		letter_lower(letter);
}

static void
same(const struct ledger *ledger, size_t said, size_t counted)
{
	MUST(said == counted, "%s: said to be %zu, counted %zu", ledger->story,
	    said, counted);
}

static void
check_counts(const struct ledger *ledger, const struct recount *recount)
{
	struct delivery_counts counts = sending_counts(ledger->sending);
	const size_t *total = recount->total;
	const struct queue *queue;
	const size_t *place;
	size_t i;

	same(ledger, counts.queue.in_attempt, total[ERRAND_OUT]);
	same(ledger, counts.queue.ready, total[ERRAND_READY]);
	same(ledger, counts.queue.unsorted, total[ERRAND_UNSORTED]);
	same(ledger, counts.queue.waiting, total[ERRAND_WAITING]);
	same(ledger, counts.queue.held, total[ERRAND_HELD]);
	same(ledger, counts.delivered, ledger->heard);
	same(ledger, counts.attempts, ledger->jobs);
	for (i = 0; i < recount->count; i++) {
		queue = &recount->each[i].destination->queue;
		place = recount->each[i].place;
		same(ledger, queue->out_count, place[ERRAND_OUT]);
		same(ledger, queue->ready_count, place[ERRAND_READY]);
		same(ledger, queue->ready.count, place[ERRAND_READY]);
		same(ledger, queue->unsorted_count, place[ERRAND_UNSORTED]);
		same(ledger, queue->waiting_count, place[ERRAND_WAITING]);
		same(ledger, queue->held_count, place[ERRAND_HELD]);
	}
}

static void
check_ceilings(const struct ledger *ledger, const struct recount *recount)
{
	const struct conf_delivery *conf = &ledger->sending->conf.delivery;
	size_t i;

	ck_assert_uint_le(sending_counts(ledger->sending).connections,
	    conf->connections);
	for (i = 0; i < recount->count; i++)
		ck_assert_uint_le(recount->each[i].destination->line_count,
		    conf->connections_per_destination);
}

void
ledger_check(struct ledger *ledger)
{
	struct recount recount = { .count = 0 };
	size_t i;

	hear(ledger);
	for (i = 0; i < ledger->message_count; i++)
		if (!ledger->messages[i].ended)
			check_message(ledger, &ledger->messages[i], &recount);
	if (!ledger->unreadable)
		same(ledger, sending_owed(ledger->sending),
		    ledger_owed(ledger, true) + ledger_owed(ledger, false));
	check_counts(ledger, &recount);
	check_ceilings(ledger, &recount);
}

size_t
ledger_owed(const struct ledger *ledger, bool held)
{
	size_t i, count = 0;

	for (i = 0; i < ledger->message_count; i++)
		count += !ledger->messages[i].ended &&
		    ledger->messages[i].held == held;
	return count;
}
