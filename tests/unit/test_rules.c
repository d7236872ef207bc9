/*
 * test_rules - who may send where: the four steps, the rule that decided, the
 * words of a refusal, and the tricks of open relays.
 */
#include <stdio.h>
#include <string.h>

#include "domains/rules.h"
#include "tests/support/relay_tricks.h"
#include "tests/support/suite.h"
#include "tests/support/tables.h"

#define NOW TABLES_NOW

/* An accepted recipient: its destination.  A refused one: code and text. */
static const struct decide_case {
	const char *client, *sender, *recipient;
	const char *destination;
	const char *table; /* h, a or NULL, and the line */
	size_t line;
	const char *refusal;
} cases[] = {
	/* clang-format off */
	/* 1: <postmaster>, of anyone */
	{ "192.0.2.1", "<>", "<postmaster>", "[192.0.2.100]:2525 tls=may", "h", 1, NULL },
	{ "192.0.2.1", "<>", "<PostMaster>", "[192.0.2.100]:2525 tls=may", "h", 1, NULL },
	{ "10.1.0.1", "<a@b>", "<root>", NULL, NULL, 0, "550 5.1.3 <root>: a recipient without a domain; expected local-part@domain; see https://it.campus.test/relay" },
	{ "10.1.0.1", "<a@b>", "<>", NULL, NULL, 0, "550 5.1.3 <>: a recipient without a domain" },
	/* 2: hosted domains, of anyone */
	{ "192.0.2.1", "<>", "<a@campus.test>", "[192.0.2.100]:2525 tls=may", "h", 1, NULL },
	{ "10.1.0.9", "<>", "<a@CAMPUS.test>", "[192.0.2.100]:2525 tls=may", "h", 1, NULL },
	{ "2001:db8::1", "<root>", "<a@x.sub.campus.test>", "mx:x.sub.campus.test tls=require", "h", 2, NULL },
	{ "192.0.2.1", "<>", "<a@[192.0.2.25]>", "mx:[192.0.2.25] tls=may", "h", 3, NULL },
	{ "192.0.2.1", "<>", "<a@b\xc3\xbc\x63her.example>", "mx:xn--bcher-kva.example tls=may", "h", 6, NULL },
	{ "192.0.2.1", "<>", "<@evil.example:a@campus.test>", "[192.0.2.100]:2525 tls=may", "h", 1, NULL },
	{ "192.0.2.1", "<>", "<postmaster@campus.test>", "[192.0.2.100]:2525 tls=may", "h", 1, NULL },
	{ "192.0.2.1", "<>", "<a@old.example>", NULL, "h", 4, "550 5.1.2 <a@old.example>: moved to new.example; see https" },
	{ "10.1.0.1", "<>", "<a@old.example>", NULL, "h", 4, "550 5.1.2 <a@old.example>: moved to new.example" },
	{ "192.0.2.1", "<>", "<a@no.sub.campus.test>", NULL, "h", 7, "550 5.1.2 <a@no.sub.campus.test>: this lab closed" },
	{ "192.0.2.1", "<>", "<\"Anna\"@staff.example>", "s.test:25 tls=may", "h", 5, NULL },
	{ "192.0.2.1", "<>", "<POSTMASTER@staff.example>", "s.test:25 tls=may", "h", 5, NULL },
	{ "192.0.2.1", "<>", "<bert@staff.example>", NULL, "h", 5, "550 5.1.1 <bert@staff.example>: no such recipient in this domain" },
	{ "10.1.0.1", "<>", "<bert@staff.example>", NULL, "h", 5, "550 5.1.1 " },
	/* 3: a grant */
	{ "10.1.0.1", "<>", "<a@out.example>", "mx:out.example tls=verify", "a", 2, NULL },
	{ "10.1.0.1", "<root>", "<a@out.example>", "mx:out.example tls=verify", "a", 2, NULL },
	{ "10.1.0.1", "<>", "<a@[198.51.100.1]>", "mx:[198.51.100.1] tls=verify", "a", 2, NULL },
	{ "10.1.0.1", "<>", "<a%b@out.example>", "mx:out.example tls=verify", "a", 2, NULL },
	{ "10.1.0.1", "<>", "<a%b@campus.test>", "[192.0.2.100]:2525 tls=may", "h", 1, NULL },
	{ "2001:db8:5::9", "<>", "<a@out.example>", "mx:out.example tls=verify", "a", 6, NULL },
	{ "10.9.0.1", "<x@lims.campus.test>", "<a@x.partner.example>", "mx:x.partner.example tls=verify", "a", 1, NULL },
	{ "10.9.0.1", "<>", "<a@x.partner.example>", "mx:x.partner.example tls=verify", "a", 1, NULL },
	{ "10.2.0.1", "<>", "<a@x.partner.example>", "mx:x.partner.example tls=verify", "a", 1, NULL },
	/* 4: nobody else */
	{ "192.0.2.1", "<>", "<a@out.example>", NULL, NULL, 0, "550 5.7.1 <a@out.example>: only hosted domains are served here; 192.0.2.1 has no grant to send to others; see https://it.campus.test/relay" },
	{ "2001:db8:6::9", "<>", "<a@out.example>", NULL, NULL, 0, "550 5.7.1 <a@out.example>: only hosted domains are served here; 2001:db8:6::9 has no grant" },
	{ "10.1.0.9", "<>", "<a@out.example>", NULL, "a", 3, "550 5.7.1 <a@out.example>: only hosted domains are served here; 10.1.0.9 has no grant to send to others; see" },
	{ "10.9.0.1", "<y@campus.test>", "<a@x.partner.example>", NULL, "a", 1, "550 5.7.1 <a@x.partner.example>: only hosted domains are served here; the grant of 10.9.0.1 for others is not for the sender <y@campus.test>; see" },
	{ "10.9.0.1", "<>", "<a@partner.example>", NULL, "a", 1, "550 5.7.1 <a@partner.example>: only hosted domains are served here; the grant of 10.9.0.1 for others is not for this recipient; see" },
	{ "10.2.0.1", "<>", "<a@out.example>", NULL, "a", 1, "550 5.7.1 <a@out.example>: only hosted domains are served here; the grant of 10.2.0.1 for others is not for this recipient" },
	{ "192.0.2.1", "<>", "<a@sub.campus.test>", NULL, NULL, 0, "550 5.7.1 " },
	{ "192.0.2.1", "<>", "<a@[192.0.2.26]>", NULL, NULL, 0, "550 5.7.1 <a@[192.0.2.26]>: only hosted" },
	/* a local part that routes: only with a grant for this very mail */
	{ "192.0.2.1", "<>", "<a%b@campus.test>", NULL, NULL, 0, "550 5.7.1 <a%b@campus.test>: a local part with %, ! or @ asks to be sent on; it is taken only from hosts that have a grant; see" },
	{ "10.9.0.1", "<>", "<a%b@campus.test>", NULL, NULL, 0, "550 5.7.1 <a%b@campus.test>: a local part with %" },
	{ "10.1.0.9", "<>", "<b!a@campus.test>", NULL, NULL, 0, "550 5.7.1 <b!a@campus.test>: a local part with %" },
	{ "192.0.2.1", "<>", "<\"a@b\"@campus.test>", NULL, NULL, 0, "550 5.7.1 <\\\"a@b\\\"@campus.test>: a local part with %" },
	/* clang-format on */
};

START_TEST(decision_names_its_rule)
{
	const struct decide_case *c = &cases[_i];
	struct rules *rules = tables_good();
	struct address sender = tables_path(c->sender);
	struct address recipient = tables_path(c->recipient);
	struct ip client = tables_ip(c->client);
	struct decision decision;
	struct buf text;

	buf_init(&text, 1000);
	rules_decide(rules, &client, &sender, &recipient, NOW, &decision);
	if (c->destination != NULL) {
		ck_assert_msg(decision.verdict == ACCEPT, "%s: %s",
		    c->recipient, decision.text);
		route_destination(decision.route, span_of(recipient.domain),
		    &text);
		ck_assert_str_eq(buf_text(&text), c->destination);
		ck_assert_int_eq(decision.granted, c->table[0] == 'a');
		ck_assert_int_eq(decision.to_postmaster,
		    recipient.kind == ADDRESS_BARE);
	} else {
		ck_assert_msg(decision.verdict == REFUSE, "took %s",
		    c->recipient);
		buf_addf(&text, "%d %s %s", decision.code, decision.enhanced,
		    decision.text);
		ck_assert_msg(span_starts(buf_span(&text), span_of(c->refusal)),
		    "%s\n%s", buf_text(&text), c->refusal);
		ck_assert_ptr_null(decision.route);
	}
	if (c->table == NULL)
		ck_assert_ptr_null(decision.rule.file);
	else
		ck_assert_str_eq(decision.rule.file,
		    c->table[0] == 'h' ? tables_hosted : tables_allowlist);
	ck_assert_uint_eq(decision.rule.line, c->line);
	buf_clear(&text);
	rules_free(rules);
}
END_TEST

START_TEST(no_trick_makes_a_relay_of_it)
{
	const struct relay_trick *trick = &relay_tricks[_i];
	struct address recipient, sender = tables_path("<spam@campus.test>");
	struct ip client = tables_ip("192.0.2.1");
	struct rules *rules = tables_good();
	struct decision decision;
	const char *why = NULL;
	unsigned quirks;
	size_t used;

	if (path_parse(span_make(trick->rcpt, trick->len), &recipient, &used,
		&quirks, &why) == PATH_OK) {
		rules_decide(rules, &client, &sender, &recipient, NOW,
		    &decision);
		ck_assert_msg(decision.verdict == REFUSE, "%s: %s as %s",
		    trick->name, trick->rcpt, recipient.text);
		ck_assert_int_eq(decision.code, 550);
	} else {
		ck_assert_ptr_nonnull(why);
	}
	rules_free(rules);
}
END_TEST

START_TEST(ended_grant_says_when_and_whom_to_ask)
{
	struct address sender = tables_path("<>"),
		       to = tables_path("<a@out.example>");
	struct ip client = tables_ip("10.2.0.1");
	struct decision decision;
	struct rules *rules;

	tables_write(tables_allowlist,
	    "10.2.0.1 until=2027-01-14 owner=late@campus.test\n"
	    "10.3.0.0/16 until=2027-01-14\n");
	rules = tables_good();
	rules_decide(rules, &client, &sender, &to, NOW, &decision);
	ck_assert_str_eq(decision.text,
	    "<a@out.example>: only hosted domains are served here; the grant "
	    "of 10.2.0.1 for others ended on 2027-01-14, ask "
	    "late@campus.test; see https://it.campus.test/relay");
	ck_assert_uint_eq(decision.rule.line, 1);
	ck_assert_str_eq(decision.rule.owner, "late@campus.test");
	client = tables_ip("10.3.9.9");
	rules_decide(rules, &client, &sender, &to, NOW, &decision);
	ck_assert_str_eq(decision.text,
	    "<a@out.example>: only hosted domains are served here; the grant "
	    "of 10.3.9.9 for others ended on 2027-01-14; see "
	    "https://it.campus.test/relay");
	rules_free(rules);
}
END_TEST

START_TEST(unknown_name_defers_only_what_it_could_turn)
{
	static const struct {
		const char *recipient;
		int before, failed, resolved; /* 0: accepted */
	} rows[] = {
		{ "<a@out.example>", 451, 550, 0 },
		{ "<a%b@campus.test>", 451, 550, 0 },
		{ "<a@old.example>", 550, 550, 550 },
		{ "<root>", 550, 550, 550 },
		{ "<a@campus.test>", 0, 0, 0 },
	};
	struct address sender = tables_path("<>"), to;
	struct ip client = tables_ip("10.2.0.1");
	struct decision decision;
	struct rules *rules;
	size_t i;

	tables_write(tables_allowlist,
	    "scan.campus.test owner=o@campus.test\n");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rules = tables_good();
		to = tables_path(rows[i].recipient);
		rules_decide(rules, &client, &sender, &to, NOW, &decision);
		ck_assert_int_eq(decision.code, rows[i].before);
		if (decision.code == 451)
			ck_assert_str_eq(decision.enhanced, "4.4.3");
		ck_assert_str_eq(rules_name(rules, 0), "scan.campus.test");
		ck_assert_ptr_null(rules_name(rules, 1));
		rules_name_failed(rules, 0);
		rules_decide(rules, &client, &sender, &to, NOW, &decision);
		ck_assert_int_eq(decision.code, rows[i].failed);
		rules_name_resolved(rules, 0, &client, 1, false);
		rules_decide(rules, &client, &sender, &to, NOW, &decision);
		ck_assert_int_eq(decision.code, rows[i].resolved);
		rules_free(rules);
	}
}
END_TEST

START_TEST(refusal_is_one_line_of_bounded_text)
{
	char path[600] = "<";
	struct address sender = tables_path("<>"), to;
	struct ip client = tables_ip("10.2.0.1");
	struct rules_sources sources = { .hosted = tables_hosted,
		.postmaster = "p@campus.test",
		.outside = { .mx = true } };
	struct complaints complaints;
	struct decision decision;
	struct rules *rules;
	char contact[2000];
	size_t i;

	memset(contact, 'c', sizeof(contact) - 1);
	memcpy(contact, "\xc3\xa4\n\x1b", 4);
	contact[sizeof(contact) - 1] = '\0';
	sources.contact = contact;
	complaints_init(&complaints);
	rules = rules_load(&sources, &complaints);
	ck_assert_ptr_nonnull(rules);
	for (i = 0; i < 120; i++)
		memcpy(path + 1 + 2 * i, "\xc3\xb6", 2);
	strcpy(path + 241, "@out.example>");
	to = tables_path(path);
	rules_decide(rules, &client, &sender, &to, NOW, &decision);
	ck_assert_uint_le(strlen(decision.text), 440);
	ck_assert(span_utf8(span_of(decision.text)));
	ck_assert_ptr_nonnull(strstr(decision.text, "\xc3\xb6...>: only "));
	ck_assert_ptr_nonnull(strstr(decision.text, "others; ????cccc"));
	rules_free(rules);
	complaints_clear(&complaints);
}
END_TEST

START_TEST(routes_are_found_again_at_delivery_time)
{
	struct rules *rules = tables_good();
	const struct route *route = NULL;
	bool hosted;

	ck_assert(!rules_route(rules, SPAN("out.example"), &hosted)->hops);
	ck_assert(!hosted);
	ck_assert(rules_route(rules, SPAN("campus.test"), &hosted)->hops);
	ck_assert(hosted);
	ck_assert(!rules_hosted(rules, SPAN("old.example"), &route));
	ck_assert_ptr_null(route);
	ck_assert(rules_hosted(rules, SPAN("[192.0.2.25]"), &route));
	ck_assert(route->mx);
	ck_assert(rules_hosted(rules, SPAN("a.sub.campus.test"), NULL));
	ck_assert_uint_eq(rules_hosted_count(rules), 7);
	ck_assert_uint_eq(rules_grant_count(rules), 6);
	rules_free(rules);
}
END_TEST

START_TEST(grants_are_known_and_listed)
{
	struct rules *rules = tables_good();
	struct rules_grant grant;
	struct rule rule;
	struct ip client = tables_ip("10.1.0.1");

	ck_assert(rules_granted(rules, &client, NOW, &rule));
	ck_assert_str_eq(rule.file, tables_allowlist);
	ck_assert_uint_eq(rule.line, 2);
	ck_assert_str_eq(rule.owner, "lab@campus.test");
	ck_assert(rules_granted(rules, &client, NOW, NULL));
	/* past its day, the wider one for some senders and recipients is left */
	ck_assert(rules_granted(rules, &client, NOW + 86400 * 365, &rule));
	ck_assert_uint_eq(rule.line, 1);
	client = tables_ip("10.1.0.9");
	ck_assert(!rules_granted(rules, &client, NOW, &rule));
	client = tables_ip("192.0.2.1");
	ck_assert(!rules_granted(rules, &client, NOW, &rule));
	ck_assert_uint_eq(rules_grant_rate(rules, &client, NULL, NOW), 0);
	ck_assert(rules_grant(rules, 2, &grant));
	ck_assert_str_eq(grant.text, "!10.1.0.9");
	ck_assert(grant.excluded);
	ck_assert(rules_grant(rules, 5, &grant));
	ck_assert_str_eq(grant.text, "2001:db8:5::/64");
	ck_assert_str_eq(grant.note, "v6");
	ck_assert(!rules_grant(rules, 6, &grant));
	rules_free(rules);
}
END_TEST

START_TEST(without_an_allowlist_nobody_sends_outside)
{
	struct rules_sources sources = { .hosted = tables_hosted,
		.postmaster = "p@campus.test",
		.outside = { .mx = true } };
	struct address sender = tables_path("<>"),
		       to = tables_path("<a@out.example>");
	struct ip client = tables_ip("10.1.0.1");
	struct complaints complaints;
	struct decision decision;
	struct rules *rules;

	complaints_init(&complaints);
	rules = rules_load(&sources, &complaints);
	ck_assert_ptr_nonnull(rules);
	rules_decide(rules, &client, &sender, &to, NOW, &decision);
	ck_assert_int_eq(decision.code, 550);
	ck_assert_str_eq(decision.text,
	    "<a@out.example>: only hosted domains are served here; 10.1.0.1 "
	    "has no grant to send to others");
	rules_free(rules);
	complaints_clear(&complaints);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
rules_suite(void)
{
	Suite *suite = suite_create("rules");
	TCase *tcase = tcase_create("rules");

	tcase_add_checked_fixture(tcase, tables_make, tables_remove);
	tcase_add_loop_test(tcase, decision_names_its_rule, 0, ROWS(cases));
	tcase_add_loop_test(tcase, no_trick_makes_a_relay_of_it, 0,
	    RELAY_TRICKS);
	tcase_add_test(tcase, ended_grant_says_when_and_whom_to_ask);
	tcase_add_test(tcase, unknown_name_defers_only_what_it_could_turn);
	tcase_add_test(tcase, refusal_is_one_line_of_bounded_text);
	tcase_add_test(tcase, routes_are_found_again_at_delivery_time);
	tcase_add_test(tcase, grants_are_known_and_listed);
	tcase_add_test(tcase, without_an_allowlist_nobody_sends_outside);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(rules_suite)
