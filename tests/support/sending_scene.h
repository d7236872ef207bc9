#ifndef SENDING_SCENE_H
#define SENDING_SCENE_H

#include "tests/support/sending.h"

/* A campus whose mail is sent in virtual time: the scene of many tests. */
#define SENDING_HOSTED              \
	"campus.test via=hop1\n"    \
	"lab.test via=hop2\n"       \
	"both.test via=hop1,hop2\n" \
	"also-campus.test via=hop1\n"

enum {
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	HOSTS = 3 /* hop1, hop2, and mx.else.test for all outside */
};

extern struct sending sending;
extern struct far_host hosts[HOSTS];

/* The checked fixture. */
void sending_set_up(void);
void sending_tear_down(void);

#endif
