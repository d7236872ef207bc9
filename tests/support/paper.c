/*
 * paper - content for tests of the client.
 *
 * Job:     put bytes where content_read() and sendfile(2) find them.
 * Called:  by tests.
 * Owns:    a spool in a directory of its own, and the pieces.
 * Never:   leaves the directory behind.
 */
#include "tests/support/paper.h"

#include <sys/mman.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

enum {
	SEGMENT_SIZE = 1 << 20,
	WALK_FDS = 8
};

void
paper_open(struct paper *paper)
{
	struct spool_options options = { .segment_size = SEGMENT_SIZE,
		.no_thread = true };
	struct spool_events events = { .owner = NULL };
	struct buf why;

	*paper = (struct paper){ .fds = { -1, -1 } };
	/* In memory where that can be had: nothing here needs to last. */
	strcpy(paper->directory, "/dev/shm/relayd-paper-XXXXXX");
	if (mkdtemp(paper->directory) == NULL)
		strcpy(paper->directory, "/tmp/relayd-paper-XXXXXX");
	if (access(paper->directory, F_OK) == -1 &&
	    mkdtemp(paper->directory) == NULL)
		abort();
	options.directory = paper->directory;
	buf_init(&why, 1000);
	paper->spool = spool_open(&options, &events, &why);
	if (paper->spool == NULL) {
		fprintf(stderr, "paper: %s\n", buf_text(&why));
		abort();
	}
	buf_clear(&why);
}

static void
forget(struct paper *paper)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		if (paper->fds[i] != -1)
			close(paper->fds[i]);
		paper->fds[i] = -1;
	}
	paper->content = (struct content){ .piece_count = 0 };
}

/* A piece begins somewhere within its file, as in a segment. */
static void
add_piece(struct paper *paper, struct span bytes)
{
	struct content *content = &paper->content;
	uint64_t at = 100 + content->piece_count;
	int fd = memfd_create("paper", MFD_CLOEXEC);

	if (fd == -1 ||
	    pwrite(fd, bytes.data, bytes.len, (off_t)at) != (ssize_t)bytes.len)
		abort();
	paper->fds[content->piece_count] = fd;
	content->pieces[content->piece_count++] =
	    (struct content_piece){ .fd = fd, .at = at, .len = bytes.len };
	content->size += bytes.len;
}

void
paper_write(struct paper *paper, struct span bytes, size_t cut)
{
	size_t i;

	forget(paper);
	if (cut > 0 && cut < bytes.len)
		add_piece(paper, span_head(bytes, cut));
	else
		cut = 0;
	add_piece(paper, span_skip(bytes, cut));
	for (i = 0; i < bytes.len; i++)
		if (bytes.data[i] == '.' &&
		    (i == 0 || bytes.data[i - 1] == '\n'))
			paper->content.has_dot_lines = true;
}

static int
remove_one(const char *name, const struct stat *status, int type,
    struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(name);
}

void
paper_close(struct paper *paper)
{
	forget(paper);
	spool_close(paper->spool);
	nftw(paper->directory, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
}
