#ifndef FAR_SIDE_H
#define FAR_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "relayd/delivery/client.h"
#include "relayd/delivery/hosts.h"
#include "relayd/delivery/notice.h"

/*
 * All that delivery meets, for its tests: doubles of client.h, hosts.h and
 * notice.h that do in virtual time what the test says, and count.  A program
 * that links this gets these instead of the real ones.
 */

/*
 * How a host behaves; by the name of its hop, or "mx.DOMAIN" for an MX route,
 * which has an "mx2.DOMAIN" behind it when the test names one.
 * The hop "dual" has two addresses, which are dual6 and dual4.
 */
struct far_host {
	const char *name;
	const char *down; /* not NULL: nobody gets in, and this is why */
	bool refuses;     /* with down: for good */
	size_t room;      /* connections that it lets in; 0: any number */
	unsigned connect_ms, answer_ms;
	/*
	 * Fills in the outcomes; false: the connection ends with that.  NULL:
	 * everything is taken.  Called when a job is over.
	 */
	bool (*answer)(struct far_host *host, struct client_job *job);
	void *owner; /* the test's */

	bool reused; /* the job's connection had carried another one */

	/* counted here */
	size_t connects;        /* tries */
	size_t open, most;      /* connections now, and at the worst moment */
	size_t jobs, delivered; /* transactions; recipients taken */
	struct buf taken;       /* "ID address\n" of these, in order */
};

struct far_side {
	struct loop *loop;
	struct far_host
	    *hosts; /* borrowed; what is not there takes everything */
	size_t host_count;
	/* hosts_find() says this instead, while it is not OUTCOME_NONE */
	struct outcome no_hosts;
	size_t searches;

	/* who is told; "" as to: nobody */
	enum notice_addressee addressee;
	const char *to;
	bool spool_refuses; /* notice_send() and summary_send() say false */
	bool commits_fail;  /* their commits do, as on a bad disk */
	struct buf told;    /* "KIND ID to ADDRESS: recipient status text\n" */
	size_t notices, summaries;
	int64_t last_attempt; /* of the last notice */
	size_t clients, most; /* that live; and at the worst moment */
};

/* The one that the doubles speak to. */
extern struct far_side far_side;

void far_side_init(struct loop *loop, struct far_host *hosts, size_t count);
void far_side_clear(void);
/* The owners of what is to be committed are gone. */
void far_side_forget_commits(void);

/* For answer(): every recipient hears this. */
bool far_side_say(struct client_job *job, enum outcome_kind kind, int code,
    const char *enhanced, const char *text);

/* Answers: 450 4.2.1, 550 5.1.1, or by the local part: later..., never..., others are taken. */
bool far_side_4xx(struct far_host *host, struct client_job *job);
bool far_side_5xx(struct far_host *host, struct client_job *job);
bool far_side_by_name(struct far_host *host, struct client_job *job);
/* Once, and the connection ends: it had died unheard, or has had enough of us. */
bool far_side_stale_once(struct far_host *host, struct client_job *job);
bool far_side_421_once(struct far_host *host, struct client_job *job);

/* How many lines of what was told hold this text. */
size_t far_side_told(const char *text);

#endif
