#ifndef CONTROL_COMMANDS_H
#define CONTROL_COMMANDS_H

struct control_job;

/* begin() of every command; each in the file of its noun. */
void control_status_begin(struct control_job *job);
void control_queue_begin(struct control_job *job);
void control_show_begin(struct control_job *job);
void control_retry_begin(struct control_job *job);
void control_hold_begin(struct control_job *job);
void control_release_begin(struct control_job *job);
void control_drop_begin(struct control_job *job);
void control_reload_begin(struct control_job *job);
void control_explain_begin(struct control_job *job);
void control_grants_begin(struct control_job *job);

#endif
