#ifndef CONF_DIFFERENCE_H
#define CONF_DIFFERENCE_H

#include "base/buf.h"
#include "relayd/admin/conf.h"

/*
 * What a newer relayd.conf says that an older does not, and the other way
 * round, defaults included, a line each:
 *
 *     - relayd.conf: limits.connections = 2000
 *     + relayd.conf: limits.connections = 500
 *     + relayd.conf: spool.minimum_free = "1G" (at the next start)
 */
void conf_difference_say(const struct conf *older, const struct conf *newer,
    struct buf *out);

/*
 * Whatever is taken at a start only stays as older has it: newer gets those
 * values, older the others.  So a conf says what is in force.
 */
void conf_keep_until_restart(struct conf *newer, struct conf *older);

#endif
