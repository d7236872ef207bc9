/*
 * privileges - root only as long as ports and keys are opened.
 *
 * Job:     find the user to become, act as it for a while, become it.
 * Called:  by main at the start.
 * Owns:    the credentials of the process.
 * Never:   goes on when a step failed or could be undone.
 */
#include "relayd/admin/privileges.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Appends "verb: reason of errno"; false, so that a check is a return. */
static bool
wrong(struct buf *why, const char *verb)
{
	buf_addf(why, "%s: %s", verb, strerror(errno));
	return false;
}

bool
privileges_find(const char *user, const char *group,
    struct privileges *privileges, struct buf *why)
{
	const struct passwd *passwd;
	const struct group *entry;

	*privileges = (struct privileges){ .wanted = false };
	if (user == NULL)
		return true;
	passwd = getpwnam(user);
	if (passwd == NULL) {
		buf_addf(why, "user \"%s\" is not known on this host", user);
		return false;
	}
	privileges->uid = passwd->pw_uid;
	privileges->gid = passwd->pw_gid;
	snprintf(privileges->name, sizeof(privileges->name), "%s", user);
	if (group != NULL) {
		entry = getgrnam(group);
		if (entry == NULL) {
			buf_addf(why, "group \"%s\" is not known on this host",
			    group);
			return false;
		}
		privileges->gid = entry->gr_gid;
	}
	privileges->wanted = geteuid() == 0 && privileges->uid != 0;
	return true;
}

static bool
is_empty(const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	bool empty = dir != NULL;

	while (empty && (entry = readdir(dir)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0;
	if (dir != NULL)
		closedir(dir);
	return empty;
}

bool
privileges_own_directory(const struct privileges *privileges,
    const char *directory, struct buf *why)
{
	struct stat status;

	if (mkdir(directory, 0700) == -1 && errno != EEXIST)
		return wrong(why, directory);
	if (!privileges->wanted)
		return true;
	if (lstat(directory, &status) == -1)
		return wrong(why, directory);
	/* Only what root made for us is given away; never through a link. */
	if (!S_ISDIR(status.st_mode) || status.st_uid != 0 ||
	    !is_empty(directory))
		return true;
	if (lchown(directory, privileges->uid, privileges->gid) == -1)
		return wrong(why, directory);
	return true;
}

bool
privileges_borrow(const struct privileges *privileges, struct buf *why)
{
	if (!privileges->wanted)
		return true;
	if (setegid(privileges->gid) == -1)
		return wrong(why, "setegid");
	if (seteuid(privileges->uid) == -1)
		return wrong(why, "seteuid");
	return true;
}

void
privileges_return(const struct privileges *privileges)
{
	if (!privileges->wanted)
		return;
	/* Root got here by seteuid(), so the way back is open. */
	if (seteuid(0) == -1 || setegid(0) == -1)
		abort();
}

bool
privileges_drop(const struct privileges *privileges, struct buf *why)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return wrong(why, "prctl");
	if (!privileges->wanted)
		return true;
	if (initgroups(privileges->name, privileges->gid) == -1)
		return wrong(why, "initgroups");
	if (setresgid(privileges->gid, privileges->gid, privileges->gid) == -1)
		return wrong(why, "setresgid");
	if (setresuid(privileges->uid, privileges->uid, privileges->uid) == -1)
		return wrong(why, "setresuid");
	/* No core with mail or keys in it; nobody of the same user may trace us. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return wrong(why, "prctl");
	if (setuid(0) != -1 || seteuid(0) != -1 ||
	    (privileges->gid != 0 && (setgid(0) != -1 || setegid(0) != -1))) {
		buf_addf(why, "root could be had back: not starting");
		return false;
	}
	return true;
}
