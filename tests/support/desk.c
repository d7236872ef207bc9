/*
 * desk - the receiving side in memory.
 *
 * Job:     set up rules, a spool and a session, and carry bytes between a
 *          test and the session.
 * Called:  by test_dialogs, test_session, reception.c, and fuzz targets.
 * Owns:    all of it, and a directory that goes with it.
 * Never:   opens a socket.
 */
#include "tests/support/desk.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/admin/log.h"

#define TABLES "tests/dialogs/tables/"

enum {
	IN_MAX = 32 << 10, /* as a connection has it */
	TEXT_MAX = 16 << 20,
	SEGMENT = 2 << 20,
	LIMITS_ROOM = 64,
	WALL = 1795421109, /* Mon, 23 Nov 2026 08:05:09 +0000 */
};

struct desk {
	struct desk_options options;
	char directory[64];
	struct conf conf;
	struct service service;
	struct disk disk;
	struct spool *spool;
	struct session *session; /* NULL before desk_connect() */
	struct buf in;
	struct buf said; /* taken from the session, not yet by the test */
	bool held;
	bool over;
	size_t queued;
	struct buf message;
	struct buf log;
	void (*committed)(void *owner, const struct envelope *envelope,
	    struct span content); /* or NULL */
	void *watcher;            /* borrowed */
};

/* Not ck_assert(): a fuzz target is no test of Check. */
static void
must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "desk: %s\n", what);
	abort();
}

static uint64_t
now(void *owner)
{
	(void)owner;
	return 1000000;
}

static int64_t
wall(void *owner)
{
	(void)owner;
	return WALL;
}

/* Tests are about sessions: nothing here must survive a power cut. */
static int
no_sync(void *owner, int fd, bool data_only)
{
	struct desk *desk = owner;

	(void)fd;
	(void)data_only;
	if (!desk->options.disk_fails || desk->session == NULL)
		return 0;
	errno = EIO;
	return -1;
}

static void
take_log(void *owner, struct span line)
{
	struct desk *desk = owner;

	buf_add(&desk->log, line);
	if (!span_ends(line, SPAN("\n")))
		buf_add_byte(&desk->log, '\n');
}

static void
show_envelope(const struct envelope *envelope, struct buf *out)
{
	size_t i;

	buf_addf(out, "from=<%.*s>", SPAN_ARG(envelope->sender));
	for (i = 0; i < envelope->recipient_count; i++) {
		const struct recipient *one = &envelope->recipients[i];

		buf_addf(out, " to=<%.*s> domain=%.*s notify=%u orcpt=%.*s",
		    SPAN_ARG(one->address), SPAN_ARG(one->domain), one->notify,
		    SPAN_ARG(one->orcpt));
	}
	buf_addf(out,
	    " client=%.*s owner=%.*s envid=%.*s flags=%u body=%d helo=",
	    SPAN_ARG(envelope->client), SPAN_ARG(envelope->owner),
	    SPAN_ARG(envelope->envid), envelope->flags, (int)envelope->body);
	buf_add(out, envelope->helo);
	buf_add(out, SPAN("\n"));
}

/* A message is ours: it is read back as a delivery would, and settled. */
static void
waiting(void *owner, struct spool_entry *entry, struct span domains)
{
	struct desk *desk = owner;
	struct settlement settled = { .how = DELIVERED };
	struct envelope envelope;
	struct content content;
	struct buf bytes;
	char *text;
	size_t room, count, head;

	(void)domains;
	buf_init(&bytes, TEXT_MAX);
	buf_empty(&desk->message);
	desk->queued++;
	must(spool_read(desk->spool, entry, &bytes, &envelope),
	    "its envelope cannot be read");
	show_envelope(&envelope, &desk->message);
	head = desk->message.len;
	must(content_open(desk->spool, entry, &content),
	    "its content cannot be opened");
	if (content.size > 0) {
		text = buf_room(&desk->message, content.size, &room);
		must(text != NULL &&
			content_read(desk->spool, &content, 0, text,
			    content.size) == (ssize_t)content.size,
		    "its content cannot be read");
		buf_grew(&desk->message, content.size);
	}
	content_close(desk->spool, &content);
	if (desk->committed != NULL)
		desk->committed(desk->watcher, &envelope,
		    span_skip(buf_span(&desk->message), head));
	count = envelope.recipient_count;
	envelope_clear(&envelope);
	for (settled.recipient = 0; settled.recipient < count;
	     settled.recipient++)
		spool_settle(desk->spool, entry, &settled, 1);
	buf_clear(&bytes);
}

static void
open_spool(struct desk *desk)
{
	struct spool_events events = { .owner = desk, .waiting = waiting };
	struct spool_options options = {
		.directory = desk->directory,
		.disk = &desk->disk,
		.minimum_free = desk->options.disk_full ? UINT64_MAX : 0,
		.segment_size = SEGMENT,
		.no_thread = true,
	};
	struct buf why;

	buf_init(&why, 4096);
	desk->disk = disk_posix;
	desk->disk.owner = desk;
	desk->disk.sync = no_sync;
	desk->spool = spool_open(&options, &events, &why);
	must(desk->spool != NULL, buf_text(&why));
	while (spool_load(desk->spool, 1000))
		continue;
	buf_clear(&why);
}

static const struct rules *
load_rules(const struct conf *conf)
{
	struct rules_sources sources = {
		.hosted = TABLES "hosted",
		.allowlist = TABLES "allowlist",
		.postmaster = conf->postmaster,
		.contact = conf->contact,
		.outside = { .mx = true, .tls = TLS_MAY },
	};
	struct complaints complaints;
	struct rules *rules;

	complaints_init(&complaints);
	rules = rules_load(&sources, &complaints);
	must(rules != NULL, complaints_text(&complaints));
	complaints_clear(&complaints);
	return rules;
}

struct desk *
desk_new(const struct desk_options *options)
{
	struct desk *desk = xcalloc(1, sizeof(*desk));

	desk->options = *options;
	desk->conf = (struct conf){
		.hostname = (char *)(uintptr_t) "mail.campus.test",
		.postmaster = (char *)(uintptr_t) "postmaster@campus.test",
		.contact = (char *)(uintptr_t) "helpdesk@campus.test",
		.limits = { .connections = 100,
		    .recipients_per_message = 100,
		    .message_size = 1000000,
		    .errors_per_session = 20,
		    .command_seconds = 300,
		    .data_seconds = 180,
		    .data_rate = 25 },
	};
	snprintf(desk->directory, sizeof(desk->directory), "%s/relayd.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(desk->directory) != NULL, desk->directory);
	buf_init(&desk->in, IN_MAX);
	buf_init(&desk->said, TEXT_MAX);
	buf_init(&desk->message, TEXT_MAX);
	buf_init(&desk->log, TEXT_MAX);
	open_spool(desk);
	desk->service = (struct service){
		.conf = &desk->conf,
		.rules = load_rules(&desk->conf),
		.spool = desk->spool,
		.now = now,
		.wall = wall,
	};
	return desk;
}

static int
remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
desk_free(struct desk *desk)
{
	if (desk->session != NULL)
		session_gone(desk->session, "lost");
	session_free(desk->session);
	limits_free(desk->service.limits);
	rules_free((struct rules *)(uintptr_t)desk->service.rules);
	spool_close(desk->spool);
	log_capture(NULL, NULL);
	nftw(desk->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	buf_clear(&desk->in);
	buf_clear(&desk->said);
	buf_clear(&desk->message);
	buf_clear(&desk->log);
	free(desk);
}

struct conf *
desk_conf(struct desk *desk)
{
	return &desk->conf;
}

struct service *
desk_service(struct desk *desk)
{
	return &desk->service;
}

struct session *
desk_session(struct desk *desk)
{
	return desk->session;
}

static void
secure(struct desk *desk)
{
	static const struct tls_facts facts = { .version = "TLSv1.3",
		.cipher = "TLS_AES_256_GCM_SHA384",
		.bits = 256 };

	/* What else came in the clear would be taken for a handshake. */
	buf_empty(&desk->in);
	session_secured(desk->session, &facts);
}

static void
woken(void *owner)
{
	(void)owner; /* work() looks by itself */
}

void
desk_connect(struct desk *desk)
{
	const char *client =
	    desk->options.client == NULL ? "192.0.2.1" : desk->options.client;
	struct session_peer peer = {
		.accept_bare_lf = desk->options.accept_bare_lf,
		.starttls = desk->options.starttls,
	};

	assert(ip_parse(span_of(client), &peer.ip));
	if (desk->session != NULL)
		session_gone(desk->session, "lost");
	session_free(desk->session);
	limits_free(desk->service.limits);
	desk->service.limits = limits_new(LIMITS_ROOM, 1);
	desk->service.next_id = 1; /* every session alike */
	log_capture(take_log, desk);
	desk->session = session_new(&desk->service, &peer, woken, desk);
	desk->over = false;
	desk->queued = 0;
	buf_empty(&desk->in);
	buf_empty(&desk->said);
	buf_empty(&desk->message);
	buf_empty(&desk->log);
	if (desk->options.tls)
		secure(desk);
	session_start(desk->session);
}

static void
listen(struct desk *desk)
{
	struct buf *out = session_out(desk->session);

	assert(!out->full);
	buf_add(&desk->said, buf_span(out));
	assert(!desk->said.full);
	buf_empty(out);
}

/* One turn of a loop, as far as this session goes. */
static bool
work(struct desk *desk)
{
	size_t before = desk->in.len;

	session_feed(desk->session, &desk->in);
	listen(desk);
	switch (session_wish(desk->session)) {
	case SESSION_WAIT:
		if (desk->held)
			return false;
		spool_turn(desk->spool);
		if (spool_busy(desk->spool))
			spool_turn(desk->spool);
		listen(desk);
		return true;
	case SESSION_TLS:
		secure(desk);
		return true;
	case SESSION_CLOSE:
	case SESSION_CUT:
		desk->over = true;
		return false;
	case SESSION_READ:
	case SESSION_WRITE:
		break;
	}
	return desk->in.len > 0 && desk->in.len < before;
}

void
desk_send(struct desk *desk, struct span bytes)
{
	while (bytes.len > 0 && !desk->over) {
		struct span part =
		    span_head(bytes, desk->in.max - desk->in.len);

		assert(part.len > 0);
		buf_add(&desk->in, part);
		bytes = span_skip(bytes, part.len);
		while (work(desk))
			continue;
	}
}

bool
desk_receive(struct desk *desk, struct buf *out)
{
	listen(desk);
	while (!desk->over && work(desk))
		continue;
	buf_add(out, buf_span(&desk->said));
	assert(!out->full);
	buf_empty(&desk->said);
	return !desk->over;
}

size_t
desk_unread(const struct desk *desk)
{
	return desk->in.len;
}

void
desk_hold(struct desk *desk, bool held)
{
	desk->held = held;
}

size_t
desk_queued(const struct desk *desk)
{
	return desk->queued;
}

struct span
desk_last_message(const struct desk *desk)
{
	return buf_span(&desk->message);
}

void
desk_watch(struct desk *desk,
    void (*committed)(void *owner, const struct envelope *envelope,
	struct span content),
    void *owner)
{
	desk->committed = committed;
	desk->watcher = owner;
}

void
desk_mask_ids(struct buf *heard)
{
	static const char before[] = "queued as ";
	char *at = heard->data;
	size_t left;

	while (at != NULL) {
		left = heard->len - (size_t)(at - heard->data);
		at = memmem(at, left, before, strlen(before));
		if (at == NULL)
			return;
		at += strlen(before);
		memset(at, 'x', SPOOL_ID_LEN);
	}
}

struct span
desk_log(const struct desk *desk)
{
	return buf_span(&desk->log);
}
