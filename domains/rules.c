/*
 * rules - who may send where.
 *
 * Job:     load both tables as one value, and decide by them.
 * Called:  by the server at each recipient, by delivery for routes, by
 *          relayctl explain.
 * Owns:    the tables, the postmaster's address, the outside route.
 * Never:   takes half of a table, nor accepts a recipient by anything but the
 *          four steps of rules_decide().
 */
#include "domains/rules.h"

#include <sys/random.h>

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/allowlist.h"
#include "domains/day.h"
#include "domains/hosted.h"
#include "domains/refusal.h"

struct rules {
	char *hosted_file;    /* owned; as complaints name it */
	char *allowlist_file; /* owned; or NULL */
	char *contact;        /* owned; or NULL */
	struct address postmaster;
	struct route outside;
	struct hosted *hosted;       /* owned */
	struct allowlist *allowlist; /* owned */
	unsigned *holds; /* owned; apart, since whoever holds may not change */
};

/* One decision that is being made. */
struct question {
	const struct rules *rules;
	const struct ip *client;
	const struct address *sender, *recipient;
	int64_t now;
	struct decision *decision;
};

static void check_postmaster(struct rules *rules, const char *text,
    struct complaints *complaints);
static void decide_bare(const struct question *question);
static void decide_hosted(const struct question *question,
    struct hosted_match match);
static void decide_outside(const struct question *question,
    struct allowlist_answer answer);
static bool may_route_itself(const struct question *question);
static void accept_by(const struct question *question,
    const struct route *route, const char *file, size_t line);

/* The tables' hashes begin with bytes that nobody outside can guess. */
static uint64_t
seed(void)
{
	uint64_t bytes = 0;

	if (getrandom(&bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return 0;
	return bytes;
}

static char *
copy(const char *text)
{
	return text == NULL ? NULL : xstrdup(text);
}

struct rules *
rules_load(const struct rules_sources *sources, struct complaints *complaints)
{
	struct rules *rules = xcalloc(1, sizeof(*rules));

	rules->holds = xcalloc(1, sizeof(*rules->holds));
	rules->hosted_file = copy(sources->hosted);
	rules->allowlist_file = copy(sources->allowlist);
	rules->contact = copy(sources->contact);
	route_copy(&rules->outside, &sources->outside);
	rules->hosted = hosted_load(rules->hosted_file, seed(), complaints);
	if (rules->allowlist_file != NULL)
		rules->allowlist =
		    allowlist_load(rules->allowlist_file, seed(), complaints);
	else
		rules->allowlist = allowlist_new(seed());
	check_postmaster(rules, sources->postmaster, complaints);
	if (complaints->errors == 0)
		return rules;
	rules_free(rules);
	return NULL;
}

void
rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	assert(*rules->holds == 0);
	free(rules->holds);
	hosted_free(rules->hosted);
	allowlist_free(rules->allowlist);
	route_clear(&rules->outside);
	free(rules->hosted_file);
	free(rules->allowlist_file);
	free(rules->contact);
	free(rules);
}

const struct rules *
rules_hold(const struct rules *rules)
{
	if (rules != NULL)
		++*rules->holds;
	return rules;
}

void
rules_let_go(const struct rules *rules)
{
	if (rules == NULL)
		return;
	assert(*rules->holds > 0);
	--*rules->holds;
}

bool
rules_held(const struct rules *rules)
{
	return *rules->holds > 0;
}

const struct hosted *
rules_hosted_table(const struct rules *rules)
{
	return rules->hosted;
}

const struct allowlist *
rules_allowlist(const struct rules *rules)
{
	return rules->allowlist;
}

const char *
rules_hosted_file(const struct rules *rules)
{
	return rules->hosted_file;
}

const char *
rules_allowlist_file(const struct rules *rules)
{
	return rules->allowlist_file;
}

size_t
rules_hosted_count(const struct rules *rules)
{
	return hosted_count(rules->hosted);
}

size_t
rules_grant_count(const struct rules *rules)
{
	return allowlist_count(rules->allowlist);
}

const char *
rules_name(const struct rules *rules, size_t index)
{
	return grant_names_at(allowlist_names(rules->allowlist), index);
}

size_t
rules_name_count(const struct rules *rules)
{
	return grant_names_count(allowlist_names(rules->allowlist));
}

void
rules_name_resolved(struct rules *rules, size_t index,
    const struct ip *addresses, size_t count, bool half)
{
	grant_names_resolved(allowlist_names(rules->allowlist), index,
	    addresses, count, half);
}

void
rules_name_failed(struct rules *rules, size_t index)
{
	grant_names_failed(allowlist_names(rules->allowlist), index);
}

bool
rules_names_carry(struct rules *rules, const struct rules *older, size_t *at,
    size_t budget)
{
	return grant_names_carry(allowlist_names(rules->allowlist),
	    allowlist_names(older->allowlist), at, budget);
}

/*
 * The four steps of who may send where, in their order.  Before the second: a
 * recipient that routes is for those alone who may send it anywhere, whatever
 * domain stands behind the last @, since the next hop may obey it.
 */
void
rules_decide(const struct rules *rules, const struct ip *client,
    const struct address *sender, const struct address *recipient, int64_t now,
    struct decision *decision)
{
	struct question question = { rules, client, sender, recipient, now,
		decision };
	struct hosted_match match;

	memset(decision, 0, sizeof(*decision));
	decision->verdict = REFUSE;
	if (recipient->kind == ADDRESS_NULL ||
	    recipient->kind == ADDRESS_BARE) {
		decide_bare(&question);
		return;
	}
	match = hosted_find(rules->hosted, span_of(recipient->domain));
	if (match.policy == NULL)
		decide_outside(&question,
		    allowlist_ask(rules->allowlist, client, sender, recipient,
			now));
	else if (!recipient->routes || may_route_itself(&question))
		decide_hosted(&question, match);
}

bool
rules_hosted(const struct rules *rules, struct span domain,
    const struct route **route)
{
	struct hosted_match match = hosted_find(rules->hosted, domain);

	if (match.policy == NULL || match.policy->refuse != NULL)
		return false;
	if (route != NULL)
		*route = &match.policy->route;
	return true;
}

const struct route *
rules_route(const struct rules *rules, struct span domain, bool *hosted)
{
	const struct route *route = &rules->outside;

	*hosted = rules_hosted(rules, domain, &route);
	return route;
}

bool
rules_granted(const struct rules *rules, const struct ip *client, int64_t now,
    struct rule *rule)
{
	struct allowlist_answer answer;

	answer = allowlist_ask(rules->allowlist, client, NULL, NULL, now);
	if (answer.verdict != ALLOWLIST_GRANTED)
		return false;
	if (rule != NULL)
		*rule = (struct rule){ rules->allowlist_file, answer.line,
			answer.grant->owner };
	return true;
}

uint32_t
rules_grant_rate(const struct rules *rules, const struct ip *client,
    const struct address *sender, int64_t now)
{
	return allowlist_rate(rules->allowlist, client, sender, now);
}

bool
rules_grant(const struct rules *rules, size_t index, struct rules_grant *grant)
{
	struct allowlist_line line;

	if (!allowlist_at(rules->allowlist, index, &line, grant->text,
		sizeof(grant->text)))
		return false;
	grant->rule = (struct rule){ rules->allowlist_file, line.line,
		line.grant->owner };
	grant->excluded = line.excluded;
	grant->note = line.grant->note;
	grant->until = line.grant->until;
	grant->rate = line.grant->rate;
	return true;
}

/* NULL, or why this mailbox gets no mail by the line that matches it. */
static const char *
mailbox_fault(const struct address *to, struct hosted_match match)
{
	if (match.policy == NULL)
		return "not in a hosted domain";
	if (match.policy->refuse != NULL)
		return "in a domain that is refused";
	if (match.policy->recipients != NULL &&
	    !recipients_has(match.policy->recipients,
		span_make(to->local, to->local_len)))
		return "not among the recipients of its domain";
	return NULL;
}

bool
rules_takes(const struct rules *rules, const struct address *to)
{
	struct hosted_match match =
	    hosted_find(rules->hosted, span_of(to->domain));

	return match.policy == NULL || mailbox_fault(to, match) == NULL;
}

/* Failures and mail for <postmaster> go there: it must be deliverable. */
static void
check_postmaster(struct rules *rules, const char *text,
    struct complaints *complaints)
{
	struct address *to = &rules->postmaster;
	struct hosted_match match;
	const char *why;

	if (address_parse(span_of(text), to, &why) != PATH_OK) {
		complain(complaints, NULL, 0, 0, "postmaster \"%s\": %s", text,
		    why);
		return;
	}
	if (to->kind == ADDRESS_BARE) {
		complain(complaints, NULL, 0, 0,
		    "postmaster \"%s\" has no domain; expected a whole "
		    "address",
		    text);
		return;
	}
	if (rules->hosted == NULL)
		return; /* complained about already */
	match = hosted_find(rules->hosted, span_of(to->domain));
	why = mailbox_fault(to, match);
	if (why != NULL)
		complain(complaints, rules->hosted_file, match.line, 0,
		    "postmaster \"%s\" is %s; expected an address that this "
		    "table delivers",
		    text, why);
}

static void
name_rule(const struct question *question, const char *file, size_t line,
    const struct grant *grant)
{
	question->decision->rule = (struct rule){
		.file = line == 0 ? NULL : file,
		.line = line,
		.owner = grant == NULL ? NULL : grant->owner,
	};
}

static void
accept_by(const struct question *question, const struct route *route,
    const char *file, size_t line)
{
	question->decision->verdict = ACCEPT;
	question->decision->route = route;
	question->decision->rule = (struct rule){ .file = file, .line = line };
}

/* RFC 5321 4.5.1: <postmaster>, without a domain, in any case. */
static void
decide_bare(const struct question *question)
{
	const struct rules *rules = question->rules;
	const struct address *to = question->recipient;
	struct hosted_match match;

	if (to->kind == ADDRESS_NULL ||
	    !span_equal_nocase(span_make(to->local, to->local_len),
		SPAN("postmaster"))) {
		refusal_write(question->decision, 550, "5.1.3", to,
		    rules->contact,
		    "a recipient without a domain; expected "
		    "local-part@domain");
		return;
	}
	match = hosted_find(rules->hosted, span_of(rules->postmaster.domain));
	accept_by(question, &match.policy->route, rules->hosted_file,
	    match.line);
	question->decision->to_postmaster = true;
}

static void
decide_hosted(const struct question *question, struct hosted_match match)
{
	const struct rules *rules = question->rules;
	const struct hosted_policy *policy = match.policy;
	const struct address *to = question->recipient;

	name_rule(question, rules->hosted_file, match.line, NULL);
	if (policy->refuse != NULL)
		refusal_write(question->decision, 550, "5.1.2", to,
		    rules->contact, "%s", policy->refuse);
	else if (policy->recipients != NULL &&
	    !recipients_has(policy->recipients,
		span_make(to->local, to->local_len)))
		refusal_write(question->decision, 550, "5.1.1", to,
		    rules->contact, "no such recipient in this domain");
	else
		accept_by(question, &policy->route, rules->hosted_file,
		    match.line);
}

/* Why a client may not send to an address outside. */
static void
refuse_outside(const struct question *question, struct allowlist_answer answer)
{
	const char *served = "only hosted domains are served here";
	const char *contact = question->rules->contact;
	struct decision *decision = question->decision;
	const struct address *to = question->recipient;
	char client[IP_TEXT_MAX], shown[REFUSAL_SHOWN_MAX], day[DAY_TEXT_MAX];

	ip_text(question->client, client);
	switch (answer.verdict) {
	case ALLOWLIST_UNKNOWN:
		refusal_write(decision, 451, "4.4.3", to, contact,
		    "names on the allowlist are still being looked up; try "
		    "again soon");
		break;
	case ALLOWLIST_EXPIRED:
		refusal_write(decision, 550, "5.7.1", to, contact,
		    "%s; the grant of %s for others ended on %s%s%s", served,
		    client, day_text(answer.grant->until, day),
		    answer.grant->owner == NULL ? "" : ", ask ",
		    answer.grant->owner == NULL ?
			"" :
			refusal_address(span_of(answer.grant->owner), shown));
		break;
	case ALLOWLIST_SENDER:
		refusal_write(decision, 550, "5.7.1", to, contact,
		    "%s; the grant of %s for others is not for the sender "
		    "<%s>",
		    served, client,
		    refusal_address(address_span(question->sender), shown));
		break;
	case ALLOWLIST_RECIPIENT:
		refusal_write(decision, 550, "5.7.1", to, contact,
		    "%s; the grant of %s for others is not for this recipient",
		    served, client);
		break;
	case ALLOWLIST_EXCLUDED:
	case ALLOWLIST_NOBODY:
	case ALLOWLIST_GRANTED:
		refusal_write(decision, 550, "5.7.1", to, contact,
		    "%s; %s has no grant to send to others", served, client);
		break;
	}
}

static void
decide_outside(const struct question *question, struct allowlist_answer answer)
{
	const char *file = question->rules->allowlist_file;

	if (answer.verdict == ALLOWLIST_GRANTED) {
		accept_by(question, &question->rules->outside, file,
		    answer.line);
		question->decision->granted = true;
	} else {
		refuse_outside(question, answer);
	}
	name_rule(question, file, answer.line, answer.grant);
}

/*
 * Does the client hold a grant for this very sender and recipient?  Writes
 * the refusal if not.  A grant for some recipients only (to=) is no leave to
 * have a hosted domain's server send to others.
 */
static bool
may_route_itself(const struct question *question)
{
	const struct rules *rules = question->rules;
	struct allowlist_answer answer;

	answer = allowlist_ask(rules->allowlist, question->client,
	    question->sender, question->recipient, question->now);
	if (answer.verdict == ALLOWLIST_GRANTED)
		return true;
	if (answer.verdict == ALLOWLIST_UNKNOWN)
		refuse_outside(question, answer);
	else
		refusal_write(question->decision, 550, "5.7.1",
		    question->recipient, rules->contact,
		    "a local part with %%, ! or @ asks to be sent on; it is "
		    "taken only from hosts that have a grant");
	return false;
}
