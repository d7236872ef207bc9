#ifndef TRICKS_H
#define TRICKS_H

#include <stdbool.h>

#include "complaints.h"
#include "rules.h"

/*
 * Tries on new tables what makes open relays of others: hosts from all over
 * the internet that send to outside addresses, plainly and by every trick of
 * writing a recipient.  A set of tables that would let one pass is complained about:
 * false then, and it must not be taken.
 */
bool tricks_try(const struct rules *rules, struct complaints *complaints);

#endif
