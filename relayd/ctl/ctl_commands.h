#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl.h"

/* run() of every command; each in the file of its noun. */
enum ctl_status ctl_status(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_queue(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_show(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_retry(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_hold(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_release(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_drop(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_explain(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_grants(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_check(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_allow(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_revoke(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_edit(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status ctl_reload(struct ctl *ctl, int argc, char *argv[]);

#endif
