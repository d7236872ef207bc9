#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "relayd/delivery/steps.h"

/* The steps of one transaction; steps.c has their table. */

/* Enters the first step of the job that the transaction holds. */
void exchange_begin(struct client *client);
enum step exchange_go_skipped(struct client *client);
void exchange_ask_survey(struct client *client);
enum step exchange_go_survey(struct client *client);
void exchange_ask_mail(struct client *client);
void exchange_ask_rset(struct client *client);
enum step exchange_hear_rset(struct client *client, const struct reply *reply);
enum step exchange_hear_mail(struct client *client, const struct reply *reply);
void exchange_ask_rcpt(struct client *client);
enum step exchange_hear_rcpt(struct client *client, const struct reply *reply);
void exchange_ask_data(struct client *client);
enum step exchange_hear_data(struct client *client, const struct reply *reply);
void exchange_ask_body(struct client *client);
enum step exchange_go_body(struct client *client);
enum step exchange_hear_early(struct client *client, const struct reply *reply);
enum step exchange_hear_dot(struct client *client, const struct reply *reply);
void exchange_ask_void(struct client *client);
enum step exchange_hear_void(struct client *client, const struct reply *reply);

#endif
