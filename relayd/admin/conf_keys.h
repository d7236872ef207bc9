#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include <stddef.h>

#include "conf_read.h"

/* Every key of relayd.conf, and those of one listener. */
struct conf_keys {
	const struct conf_key *keys;
	size_t count;
};
extern const struct conf_keys conf_keys_root;
extern const struct conf_keys conf_keys_listen;

/* NULL when there is no such key. */
const struct conf_key *conf_keys_find(const struct conf_keys *keys,
    const char *name);
/* True when some key's name begins with group and a dot. */
bool conf_keys_has_group(const struct conf_keys *keys, const char *group);
/* The key that an unknown name was probably meant to be, or NULL. */
const char *conf_keys_nearest(const struct conf_keys *keys, const char *name);

#endif
