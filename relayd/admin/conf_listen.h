#ifndef CONF_LISTEN_H
#define CONF_LISTEN_H

#include "conf.h"
#include "conf_read.h"

/* The reader of the key listen; field is the whole struct conf. */
bool conf_listen_read(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
/*
 * When all keys are read: the default of tls, which depends on the
 * certificate; TLS without a certificate; a port that is taken twice.
 * setting is the list, or NULL.
 */
void conf_listen_check(const struct conf_reader *reader, struct conf *conf,
    const config_setting_t *setting);

#endif
