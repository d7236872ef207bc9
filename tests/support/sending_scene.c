/*
 * sending_scene - the scene in which the sending side is tested.
 *
 * Job:     open it before a test and close it behind.
 * Called:  by Check, as a fixture.
 * Owns:    sending and hosts.
 * Never:   reaches a network.
 */
#include "tests/support/sending_scene.h"

#include <string.h>

struct sending sending;
struct far_host hosts[HOSTS];

void
sending_set_up(void)
{
	memset(hosts, 0, sizeof(hosts));
	hosts[0].name = "hop1";
	hosts[1].name = "hop2";
	hosts[2].name = "mx.else.test";
	sending_open(&sending, SENDING_HOSTED, hosts, HOSTS);
}

void
sending_tear_down(void)
{
	sending_close(&sending);
}
