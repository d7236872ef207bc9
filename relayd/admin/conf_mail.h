#ifndef CONF_MAIL_H
#define CONF_MAIL_H

#include "conf_read.h"

/* Readers for values that mail and the net give a meaning to. */
bool conf_mail_hostname(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_mail_postmaster(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_mail_address(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
/* "*" too. */
bool conf_mail_listen_address(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
/* Sets all of the struct route but tls, which is a key of its own. */
bool conf_mail_route(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_mail_servers(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_mail_priority(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_mail_log_target(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_mail_mode(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);

#endif
