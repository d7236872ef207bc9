/*
 * tricks - what makes open relays, tried on tables before they are taken.
 *
 * Job:     find a host of each family that nobody meant to let in, and have it
 *          ask for outside recipients in every way that is known.
 * Called:  by settings.c, with the tables of a start, a check or a reload.
 * Owns:    nothing.
 * Never:   believes that tables which load are tables that are safe.
 */
#include "domains/tricks.h"

#include <stdio.h>

#include "domains/address.h"
#include "domains/allowlist.h"
#include "domains/hosted.h"

enum {
	TRICK_MAX = 1024,
	DOMAINS_TRIED = 100, /* hosted ones that stand in the tricks */
};

/* Hosts in many places: no campus is all of them. */
static const char *const strangers[][12] = {
	{ "192.0.2.1", "198.51.100.1", "203.0.113.1", "1.1.1.1", "8.8.8.8",
	    "31.13.64.1", "45.33.32.1", "77.88.8.8", "91.198.174.1",
	    "128.9.0.1", "185.199.108.1", "212.58.244.1" },
	{ "2001:db8::1", "2001:4860:4860::8888", "2001:7fe::53", "2400:cb00::1",
	    "2404:6800::1", "2600::1", "2606:4700::1", "2620:fe::fe",
	    "2800:3f0::1", "2a00:1450::1", "2a03:2880::1", "2c0f:fb50::1" },
};

enum {
	FAMILIES = sizeof(strangers) / sizeof(strangers[0]),
	STRANGERS = sizeof(strangers[0]) / sizeof(strangers[0][0]),
};

/* Names that nobody hosts: RFC 2606, RFC 6761. */
static const char *const outsides[] = { "outside.example", "outside.test",
	"outside.invalid", "example.org" };

/* \1 stands for an outside domain, \2 for one that the tables serve. */
static const char *const tricks[] = {
	/* clang-format off */
	"<victim@\1>",
	"victim@\1",
	"< victim@\1 >",
	"Staff <victim@\1>",
	"<victim>",
	"<victim%\1>",
	"<\1!victim>",
	"<\"victim@\1\">",
	"<victim%\1@\2>",
	"<\"victim%\1\"@\2>",
	"<\"victim\\%\1\"@\2>",
	"<a%b%\1@\2>",
	"<postmaster%\1@\2>",
	"<victim%\1@[127.0.0.1]>",
	"<victim%\1@localhost>",
	"<\1!victim@\2>",
	"<\"\1!victim\"@\2>",
	"<\1!victim@[127.0.0.1]>",
	"<\2!victim@\1>",
	"<\"victim@\1\"@\2>",
	"<\"victim\\@\1\"@\2>",
	"<\"victim@\1\"@[127.0.0.1]>",
	"<victim@\1@\2>",
	"<victim@\2@\1>",
	"<@\2:victim@\1>",
	"<@[127.0.0.1]:victim@\1>",
	"<@\2,@\2:victim@\1>",
	"<@\1:\"victim@\1\"@\2>",
	"<\"@\1:victim\"@\2>",
	"@\2:victim@\1",
	"<victim@\2.\1>",
	"<victim@x\2.\1>",
	"<victim@\2.>",
	"<victim@\1,staff@\2>",
	"<victim@[198.51.100.9]>",
	"<victim@[IPv6:2001:db8::9]>",
	"<victim@198.51.100.9>",
	/* clang-format on */
};

static bool find_stranger(const struct rules *rules, unsigned family,
    struct ip *stranger);
static const char *find_outside(const struct rules *rules);
static bool try_domain(const struct rules *rules, const struct ip *stranger,
    const char *outside, const char *served, struct complaints *complaints);

bool
tricks_try(const struct rules *rules, struct complaints *complaints)
{
	const struct hosted *hosted = rules_hosted_table(rules);
	const char *outside = find_outside(rules), *served;
	size_t errors = complaints->errors, i;
	struct hosted_match match;
	struct ip stranger;
	unsigned family;

	if (outside == NULL)
		return complain(complaints, rules_hosted_file(rules), 0, 0,
		    "hosts even %s; expected domains of the campus",
		    outsides[0]);
	for (family = 0; family < FAMILIES; family++) {
		if (!find_stranger(rules, family, &stranger)) {
			complain(complaints, rules_allowlist_file(rules), 0, 0,
			    "grants hosts all over the internet, %s among "
			    "them, which makes an open relay; expected the "
			    "networks of the campus",
			    strangers[family][0]);
			continue;
		}
		for (i = 0; i < hosted_count(hosted) && i < DOMAINS_TRIED;
		     i++) {
			served = hosted_at(hosted, i, &match);
			if (!try_domain(rules, &stranger, outside, served,
				complaints))
				break;
		}
	}
	return complaints->errors == errors;
}

/* A host of the family that no line of the allowlist speaks of. */
static bool
find_stranger(const struct rules *rules, unsigned family, struct ip *stranger)
{
	struct rule rule;
	unsigned i;

	for (i = 0; i < STRANGERS; i++)
		if (ip_parse(span_of(strangers[family][i]), stranger) &&
		    !rules_granted(rules, stranger, INT64_MIN, &rule))
			return true;
	return false;
}

static const char *
find_outside(const struct rules *rules)
{
	size_t i;

	for (i = 0; i < sizeof(outsides) / sizeof(outsides[0]); i++)
		if (hosted_find(rules_hosted_table(rules), span_of(outsides[i]))
			.policy == NULL)
			return outsides[i];
	return NULL;
}

/* Would the stranger get it in?  Then it is complained about. */
static bool
try_one(const struct rules *rules, const struct ip *stranger,
    struct span recipient, struct complaints *complaints)
{
	struct address sender = { .kind = ADDRESS_NULL }, to;
	struct decision decision;
	char client[IP_TEXT_MAX];
	const char *why;
	unsigned quirks;
	size_t used;

	if (path_parse(recipient, &to, &used, &quirks, &why) != PATH_OK)
		return true;
	rules_decide(rules, stranger, &sender, &to, 0, &decision);
	if (decision.verdict == REFUSE ||
	    (!to.routes && rules_hosted(rules, span_of(to.domain), NULL)))
		return true;
	return complain(complaints, decision.rule.file, decision.rule.line, 0,
	    "lets %s, which has no grant, send to %.*s; expected that to be "
	    "refused",
	    ip_text(stranger, client), SPAN_ARG(recipient));
}

static void
fill_in(struct buf *out, const char *trick, const char *outside,
    const char *served)
{
	for (; *trick != '\0'; trick++) {
		if (*trick == '\1')
			buf_add(out, span_of(outside));
		else if (*trick == '\2')
			buf_add(out, span_of(served));
		else
			buf_add_byte(out, *trick);
	}
}

static bool
try_domain(const struct rules *rules, const struct ip *stranger,
    const char *outside, const char *served, struct complaints *complaints)
{
	char name[DOMAIN_MAX + 2];
	struct buf text;
	bool good = true;
	size_t i;

	/* A suffix serves the names below it. */
	snprintf(name, sizeof(name), "%s%s", served[0] == '.' ? "a" : "",
	    served);
	buf_init(&text, TRICK_MAX);
	for (i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
		buf_empty(&text);
		fill_in(&text, tricks[i], outside, name);
		good = try_one(rules, stranger, buf_span(&text), complaints) &&
		    good;
	}
	buf_clear(&text);
	return good;
}
