/*
 * far_sending - the sending side among doubles.
 *
 * Job:     put all that delivery meets in its place before it starts, and
 *          see that nothing of it is left behind.
 * Called:  by test_delivery and its kin.
 * Owns:    nothing of its own.
 * Never:   opens a socket or sleeps.
 */
#include <check.h>

#include "tests/support/sending.h"

void
sending_open(struct sending *sending, const char *hosted,
    struct far_host *hosts, size_t host_count)
{
	sending_parts_open(sending);
	far_side_init(sending->loop, hosts, host_count);
	sending_parts_start(sending, hosted);
}

static void
stop(struct sending *sending)
{
	sending_parts_stop(sending);
	far_side_forget_commits();
	sending_parts_rest(sending);
}

void
sending_close(struct sending *sending)
{
	stop(sending);
	ck_assert_uint_eq(far_side.clients, 0);
	sending_parts_close(sending);
	far_side_clear();
}

void
sending_restart(struct sending *sending)
{
	stop(sending);
	sending_parts_again(sending);
}
