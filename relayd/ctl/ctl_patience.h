#ifndef CTL_PATIENCE_H
#define CTL_PATIENCE_H

/*
 * While all that is waited for takes longer than a second, a terminal
 * (standard error) shows for how long.  Not around what talks to the person.
 */
void patience_begin(void);
/* Wipes what was shown; without a begin it does nothing. */
void patience_end(void);

#endif
