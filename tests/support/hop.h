#ifndef HOP_H
#define HOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tests/support/hop_session.h"

/*
 * A next hop for tests, in a thread of the test: follows a script and keeps
 * everything that it was given.  Its port is the kernel's choice.
 */
struct hop;

/*
 * One line of the script: the first that fits a command answers it, and is
 * used up after so many times.
 */
struct hop_rule {
	enum hop_stage stage;
	const char *match; /* only commands that contain this; NULL: all */
	const char *reply; /* as in hop_events; NULL drops the connection */
	unsigned times;    /* 0: always */
};
/* The end of a script. */
#define HOP_RULES_END                   \
	{                               \
		HOP_STAGES, NULL, "", 0 \
	}

/* rules end with HOP_RULES_END (or NULL: takes everything); borrowed. */
struct hop *hop_new(const struct hop_rule *rules);
/* The same at an IPv4 address (borrowed) and port; 0: the kernel's choice. */
struct hop *hop_new_at(const char *address, uint16_t port,
    const struct hop_rule *rules);
uint16_t hop_port(const struct hop *hop);
/* Nobody answers at its port until hop_wake(); what it has kept stays. */
void hop_sleep(struct hop *hop);
void hop_wake(struct hop *hop);
/* Ends the thread; everything kept is freed. */
void hop_free(struct hop *hop);

/* A message that arrived; owned by the hop. */
struct hop_mail {
	struct buf mail;  /* behind MAIL FROM: */
	struct buf rcpts; /* behind each RCPT TO:, a NUL after each */
	size_t rcpt_count;
	struct buf wire;    /* as transmitted */
	struct buf content; /* unstuffed */
	bool accepted;      /* answered 250 */
};

/* How many messages came, and were accepted, so far. */
size_t hop_count(struct hop *hop);
size_t hop_accepted(struct hop *hop);
/* How often a stage was heard. */
size_t hop_heard(struct hop *hop, enum hop_stage stage);
/* The n-th that came (accepted or not); NULL beyond the last. */
const struct hop_mail *hop_mail(struct hop *hop, size_t n);
/* The n-th that was accepted for this address; NULL beyond the last. */
const struct hop_mail *hop_mail_for(struct hop *hop, const char *address,
    size_t n);
/* Waits until so many were accepted; false after milliseconds. */
bool hop_wait(struct hop *hop, size_t accepted, unsigned milliseconds);
/* The same, for one address; NULL after milliseconds. */
const struct hop_mail *hop_wait_for(struct hop *hop, const char *address,
    unsigned milliseconds);
/* Waits until a stage was heard so often; false after milliseconds. */
bool hop_wait_heard(struct hop *hop, enum hop_stage stage, size_t times,
    unsigned milliseconds);

#endif
