#ifndef SCENE_H
#define SCENE_H

#include "base/span.h"
#include "tests/support/daemon.h"
#include "tests/support/hop.h"

/*
 * The usual set: a running relayd that hosts campus.test and lab.test, a next
 * hop for each of the two, and one more behind delivery.outside.
 */
struct scene {
	struct daemon *daemon;
	struct hop *campus;  /* of campus.test: takes everything */
	struct hop *lab;     /* of lab.test: follows the script */
	struct hop *outside; /* of everything else: follows another script */
};

enum {
	SCENE_WAIT_MS = 30000
};

struct scene_setup {
	const struct hop_rule *lab;     /* NULL: takes everything */
	const struct hop_rule *outside; /* the same */
	const char *allowlist;
	const char *delivery; /* besides outside and quick retries */
	const char *limits;
	const char *more;
	uint16_t dns_port;
	bool outside_by_mx; /* delivery.outside = "mx" instead of the hop */
};

/* setup may be NULL. */
void scene_open(struct scene *scene, const struct scene_setup *setup);
void scene_close(struct scene *scene);

/* One message to recipients (a NULL ends them); the deciding reply code. */
int scene_send(struct scene *scene, const char *sender,
    const char *const *recipients, struct span content);
/* The same, with a small text, to one. */
int scene_send_one(struct scene *scene, const char *sender,
    const char *recipient);
/*
 * Everything that was accepted has left: a message sent now arrives at the
 * campus, and no other is to come.  Fails the test when it does not.
 */
void scene_settle(struct scene *scene);
/* True when bytes hold the text. */
bool scene_holds(struct span bytes, const char *text);

#endif
