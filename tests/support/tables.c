/*
 * tables - a hosted table and an allowlist for one test.
 *
 * Job:     write both into a folder of their own, load them, remove them.
 * Called:  by the tests of rules.
 * Owns:    the folder.
 * Never:   leaves it behind.
 */
#include "tests/support/tables.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char hosted_table[] =
    "campus.test via=[192.0.2.100]:2525\n"             /* 1 */
    ".sub.campus.test via=mx tls=require\n"            /* 2 */
    "[192.0.2.25]\n"                                   /* 3 */
    "old.example refuse=\"moved to new.example\"\n"    /* 4 */
    "staff.example recipients=staff via=s.test\n"      /* 5 */
    "b\xc3\xbc\x63her.example\n"                       /* 6 */
    "no.sub.campus.test refuse=\"this lab closed\"\n"; /* 7 */

static const char allow_table[] =
    "10.0.0.0/8 to=.partner.example from=*@lims.campus.test,<>\n" /* 1 */
    "10.1.0.0/16 owner=lab@campus.test until=2027-06-30\n"        /* 2 */
    "!10.1.0.9\n"                                                 /* 3 */
    "10.2.0.1 until=2027-01-14 owner=late@campus.test\n"          /* 4 */
    "10.3.0.0/16 until=2027-01-14\n"                              /* 5 */
    "2001:db8:5::/64 note=v6\n";                                  /* 6 */

/* One folder for the tables of a test. */
static char folder[] = "/tmp/relayd-test-XXXXXX";
char tables_hosted[64], tables_allowlist[64];
static char tables_staff[64];

void
tables_write(const char *file, const char *text)
{
	FILE *out = fopen(file, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

void
tables_make(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(tables_hosted, sizeof(tables_hosted), "%s/hosted", folder);
	snprintf(tables_allowlist, sizeof(tables_allowlist), "%s/allowlist",
	    folder);
	snprintf(tables_staff, sizeof(tables_staff), "%s/staff", folder);
	tables_write(tables_hosted, hosted_table);
	tables_write(tables_allowlist, allow_table);
	tables_write(tables_staff, "anna\n");
}

void
tables_remove(void)
{
	unlink(tables_hosted);
	unlink(tables_allowlist);
	unlink(tables_staff);
	rmdir(folder);
}

struct rules *
tables_load(const char *postmaster, struct complaints *complaints)
{
	struct rules_sources sources = {
		.hosted = tables_hosted,
		.allowlist = tables_allowlist,
		.postmaster = postmaster,
		.contact = "see https://it.campus.test/relay",
		.outside = { .mx = true, .tls = TLS_VERIFY },
	};

	complaints_init(complaints);
	return rules_load(&sources, complaints);
}

struct rules *
tables_good(void)
{
	struct complaints complaints;
	struct rules *rules =
	    tables_load("postmaster@campus.test", &complaints);

	ck_assert_msg(rules != NULL, "%s", complaints_text(&complaints));
	ck_assert_uint_eq(complaints.warnings, 0);
	complaints_clear(&complaints);
	return rules;
}

struct ip
tables_ip(const char *text)
{
	struct ip ip;

	ck_assert_msg(ip_parse(span_of(text), &ip), "%s", text);
	return ip;
}

struct address
tables_path(const char *text)
{
	struct address address;
	const char *why;
	unsigned quirks;
	size_t used;

	ck_assert_msg(path_parse(span_of(text), &address, &used, &quirks,
			  &why) == PATH_OK,
	    "%s", text);
	return address;
}
