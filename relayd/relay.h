#ifndef RELAY_H
#define RELAY_H

#include <stdbool.h>

#include "relayd/admin/names.h"
#include "relayd/delivery/delivery.h"
#include "relayd/net/loop.h"
#include "relayd/net/resolve.h"
#include "relayd/net/signals.h"
#include "relayd/settings.h"
#include "relayd/smtp/smtp_server.h"
#include "spool/spool.h"

/* The running relay: every room, owned. */
struct relay {
	struct settings settings;
	struct loop *loop;
	struct signals *signals;
	struct spool *spool;
	struct resolver *resolver;
	struct names *names;
	struct smtp_server *smtp;
	struct delivery *delivery;
	struct watch synced;  /* the sync thread's eventfd */
	struct watch loading; /* due while an earlier life's queue is told */
	struct watch drained; /* due when a stop waits no longer */
	bool draining;
};

/*
 * SIGHUP: configuration, tables, certificates and log file anew, all or
 * nothing, without dropping a connection.  What is wrong is logged.
 */
void relay_reload(struct relay *relay);

#endif
