#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>

#include "domains/complaints.h"
#include "domains/rules.h"
#include "relayd/admin/conf.h"
#include "relayd/admin/file_stamp.h"

/* What the administrator's files say: configuration and tables together. */
struct settings {
	struct conf *conf;                   /* owned */
	struct rules *rules;                 /* owned */
	struct file_stamp hosted, allowlist; /* of the files when read */
};

/* Reads relayd.conf and the tables it names: all of it, or false and nothing. */
bool settings_load(const char *file, struct settings *settings,
    struct complaints *complaints);
/*
 * For relayd -t and a reload: what otherwise shows only when it is used,
 * certificates, CA file, user and group.
 */
bool settings_check(const struct settings *settings,
    struct complaints *complaints);
void settings_clear(struct settings *settings);

#endif
