#ifndef OFFLINE_H
#define OFFLINE_H

#include "relayd/ctl/ctl.h"
#include "spool/spool.h"

/*
 * The commands of relayctl --spool: a spool that no relayd serves, damaged or
 * not.  Nothing in it is changed.
 */
enum ctl_status offline_list(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status offline_show(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status offline_export(struct ctl *ctl, int argc, char *argv[]);
enum ctl_status offline_check(struct ctl *ctl, int argc, char *argv[]);

/* False, with the reason printed: there is no spool, or a relayd serves it. */
bool offline_may_look(const struct ctl *ctl);

#endif
