/*
 * Every call to the disk fails in turn.  Nothing acknowledged is lost, nobody
 * gets a false 250, nothing leaks, and service resumes.
 */
#include <errno.h>
#include <string.h>

#include "base/xalloc.h"
#include "spool/spool.h"
#include "tests/support/disk_fail.h"
#include "tests/support/disk_sim.h"
#include "tests/support/spool_model.h"
#include "tests/support/suite.h"

static struct disk_sim *sim;
static struct disk_fail fail;
static struct model model;

static int64_t
ticking_clock(void)
{
	static int64_t now = 1800000000000000;

	return now += 100000;
}

static void
setup(void)
{
	sim = disk_sim_new();
	disk_fail_init(&fail, disk_sim_disk(sim));
	model_init(&model, &fail.disk);
	model.options.wall_us = ticking_clock;
}

static void
teardown(void)
{
	model_clear(&model);
	ck_assert_uint_eq(disk_sim_open_count(sim), 0);
	disk_sim_free(sim);
}

/* Small and large, settled and not, rolling and recycling. */
static void
some_work(void)
{
	struct model_message *message;
	int i;

	for (i = 0; i < 60 && model.spool != NULL; i++) {
		model_receive(&model, 1700, 1 + (size_t)i % 3);
		if (i % 8 == 0)
			model_receive(&model, 9000, 1);
		model_turn(&model);
		message = model_pick(&model);
		if (message != NULL)
			model_settle(&model, message, message->recipient_count);
	}
	model_turn(&model);
}

static const struct {
	enum disk_call call;
	int error; /* 0: a short count */
	size_t count;
} failures[] = {
	/* clang-format off */
	{ DISK_OPEN,     EMFILE, 1 },
	{ DISK_OPEN,     EIO,    4 },
	{ DISK_PREAD,    EIO,    1 },
	{ DISK_PREAD,    EINTR,  1 },
	{ DISK_PREAD,    0,      1 },
	{ DISK_PWRITEV,  EIO,    1 },
	{ DISK_PWRITEV,  ENOSPC, 5 },
	{ DISK_PWRITEV,  EINTR,  2 },
	{ DISK_PWRITEV,  0,      3 },
	{ DISK_SYNC,     EIO,    1 },
	{ DISK_SYNC,     EIO,    7 },
	{ DISK_ALLOCATE, ENOSPC, 2 },
	{ DISK_ALLOCATE, EOPNOTSUPP, 1000 },
	{ DISK_UNLINK,   EIO,    1 },
	{ DISK_UNLINK,   EROFS,  1000 },
	{ DISK_RENAME,   EIO,    1 },
	{ DISK_MKDIR,    ENOSPC, 1 },
	{ DISK_LIST,     EIO,    1 },
	{ DISK_SIZE,     EIO,    1 },
	{ DISK_SPACE,    EIO,    1 },
	/* clang-format on */
};

static void
judge(int row, size_t from)
{
	const char *wrong;

	wrong = model_judge(&model, disk_sim_disk(sim));
	ck_assert_msg(wrong == NULL, "failure %d from call %zu: %s", row, from,
	    wrong);
}

/* Opens, unless it is told why not; then the failure is over. */
static void
open_somehow(void)
{
	int tries;

	for (tries = 0; tries < 10 && !model_open(&model); tries++)
		ck_assert_str_ne(model.said, "");
	ck_assert_msg(model.spool != NULL, "%s", model.said);
}

START_TEST(a_call_that_fails_breaks_no_promise)
{
	size_t from, tries;

	fail.call = failures[_i].call;
	fail.error = failures[_i].error;
	for (from = 1; from < 2000; from += from < 100 ? 1 : 13) {
		fail.seen[fail.call] = fail.failed = 0;
		fail.from = from;
		fail.count = failures[_i].count;
		open_somehow();
		some_work();
		if (fail.failed == 0)
			break;
		/* Whatever it was: it works again. */
		fail.count = 0;
		for (tries = 0; tries < 30; tries++)
			model_turn(&model);
		ck_assert_int_eq(spool_health(model.spool), SPOOL_FINE);
		ck_assert(model_receive(&model, 100, 1));
		model_turn(&model);
		ck_assert_int_eq(model.messages[model.count - 1]->state,
		    MODEL_OWED);
		model_close(&model);
		judge(_i, from);
		/* A new disk now and then: this one fills up. */
		if (model.count > 500) {
			teardown();
			sim = disk_sim_new();
			fail.inner = disk_sim_disk(sim);
			model_init(&model, &fail.disk);
			model.options.wall_us = ticking_clock;
		}
	}
	ck_assert_msg(fail.failed == 0 || from > 100, "never ended");
}
END_TEST

/* ---- what is said and done about it ---- */

START_TEST(a_failed_sync_refuses_exactly_those_who_waited)
{
	ck_assert(model_open(&model));
	ck_assert(model_receive(&model, 100, 1));
	model_turn(&model);
	ck_assert(model_receive(&model, 100, 1));
	ck_assert(model_receive(&model, 100, 1));
	fail.call = DISK_SYNC;
	fail.error = EIO;
	fail.from = fail.seen[DISK_SYNC] + 1;
	fail.count = 1;
	spool_turn(model.spool);
	ck_assert_int_eq(model.messages[0]->state, MODEL_OWED);
	ck_assert_int_eq(model.messages[1]->state, MODEL_REFUSED);
	ck_assert_int_eq(model.messages[2]->state, MODEL_REFUSED);
	ck_assert_int_eq(spool_health(model.spool), SPOOL_BAD);
	ck_assert_ptr_null(spool_begin(model.spool));
	ck_assert_ptr_null(model_read(&model, model.messages[0]->id));
	/* The segment is never written again; another one works. */
	while (spool_health(model.spool) != SPOOL_FINE)
		spool_turn(model.spool);
	ck_assert(model_receive(&model, 100, 1));
	model_turn(&model);
	ck_assert_int_eq(model.messages[3]->state, MODEL_OWED);
	model_close(&model);
	judge(0, 0);
}
END_TEST

START_TEST(a_full_disk_is_said_to_be_full)
{
	ck_assert(model_open(&model));
	ck_assert(model_receive(&model, 100, 1));
	fail.call = DISK_PWRITEV;
	fail.error = ENOSPC;
	fail.from = fail.seen[DISK_PWRITEV] + 1;
	fail.count = 1;
	spool_turn(model.spool);
	ck_assert_int_eq(model.messages[0]->state, MODEL_REFUSED);
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FULL);
}
END_TEST

/* EIO on reading: not lost, not now; told again later. */
START_TEST(a_message_that_cannot_be_read_now_is_told_again)
{
	struct envelope envelope;
	struct buf bytes;
	uint64_t id;
	int i;

	ck_assert(model_open(&model));
	ck_assert(model_receive(&model, 100, 1));
	model_turn(&model);
	ck_assert_uint_eq(model.waiting_seen, 1);
	id = model.messages[0]->id;
	fail.call = DISK_PREAD;
	fail.error = EIO;
	fail.from = fail.seen[DISK_PREAD] + 1;
	fail.count = 1;
	buf_init(&bytes, ENVELOPE_MAX);
	ck_assert(!spool_read(model.spool, spool_find(model.spool, id), &bytes,
	    &envelope));
	ck_assert_ptr_null(spool_find(model.spool, id));
	for (i = 0; i < 400; i++)
		spool_turn(model.spool);
	ck_assert_uint_eq(model.waiting_seen, 2);
	ck_assert_ptr_null(model_read(&model, id));
	buf_clear(&bytes);
}
END_TEST

static Suite *
fail_suite(void)
{
	Suite *suite = suite_create("spool failures");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 120);
	tcase_add_loop_test(all, a_call_that_fails_breaks_no_promise, 0,
	    sizeof(failures) / sizeof(failures[0]));
	tcase_add_test(all, a_failed_sync_refuses_exactly_those_who_waited);
	tcase_add_test(all, a_full_disk_is_said_to_be_full);
	tcase_add_test(all, a_message_that_cannot_be_read_now_is_told_again);
	suite_add_tcase(suite, all);
	return suite;
}

SUITE_MAIN(fail_suite)
