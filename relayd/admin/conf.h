#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/complaints.h"
#include "domains/route.h"
#include "domains/rules.h"
#include "log.h"

/*
 * relayd.conf, read and right by construction: after conf_load() nobody
 * validates again.  Every key but hostname, postmaster, listen and hosted has a default; they
 * are documented in relayd.conf(5).  Paths are made absolute (relative ones start at
 * the folder of relayd.conf).  All texts are owned by the conf.
 */
enum listen_tls {
	LISTEN_TLS_OFF,
	LISTEN_TLS_STARTTLS,
	LISTEN_TLS_IMPLICIT
};

struct conf_listen {
	char *address; /* "*", v4 or v6 address */
	uint16_t port;
	enum listen_tls tls;
	char *priority;      /* GnuTLS priority, or NULL for tls.priority */
	bool accept_bare_lf; /* serve commands that end in LF alone */
};

struct conf_tls {
	char *certificate; /* files, one a line; NULL: no TLS for clients */
	char *key;         /* as many */
	char *priority;    /* NULL: "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1" or so */
	char *ca;          /* for next hops; NULL: the system's */
};

struct conf_spool {
	char *directory;
	uint64_t minimum_free; /* bytes */
	uint64_t minimum_free_inodes;
	uint64_t segment_size; /* bytes; default 64M; tests take less */
};

struct conf_limits {
	size_t connections;
	size_t connections_per_client;
	size_t connections_per_network;
	size_t network_prefix_v4; /* bits: how wide a network is */
	size_t network_prefix_v6;
	size_t messages_per_client_hour;   /* 0: no limit */
	size_t recipients_per_client_hour; /* 0: no limit */
	size_t recipients_per_message;
	uint64_t message_size; /* bytes */
	size_t errors_per_session;
	size_t unknown_recipients_per_session;
	size_t commands_per_session;
	unsigned command_seconds; /* 300, RFC 5321 4.5.3.2.7 */
	unsigned data_seconds;    /* 180 per block of data */
	uint64_t data_rate;       /* bytes a second, over that time */
	uint64_t intake_memory;   /* bytes, all sessions together */
};

enum conf_bounce {
	BOUNCE_RELIABLE,
	BOUNCE_ALL
};

struct conf_delivery {
	int64_t lifetime;     /* seconds; 5d */
	int64_t notice_after; /* seconds; 4h; 0: never */
	int64_t retry_first;  /* seconds; 1m */
	int64_t retry_max;    /* seconds; 1h */
	size_t connections;   /* over all destinations */
	size_t connections_per_destination;
	size_t messages_per_connection;
	unsigned idle_seconds; /* an unused connection is kept this long */
	unsigned connect_seconds;
	struct route outside; /* MX (default), or hops */
	char *outside_login;  /* file with user and password, or NULL */
	enum conf_bounce bounce;
	char *
	    local_address; /* source address for outgoing connections, or NULL */
};

struct conf {
	char *file; /* relayd.conf itself, absolute */
	char *hostname;
	char *postmaster;
	char *contact;   /* text for refusals, or NULL */
	char *hosted;    /* file */
	char *allowlist; /* file, or NULL */
	size_t listen_count;
	struct conf_listen *listen;
	struct conf_tls tls;
	struct conf_spool spool;
	struct conf_limits limits;
	struct conf_delivery delivery;
	char *dns_servers;     /* "a:p,b:p", or NULL for resolv.conf */
	char *control;         /* socket path, or NULL */
	unsigned control_mode; /* of the socket, such as 0660 */
	char *control_group;   /* of the socket, or NULL */
	char *user, *group;    /* or NULL */
	char *log_target; /* "stderr", "syslog" or a file; default stderr */
	enum log_level log_level;
};

/* NULL when complaints->errors is not 0 afterwards.  The caller owns it. */
struct conf *conf_load(const char *file, struct complaints *complaints);
void conf_free(struct conf *conf);

/* What rules_load() needs to know; borrows from conf. */
void conf_rules_sources(const struct conf *conf, struct rules_sources *sources);

#endif
