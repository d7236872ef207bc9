/*
 * explain_change - the smallest change that would turn a refusal.
 *
 * Job:     propose one line: for this client alone, this sender and this
 *          recipient alone, and so that nothing that was granted is lost.
 * Called:  by explain.c.
 * Owns:    nothing.
 * Never:   proposes what would let in more than was asked about.
 */
#include "domains/explain_change.h"

#include <string.h>

#include "domains/allowlist.h"
#include "domains/day.h"
#include "domains/hosted.h"
#include "domains/table_value.h"

enum {
	PATTERN_MAX = 2 * ADDRESS_MAX,
	SECONDS_A_DAY = 86400,
	DAYS_PROPOSED = 365,
};

struct proposal {
	const struct rules *rules;
	const struct ip *client;
	const struct address *sender, *recipient;
	int64_t now;
	struct explanation *explanation;
};

static void propose_hosted(struct proposal *proposal,
    const struct hosted_match *match);
static void propose_grant(struct proposal *proposal);

void
explain_change(const struct rules *rules, const struct ip *client,
    const struct address *sender, const struct address *recipient, int64_t now,
    struct explanation *explanation)
{
	struct proposal proposal = { rules, client, sender, recipient, now,
		explanation };
	struct hosted_match match;

	if (explanation->decision.code / 100 == 4) {
		explanation->change = CHANGE_WAIT;
		return;
	}
	if (recipient->kind == ADDRESS_NULL || recipient->kind == ADDRESS_BARE)
		return;
	match =
	    hosted_find(rules_hosted_table(rules), span_of(recipient->domain));
	if (match.policy != NULL && explanation->decision.rule.file != NULL &&
	    explanation->decision.rule.file == rules_hosted_file(rules))
		propose_hosted(&proposal, &match);
	else if (rules_allowlist_file(rules) != NULL)
		propose_grant(&proposal);
}

/* A local part that its domain does not list, or a domain that is refused. */
static void
propose_hosted(struct proposal *proposal, const struct hosted_match *match)
{
	struct explanation *explanation = proposal->explanation;
	const struct hosted *hosted = rules_hosted_table(proposal->rules);
	const struct address *to = proposal->recipient;
	struct hosted_match same;

	if (match->policy->refuse == NULL) {
		explanation->change = CHANGE_ADD;
		explanation->change_file = match->policy->recipients_file;
		buf_add(&explanation->change_line,
		    span_make(to->local, to->local_len));
		return;
	}
	explanation->change = CHANGE_REPLACE;
	explanation->change_file = rules_hosted_file(proposal->rules);
	explanation->change_number = match->line;
	buf_add(&explanation->change_line,
	    span_of(
		hosted_at(hosted, hosted_index(hosted, match->line), &same)));
}

/* A pattern for one address; false when none matches it. */
static bool
add_pattern(struct buf *out, const char *key, const struct address *address)
{
	struct patterns patterns;
	const char *why;
	struct buf value;
	size_t at;
	bool good;

	buf_init(&value, PATTERN_MAX);
	if (address->kind == ADDRESS_NULL)
		buf_add(&value, SPAN("<>"));
	else if (span_find(address_span(address), ',') < address->text_len)
		buf_add(&value, span_of(address->domain));
	else
		buf_add(&value, address_span(address));
	good = address->kind != ADDRESS_BARE &&
	    patterns_parse(buf_span(&value), address->kind == ADDRESS_NULL,
		&patterns, &at, &why);
	if (good) {
		good = patterns_match(&patterns, address);
		patterns_clear(&patterns);
	}
	if (good) {
		buf_add_byte(out, ' ');
		table_value_add(out, key, buf_span(&value));
	}
	buf_clear(&value);
	return good;
}

static void
add_grant(struct proposal *proposal, const char *subject)
{
	struct buf *out = &proposal->explanation->change_line;

	proposal->explanation->change = CHANGE_ADD;
	proposal->explanation->change_file =
	    rules_allowlist_file(proposal->rules);
	buf_add(out, span_of(subject));
	add_pattern(out, "from", proposal->sender);
	add_pattern(out, "to", proposal->recipient);
}

/* The line that ended, with a day in the future. */
static void
renew(struct proposal *proposal, size_t number)
{
	struct explanation *explanation = proposal->explanation;
	const struct allowlist *list = rules_allowlist(proposal->rules);
	char subject[DOMAIN_MAX + 2];
	struct allowlist_line line;
	struct grant renewed;

	if (!allowlist_at(list, allowlist_index(list, number), &line, subject,
		sizeof(subject)))
		return;
	renewed = *line.grant; /* a look only: it owns nothing */
	if (!grant_from(&renewed, proposal->sender) ||
	    !grant_to(&renewed, proposal->recipient)) {
		add_grant(proposal, subject);
		return;
	}
	renewed.until =
	    (proposal->now / SECONDS_A_DAY + DAYS_PROPOSED) * SECONDS_A_DAY;
	explanation->change = CHANGE_REPLACE;
	explanation->change_file = rules_allowlist_file(proposal->rules);
	explanation->change_number = number;
	buf_add(&explanation->change_line, span_of(subject));
	grant_text(&renewed, &explanation->change_line);
}

/*
 * A line for the client alone would take from it what a wider network's lines
 * grant it, so one more line of the network that decides is proposed.
 */
static void
beside(struct proposal *proposal, size_t number)
{
	const struct allowlist *list = rules_allowlist(proposal->rules);
	char subject[DOMAIN_MAX + 2];
	struct allowlist_line line;

	if (allowlist_at(list, allowlist_index(list, number), &line, subject,
		sizeof(subject)))
		add_grant(proposal, subject);
}

static void
propose_grant(struct proposal *proposal)
{
	struct explanation *explanation = proposal->explanation;
	const struct allowlist *list = rules_allowlist(proposal->rules);
	char client[IP_TEXT_MAX], subject[DOMAIN_MAX + 2];
	struct allowlist_answer answer;
	struct allowlist_line line;

	answer = allowlist_ask(list, proposal->client, proposal->sender,
	    proposal->recipient, proposal->now);
	ip_text(proposal->client, client);
	switch (answer.verdict) {
	case ALLOWLIST_NOBODY:
		add_grant(proposal, client);
		return;
	case ALLOWLIST_EXCLUDED:
		add_grant(proposal, client);
		/* Not beside an exclusion of this very address: in its place. */
		if (allowlist_at(list, allowlist_index(list, answer.line),
			&line, subject, sizeof(subject)) &&
		    strcmp(subject + 1, client) == 0) {
			explanation->change = CHANGE_REPLACE;
			explanation->change_number = answer.line;
		}
		return;
	case ALLOWLIST_EXPIRED:
		renew(proposal, answer.line);
		return;
	case ALLOWLIST_SENDER:
	case ALLOWLIST_RECIPIENT:
		beside(proposal, answer.line);
		return;
	case ALLOWLIST_UNKNOWN:
		explanation->change = CHANGE_WAIT;
		return;
	case ALLOWLIST_GRANTED:
		return;
	}
}
