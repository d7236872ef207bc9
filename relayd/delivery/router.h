#ifndef ROUTER_H
#define ROUTER_H

#include "relayd/delivery/core.h"
#include "relayd/delivery/destination.h"
#include "relayd/delivery/letter.h"

/*
 * From a recipient's domain to its destination, by the rules in force.
 */
struct lane; /* a domain that leads to a destination */

struct router *router_new(struct core *core);
/* Frees every destination. */
void router_free(struct router *router);
/* Never NULL: it is made when it is not there yet. */
struct destination *router_find(struct router *router, struct span domain);
/* A destination that is of no more use. */
void router_drop(struct router *router, struct destination *destination);
/* Is one of the domains that lead there hosted? */
bool router_is_hosted(const struct destination *destination);
/* By MX to a domain that is not hosted: nobody of the campus has chosen it. */
bool router_is_strange(const struct destination *destination);
/* A domain that leads to the destination, and whether it is hosted; false when none does (any more). */
bool router_domain(const struct destination *destination, struct span *domain,
    bool *hosted);
/* Queues a message under the destinations of these domains (separated by NULs). */
void router_place(struct router *router, struct spool_entry *entry,
    struct span domains);
/* New rules: domains may lead elsewhere. */
void router_reload(struct router *router);
/* An open letter: every recipient that nobody sees to gets an errand, whose delay was told or not. */
void router_spread(struct router *router, struct letter *letter, bool told);
/* An errand whose route may have changed is read and put where it belongs. */
void router_sort(struct router *router, struct errand *errand);
/* After work on a letter: frees it, or sees to it that somebody is there for it. */
void router_rest(struct router *router, struct letter *letter);
/* Recipients were released that may have no errand: they get one. */
void router_again(struct router *router, struct letter *letter);
/* The entry is gone: so are its errands, notices to come, and the letter. */
void router_forget(struct router *router, struct letter *letter);
/* The same, and it will not come again: it was settled. */
void router_ended(struct router *router, struct letter *letter);

size_t router_count(const struct router *router);

#endif
