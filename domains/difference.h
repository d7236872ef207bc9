#ifndef DIFFERENCE_H
#define DIFFERENCE_H

#include "base/buf.h"
#include "rules.h"

/*
 * Who may do what by newer rules but not by older, and the other way round: a
 * line each, in the order of the tables,
 *
 *     + allowlist:12: 192.0.2.17 to=partner.example until=2027-06-30
 *     - hosted:3: old.example refuse="moved to new.example"
 *
 * Comments, order and spelling are no difference.  What does not fit out's
 * ceiling is counted in a last line.  Reads nothing of the rules that changes after
 * loading, so a thread beside the loop may call it.
 */
void difference_say(const struct rules *older, const struct rules *newer,
    struct buf *out);

#endif
