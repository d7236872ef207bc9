/*
 * test_conf - relayd.conf: each wrong file of tests/conf with exactly the
 * complaints that it must give, and what a good one means.
 *
 * Run from the top of the tree, as make check does.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relayd/admin/conf.h"
#include "relayd/admin/conf_keys.h"
#include "relayd/admin/units.h"
#include "tests/support/suite.h"

enum {
	FILES_MAX = 100,
	EXPECT_MAX = 1 << 16
};

static char *files[FILES_MAX];
static int file_count;

static int
is_conf(const struct dirent *entry)
{
	return span_ends(span_of(entry->d_name), SPAN(".conf"));
}

static void
find_files(void)
{
	struct dirent **entries = NULL;
	int count = scandir("tests/conf", &entries, is_conf, alphasort);

	for (file_count = 0; file_count < count; file_count++) {
		if (file_count < FILES_MAX)
			files[file_count] = strdup(entries[file_count]->d_name);
		free(entries[file_count]);
	}
	free(entries);
}

static void
read_expected(const char *conf, struct buf *out)
{
	char name[300];
	size_t room;
	char *data;
	FILE *file;

	snprintf(name, sizeof(name), "%.*s.expect", (int)strlen(conf) - 5,
	    conf);
	file = fopen(name, "r");
	ck_assert_msg(file != NULL, "%s is missing", name);
	data = buf_room(out, EXPECT_MAX - 1, &room);
	ck_assert_ptr_nonnull(data);
	buf_grew(out, fread(data, 1, room, file));
	fclose(file);
}

START_TEST(each_file_gets_exactly_the_complaints_it_deserves)
{
	struct complaints complaints;
	struct buf expected;
	struct conf *conf;

	ck_assert_int_eq(chdir("tests/conf"), 0);
	complaints_init(&complaints);
	buf_init(&expected, EXPECT_MAX);
	read_expected(files[_i], &expected);
	conf = conf_load(files[_i], &complaints);
	ck_assert_str_eq(complaints_text(&complaints), buf_text(&expected));
	ck_assert_int_eq(conf == NULL, expected.len > 0);
	conf_free(conf);
	buf_clear(&expected);
	complaints_clear(&complaints);
}
END_TEST

START_TEST(files_are_found)
{
	ck_assert_int_gt(file_count, 15);
	ck_assert_int_le(file_count, FILES_MAX);
}
END_TEST

static struct conf *
load(const char *file)
{
	struct complaints complaints;
	struct conf *conf;

	complaints_init(&complaints);
	conf = conf_load(file, &complaints);
	ck_assert_str_eq(complaints_text(&complaints), "");
	ck_assert_ptr_nonnull(conf);
	complaints_clear(&complaints);
	return conf;
}

START_TEST(minimal_file_gets_every_default)
{
	struct conf *conf = load("tests/conf/good_minimal.conf");

	ck_assert_uint_eq(conf->listen_count, 1);
	ck_assert_str_eq(conf->listen[0].address, "*");
	ck_assert_uint_eq(conf->listen[0].port, 25);
	ck_assert_int_eq(conf->listen[0].tls, LISTEN_TLS_OFF);
	ck_assert(!conf->listen[0].accept_bare_lf);
	ck_assert_str_eq(conf->spool.directory, "/var/spool/relayd");
	ck_assert_uint_eq(conf->spool.segment_size, 64 << 20);
	ck_assert_uint_eq(conf->limits.message_size, 50 << 20);
	ck_assert_uint_eq(conf->limits.errors_per_session, 20);
	ck_assert_uint_eq(conf->limits.command_seconds, 300);
	ck_assert_uint_eq(conf->limits.data_seconds, 180);
	ck_assert_uint_eq(conf->limits.data_rate, 25);
	ck_assert_uint_eq(conf->limits.network_prefix_v4, 24);
	ck_assert_uint_eq(conf->limits.network_prefix_v6, 56);
	ck_assert_int_eq(conf->delivery.lifetime, 5 * 24 * 3600);
	ck_assert_int_eq(conf->delivery.notice_after, 4 * 3600);
	ck_assert_int_eq(conf->delivery.retry_first, 60);
	ck_assert_int_eq(conf->delivery.retry_max, 3600);
	ck_assert(conf->delivery.outside.mx);
	ck_assert_int_eq(conf->delivery.outside.tls, TLS_MAY);
	ck_assert_int_eq(conf->delivery.bounce, BOUNCE_RELIABLE);
	ck_assert_str_eq(conf->log_target, "stderr");
	ck_assert_int_eq(conf->log_level, LEVEL_INFO);
	ck_assert_ptr_null(conf->contact);
	ck_assert_ptr_null(conf->allowlist);
	ck_assert_ptr_null(conf->tls.certificate);
	ck_assert_ptr_null(conf->dns_servers);
	ck_assert_ptr_null(conf->control);
	ck_assert_ptr_null(conf->user);
	conf_free(conf);
}
END_TEST

START_TEST(paths_start_at_the_folder_of_the_file)
{
	struct conf *conf = load("tests/conf/good_full.conf");
	char folder[4096], expected[4200];

	ck_assert_ptr_nonnull(getcwd(folder, sizeof(folder)));
	snprintf(expected, sizeof(expected), "%s/tests/conf/keys/relay.key",
	    folder);
	ck_assert_str_eq(conf->tls.key, expected);
	snprintf(expected, sizeof(expected), "%s/tests/conf/good_full.conf",
	    folder);
	ck_assert_str_eq(conf->file, expected);
	snprintf(expected, sizeof(expected), "%s/tests/conf/relayd.log",
	    folder);
	ck_assert_str_eq(conf->log_target, expected);
	ck_assert_str_eq(conf->allowlist, "/etc/relayd/allowlist");
	conf_free(conf);
}
END_TEST

START_TEST(listeners_take_their_tls_from_the_certificate_or_themselves)
{
	struct conf *conf = load("tests/conf/good_full.conf");

	ck_assert_uint_eq(conf->listen_count, 4);
	ck_assert_int_eq(conf->listen[0].tls, LISTEN_TLS_STARTTLS);
	ck_assert_int_eq(conf->listen[1].tls, LISTEN_TLS_IMPLICIT);
	ck_assert_uint_eq(conf->listen[1].port, 465);
	ck_assert_int_eq(conf->listen[2].tls, LISTEN_TLS_OFF);
	ck_assert(conf->listen[2].accept_bare_lf);
	ck_assert_str_eq(conf->listen[2].address, "127.0.0.1");
	ck_assert_str_eq(conf->listen[3].priority, "NORMAL:+VERS-TLS1.0");
	ck_assert_ptr_null(conf->listen[0].priority);
	conf_free(conf);
}
END_TEST

START_TEST(values_are_kept_in_one_form)
{
	struct conf *conf = load("tests/conf/good_full.conf");

	ck_assert_str_eq(conf->hostname, "mail.campus.test");
	ck_assert_str_eq(conf->dns_servers,
	    "127.0.0.1:5353,[::1]:53,[2001:db8::1]:54,10.0.0.1:53");
	ck_assert_uint_eq(conf->limits.intake_memory, 8000000000);
	ck_assert_uint_eq(conf->limits.message_size, 100 << 20);
	ck_assert_uint_eq(conf->limits.command_seconds, 60);
	ck_assert_uint_eq(conf->spool.segment_size, 8388608);
	ck_assert_int_eq(conf->delivery.notice_after, 0);
	ck_assert_int_eq(conf->delivery.retry_max, 600);
	ck_assert_int_eq(conf->delivery.outside.tls, TLS_VERIFY);
	ck_assert_uint_eq(conf->delivery.outside.hop_count, 2);
	ck_assert_uint_eq(conf->delivery.outside.hops[0].port, 587);
	ck_assert_int_eq(conf->delivery.bounce, BOUNCE_ALL);
	ck_assert_int_eq(conf->log_level, LEVEL_DEBUG);
	conf_free(conf);
}
END_TEST

START_TEST(rules_sources_are_those_of_the_file)
{
	struct conf *conf = load("tests/conf/good_full.conf");
	struct rules_sources sources;

	conf_rules_sources(conf, &sources);
	ck_assert_ptr_eq(sources.hosted, conf->hosted);
	ck_assert_ptr_eq(sources.allowlist, conf->allowlist);
	ck_assert_ptr_eq(sources.postmaster, conf->postmaster);
	ck_assert_ptr_eq(sources.contact, conf->contact);
	ck_assert_uint_eq(sources.outside.hop_count, 2);
	conf_free(conf);
}
END_TEST

/* ---- the manual is the specification ---- */

static void
read_manual(struct buf *out)
{
	FILE *file = fopen("man/relayd.conf.5", "r");
	size_t room;
	char *data;

	ck_assert_ptr_nonnull(file);
	buf_init(out, EXPECT_MAX);
	data = buf_room(out, EXPECT_MAX - 1, &room);
	ck_assert_ptr_nonnull(data);
	buf_grew(out, fread(data, 1, room, file));
	fclose(file);
}

/* What the manual must say of a key: "64K to 4G; default 50M." */
static void
describe(const struct conf_key *key, struct buf *out)
{
	void (*add)(struct buf * to, uint64_t number) = NULL;

	if (key->read == conf_read_bytes)
		add = units_add_bytes;
	else if (key->read == conf_read_seconds ||
	    key->read == conf_read_timeout)
		add = units_add_seconds;
	if (add != NULL) {
		add(out, key->least);
		buf_addf(out, " to ");
		add(out, key->most);
		buf_addf(out, "; default %s.", key->fallback);
	} else if (key->read == conf_read_count || key->read == conf_read_port)
		buf_addf(out, "%ju to %ju; default %s.", (uintmax_t)key->least,
		    (uintmax_t)key->most, key->fallback);
	else if (key->fallback != NULL && key->read != conf_read_flag)
		buf_addf(out, "default \"%s\".", key->fallback);
	else if (key->required != NULL)
		buf_addf(out, "required.");
	else
		buf_addf(out, "default");
}

static const struct conf_keys *const tables[] = { &conf_keys_root,
	&conf_keys_listen };

START_TEST(manual_has_every_key_with_its_range_and_default)
{
	struct buf manual, item, text;
	const char *from, *to;
	size_t i;

	read_manual(&manual);
	buf_init(&item, 200);
	buf_init(&text, 200);
	for (i = 0; i < tables[_i]->count; i++) {
		buf_empty(&item);
		buf_addf(&item, "\n.It Ic %s\n", tables[_i]->keys[i].name);
		from = strstr(buf_text(&manual), buf_text(&item));
		ck_assert_msg(from != NULL, "%s", buf_text(&item));
		to = strstr(from + item.len, "\n.");
		ck_assert_ptr_nonnull(to);
		buf_empty(&text);
		describe(&tables[_i]->keys[i], &text);
		ck_assert_msg(memmem(from, (size_t)(to - from), text.data,
				  text.len) != NULL,
		    "%.*s\nlacks: %s", (int)(to - from), from, buf_text(&text));
	}
	buf_clear(&manual);
	buf_clear(&item);
	buf_clear(&text);
}
END_TEST

START_TEST(example_of_the_manual_is_good)
{
	char name[] = "/tmp/test_conf.XXXXXX";
	const char *from, *to;
	struct buf manual;
	struct conf *conf;
	int fd = mkstemp(name);

	ck_assert_int_ne(fd, -1);
	read_manual(&manual);
	from = strstr(buf_text(&manual), "\n.Sh EXAMPLES\n");
	ck_assert_ptr_nonnull(from);
	from = strstr(from, "\nhostname");
	to = strstr(from, "\n.Ed");
	ck_assert_int_eq(write(fd, from, (size_t)(to - from)), to - from);
	close(fd);
	conf = load(name);
	ck_assert_uint_eq(conf->listen_count, 3);
	conf_free(conf);
	unlink(name);
	buf_clear(&manual);
}
END_TEST

static const struct {
	const char *file;
	const char *complaint;
} unreadable[] = {
	{ "/nonexistent/relayd.conf",
	    "/nonexistent/relayd.conf: cannot be read: "
	    "No such file or directory\n" },
	{ "/tmp", "/tmp: cannot be read: Is a directory\n" },
	{ "/dev/zero", "/dev/zero: cannot be read: File too large\n" },
};

START_TEST(unreadable_file_is_told_with_the_reason)
{
	struct complaints complaints;

	complaints_init(&complaints);
	ck_assert_ptr_null(conf_load(unreadable[_i].file, &complaints));
	ck_assert_str_eq(complaints_text(&complaints),
	    unreadable[_i].complaint);
	ck_assert_uint_eq(complaints.errors, 1);
	complaints_clear(&complaints);
}
END_TEST

static Suite *
conf_suite(void)
{
	Suite *suite = suite_create("conf");
	TCase *tcase = tcase_create("files");

	find_files();
	tcase_add_test(tcase, files_are_found);
	tcase_add_loop_test(tcase,
	    each_file_gets_exactly_the_complaints_it_deserves, 0, file_count);
	tcase_add_loop_test(tcase, unreadable_file_is_told_with_the_reason, 0,
	    sizeof(unreadable) / sizeof(unreadable[0]));
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("values");
	tcase_add_test(tcase, minimal_file_gets_every_default);
	tcase_add_test(tcase, paths_start_at_the_folder_of_the_file);
	tcase_add_test(tcase,
	    listeners_take_their_tls_from_the_certificate_or_themselves);
	tcase_add_test(tcase, values_are_kept_in_one_form);
	tcase_add_test(tcase, rules_sources_are_those_of_the_file);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("manual");
	tcase_add_loop_test(tcase,
	    manual_has_every_key_with_its_range_and_default, 0, 2);
	tcase_add_test(tcase, example_of_the_manual_is_good);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(conf_suite)
