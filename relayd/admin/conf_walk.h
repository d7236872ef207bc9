#ifndef CONF_WALK_H
#define CONF_WALK_H

#include "conf_keys.h"

/*
 * Reads every member of group into the struct at base, by the table keys:
 * unknown names and missing keys are complained of, defaults are filled in.
 * prefix stands before the names in complaints ("listen[0].", or "").
 */
void conf_walk(const struct conf_reader *reader, const struct conf_keys *keys,
    const config_setting_t *group, const char *prefix, void *base);

#endif
