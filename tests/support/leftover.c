/*
 * leftover - what failed tests leave behind: shown, then removed.
 *
 * Job:     remember folders over the end of a test's process.
 * Called:  by daemon.c; by itself when the test program ends.
 * Owns:    a page that all processes of one test program share.
 * Never:   removes a folder that was not noted.
 */
#include "tests/support/leftover.h"

#include <sys/mman.h>
#include <sys/mount.h>

#include <errno.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "base/xalloc.h"

enum {
	PLACES = 1024,
	LOG_SHOWN = 6000,
};

static struct shared {
	atomic_size_t count;
	char folders[PLACES][LEFTOVER_PATH_MAX];
} * shared; /* owned by the process of main() */

static pid_t owner;

/* A disk that the test mounted there, in a namespace of its own, goes first. */
static int
remove_one(const char *name, const struct stat *status, int kind,
    struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	if (remove(name) == -1 && errno == EBUSY &&
	    umount2(name, MNT_DETACH) == 0)
		remove(name);
	return 0;
}

void
leftover_remove(const char *folder)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The end of FOLDER/log. */
static void
show(const char *folder)
{
	char name[LEFTOVER_PATH_MAX + 8], text[LOG_SHOWN];
	size_t len = 0;
	FILE *file;

	snprintf(name, sizeof(name), "%s/log", folder);
	file = fopen(name, "r");
	if (file != NULL) {
		if (fseek(file, -LOG_SHOWN, SEEK_END) == -1)
			rewind(file);
		len = fread(text, 1, sizeof(text), file);
		fclose(file);
	}
	printf("---- %s\n%.*s----\n", name, (int)len, text);
}

static void
show_all(void)
{
	size_t i;

	if (getpid() != owner)
		return;
	for (i = 0; i < shared->count; i++) {
		if (shared->folders[i][0] == '\0')
			continue;
		show(shared->folders[i]);
		leftover_remove(shared->folders[i]);
	}
}

/* Before main(): the tests are children that inherit the page. */
__attribute__((constructor)) static void
share(void)
{
	void *page = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || atexit(show_all) != 0)
		abort();
	shared = page;
	owner = getpid();
}

size_t
leftover_note(const char *folder)
{
	size_t place = atomic_fetch_add(&shared->count, 1);

	assert(place < PLACES);
	snprintf(shared->folders[place], LEFTOVER_PATH_MAX, "%s", folder);
	return place;
}

void
leftover_forget(size_t place)
{
	shared->folders[place][0] = '\0';
}
