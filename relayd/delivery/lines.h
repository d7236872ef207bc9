#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "relayd/delivery/line.h"

/*
 * All lines together: of them there is a ceiling, which destinations share so
 * that neither the dead nor strangers have all of it.
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
/* Would some other destination have room if this line ended? */
bool lines_is_wanted(const struct line *line);
/* Others want one: must this line end after its job? */
bool lines_gives_way(const struct line *line);
/* DUE_LINES: ends what has been idle too long. */
void lines_due(struct lines *lines);
/* Ends all that are idle, under an older configuration or before an end. */
void lines_renew(struct lines *lines);
size_t lines_count(const struct lines *lines);
size_t lines_busy(const struct lines *lines);

/* The lines tell. */
void lines_opened(struct line *line);
/* The destination is not down any more. */
void lines_proven(struct destination *destination);
void lines_closed(struct line *line);
void lines_idle(struct line *line);
void lines_not_idle(struct line *line);
void lines_busy_more(struct line *line);
void lines_busy_less(struct line *line);

#endif
