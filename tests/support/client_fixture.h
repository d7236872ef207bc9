#ifndef CLIENT_FIXTURE_H
#define CLIENT_FIXTURE_H

#include "tests/support/client_scene.h"

/* The client scene of many tests. */
extern struct client_scene scene;

/* The checked fixture. */
void client_fixture_set_up(void);
void client_fixture_tear_down(void);

/* The story of three recipients that all end like this; and all is well. */
#define ALL(x) x " " x " " x " "
#define FINE   ALL("D250/2.0.0") "usable"
/* What the next hop hears of them. */
#define RCPTS                       \
	"RCPT TO:<a@campus.test>\n" \
	"RCPT TO:<b@campus.test>\n" \
	"RCPT TO:<c@campus.test>\n"

#endif
