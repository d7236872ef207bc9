/*
 * explain - a decision with its reasons.
 *
 * Job:     say what each step of rules_decide() found, and which smallest
 *          change of the tables would turn a refusal.
 * Called:  by relayctl explain, through the control socket or on tables alone.
 * Owns:    the texts of struct explanation.
 * Never:   decides: rules_decide() does, and this looks at the same tables.
 */
#include "domains/explain.h"

#include <assert.h>
#include <string.h>

#include "domains/allowlist.h"
#include "domains/day.h"
#include "domains/explain_change.h"
#include "domains/hosted.h"

enum {
	FOUND_MAX = 2048,
	RULE_MAX = 65536,
	ROUTE_MAX = 16384,
};

/* What is being explained. */
struct asked {
	const struct rules *rules;
	const struct ip *client;
	const struct address *sender, *recipient;
	int64_t now;
	struct explanation *explanation;
};

static struct buf *step(struct explanation *explanation, const char *name);
static bool explain_bare(const struct asked *asked);
static bool explain_hosted(const struct asked *asked);
static void explain_allowlist(const struct asked *asked);
static void say_rule(const struct asked *asked);

void
explain(const struct rules *rules, const struct ip *client,
    const struct address *sender, const struct address *recipient, int64_t now,
    struct explanation *explanation)
{
	struct asked asked = { rules, client, sender, recipient, now,
		explanation };
	struct decision *decision = &explanation->decision;
	struct buf *found;

	memset(explanation, 0, sizeof(*explanation));
	buf_init(&explanation->rule, RULE_MAX);
	buf_init(&explanation->route, ROUTE_MAX);
	buf_init(&explanation->change_line, RULE_MAX);
	rules_decide(rules, client, sender, recipient, now, decision);
	if (!explain_bare(&asked) && !explain_hosted(&asked)) {
		explain_allowlist(&asked);
		if (decision->verdict == REFUSE) {
			found = step(explanation, "default");
			buf_add(found,
			    SPAN("whatever no step accepts is refused"));
		}
	}
	explanation->steps[explanation->count - 1].decided = true;
	say_rule(&asked);
	if (decision->verdict == ACCEPT)
		route_destination(decision->route, span_of(recipient->domain),
		    &explanation->route);
	else
		explain_change(rules, client, sender, recipient, now,
		    explanation);
}

void
explanation_clear(struct explanation *explanation)
{
	size_t i;

	for (i = 0; i < explanation->count; i++)
		buf_clear(&explanation->steps[i].found);
	buf_clear(&explanation->rule);
	buf_clear(&explanation->route);
	buf_clear(&explanation->change_line);
}

static struct buf *
step(struct explanation *explanation, const char *name)
{
	struct explain_step *new = &explanation->steps[explanation->count++];

	assert(explanation->count <= EXPLAIN_STEPS);
	new->name = name;
	buf_init(&new->found, FOUND_MAX);
	return &new->found;
}

/* Step 1.  True: the recipient has no domain, and nothing else is asked. */
static bool
explain_bare(const struct asked *asked)
{
	struct explanation *explanation = asked->explanation;
	struct buf *found = step(explanation, "postmaster");

	if (asked->recipient->kind == ADDRESS_DOMAIN ||
	    asked->recipient->kind == ADDRESS_LITERAL) {
		buf_add(found, SPAN("the recipient has a domain"));
		return false;
	}
	if (explanation->decision.verdict == ACCEPT)
		buf_add(found,
		    SPAN("postmaster without a domain is the postmaster of "
			 "relayd.conf"));
	else
		buf_add(found,
		    SPAN("a recipient without a domain that is not "
			 "postmaster"));
	return true;
}

/* Why a hosted domain does not take the recipient, or that it does. */
static void
say_hosted(const struct asked *asked, const struct hosted_match *match,
    struct buf *found)
{
	const struct decision *decision = &asked->explanation->decision;

	buf_addf(found, "%s is hosted, by line %zu of %s",
	    asked->recipient->domain, match->line,
	    rules_hosted_file(asked->rules));
	if (match->policy->refuse != NULL)
		buf_add(found, SPAN(", which refuses all mail for it"));
	else if (decision->verdict == REFUSE)
		buf_addf(found, ", and %s does not list this local part",
		    match->policy->recipients_file == NULL ?
			"its table" :
			match->policy->recipients_file);
	else
		buf_add(found, SPAN(": any host may send there"));
}

/* Step 2.  True: it decided. */
static bool
explain_hosted(const struct asked *asked)
{
	struct explanation *explanation = asked->explanation;
	const struct address *to = asked->recipient;
	struct hosted_match match;
	struct buf *found;

	match =
	    hosted_find(rules_hosted_table(asked->rules), span_of(to->domain));
	/* Mail that routes itself is asked about the grant first. */
	if (match.policy != NULL && to->routes &&
	    explanation->decision.rule.file == NULL) {
		found = step(explanation, "hosted");
		buf_addf(found,
		    "%s is hosted, but %%, ! or @ in the local part asks that "
		    "host to send it on: that needs a grant",
		    to->domain);
		return false;
	}
	found = step(explanation, "hosted");
	if (match.policy == NULL)
		buf_addf(found, "%s is on no line of %s", to->domain,
		    rules_hosted_file(asked->rules));
	else
		say_hosted(asked, &match, found);
	return match.policy != NULL;
}

static const char *
verdict_text(enum allowlist_verdict verdict)
{
	switch (verdict) {
	case ALLOWLIST_NOBODY:
		return "no line speaks of the client";
	case ALLOWLIST_EXPIRED:
		return "every grant of the client has ended";
	case ALLOWLIST_EXCLUDED:
		return "the client is excluded";
	case ALLOWLIST_SENDER:
		return "the grant is not for this sender";
	case ALLOWLIST_RECIPIENT:
		return "the grant is not for this recipient";
	case ALLOWLIST_UNKNOWN:
		return "a name that has not been looked up yet may be the "
		       "client";
	case ALLOWLIST_GRANTED:
		return "granted";
	}
	return "";
}

/* Step 3, and for mail that routes itself before step 2. */
static void
explain_allowlist(const struct asked *asked)
{
	const char *file = rules_allowlist_file(asked->rules);
	struct buf *found = step(asked->explanation, "allowlist");
	struct allowlist_answer answer;
	char client[IP_TEXT_MAX], day[DAY_TEXT_MAX];

	answer = allowlist_ask(rules_allowlist(asked->rules), asked->client,
	    asked->sender, asked->recipient, asked->now);
	buf_addf(found, "%s: %s", ip_text(asked->client, client),
	    verdict_text(answer.verdict));
	if (answer.line > 0)
		buf_addf(found, ", by line %zu of %s", answer.line, file);
	else if (file == NULL)
		buf_add(found, SPAN(", since there is no allowlist"));
	if (answer.verdict == ALLOWLIST_EXPIRED && answer.grant != NULL)
		buf_addf(found, "; it ended on %s",
		    day_text(answer.grant->until, day));
}

/* The line that decided. */
static void
say_rule(const struct asked *asked)
{
	const struct rule *rule = &asked->explanation->decision.rule;
	const struct hosted *hosted = rules_hosted_table(asked->rules);
	struct buf *out = &asked->explanation->rule;
	char subject[DOMAIN_MAX + 2];
	struct allowlist_line line;
	struct hosted_match match;
	size_t n;

	if (rule->file == NULL)
		return;
	if (rule->file == rules_hosted_file(asked->rules)) {
		n = hosted_index(hosted, rule->line);
		buf_add(out, span_of(hosted_at(hosted, n, &match)));
		hosted_policy_text(match.policy, out);
		return;
	}
	n = allowlist_index(rules_allowlist(asked->rules), rule->line);
	if (allowlist_at(rules_allowlist(asked->rules), n, &line, subject,
		sizeof(subject))) {
		buf_add(out, span_of(subject));
		grant_text(line.grant, out);
	}
}
