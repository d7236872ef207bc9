#ifndef CONTROL_HELD_H
#define CONTROL_HELD_H

#include <stdbool.h>

#include "relayd/admin/control.h"

/*
 * The held messages on their way to the file that brings them over a restart,
 * beside the loop; the job is woken when they are there.
 */
struct held_save;

struct held_save *held_save_new(struct control_job *job);
bool held_save_done(const struct held_save *save);
/* NULL, or why they are not there. */
const char *held_save_error(struct held_save *save);
/* The job is gone, or done with it; it frees itself when it can.  NULL is fine. */
void held_save_forget(struct held_save *save);

/* Where they are kept: in the spool's folder.  The caller frees it. */
char *held_file(const struct conf *conf);

#endif
