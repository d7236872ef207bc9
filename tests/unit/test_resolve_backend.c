#include <string.h>

#include "relayd/net/resolve.h"
#include "tests/support/suite.h"
#include "tests/support/virtual_clock.h"

/* What a caller heard. */
struct hearing {
	int count;
	enum resolve_status status;
	const char *error;
	char host[RESOLVE_NAME_MAX + 1];
};

static struct loop *loop;
static struct resolver *resolver;
static struct virtual_clock virtual_time;

static void
heard_mx(void *owner, const struct mx_answer *answer)
{
	struct hearing *hearing = owner;

	hearing->count++;
	hearing->status = answer->status;
	hearing->error = answer->error;
	if (answer->count > 0)
		strcpy(hearing->host, answer->records[0].host);
}

static void
heard_address(void *owner, const struct address_answer *answer)
{
	struct hearing *hearing = owner;

	hearing->count++;
	hearing->status = answer->status;
	hearing->error = answer->error;
}

static struct query *
ask(bool mx, const char *name, struct hearing *hearing)
{
	if (mx)
		return resolve_mx(resolver, name, heard_mx, hearing);
	return resolve_address(resolver, name, heard_address, hearing);
}

static struct query *held;
static struct mx backend_mx = { 10, "mx.test" };

static void
backend_answers_mx(void *owner, const char *domain, struct query *query)
{
	struct mx_answer answer = { .status = RESOLVE_OK,
		.count = 1,
		.records = &backend_mx };

	(void)owner;
	if (strcmp(domain, "later.test") == 0)
		held = query;
	else
		query_answer_mx(query, &answer);
}

static void
backend_answers_address(void *owner, const char *host, struct query *query)
{
	struct address_answer answer = { .status = RESOLVE_FAILED,
		.error = "as asked" };

	(void)owner;
	(void)host;
	query_answer_address(query, &answer);
}

static const struct resolver_backend backend = {
	.mx = backend_answers_mx,
	.address = backend_answers_address,
};

START_TEST(backend_answers_at_once_or_later_and_done_is_never_within_the_call)
{
	static struct hearing hearings[3];
	struct mx_answer later = { .status = RESOLVE_NXDOMAIN };

	virtual_clock_init(&virtual_time, 1800000000);
	loop = virtual_clock_loop(&virtual_time);
	resolver = resolver_new_with(loop, &backend);
	ask(true, "now.test", &hearings[0]);
	ask(true, "later.test", &hearings[1]);
	ask(false, "now.test", &hearings[2]);
	ck_assert_int_eq(hearings[0].count, 0);
	loop_turn(loop, true);
	ck_assert_int_eq(hearings[0].count, 1);
	ck_assert_str_eq(hearings[0].host, "mx.test");
	ck_assert_str_eq(hearings[2].error, "as asked");
	ck_assert_int_eq(hearings[1].count, 0);
	query_answer_mx(held, &later);
	ck_assert_int_eq(hearings[1].count, 0);
	loop_turn(loop, true);
	ck_assert_int_eq(hearings[1].status, RESOLVE_NXDOMAIN);
	ck_assert_uint_eq(loop_now(loop), virtual_time.start);
	resolver_free(resolver);
	loop_free(loop);
}
END_TEST

START_TEST(backend_may_answer_a_cancelled_query)
{
	static struct hearing hearings[3];
	struct mx_answer later = { .status = RESOLVE_NXDOMAIN };

	virtual_clock_init(&virtual_time, 1800000000);
	loop = virtual_clock_loop(&virtual_time);
	resolver = resolver_new_with(loop, &backend);
	/* Before its answer, after it, and never answered. */
	query_cancel(ask(true, "later.test", &hearings[0]));
	query_answer_mx(held, &later);
	query_cancel(ask(true, "now.test", &hearings[1]));
	ask(true, "later.test", &hearings[2]);
	loop_turn(loop, true);
	ck_assert_int_eq(hearings[0].count, 0);
	ck_assert_int_eq(hearings[1].count, 0);
	query_cancel(ask(true, "now.test", &hearings[1]));
	resolver_free(resolver);
	loop_free(loop);
	ck_assert_int_eq(hearings[2].count, 0);
}
END_TEST

static Suite *
resolve_backend_suite(void)
{
	Suite *suite = suite_create("resolve_backend");
	TCase *tests = tcase_create("resolve_backend");

	tcase_add_test(tests,
	    backend_answers_at_once_or_later_and_done_is_never_within_the_call);
	tcase_add_test(tests, backend_may_answer_a_cancelled_query);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(resolve_backend_suite)
