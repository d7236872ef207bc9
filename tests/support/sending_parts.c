/*
 * sending_parts - the sending side in virtual time, and no far side.
 *
 * Job:     set up everything that delivery needs, take messages as the
 *          receiving side does, and let time pass.
 * Called:  by far_sending.c, which adds doubles of the far side; by tests that
 *          have real ones.
 * Owns:    all of it, and a directory that goes with it.
 * Never:   sleeps, or opens a socket of its own.
 */
#include "tests/support/sending_parts.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/admin/log.h"

enum {
	SEGMENT = 1 << 20,
	LOG_MAX = 64 << 20,
	WALL = 1795421109, /* Mon, 23 Nov 2026 08:05:09 +0000 */
};

static struct sending *current; /* the wall clock of the spool has no owner */

static int64_t
wall_us(void)
{
	return (current->clock.wall_start +
		   (int64_t)(current->clock.now - current->clock.start) /
		       1000) *
	    1000000;
}

/* Tests are about sending: nothing here must survive a power cut. */
static int
no_sync(void *owner, int fd, bool data_only)
{
	(void)owner;
	(void)fd;
	(void)data_only;
	return 0;
}

static ssize_t
read_or_fail(void *owner, int fd, void *data, size_t len, off_t at)
{
	if (!current->unreadable)
		return disk_posix.pread(owner, fd, data, len, at);
	errno = EIO;
	return -1;
}

static void
take_log(void *owner, struct span line)
{
	struct sending *sending = owner;

	buf_add(&sending->log, line);
	if (!span_ends(line, SPAN("\n")))
		buf_add_byte(&sending->log, '\n');
}

static uint64_t
next_random(void *owner)
{
	struct sending *sending = owner;

	sending->random =
	    sending->random * 6364136223846793005u + 1442695040888963407u;
	return sending->random >> 16;
}

static void
waiting(void *owner, struct spool_entry *entry, struct span domains)
{
	struct sending *sending = owner;

	sending->waiting++;
	delivery_waiting(sending->delivery, entry, domains);
}

static void
turn_spool(void *owner)
{
	struct sending *sending = owner;

	if (sending->spool != NULL)
		spool_turn(sending->spool);
}

static struct rules *
load_rules(struct sending *sending, const char *hosted)
{
	struct rules_sources sources = {
		.postmaster = "postmaster@campus.test",
		.outside = sending->conf.delivery.outside,
	};
	struct complaints complaints;
	struct rules *rules;
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/hosted", sending->directory);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(hosted, file);
	fclose(file);
	sources.hosted = path;
	complaints_init(&complaints);
	rules = rules_load(&sources, &complaints);
	ck_assert_msg(rules != NULL, "%s", complaints_text(&complaints));
	complaints_clear(&complaints);
	return rules;
}

static void
fill_conf(struct conf *conf)
{
	static char hostname[] = "relay.campus.test";
	static char postmaster[] = "postmaster@campus.test";

	*conf = (struct conf){
		.hostname = hostname,
		.postmaster = postmaster,
		.delivery = { .lifetime = 432000,
		    .notice_after = 14400,
		    .retry_first = 60,
		    .retry_max = 3600,
		    .connections = 100,
		    .connections_per_destination = 20,
		    .messages_per_connection = 100,
		    .idle_seconds = 30,
		    .connect_seconds = 30,
		    .outside = { .mx = true, .tls = TLS_MAY } },
	};
}

static void
open_spool(struct sending *sending)
{
	struct spool_options options = {
		.directory = sending->directory,
		.disk = &sending->disk,
		.segment_size = SEGMENT,
		.no_thread = true,
		.wall_us = wall_us,
	};
	struct spool_events events = { .owner = sending, .waiting = waiting };
	struct buf why;

	buf_init(&why, 1024);
	sending->spool = spool_open(&options, &events, &why);
	ck_assert_msg(sending->spool != NULL, "%s", buf_text(&why));
	buf_clear(&why);
}

static void
open_delivery(struct sending *sending)
{
	struct delivery_needs needs = {
		.loop = sending->loop,
		.spool = sending->spool,
		.conf = &sending->conf,
		.rules = sending->rules,
		.random_owner = sending,
		.random = next_random,
	};
	struct buf why;

	buf_init(&why, 1024);
	sending->delivery = delivery_new(&needs, &why);
	ck_assert_msg(sending->delivery != NULL, "%s", buf_text(&why));
	if (sending->held != NULL)
		ck_assert_msg(delivery_hold_these(sending->delivery,
				  sending->held, &why),
		    "%s", buf_text(&why));
	buf_clear(&why);
}

void
sending_parts_open(struct sending *sending)
{
	*sending = (struct sending){ .random = 1, .client = "192.0.2.17" };
	current = sending;
	snprintf(sending->directory, sizeof(sending->directory), "%s",
	    "/tmp/relayd-sending-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(sending->directory));
	virtual_clock_init(&sending->clock, WALL);
	sending->loop = virtual_clock_loop(&sending->clock);
	sending->disk = disk_posix;
	sending->disk.sync = no_sync;
	sending->disk.pread = read_or_fail;
	buf_init(&sending->log, LOG_MAX);
	log_capture(take_log, sending);
	fill_conf(&sending->conf);
}

void
sending_parts_start(struct sending *sending, const char *hosted)
{
	sending->rules = load_rules(sending, hosted);
	open_spool(sending);
	open_delivery(sending);
	loop_each_turn(sending->loop, turn_spool, sending);
}

void
sending_parts_stop(struct sending *sending)
{
	delivery_free(sending->delivery);
	sending->delivery = NULL;
}

void
sending_parts_rest(struct sending *sending)
{
	loop_turn(sending->loop, false);
	spool_close(sending->spool);
	sending->spool = NULL;
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
	(void)info;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void
sending_parts_close(struct sending *sending)
{
	loop_free(sending->loop);
	rules_free(sending->rules);
	route_clear(&sending->conf.delivery.outside);
	log_capture(NULL, NULL);
	buf_clear(&sending->log);
	nftw(sending->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void
sending_parts_again(struct sending *sending)
{
	open_spool(sending);
	open_delivery(sending);
	while (spool_load(sending->spool, 1000))
		;
}

void
sending_reload(struct sending *sending, const char *hosted)
{
	struct rules *rules = load_rules(sending, hosted);
	struct buf why;

	buf_init(&why, 1024);
	ck_assert(delivery_prepare(sending->delivery, &sending->conf, &why));
	delivery_reload(sending->delivery, &sending->conf, rules);
	rules_free(sending->rules);
	sending->rules = rules;
	buf_clear(&why);
}

static void
committed(void *owner, enum commit_result result)
{
	(void)owner;
	ck_assert_int_eq(result, COMMITTED);
}

void
sending_outside(struct sending *sending, const char *via)
{
	struct route *route = &sending->conf.delivery.outside;
	const char *why;
	size_t at;

	route_clear(route);
	ck_assert_msg(route_parse(span_of(via), route, &at, &why), "%s", why);
}

uint64_t
sending_mail(struct sending *sending, const char *sender,
    const struct sending_to *recipients, size_t count)
{
	struct span content = SPAN("Subject: test\r\n\r\nhi\r\n");
	struct recipient *list = xcalloc(count, sizeof(*list));
	struct envelope envelope = {
		.sender = span_of(sender),
		.session = SPAN("0000000000001"),
		.client = span_of(sending->client),
		.arrival = wall_us() / 1000000,
		.recipient_count = count,
		.recipients = list,
	};
	struct intake *intake;
	uint64_t id;
	size_t i, at;

	for (i = 0; i < count; i++) {
		list[i].address = span_of(recipients[i].address);
		at = span_find_last(list[i].address, '@');
		list[i].domain = span_skip(list[i].address, at + 1);
		list[i].notify = recipients[i].notify;
	}
	intake = spool_begin(sending->spool);
	ck_assert_ptr_nonnull(intake);
	id = intake_id(intake);
	ck_assert(intake_add(intake, content));
	intake_commit(intake, &envelope, SPAN("Received: by relay\r\n"), false,
	    committed, sending);
	spool_turn(sending->spool);
	free(list);
	return id;
}

uint64_t
sending_one(struct sending *sending, const char *recipient)
{
	struct sending_to to = { .address = recipient };

	return sending_mail(sending, "sender@campus.test", &to, 1);
}

void
sending_many(struct sending *sending, const char *recipient, size_t count)
{
	while (count-- > 0)
		sending_one(sending, recipient);
}

void
sending_250(struct sending *sending, const char *first, const char *rest)
{
	struct sending_to to[250];
	char names[250][64];
	struct span name;
	size_t i, at;

	for (i = 0; i < 250; i++) {
		name = span_of(i < 100 ? first : rest);
		at = span_find(name, '@');
		snprintf(names[i], sizeof(names[i]), "%.*s%zu%s", (int)at,
		    name.data, i, name.data + at);
		to[i] = (struct sending_to){ .address = names[i] };
	}
	sending_mail(sending, "s@campus.test", to, 250);
}

void
sending_run(struct sending *sending, uint64_t milliseconds)
{
	virtual_clock_run(&sending->clock, milliseconds);
}

size_t
sending_owed(const struct sending *sending)
{
	struct spool_counts counts;

	spool_count(sending->spool, &counts);
	return counts.messages;
}

struct delivery_counts
sending_counts(const struct sending *sending)
{
	struct delivery_counts counts;

	delivery_count(sending->delivery, &counts);
	return counts;
}

size_t
sending_logged(const struct sending *sending, const char *text)
{
	struct span rest = buf_span(&sending->log), line;
	size_t count = 0;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (memmem(line.data, line.len, text, strlen(text)) != NULL)
			count++;
	}
	return count;
}
