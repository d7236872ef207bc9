/*
 * client_fixture - the client scene that many tests begin with.
 *
 * Job:     open it before each test and close it behind.
 * Called:  by test_client and its kin, as their checked fixture.
 * Owns:    the scene.
 * Never:   says what happens in it.
 */
#include "tests/support/client_fixture.h"

struct client_scene scene;

void
client_fixture_set_up(void)
{
	client_scene_open(&scene);
}

void
client_fixture_tear_down(void)
{
	client_scene_close(&scene);
}
