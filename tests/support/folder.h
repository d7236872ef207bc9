#ifndef FOLDER_H
#define FOLDER_H

#include <sys/types.h>

/* A folder of a test's own below /tmp.  Every failure fails the test. */
enum {
	FOLDER_MAX = 64,       /* bytes of its path, with the NUL */
	FOLDER_PATH_MAX = 192, /* and of a file in it */
};

/* Makes it, open to all for reading; what: a word of its name. */
void folder_new(char folder[FOLDER_MAX], const char *what);
/* Removes it and all that is in it. */
void folder_remove(const char *folder);

/* The path of a file in it. */
void folder_path(char path[FOLDER_PATH_MAX], const char *folder,
    const char *name);
void folder_write(const char *folder, const char *name, const char *text);
/* A folder in it that belongs to a user; (uid_t)-1: to who we are. */
void folder_make(const char *folder, const char *name, uid_t owner);

#endif
