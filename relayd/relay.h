#ifndef RELAY_H
#define RELAY_H

#include <stdbool.h>

#include "relayd/admin/control.h"
#include "relayd/admin/names.h"
#include "relayd/admin/privileges.h"
#include "relayd/admin/rates.h"
#include "relayd/admin/uses.h"
#include "relayd/delivery/delivery.h"
#include "relayd/net/helper.h"
#include "relayd/net/loop.h"
#include "relayd/net/resolve.h"
#include "relayd/net/signals.h"
#include "relayd/settings.h"
#include "relayd/smtp/smtp_server.h"
#include "spool/spool.h"

struct expiry;
struct reload;

/* The running relay: every room, owned. */
struct relay {
	struct settings settings;
	struct loop *loop;
	struct signals *signals;
	struct spool *spool;
	struct resolver *resolver;
	struct names *names;
	struct helper *helper; /* long work beside the loop */
	struct reload *reload;
	struct smtp_server *smtp;
	struct delivery *delivery;
	struct control_socket control_socket; /* until control has it */
	struct control *control;              /* NULL: none is configured */
	struct rates *rates;
	struct expiry *expiry;
	struct uses *uses;    /* of the allowlist's lines */
	struct watch synced;  /* the sync thread's eventfd */
	struct watch loading; /* due while an earlier life's queue is told */
	struct watch drained; /* due when a stop waits no longer */
	struct watch alive; /* due when the service manager is to hear of us */
	uint64_t alive_ms;
	bool draining;
};

/*
 * Configuration, tables, certificates and log file anew, all or nothing,
 * without dropping a connection or keeping one waiting: the files are read and
 * checked beside the loop.  What is wrong is logged.  told (may be NULL) hears
 * of the end: what changed, or every error, a line each.  A request that comes
 * while files are read has them read once more.
 */
struct reload *reload_new(struct relay *relay);
void reload_ask(struct reload *reload,
    void (*told)(void *owner, bool good, const char *text), void *owner);
/* Whoever asked is gone, and is not told. */
void reload_forget(struct reload *reload, const void *owner);
/* When nobody asks and no transaction is left. */
void reload_free(struct reload *reload);

/* desk.c: opens the control socket, before root is dropped. */
bool desk_open(struct relay *relay, const struct privileges *privileges,
    struct buf *why);
/* Once every room is open; and before any is closed. */
void desk_start(struct relay *relay);
void desk_end(struct relay *relay);

#endif
