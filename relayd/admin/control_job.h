#ifndef CONTROL_JOB_H
#define CONTROL_JOB_H

#include "control.h"

/* For control.c and tests: one request, from its line to its answer. */
void control_job_init(struct control_job *job, struct control_rooms *rooms,
    struct buf *out);
/* Says {"kind":"end"}. */
void control_job_end(struct control_job *job);
void control_job_clear(struct control_job *job);

#endif
