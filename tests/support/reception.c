/*
 * reception - the receiving side with its sockets.
 *
 * Job:     set up a server on loopback and clients that talk to it.
 * Called:  by test_smtp_server and test_conn.
 * Owns:    the server, its clock and what stands behind it.
 * Never:   blocks: the loop is turned while a client waits.
 */
#include "tests/support/reception.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/net/tls.h"

enum {
	TURNS_MAX = 2000, /* of the loop, until something must have happened */
	TEXT_MAX = 32 << 20,
	WALL = 1795421109,
};

struct reception reception;

static void
commit(void *owner)
{
	(void)owner;
	if (!reception.disk_rests)
		spool_turn(desk_service(reception.desk)->spool);
}

/* listen[0] starttls or clear, listen[1] implicit TLS with certificates. */
static struct conf *
make_conf(bool tls)
{
	struct conf *conf = desk_conf(reception.desk);
	size_t i;

	conf->listen_count = tls ? 2 : 1;
	conf->listen = xcalloc(2, sizeof(conf->listen[0]));
	for (i = 0; i < 2; i++)
		conf->listen[i].address = xstrdup("127.0.0.1");
	if (tls) {
		conf->listen[0].tls = LISTEN_TLS_STARTTLS;
		conf->listen[1].tls = LISTEN_TLS_IMPLICIT;
		conf->tls.certificate =
		    xstrdup(certs_path(reception.certs, "mx.pem"));
		conf->tls.key = xstrdup(certs_path(reception.certs, "mx.key"));
	}
	return conf;
}

void
reception_start(bool tls)
{
	struct desk_options options = { 0 };
	struct certs_wish wish = { .dns = "mail.campus.test" };
	struct smtp_server_needs needs;
	struct buf why;

	buf_init(&why, 4096);
	if (tls) {
		reception.certs = certs_new();
		certs_issue(reception.certs, "mx", &wish);
		reception.trust =
		    tls_client_new(certs_path(reception.certs, "ca.pem"), NULL,
			&why);
		ck_assert_msg(reception.trust != NULL, "%s", buf_text(&why));
	}
	reception.desk = desk_new(&options);
	virtual_clock_init(&reception.clock, WALL);
	reception.loop = virtual_clock_loop(&reception.clock);
	loop_each_turn(reception.loop, commit, NULL);
	needs = (struct smtp_server_needs){
		.loop = reception.loop,
		.spool = desk_service(reception.desk)->spool,
		.conf = make_conf(tls),
		.rules = desk_service(reception.desk)->rules,
	};
	reception.server = smtp_server_new(&needs);
	ck_assert_msg(smtp_server_listen(reception.server, NULL, 0, &why), "%s",
	    buf_text(&why));
	buf_clear(&why);
}

void
reception_stop(void)
{
	struct conf *conf = desk_conf(reception.desk);
	size_t i;

	smtp_server_free(reception.server);
	loop_turn(reception.loop, false);
	loop_free(reception.loop);
	for (i = 0; i < 2; i++)
		free(conf->listen[i].address);
	free(conf->listen);
	free(conf->tls.certificate);
	free(conf->tls.key);
	desk_free(reception.desk);
	tls_client_free(reception.trust);
	reception.trust = NULL;
	if (reception.certs != NULL)
		certs_free(reception.certs);
	reception.certs = NULL;
	reception.disk_rests = false;
}

void
reception_turn(void)
{
	loop_turn(reception.loop, false);
}

void
guest_come(struct guest *guest, size_t listener)
{
	struct sockaddr_in there = { .sin_family = AF_INET,
		.sin_port =
		    htons(smtp_server_port(reception.server, listener)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ne(fd, -1);
	inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
	connect(fd, (struct sockaddr *)&there, sizeof(there));
	*guest = (struct guest){ .stream = stream_new(fd) };
	buf_init(&guest->in, TEXT_MAX);
}

void
guest_go(struct guest *guest)
{
	stream_free(guest->stream);
	buf_clear(&guest->in);
}

void
guest_say(struct guest *guest, struct span text)
{
	struct buf out;
	int turns;

	buf_init(&out, TEXT_MAX);
	buf_add(&out, text);
	for (turns = 0; turns < TURNS_MAX && out.len > 0; turns++) {
		if (stream_write(guest->stream, &out) == IO_ERROR)
			break;
		reception_turn();
	}
	buf_clear(&out);
}

void
guest_listen(struct guest *guest)
{
	bool more;
	enum io io;

	reception_turn();
	io = stream_read(guest->stream, &guest->in, 1 << 20, &more);
	if (io == IO_EOF || io == IO_ERROR)
		guest->ended = true;
	if (io == IO_ERROR)
		guest->reset = true;
}

/* What came holds text; it and what stands before it are dropped. */
void
guest_hears(struct guest *guest, const char *text)
{
	const char *at = NULL;
	int turns;

	for (turns = 0; turns < TURNS_MAX && at == NULL; turns++) {
		if (guest->in.len > 0)
			at = memmem(guest->in.data, guest->in.len, text,
			    strlen(text));
		if (at == NULL) {
			if (guest->ended)
				break;
			guest_listen(guest);
		}
	}
	ck_assert_msg(at != NULL, "no \"%s\" in \"%s\"%s", text,
	    buf_text(&guest->in), guest->ended ? ", then the end" : "");
	buf_eat(&guest->in, (size_t)(at - guest->in.data) + strlen(text));
}

/* The reception.server closes; nothing else is said before. */
void
guest_ends(struct guest *guest)
{
	struct span rest;
	int turns;

	for (turns = 0; turns < TURNS_MAX && !guest->ended; turns++)
		guest_listen(guest);
	ck_assert_msg(guest->ended, "still open after \"%s\"",
	    buf_text(&guest->in));
	rest = buf_span(&guest->in); /* the end of the reply just heard */
	ck_assert_uint_eq(span_find(rest, '\n') + 1 < rest.len, 0);
}

void
reception_pass(uint64_t seconds)
{
	reception.clock.now += seconds * 1000;
	reception_turn();
	reception_turn();
}

void
guest_offers_mail(struct guest *guest)
{
	guest_hears(guest, "220 ");
	SAY(guest, "EHLO x");
	guest_hears(guest, "RCPTMAX");
	SAY(guest, "MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@campus.test>");
	guest_hears(guest, "250 2.1.5");
}

enum io
guest_shakes_hands(struct guest *guest)
{
	struct tls_expect expect = { .verify = true,
		.name = "mail.campus.test" };
	enum io io = IO_WAIT;
	int turns;

	stream_tls_client(guest->stream, reception.trust, &expect);
	for (turns = 0; turns < TURNS_MAX && io == IO_WAIT; turns++) {
		io = stream_handshake(guest->stream);
		reception_turn();
	}
	return io;
}
