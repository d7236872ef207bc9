/*
 * test_mx_path - mail by MX to port 25: a real DNS server, next hops on a
 * network of their own, and the real relay between them.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/daemon.h"
#include "tests/support/folder.h"
#include "tests/support/hop.h"
#include "tests/support/program.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	PATIENCE_MS = 30000,
	DNS_PORT = 5300, /* in a network that is ours alone */
};

/* Two hosts take mail, the third has nobody at port 25; .100 is the relay. */
static const char zone[] = "$ORIGIN example.\n"
			   "$TTL 60\n"
			   "@ SOA ns hostmaster 1 60 60 60 60\n"
			   "@ NS ns\n"
			   "ns A 192.0.2.100\n"
			   "a A 192.0.2.1\n"
			   "b A 192.0.2.2\n"
			   "dead A 192.0.2.3\n"
			   "us A 192.0.2.100\n"
			   "both A 192.0.2.2\n"
			   "both AAAA 2001:db8::25\n"
			   "pref MX 20 b\n"
			   "pref MX 10 a\n"
			   "backup MX 10 dead\n"
			   "backup MX 20 b\n"
			   "implicit A 192.0.2.1\n"
			   "null MX 0 .\n"
			   "alias CNAME pref\n"
			   "self MX 10 us\n"
			   "self MX 20 b\n"
			   "cut MX 10 a\n"
			   "cut MX 20 us\n"
			   "dual MX 10 both\n"
			   "nohost MX 10 nothing\n"
			   "mail-less TXT \"no host and no MX\"\n"
			   "owned MX 10 b\n"
			   "mxalias MX 10 other\n"
			   "other CNAME a\n"
			   "half MX 10 mx.broken.\n"
			   "half MX 20 b\n"
			   "dark MX 10 mx.broken.\n"
			   "local MX 10 lo\n"
			   "lo A 127.0.0.1\n"
			   "zero MX 10 any\n"
			   "any A 0.0.0.0\n"
			   "beside MX 0 .\n"
			   "beside MX 10 b\n"
			   "wild.card MX 10 *\n";

/* The second has no file: the server fails for it. */
static const char server_conf[] =
    "server:\n ip-address: 127.0.0.1@%u\n server-count: 1\n"
    " username: \"\"\n chroot: \"\"\n zonesdir: \"%s\"\n"
    " pidfile: \"\"\n xfrdfile: \"\"\n zonelistfile: \"%s/zones\"\n"
    " xfrdir: \"%s\"\n database: \"\"\n"
    "remote-control:\n control-enable: no\n"
    "zone:\n name: example\n zonefile: example.zone\n"
    "zone:\n name: broken\n zonefile: nowhere.zone\n";

static struct daemon *daemon_;
static struct hop *hops[2]; /* 192.0.2.1 and .2 */
static pid_t server;

/* ---- the networks ---- */

static bool
ip(const char *const *words)
{
	const char *argv[16] = { "ip" };
	struct buf output;
	size_t i;
	bool good;

	for (i = 0; words[i] != NULL; i++)
		argv[i + 1] = words[i];
	buf_init(&output, 4096);
	good = program_run(argv, SPAN(""), &output) == 0;
	if (!good)
		printf("skipped: ip %s: %s\n", words[0], buf_text(&output));
	buf_clear(&output);
	return good;
}

#define IP(...) ip((const char *const[]){ __VA_ARGS__, NULL })

/* A network of our own; a descriptor for it, or -1. */
static int
new_network(void)
{
	if (unshare(CLONE_NEWNET) == -1)
		return -1;
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* False, and said, where this machine lets nobody make networks. */
static bool
make_networks(void)
{
	int world = new_network();
	int relay = world == -1 ? -1 : new_network();
	char path[64];

	if (relay == -1) {
		puts("skipped: no network namespace of our own");
		return false;
	}
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), world);
	if (!IP("link", "set", "lo", "up") ||
	    !IP("link", "add", "v0", "type", "veth", "peer", "name", "v1",
		"netns", path) ||
	    !IP("addr", "add", "192.0.2.100/24", "dev", "v0") ||
	    !IP("link", "set", "v0", "up") || setns(world, CLONE_NEWNET) == -1)
		return false;
	if (!IP("link", "set", "lo", "up") ||
	    !IP("addr", "add", "192.0.2.1/24", "dev", "v1") ||
	    !IP("addr", "add", "192.0.2.2/24", "dev", "v1") ||
	    !IP("addr", "add", "192.0.2.3/24", "dev", "v1") ||
	    !IP("link", "set", "v1", "up"))
		return false;
	hops[0] = hop_new_at("192.0.2.1", 25, NULL);
	hops[1] = hop_new_at("192.0.2.2", 25, NULL);
	ck_assert_int_eq(setns(relay, CLONE_NEWNET), 0);
	close(world);
	close(relay);
	return true;
}

static void
serve_dns(uint16_t port)
{
	const char *folder = daemon_folder(daemon_);
	char path[256], log[256], text[2048];
	const char *const argv[] = { "nsd", "-d", "-c", path, NULL };

	snprintf(path, sizeof(path), "%s/nsd.conf", folder);
	snprintf(log, sizeof(log), "%s/nsd.log", folder);
	snprintf(text, sizeof(text), server_conf, (unsigned)port, folder,
	    folder, folder);
	folder_write(folder, "nsd.conf", text);
	folder_write(folder, "example.zone", zone);
	server = program_serve(argv, port, log);
	ck_assert_msg(server != 0, "nsd does not answer");
}

/* ---- what becomes of mail ---- */

static const struct {
	const char *domain;
	int hop;           /* where it arrives; -1: nowhere */
	const char *event; /* of the log */
	const char *status;
} ways[] = {
	/* clang-format off */
	{ "pref.example",      0, "event=delivered", "192.0.2.1]:25" },
	{ "backup.example",    1, "event=delivered", "192.0.2.2]:25" },
	{ "implicit.example",  0, "event=delivered", "192.0.2.1]:25" },
	{ "alias.example",     0, "event=delivered", "192.0.2.1]:25" },
	{ "cut.example",       0, "event=delivered", "192.0.2.1]:25" },
	{ "dual.example",      1, "event=delivered", "192.0.2.2]:25" },
	{ "owned.example",     1, "event=delivered", "192.0.2.2]:25" },
	{ "mxalias.example",   0, "event=delivered", "192.0.2.1]:25" },
	{ "half.example",      1, "event=delivered", "192.0.2.2]:25" },
	{ "beside.example",    1, "event=delivered", "192.0.2.2]:25" },
	{ "null.example",     -1, "event=failed",    "status=5.1.10" },
	{ "self.example",     -1, "event=failed",    "status=5.4.6" },
	{ "local.example",    -1, "event=failed",    "status=5.4.6" },
	{ "zero.example",     -1, "event=failed",    "status=5.4.6" },
	{ "none.example",     -1, "event=failed",    "status=5.1.2" },
	{ "nohost.example",   -1, "event=failed",    "status=5.4.4" },
	{ "mail-less.example", -1, "event=failed",   "status=5.4.4" },
	{ "dark.example",     -1, "event=deferred",  "status=4.4.3" },
	/* records of which none is a host's are no reason to try the domain itself */
	{ "wild.card.example", -1, "event=deferred", "status=4.4.3" },
	{ "x.broken",         -1, "event=deferred",  "status=4.4.3" },
	{ "gone.example",     -1, "event=deferred",  "status=4.4.4" },
	/* clang-format on */
};

enum {
	WAYS = sizeof(ways) / sizeof(ways[0])
};

static void
send_to(const char *domain)
{
	char address[128];

	snprintf(address, sizeof(address), "x@%s", domain);
	ck_assert_int_eq(talk_once(NULL, daemon_port(daemon_),
			     "lab@campus.test", address, "hi\r\n"),
	    250);
}

static void
check_way(size_t i)
{
	char dest[128], address[128];

	snprintf(dest, sizeof(dest), "dest=\"mx:%s ", ways[i].domain);
	daemon_wait_log(daemon_, ways[i].event, dest, ways[i].status, NULL);
	if (ways[i].hop == -1)
		return;
	snprintf(address, sizeof(address), "x@%s", ways[i].domain);
	ck_assert_msg(hop_wait_for(hops[ways[i].hop], address, PATIENCE_MS) !=
		NULL,
	    "%s", ways[i].domain);
}

START_TEST(mail_goes_where_dns_says_over_port_25)
{
	struct daemon_setup setup = {
		.hosted = "campus.test via=[127.0.0.1]:1\n"
			  "owned.example via=mx\n"
			  "gone.example via=mx\n",
		.allowlist = "127.0.0.1\n",
	};
	size_t i;

	if (!make_networks())
		return;
	setup.dns_port = DNS_PORT;
	daemon_ = daemon_new(&setup);
	serve_dns(setup.dns_port);
	daemon_start(daemon_);
	for (i = 0; i < WAYS; i++)
		send_to(ways[i].domain);
	for (i = 0; i < WAYS; i++)
		check_way(i);
	daemon_free(daemon_);
	program_end(server);
	hop_free(hops[0]);
	hop_free(hops[1]);
}
END_TEST

static Suite *
mx_path_suite(void)
{
	Suite *suite = suite_create("mx_path");
	TCase *tcase = tcase_create("mx");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, mail_goes_where_dns_says_over_port_25);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(mx_path_suite)
