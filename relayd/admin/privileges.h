#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <sys/types.h>

#include <stdbool.h>

#include "base/buf.h"

/*
 * Root only as long as ports and keys are opened.  Started as another user,
 * or with no user configured, everything here but the lookup does nothing.
 */
struct privileges {
	char name[64]; /* of the user, for initgroups(3) */
	uid_t uid;
	gid_t gid;
	bool wanted; /* we are root and a user is configured */
};

/*
 * Looks user and group (NULL: the user's own) up.  False with the reason in
 * why: no such user, no such group.
 */
bool privileges_find(const char *user, const char *group,
    struct privileges *privileges, struct buf *why);
/*
 * Makes directory if it is missing (mode 0700), and gives it to the user if it is
 * root's and empty: one that others use, as /var/spool, stays what it is.
 */
bool privileges_own_directory(const struct privileges *privileges,
    const char *directory, struct buf *why);
/* Acts as the user for a while, so that what is made belongs to it; and back. */
bool privileges_borrow(const struct privileges *privileges, struct buf *why);
void privileges_return(const struct privileges *privileges);
/*
 * Drops root for good and checks that it is gone; also no new privileges by
 * execve(2), whoever we are.  False with the reason in why.
 */
bool privileges_drop(const struct privileges *privileges, struct buf *why);

#endif
