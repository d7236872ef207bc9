#ifndef NOTICE_WORDS_H
#define NOTICE_WORDS_H

#include "base/buf.h"
#include "relayd/delivery/notice.h"

/* The Subject of a notice. */
const char *notice_words_subject(const struct notice *notice, struct span to);
/*
 * Appends the part that people read: what happened, why, and whom to ask.
 * Lines end in CRLF; UTF-8.
 */
void notice_words_add(const struct notice *notice, const struct conf *conf,
    struct span to, struct buf *out);

#endif
