#ifndef STORY_H
#define STORY_H

#include <stdbool.h>

#include "relayd/delivery/notice.h"

/*
 * A notice about one recipient, sent into a real spool and read from it again:
 * what the tests of notices share.  story_set_up() before, story_tear_down()
 * after each test.
 */
struct story {
	struct envelope envelope;
	struct recipient recipient;
	struct outcome outcome;
	struct notice_recipient of;
	struct content content;
	struct notice notice;
	struct span original; /* content of the message it is about */
};

/* The spool; its clock stands, so that IDs follow each other. */
extern struct spool *story_spool;
extern struct conf story_conf;
/* The notice that was written last, and its envelope. */
extern struct buf story_written;
extern struct envelope story_envelope;
extern int story_done_count;

void story_set_up(void);
void story_tear_down(void);
/* The spool again, which takes nothing below minimum_free bytes. */
void story_reopen_spool(uint64_t minimum_free);

/* A failure of bob@example.org, told to alice@campus.test; change it at will. */
void story_begin(struct story *story);
/* Fills in what the members of notice point to. */
void story_tie(struct story *story);
/* Puts the original into the spool and opens its content. */
void story_receive(struct story *story);
/* The done() of notice_send(); its owner is &story_spool. */
void story_done(void *owner, enum commit_result result);
/* Reads what was committed last into story_written and story_envelope. */
void story_read(bool has_dot_lines);
/* All of it: to the sender, or to somebody. */
void story_send(struct story *story);
void story_send_to(struct story *story, struct span to, bool has_dot_lines);

/* What story_written holds, as a check of the test. */
void story_has(const char *text);
void story_lacks(const char *text);
/* Line ends, lengths, and where 8-bit bytes and control characters may be. */
void story_is_well_formed(bool eight_bit);

#endif
