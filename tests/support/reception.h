#ifndef RECEPTION_H
#define RECEPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "relayd/net/stream.h"
#include "relayd/smtp/smtp_server.h"
#include "tests/support/certs.h"
#include "tests/support/desk.h"
#include "tests/support/virtual_clock.h"

/*
 * The receiving side with its sockets, on loopback: a virtual clock, real
 * rules, a real spool (desk.h), and clients that never block: the loop is
 * turned while they wait.
 */
struct reception {
	struct virtual_clock clock;
	struct loop *loop;
	struct desk *desk;
	struct smtp_server *server; /* a test may free it and leave NULL */
	struct certs *certs;
	struct tls_client *trust;
	bool disk_rests; /* nothing is committed */
};

extern struct reception reception;

/*
 * listen[0] is in the clear; with tls it offers STARTTLS, and listen[1] is
 * implicit TLS.
 */
void reception_start(bool tls);
void reception_stop(void);
void reception_turn(void);
/* So many seconds go by. */
void reception_pass(uint64_t seconds);

struct guest {
	struct stream *stream;
	struct buf in;
	bool ended;
	bool reset; /* not by a proper end */
};

void guest_come(struct guest *guest, size_t listener);
void guest_go(struct guest *guest);
void guest_say(struct guest *guest, struct span text);
#define SAY(guest, text) guest_say((guest), SPAN(text "\r\n"))
/* Reads what is there now. */
void guest_listen(struct guest *guest);
/* What comes holds text; it and what stands before it are dropped. */
void guest_hears(struct guest *guest, const char *text);
/* The server closes; nothing else is said before. */
void guest_ends(struct guest *guest);
/* From the banner to a recipient that is accepted. */
void guest_offers_mail(struct guest *guest);
enum io guest_shakes_hands(struct guest *guest);

#endif
