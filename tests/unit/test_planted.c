/*
 * The crash test is tested: five bugs are planted, each the way a spool may
 * really be wrong, and each must be caught.  They are planted by standing in
 * front of the spool's own functions (the linker's --wrap), so that nothing of
 * them is ever in relayd.
 */
#include "spool/bytes.h"
#include "spool/inside.h"
#include "spool/keeper.h"
#include "spool/record.h"
#include "tests/support/crash_run.h"
#include "tests/support/disk_sim.h"
#include "tests/support/suite.h"

enum bug {
	NO_BUG,
	ACKNOWLEDGED_BEFORE_THE_SYNC,
	GENERATION_NOT_CHECKED,
	DIRECTORY_NOT_SYNCED,
	RECYCLED_TOO_EARLY,
	INDEX_BEFORE_ITS_RECORDS,
};

static enum bug planted;

/* ---- 2: bytes of an earlier life pass ---- */

bool __real_record_decode(const unsigned char in[RECORD_HEAD],
    uint64_t generation, uint64_t secret, uint64_t at, struct record *record);
bool __wrap_record_decode(const unsigned char in[RECORD_HEAD],
    uint64_t generation, uint64_t secret, uint64_t at, struct record *record);

bool
__wrap_record_decode(const unsigned char in[RECORD_HEAD], uint64_t generation,
    uint64_t secret, uint64_t at, struct record *record)
{
	if (planted == GENERATION_NOT_CHECKED)
		generation = bytes_get64(in + 8);
	return __real_record_decode(in, generation, secret, at, record);
}

/* All lives have the same secret then. */
static uint64_t
no_secret(void)
{
	return 5;
}

/* ---- 4: a segment goes whose results are still needed ---- */

void __real_journal_tomb(struct segment *segment, uint64_t generation,
    uint64_t bytes);
void __wrap_journal_tomb(struct segment *segment, uint64_t generation,
    uint64_t bytes);

void
__wrap_journal_tomb(struct segment *segment, uint64_t generation,
    uint64_t bytes)
{
	if (planted != RECYCLED_TOO_EARLY)
		__real_journal_tomb(segment, generation, bytes);
}

/*
 * ---- 1: told when it is written, not when it is synced; and
 * ---- 5: sealed in the same job that syncs the last records
 */

void __real_keeper_work(struct spool *spool);
void __wrap_keeper_work(struct spool *spool);

void
__wrap_keeper_work(struct spool *spool)
{
	struct journal *journal = &spool->journal;
	struct segment *segment;
	size_t i;

	if (planted == ACKNOWLEDGED_BEFORE_THE_SYNC)
		batch_synced(spool);
	for (i = 0; i < journal->slot_count; i++) {
		segment = journal->slots[i];
		if (planted == INDEX_BEFORE_ITS_RECORDS && segment != NULL &&
		    segment->state == SEGMENT_CLOSED)
			segment->touched = false;
	}
	__real_keeper_work(spool);
}

/* ---- each is caught ---- */

static const struct {
	enum bug bug;
	bool caught;
	bool forget_names; /* 3: directories are not synced */
	uint64_t (*random)(void);
} rows[] = {
	/* clang-format off */
	{ NO_BUG,                       false, false, NULL },
	{ NO_BUG,                       false, false, no_secret },
	{ ACKNOWLEDGED_BEFORE_THE_SYNC, true,  false, NULL },
	{ GENERATION_NOT_CHECKED,       true,  false, no_secret },
	{ DIRECTORY_NOT_SYNCED,         true,  true,  NULL },
	{ RECYCLED_TOO_EARLY,           true,  false, NULL },
	{ INDEX_BEFORE_ITS_RECORDS,     true,  false, NULL },
	/* clang-format on */
};

START_TEST(a_planted_bug_is_caught)
{
	struct crash_outcome outcome;
	struct crash_plan plan = {
		.steps = 400,
		.states_per_call =
		    3 + 9 * (rows[_i].bug == INDEX_BEFORE_ITS_RECORDS),
		.stop_at_first = true,
		.forget_names = rows[_i].forget_names,
		.random = rows[_i].random,
	};

	planted = rows[_i].bug;
	for (plan.seed = 1; plan.seed <= 3; plan.seed++) {
		crash_run(&plan, &outcome);
		if (outcome.broken > 0)
			break;
	}
	ck_assert_msg((outcome.broken > 0) == rows[_i].caught,
	    "row %d: %s (seed %d, call %d, state %llu)", _i,
	    outcome.broken > 0 ? outcome.first : "not caught", (int)plan.seed,
	    (int)outcome.first_call, (unsigned long long)outcome.first_state);
}
END_TEST

static Suite *
planted_suite(void)
{
	Suite *suite = suite_create("planted bugs");
	TCase *bugs = tcase_create("caught");

	tcase_set_timeout(bugs, 120);
	tcase_add_loop_test(bugs, a_planted_bug_is_caught, 0,
	    sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, bugs);
	return suite;
}

SUITE_MAIN(planted_suite)
