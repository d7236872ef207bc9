#ifndef RELAY_TRICKS_H
#define RELAY_TRICKS_H

#include <stddef.h>

/*
 * Every way to write a recipient that made some relay send where it must not:
 * what stands behind "RCPT TO:".  Each must be refused for a client without a
 * grant, by a relay that hosts campus.test, .sub.campus.test and [192.0.2.25], is
 * called mail.campus.test and listens on 127.0.0.1.
 *
 * Patterns of nmap's smtp-open-relay and of abuse.net's relay test are among
 * them.  len is given since some hold a NUL.
 */
struct relay_trick {
	const char *rcpt;
	size_t len;
	const char *name;
};

/* clang-format off */
#define TRICK(rcpt, name) { (rcpt), sizeof(rcpt) - 1, (name) }

static const struct relay_trick relay_tricks[] = {
	/* plain */
	TRICK("<victim@outside.example>", "an outside address"),
	TRICK("victim@outside.example", "no brackets"),
	TRICK(" <victim@outside.example>", "a blank before the bracket"),
	TRICK("< victim@outside.example >", "blanks inside the brackets"),
	TRICK("<VICTIM@OUTSIDE.EXAMPLE>", "upper case"),
	TRICK("Staff <victim@outside.example>", "a display name"),
	TRICK("\"staff\" <victim@outside.example>", "a quoted display name"),
	TRICK("<Staff <victim@outside.example>>", "a name and brackets inside"),
	TRICK("<<victim@outside.example>>", "double brackets"),
	TRICK("<victim@outside.example> NOTIFY=NEVER", "a parameter"),

	/* bare local parts */
	TRICK("<victim>", "no domain"),
	TRICK("victim", "no domain, no brackets"),
	TRICK("<>", "the null path"),
	TRICK("<postmasters>", "nearly postmaster"),
	TRICK("<postmaster%outside.example>", "a bare postmaster that routes"),
	TRICK("<outside.example!postmaster>", "a bare bang path"),
	TRICK("<\"victim@outside.example\">", "quoted, no domain (nmap, abuse.net)"),
	TRICK("<victim%outside.example>", "percent, no domain (nmap)"),
	TRICK("<outside.example!victim>", "bang, no domain (abuse.net)"),

	/* percent hack */
	TRICK("<victim%outside.example@campus.test>", "percent (nmap, abuse.net)"),
	TRICK("<victim%outside.example@a.sub.campus.test>", "percent below a hosted suffix"),
	TRICK("<victim%outside.example@[192.0.2.25]>", "percent at a hosted literal"),
	TRICK("<victim%outside.example@[127.0.0.1]>", "percent at our address (nmap)"),
	TRICK("<victim%outside.example@mail.campus.test>", "percent at our name (nmap)"),
	TRICK("<victim%outside.example@localhost>", "percent at localhost"),
	TRICK("<\"victim%outside.example\"@campus.test>", "percent in quotes"),
	TRICK("<\"victim\\%outside.example\"@campus.test>", "percent behind a backslash"),
	TRICK("<a%b%outside.example@campus.test>", "percent twice"),
	TRICK("<%@campus.test>", "percent alone"),
	TRICK("victim%outside.example@campus.test", "percent, no brackets"),
	TRICK("<Staff victim%outside.example@campus.test>", "percent behind a name"),
	TRICK("<postmaster%outside.example@campus.test>", "a postmaster that routes"),

	/* bang paths */
	TRICK("<outside.example!victim@campus.test>", "bang (abuse.net)"),
	TRICK("<outside.example!victim@[127.0.0.1]>", "bang at our address (abuse.net)"),
	TRICK("<campus.test!outside.example!victim@campus.test>", "two bangs"),
	TRICK("<\"outside.example!victim\"@campus.test>", "bang in quotes"),
	TRICK("<\"outside.example\\!victim\"@campus.test>", "bang behind a backslash"),
	TRICK("<campus.test!victim@outside.example>", "bang through us (nmap)"),
	TRICK("<outside.example!victim%x@campus.test>", "bang and percent"),

	/* an @ in the local part */
	TRICK("<\"victim@outside.example\"@campus.test>", "quoted @ (nmap, abuse.net)"),
	TRICK("<\"victim@outside.example\"@[127.0.0.1]>", "quoted @ at our address (abuse.net)"),
	TRICK("<\"victim\\@outside.example\"@campus.test>", "quoted and escaped @"),
	TRICK("<victim\\@outside.example@campus.test>", "escaped @ without quotes"),
	TRICK("<victim@outside.example@campus.test>", "two @ (abuse.net)"),
	TRICK("<victim@campus.test@outside.example>", "two @, the outside last"),
	TRICK("<@outside.example@campus.test>", "an @ first"),
	TRICK("<\"@outside.example:victim\"@campus.test>", "a source route in quotes"),
	TRICK("<\"a@b\"@c@campus.test>", "quoted @ and another"),
	TRICK("<victim@outside.example,staff@campus.test>", "two addresses"),
	TRICK("<staff@campus.test,victim@outside.example>", "two addresses, the outside last"),
	TRICK("<staff@campus.test> <victim@outside.example>x", "two paths, run on"),
	TRICK("<staff@campus.test><victim@outside.example>", "two paths, no blank"),
	TRICK("<staff@campus.test <victim@outside.example>>", "an address as a name"),
	TRICK("staff@campus.test <victim@outside.example>", "an address as a name, outside"),
	TRICK("<victim@outside.example <staff@campus.test>>", "an outside address as a name"),

	/* source routes: only what stands behind them counts */
	TRICK("<@campus.test:victim@outside.example>", "a route through a hosted domain (abuse.net)"),
	TRICK("<@[127.0.0.1]:victim@outside.example>", "a route through our address (nmap, abuse.net)"),
	TRICK("<@[IPv6:::1]:victim@outside.example>", "a route through our v6 address"),
	TRICK("<@mail.campus.test,@campus.test:victim@outside.example>", "a route of two"),
	TRICK("<@campus.test:victim%outside.example@campus.test>", "a route, then percent"),
	TRICK("<@campus.test:@campus.test:victim@outside.example>", "two routes"),
	TRICK("<@campus.test:victim>", "a route without a domain behind it"),
	TRICK("<@outside.example:\"victim@outside.example\"@campus.test>", "a route, then a quoted @"),
	TRICK("@campus.test:victim@outside.example", "a route without brackets"),

	/* literals */
	TRICK("<victim@[198.51.100.9]>", "a literal"),
	TRICK("<victim@[127.0.0.1]>", "our address"),
	TRICK("<victim@[192.0.2.26]>", "beside the hosted literal"),
	TRICK("<victim@192.0.2.25>", "the hosted literal without brackets"),
	TRICK("<victim@[192.0.2.025]>", "a leading zero"),
	TRICK("<victim@[192.0.2.25].campus.test>", "a literal before a name"),
	TRICK("<victim@[campus.test]>", "a name in brackets"),
	TRICK("<victim@[IPv6:2001:db8::9]>", "a v6 literal"),
	TRICK("<victim@[2001:db8::9]>", "a v6 literal without its tag"),
	TRICK("<victim@[IPv6:192.0.2.25]>", "a v6 tag before a v4 address"),
	TRICK("<victim@[x-relay:campus.test]>", "a literal of another kind"),
	TRICK("<victim@[192.0.2.25%eth0]>", "a zone"),
	TRICK("<victim@#3221225985>", "an address as a number"),
	TRICK("<victim@3221225985>", "an address as a number, no hash"),

	/* names that look hosted */
	TRICK("<victim@campus.test.>", "a trailing dot"),
	TRICK("<victim@.campus.test>", "a leading dot"),
	TRICK("<victim@campus..test>", "an empty label"),
	TRICK("<victim@xcampus.test>", "a longer label"),
	TRICK("<victim@campus.test.outside.example>", "hosted labels first"),
	TRICK("<victim@outside.campus.test>", "below a name that is hosted alone"),
	TRICK("<victim@sub.campus.test>", "the suffix itself"),
	TRICK("<victim@xsub.campus.test>", "half a label of the suffix"),
	TRICK("<victim@campus.tes>", "one letter less"),
	TRICK("<victim@test>", "the last label alone"),
	TRICK("<victim@*.campus.test>", "a star"),
	TRICK("<victim@campus_test>", "an underscore for the dot"),
	TRICK("<victim@campus.test%00.outside.example>", "a percent NUL"),
	TRICK("<victim@campus.test\0.outside.example>", "a NUL in the domain"),
	TRICK("<victim@outside.example\0@campus.test>", "a NUL, then a hosted domain"),
	TRICK("<victim\0@campus.test>", "a NUL in the local part"),
	TRICK("<\"victim\0\"@campus.test>", "a NUL in quotes"),
	TRICK("<victim@campus.test\t.outside.example>", "a tab in the domain"),
	TRICK("<victim@campus.test/outside.example>", "a slash"),
	TRICK("<victim@campus.test:25>", "a port"),
	TRICK("<victim@campus.test;outside.example>", "a semicolon"),
	TRICK("<victim@(comment)campus.test>", "a comment"),
	TRICK("<(victim@outside.example)@campus.test>", "a comment for a local part"),
	TRICK("<victim@outside.example#@campus.test>", "a hash"),

	/* characters that look alike, or that are none */
	TRICK("<victim@\xd1\x81\x61mpus.test>", "a Cyrillic es"),
	TRICK("<victim@c\xd0\xb0mpus.test>", "a Cyrillic a"),
	TRICK("<victim@xn--cmpus-3ve.test>", "its A-label"),
	TRICK("<victim@c\xc3\xa4mpus.test>", "an umlaut"),
	TRICK("<victim@\xef\xbc\x85outside.example>", "a fullwidth percent in the domain"),
	TRICK("<victim@outside.example\xef\xbc\xa0\x63\x61mpus.test>", "a fullwidth @"),
	TRICK("<victim@campus\xe3\x80\x82test\xe3\x80\x82>", "ideographic dots, one at the end"),
	TRICK("<victim@campus.test\xe2\x80\xa4outside.example>", "a one dot leader"),
	TRICK("<victim@campus.t\x65st\xff>", "a byte that is not UTF-8"),
	TRICK("<victim@campus\xc0\xaetest>", "an overlong dot"),
	TRICK("<vic\xfftim@campus.test>", "a local part that is not UTF-8"),
	TRICK("<vic\xc0\xa5tim@campus.test>", "an overlong percent"),
	TRICK("<victim@campus.test\r>", "a CR"),
	TRICK("<victim@campus.test\n>", "a LF"),
	TRICK("<\"victim\r\nRCPT TO:<a@outside.example>\"@campus.test>", "a line break in quotes"),
	TRICK("<victim\x7f@campus.test>", "a DEL"),
	TRICK("<\x1b[2Jvictim@campus.test>", "an escape"),

	/* broken brackets and quotes */
	TRICK("<victim@outside.example", "no closing bracket"),
	TRICK("victim@outside.example>", "no opening bracket"),
	TRICK("<staff@campus.test", "no closing bracket, hosted"),
	TRICK("<\"victim@outside.example>@campus.test>", "a quote that is never closed"),
	TRICK("<\"victim\"@outside.example\"@campus.test>", "three quotes"),
	TRICK("<victim\"@outside.example\"@campus.test>", "a quote in the middle"),
	TRICK("<\"staff\"\"victim@outside.example\"@campus.test>", "two quoted strings"),
	TRICK("<\"\"@campus.test>", "nothing in quotes"),
	TRICK("<@campus.test>", "no local part"),
	TRICK("", "nothing"),
	TRICK("   ", "blanks"),
	TRICK("<victim @campus.test>", "a blank before the @"),
	TRICK("<victim@ campus.test>", "a blank behind the @"),
	TRICK("<victim@outside.example @campus.test>", "a blank, then a hosted domain"),
};
/* clang-format on */

enum {
	RELAY_TRICKS = sizeof(relay_tricks) / sizeof(relay_tricks[0])
};

#endif
