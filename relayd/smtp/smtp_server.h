#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "domains/rules.h"
#include "relayd/admin/conf.h"
#include "relayd/net/loop.h"
#include "spool/spool.h"

/*
 * The receiving side: listeners and their sessions.  Everything in the struct
 * is borrowed from main, who outlives it.
 */
struct smtp_server;

struct smtp_server_needs {
	struct loop *loop;
	struct spool *spool;
	const struct conf *conf;
	const struct rules *rules;
	/* Each accepted message that a line of the allowlist let in; or NULL. */
	void (*granted)(void *owner, const struct rules *rules, size_t line);
	void *granted_owner;
	void *
	    random_owner; /* the seam of randomness: 64 bits; NULL function: getrandom(2) */
	uint64_t (*random)(void *owner);
};

struct smtp_server *smtp_server_new(const struct smtp_server_needs *needs);
/*
 * Opens every listener of the configuration (before privileges are dropped).  passed/passed_count: sockets from
 * the service manager, used in the order of listen[] instead of opening.  False with the reason in why.
 */
bool smtp_server_listen(struct smtp_server *server, const int *passed,
    size_t passed_count, struct buf *why);
/*
 * New configuration from now on (sessions read it at each command), and new
 * rules for transactions that begin; loads certificates anew.  All or nothing: false with the reason in why.
 * Listeners that are new are opened, gone ones closed, the others untouched.
 */
bool smtp_server_reload(struct smtp_server *server, const struct conf *conf,
    const struct rules *rules, struct buf *why);
/* Stop accepting; sessions between transactions get 421 now, the others after theirs. */
void smtp_server_drain(struct smtp_server *server);
/* Sessions that are open. */
size_t smtp_server_sessions(const struct smtp_server *server);
/* Kills the sessions that are left; loop_turn reaps them; then frees with the loop's next reap. */
void smtp_server_free(struct smtp_server *server);

/* The port of listen[index], as the kernel gave it for port 0; 0: there is none. */
uint16_t smtp_server_port(const struct smtp_server *server, size_t index);

/* Wall-clock second at which the first of our certificates ends; -1: there is none. */
int64_t smtp_server_expires(const struct smtp_server *server);

struct smtp_counts {
	uint64_t connections, messages, recipients, bytes, refused, failed;
};
void smtp_server_count(const struct smtp_server *server,
    struct smtp_counts *counts);

#endif
