/*
 * story - a notice, from a delivery's outcome to a message in a spool.
 *
 * Job:     the spool, one message, one recipient, and the notice read back.
 * Called:  by the tests of notices.
 * Owns:    a spool in a folder of its own, removed by story_tear_down().
 * Never:   stands in for the spool: it is the real one, without its thread.
 */
#include "tests/support/story.h"

#include <sys/stat.h>

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MESSAGE_MAX = 8 << 20,
	BLOCK = 64 << 10
};

static char folder[64];
struct spool *story_spool;
static struct spool_entry *entry; /* told last by waiting() */
int story_done_count;
struct buf story_written;
static struct buf envelope_bytes;
struct envelope story_envelope;

static char hostname[] = "mail.campus.test";
static char postmaster[] = "postmaster@campus.test";
static char contact[] = "Ask the help desk, phone 4711.";
struct conf story_conf = {
	.hostname = hostname,
	.postmaster = postmaster,
	.contact = contact,
};

static void
waiting(void *owner, struct spool_entry *found, struct span domains)
{
	(void)owner;
	(void)domains;
	entry = found;
}

static void
said(void *owner, enum spool_level level, const char *text)
{
	(void)owner;
	(void)level;
	fprintf(stderr, "spool: %s\n", text);
}

void
story_done(void *owner, enum commit_result result)
{
	ck_assert_ptr_eq(owner, &story_spool);
	ck_assert_int_eq(result, COMMITTED);
	story_done_count++;
}

/* A clock that stands: IDs then follow each other, and can be foretold. */
static int64_t
standing_clock(void)
{
	return INT64_C(1800000000000000);
}

static void
open_spool(uint64_t minimum_free)
{
	struct spool_options options = {
		.directory = folder,
		.segment_size = 4 << 20,
		.minimum_free = minimum_free,
		.no_thread = true,
		.wall_us = standing_clock,
	};
	struct spool_events events = { .waiting = waiting, .said = said };
	struct buf why;

	buf_init(&why, 1000);
	story_spool = spool_open(&options, &events, &why);
	ck_assert_msg(story_spool != NULL, "%s", buf_text(&why));
	while (spool_load(story_spool, 100))
		;
	buf_clear(&why);
}

void
story_set_up(void)
{
	strcpy(folder, "/tmp/test_notice.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	buf_init(&story_written, MESSAGE_MAX);
	buf_init(&envelope_bytes, ENVELOPE_MAX);
	story_done_count = 0;
	open_spool(0);
}

void
story_reopen_spool(uint64_t minimum_free)
{
	spool_close(story_spool);
	open_spool(minimum_free);
}

static int
remove_one(const char *path, const struct stat *status, int kind,
    struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void
story_tear_down(void)
{
	envelope_clear(&story_envelope);
	spool_close(story_spool);
	buf_clear(&story_written);
	buf_clear(&envelope_bytes);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void
story_receive(struct story *story)
{
	struct span bytes = story->original;
	struct recipient recipient = {
		.address = SPAN("bob@example.org"),
		.domain = SPAN("example.org"),
	};
	struct envelope envelope = {
		.recipient_count = 1,
		.recipients = &recipient,
	};
	struct intake *intake = spool_begin(story_spool);

	ck_assert_ptr_nonnull(intake);
	for (; bytes.len > 0; bytes = span_skip(bytes, BLOCK))
		ck_assert(intake_add(intake, span_head(bytes, BLOCK)));
	intake_commit(intake, &envelope, SPAN("Received: by us\r\n"), true,
	    NULL, NULL);
	spool_turn(story_spool);
	ck_assert_ptr_nonnull(entry);
	ck_assert(content_open(story_spool, entry, &story->content));
}

void
story_read(bool has_dot_lines)
{
	struct content content;
	size_t room;
	char *data;

	entry = NULL;
	spool_turn(story_spool);
	ck_assert_ptr_nonnull(entry);
	ck_assert_int_eq(story_done_count, 1);
	envelope_clear(&story_envelope);
	ck_assert(
	    spool_read(story_spool, entry, &envelope_bytes, &story_envelope));
	ck_assert(content_open(story_spool, entry, &content));
	ck_assert_int_eq(content.has_dot_lines, has_dot_lines);
	data = buf_room(&story_written, (size_t)content.size, &room);
	ck_assert_int_eq(content_read(story_spool, &content, 0, data,
			     (size_t)content.size),
	    (ssize_t)content.size);
	buf_grew(&story_written, (size_t)content.size);
	content_close(story_spool, &content);
}

void
story_begin(struct story *story)
{
	*story = (struct story){
		.envelope = {
			.sender = SPAN("alice@campus.test"),
			.session = SPAN("s1"),
			.client = SPAN("192.0.2.17"),
			.arrival = 1800000000,
			.recipient_count = 1,
		},
		.recipient = {
			.address = SPAN("bob@example.org"),
			.domain = SPAN("example.org"),
		},
		.notice = {
			.kind = NOTICE_FAILED,
			.id = 77,
			.count = 1,
			.now = 1800000100,
			.last_attempt = 1800000090,
		},
		.original = SPAN("From: alice@campus.test\r\n"
				 "Subject: hello\r\n"
				 "\r\n"
				 "the body\r\n"),
	};
	outcome_set(&story->outcome, OUTCOME_FAILED, 550, "5.1.1",
	    SPAN("550 5.1.1 <bob@example.org>: no such user"),
	    "mx1.example.org [192.0.2.25]:25");
}

void
story_tie(struct story *story)
{
	story->envelope.recipients = &story->recipient;
	story->of.recipient = &story->recipient;
	story->of.outcome = &story->outcome;
	story->notice.envelope = &story->envelope;
	story->notice.recipients = &story->of;
	story->notice.spool = story_spool;
	story->notice.content = &story->content;
}

void
story_send_to(struct story *story, struct span to, bool has_dot_lines)
{
	story_tie(story);
	story_receive(story);
	ck_assert(notice_send(&story->notice, &story_conf, to, story_done,
	    &story_spool));
	content_close(story_spool, &story->content);
	outcome_clear(&story->outcome);
	story_read(has_dot_lines);
}

void
story_send(struct story *story)
{
	story_send_to(story, story->envelope.sender, false);
}

void
story_has(const char *text)
{
	ck_assert_msg(strstr(buf_text(&story_written), text) != NULL,
	    "\"%s\" is not in:\n%s", text, buf_text(&story_written));
}

void
story_lacks(const char *text)
{
	ck_assert_msg(strstr(buf_text(&story_written), text) == NULL,
	    "\"%s\" is in:\n%s", text, buf_text(&story_written));
}

void
story_is_well_formed(bool eight_bit)
{
	struct span rest = buf_span(&story_written), line;
	size_t i;

	ck_assert_int_eq(span_eight_bit(rest), eight_bit);
	ck_assert(span_ends(rest, SPAN("\r\n")));
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		/* Without a check each: they are slow, and there are many bytes. */
		if (!span_ends(line, SPAN("\r")) || line.len > 999)
			ck_abort_msg("not a line: %.*s", SPAN_ARG(line));
		for (i = 0; i + 1 < line.len; i++)
			if ((unsigned char)line.data[i] < 0x20 ||
			    line.data[i] == 0x7f)
				ck_abort_msg("%.*s", SPAN_ARG(line));
	}
}
