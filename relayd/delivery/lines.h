#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "relayd/delivery/line.h"

/*
 * All lines together: of them there is a ceiling, which destinations share.
 */
struct lines *lines_new(struct core *core);
void lines_free(struct lines *lines);
/*
 * May one more be opened for this destination?  An idle line elsewhere makes
 * room; else the destination is woken when there is some.
 */
bool lines_room(struct destination *destination);
/* No longer wants one. */
void lines_forget(struct destination *destination);
/* Does this destination hold more than its share while others want one? */
bool lines_over_share(const struct destination *destination);
/* DUE_LINES: ends what has been idle too long. */
void lines_due(struct lines *lines);
void lines_quit_idle(struct lines *lines);
size_t lines_count(const struct lines *lines);
size_t lines_busy(const struct lines *lines);

/* The lines tell. */
void lines_opened(struct line *line);
void lines_closed(struct line *line);
void lines_idle(struct line *line);
void lines_not_idle(struct line *line);
void lines_busy_more(struct line *line);
void lines_busy_less(struct line *line);

#endif
