/*
 * ctl_edit - relayctl edit.
 *
 * Job:     have an editor run on a copy of a table, and install what is right;
 *          what is not goes back to the editor, or away.
 * Called:  by relayctl.
 * Owns:    the copy.
 * Never:   installs a table that relayd would not take.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/ctl/change.h"
#include "relayd/ctl/ctl_commands.h"

enum {
	COPY_BYTES_MAX = 1 << 30,
	READ_BYTES = 1 << 16,
	ANSWER_MAX = 16,
};

/* The file that the editor works on. */
struct copy {
	char path[64];
	struct buf text;
};

static bool
copy_make(struct copy *copy, struct span text)
{
	FILE *out;
	bool good;
	int fd;

	buf_init(&copy->text, COPY_BYTES_MAX);
	strcpy(copy->path, "/tmp/relayctl-XXXXXX");
	fd = mkostemp(copy->path, O_CLOEXEC);
	out = fd == -1 ? NULL : fdopen(fd, "w");
	if (out == NULL) {
		ctl_say(CTL_NO, "%s: %s", copy->path, strerror(errno));
		return false;
	}
	good = fwrite(text.data == NULL ? "" : text.data, 1, text.len, out) ==
	    text.len;
	if (fclose(out) == 0 && good)
		return true;
	ctl_say(CTL_NO, "%s: %s", copy->path, strerror(errno));
	unlink(copy->path);
	return false;
}

static bool
copy_read(struct copy *copy)
{
	FILE *in = fopen(copy->path, "re");
	size_t room, got;
	char *to;
	bool good;

	buf_empty(&copy->text);
	if (in == NULL) {
		ctl_say(CTL_NO, "%s: %s", copy->path, strerror(errno));
		return false;
	}
	while ((to = buf_room(&copy->text, READ_BYTES, &room)) != NULL &&
	    (got = fread(to, 1, room, in)) > 0)
		buf_grew(&copy->text, got);
	good = feof(in) != 0 && ferror(in) == 0;
	fclose(in);
	if (!good)
		ctl_say(CTL_NO, "%s cannot be read", copy->path);
	return good;
}

static void
copy_clear(struct copy *copy)
{
	unlink(copy->path);
	buf_clear(&copy->text);
}

/* $VISUAL, $EDITOR or vi, through the shell, for they may have arguments. */
static bool
run_editor(const char *path)
{
	const char *editor = getenv("VISUAL");
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old[2];
	struct buf command;
	pid_t child;
	int status = -1;

	if (editor == NULL || *editor == '\0')
		editor = getenv("EDITOR");
	if (editor == NULL || *editor == '\0')
		editor = "vi";
	buf_init(&command, 65536);
	buf_addf(&command, "%s %s", editor, path);
	fflush(stdout);
	/* An interrupt is for the editor, which knows what to do with it. */
	sigaction(SIGINT, &ignore, &old[0]);
	sigaction(SIGQUIT, &ignore, &old[1]);
	child = fork();
	if (child == 0) {
		sigaction(SIGINT, &old[0], NULL);
		sigaction(SIGQUIT, &old[1], NULL);
		execl("/bin/sh", "sh", "-c", buf_text(&command), (char *)NULL);
		_exit(127);
	}
	if (child > 0)
		while (waitpid(child, &status, 0) == -1 && errno == EINTR)
			;
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGQUIT, &old[1], NULL);
	buf_clear(&command);
	if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	ctl_say(CTL_NO, "the editor %s failed", editor);
	return false;
}

/* As visudo asks.  Nobody there to answer: no. */
static bool
ask(const char *question)
{
	char answer[ANSWER_MAX] = "";

	fflush(stdout);
	fprintf(stderr, "%s ", question);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'e' || answer[0] == 'y');
}

static enum ctl_status
install(struct change *change)
{
	if (!change_show(change))
		fprintf(change->ctl->json ? stderr : stdout,
		    "nobody may do more or less than before\n");
	if (isatty(STDIN_FILENO) &&
	    !ask("install this? y: yes; anything else: no"))
		return ctl_say(CTL_NO, "nothing was changed");
	return change_install(change);
}

static enum ctl_status
edit(struct change *change, struct copy *copy)
{
	for (;;) {
		if (!run_editor(copy->path) || !copy_read(copy))
			return ctl_say(CTL_NO, "nothing was changed");
		if (span_equal(buf_span(&copy->text),
			buf_span(&change->file.text)))
			return ctl_say(CTL_YES, "nothing was changed");
		if (change_try(change, buf_span(&copy->text)))
			return install(change);
		if (!ask("what now? e: edit again; anything else: leave it"))
			return ctl_say(CTL_NO, "nothing was changed");
	}
}

enum ctl_status
ctl_edit(struct ctl *ctl, int argc, char *argv[])
{
	enum ctl_status status = CTL_NO;
	struct change change;
	struct copy copy;

	if (argc != 2 ||
	    (strcmp(argv[1], "hosted") != 0 &&
		strcmp(argv[1], "allowlist") != 0))
		return ctl_say(CTL_USAGE,
		    "expected edit hosted or edit "
		    "allowlist");
	if (!change_open(&change, ctl, strcmp(argv[1], "hosted") == 0, 0))
		return CTL_NO;
	fputs(buf_text(&change.complaints), stderr);
	if (copy_make(&copy, buf_span(&change.file.text))) {
		status = edit(&change, &copy);
		copy_clear(&copy);
	}
	change_close(&change);
	return status;
}
