/*
 * test_dns_noise - a DNS server that says nothing, or nonsense: mail waits,
 * none is lost, and what needs no DNS is not delayed.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/daemon.h"
#include "tests/support/hop.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	PATIENCE_MS = 60000,
	STEP_MS = 100,
	MESSAGE_MAX = 512,
	HEADER = 12, /* RFC 1035 4.1.1 */
	QR = 0x80,   /* of its third byte: a response */
};

/* What is said when the first label of the question is the name. */
static size_t
say_noise(unsigned char *message, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		message[i] = (unsigned char)(message[i] * 31 + i * 7 + 1);
	return len;
}

/* Its ID and the beginning of a header. */
static size_t
say_half_a_header(unsigned char *message, size_t len)
{
	message[2] |= QR;
	return len < HEADER ? len : HEADER - 1;
}

/* 65,535 records of each kind, of which there is none. */
static size_t
say_many_records(unsigned char *message, size_t len)
{
	message[2] |= QR;
	memset(message + 6, 0xff, 6);
	return len;
}

/* A record whose name points at itself (RFC 1035 4.1.4). */
static size_t
say_a_loop(unsigned char *message, size_t len)
{
	static const unsigned char tail[10] = { 0, 15, 0, 1 }; /* MX, IN */
	size_t at = HEADER;

	while (message[at] != 0 && at < len)
		at += message[at] + (size_t)1;
	at += 5; /* the question's end, type and class */
	message[2] |= QR;
	memset(message + 6, 0, 6);
	message[7] = 1;
	message[at] = 0xc0;
	message[at + 1] = (unsigned char)at;
	memcpy(message + at + 2, tail, sizeof(tail));
	return at + 2 + sizeof(tail);
}

/* The answer to somebody else's question. */
static size_t
say_to_another(unsigned char *message, size_t len)
{
	message[0] ^= 0x55;
	message[2] |= QR;
	return len;
}

static size_t
say_the_question(unsigned char *message, size_t len)
{
	(void)message;
	return len;
}

static size_t
say_nothing(unsigned char *message, size_t len)
{
	(void)message;
	(void)len;
	return 0;
}

static const struct {
	const char *name;
	size_t (*say)(unsigned char *message, size_t len);
} noises[] = {
	{ "nothing", say_nothing },
	{ "noise", say_noise },
	{ "half", say_half_a_header },
	{ "many", say_many_records },
	{ "loop", say_a_loop },
	{ "another", say_to_another },
	{ "question", say_the_question },
};

enum {
	NOISES = sizeof(noises) / sizeof(noises[0])
};

static void
answer(int fd, unsigned char *message, size_t len,
    const struct sockaddr_in *from)
{
	size_t i, label = message[HEADER];

	for (i = 0; i < NOISES; i++) {
		if (label != strlen(noises[i].name) ||
		    memcmp(message + HEADER + 1, noises[i].name, label) != 0)
			continue;
		len = noises[i].say(message, len);
		if (len > 0)
			sendto(fd, message, len, 0,
			    (const struct sockaddr *)from, sizeof(*from));
		return;
	}
}

/* Until it is killed, or its test dies. */
static void
serve(int fd)
{
	unsigned char message[2 * MESSAGE_MAX];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	ssize_t len;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((len = recvfrom(fd, message, MESSAGE_MAX, 0,
		    (struct sockaddr *)&from, &size)) >= 0) {
		if (len > HEADER && len < 200)
			answer(fd, message, (size_t)len, &from);
		size = sizeof(from);
	}
	_exit(0);
}

static pid_t
start_server(uint16_t *port)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*port = ntohs(at.sin_port);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		serve(fd);
	close(fd);
	return pid;
}

static void
send_to(struct daemon *daemon, const char *domain)
{
	char address[64];

	snprintf(address, sizeof(address), "x@%s", domain);
	ck_assert_int_eq(talk_once(NULL, daemon_port(daemon), "lab@campus.test",
			     address, "hi\r\n"),
	    250);
}

/* A silent server is asked for 35 seconds. */
static void
wait_deferred(struct daemon *daemon, const char *noise, const char *where)
{
	int left = PATIENCE_MS / STEP_MS;
	char dest[64];

	snprintf(dest, sizeof(dest), "dest=\"mx:%s.%s.test ", noise, where);
	while (daemon_logged(daemon, "event=deferred", dest, "status=4.4.3",
		   NULL) == 0 &&
	    left-- > 0)
		usleep(STEP_MS * 1000);
	ck_assert_msg(daemon_logged(daemon, "event=deferred", dest,
			  "status=4.4.3", NULL) == 1,
	    "%s", dest);
}

/* Hosted by MX, and outside. */
START_TEST(mail_waits_whatever_a_server_says)
{
	struct daemon_setup setup = { .allowlist = "127.0.0.1\n" };
	char hosted[1024], name[64];
	struct daemon *daemon;
	struct hop *hop = hop_new(NULL);
	pid_t server = start_server(&setup.dns_port);
	size_t i, at;

	at = (size_t)snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u\n", (unsigned)hop_port(hop));
	for (i = 0; i < NOISES; i++)
		at += (size_t)snprintf(hosted + at, sizeof(hosted) - at,
		    "%s.hosted.test via=mx\n", noises[i].name);
	setup.hosted = hosted;
	daemon = daemon_new(&setup);
	daemon_start(daemon);
	for (i = 0; i < NOISES; i++) {
		snprintf(name, sizeof(name), "%s.hosted.test", noises[i].name);
		send_to(daemon, name);
		snprintf(name, sizeof(name), "%s.out.test", noises[i].name);
		send_to(daemon, name);
	}
	send_to(daemon, "campus.test");
	ck_assert_ptr_nonnull(hop_wait_for(hop, "x@campus.test", PATIENCE_MS));
	for (i = 0; i < NOISES; i++) {
		wait_deferred(daemon, noises[i].name, "hosted");
		wait_deferred(daemon, noises[i].name, "out");
	}
	ck_assert_int_eq(daemon_logged(daemon, "event=failed", NULL), 0);
	ck_assert_int_ge(daemon_logged(daemon, "garbled answer", NULL), 1);
	ck_assert_int_eq(daemon_logged(daemon, "event=delivered", NULL), 1);
	daemon_free(daemon);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	hop_free(hop);
}
END_TEST

static Suite *
dns_noise_suite(void)
{
	Suite *suite = suite_create("dns_noise");
	TCase *tcase = tcase_create("dns_noise");

	tcase_set_timeout(tcase, 150);
	tcase_add_test(tcase, mail_waits_whatever_a_server_says);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(dns_noise_suite)
