#ifndef EXPLAIN_CHANGE_H
#define EXPLAIN_CHANGE_H

#include "explain.h"

/* Fills in the change of an explanation whose decision is a refusal. */
void explain_change(const struct rules *rules, const struct ip *client,
    const struct address *sender, const struct address *recipient, int64_t now,
    struct explanation *explanation);

#endif
