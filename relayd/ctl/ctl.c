/*
 * ctl - what every command of relayctl needs.
 *
 * Job:     ask a running relayd through its socket, row by row; read the files.
 * Called:  by relayctl's commands.
 * Owns:    the connection while it asks.
 * Never:   changes anything itself, or dies of a relayd that hangs up.
 */
#include "relayd/ctl/ctl.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/ctl/ctl_patience.h"

static int connect_to(const char *path);
static const char *socket_of(struct ctl *ctl);
static bool send_request(int fd, const json_t *request);
static enum ctl_status read_answer(int fd,
    void (*row)(void *owner, const json_t *row), void *owner);

/* Why nobody could be asked. */
static enum ctl_status
not_asked(const struct ctl *ctl, const char *path, int error)
{
	if (ctl->conf_wrong)
		return CTL_NO; /* its errors were said */
	if (path == NULL || error == ENOENT || error == ECONNREFUSED)
		return CTL_NOT_RUNNING;
	return ctl_say(CTL_NO, "%s: %s", path, strerror(error));
}

enum ctl_status
ctl_ask(struct ctl *ctl, json_t *request,
    void (*row)(void *owner, const json_t *row), void *owner)
{
	const char *path;
	enum ctl_status status;
	int fd;

	if (request == NULL)
		return ctl_say(CTL_USAGE, "an argument is not UTF-8");
	path = socket_of(ctl);
	fd = path == NULL ? -1 : connect_to(path);
	if (fd == -1) {
		status = not_asked(ctl, path, errno);
	} else {
		/* One that hangs up early may have said why. */
		send_request(fd, request);
		status = read_answer(fd, row, owner);
	}
	json_decref(request);
	return status;
}

void
ctl_print_json(const json_t *row)
{
	json_dumpf(row, stdout, JSON_COMPACT);
	putchar('\n');
}

const char *
ctl_text(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text == NULL ? "" : text;
}

bool
ctl_conf(struct ctl *ctl, struct conf **conf)
{
	struct complaints complaints;

	complaints_init(&complaints);
	*conf = conf_load(ctl->conf, &complaints);
	if (*conf == NULL)
		fputs(complaints_text(&complaints), stderr);
	complaints_clear(&complaints);
	return *conf != NULL;
}

bool
ctl_settings(struct ctl *ctl, struct settings *settings)
{
	struct complaints complaints;
	bool good;

	complaints_init(&complaints);
	patience_begin();
	good = settings_load(ctl->conf, settings, &complaints);
	patience_end();
	if (!good)
		fputs(complaints_text(&complaints), stderr);
	complaints_clear(&complaints);
	return good;
}

enum ctl_status
ctl_say(enum ctl_status status, const char *format, ...)
{
	va_list args;

	fputs("relayctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

enum ctl_status
ctl_say_not_running(struct ctl *ctl)
{
	const char *path = socket_of(ctl);

	if (path == NULL)
		return ctl_say(CTL_NOT_RUNNING,
		    "%s names no control socket to ask", ctl->conf);
	return ctl_say(CTL_NOT_RUNNING,
	    "relayd is not running: nobody answers "
	    "on %s",
	    path);
}

/* NULL: there is none. */
static const char *
socket_of(struct ctl *ctl)
{
	struct conf *conf;

	if (ctl->socket != NULL)
		return ctl->socket;
	if (ctl->found_socket != NULL || ctl->conf_wrong)
		return ctl->found_socket;
	ctl->conf_wrong = !ctl_conf(ctl, &conf);
	if (ctl->conf_wrong)
		return NULL;
	if (conf->control != NULL)
		ctl->found_socket = xstrdup(conf->control);
	conf_free(conf);
	return ctl->found_socket;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool
send_request(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	struct span rest = span_of(text);
	ssize_t sent = 0;

	/* The NUL's place is for the end of the line. */
	text[rest.len++] = '\n';
	while (rest.len > 0 && sent != -1) {
		sent = send(fd, rest.data, rest.len, MSG_NOSIGNAL);
		if (sent > 0)
			rest = span_skip(rest, (size_t)sent);
	}
	free(text);
	return sent != -1;
}

/* ---- the answer ---- */

struct answer {
	FILE *stream;
	void (*row)(void *owner, const json_t *row);
	void *owner;
	bool shown; /* progress stands on the terminal */
	bool ended;
	enum ctl_status status;
};

static void
show_progress(struct answer *answer, const json_t *row)
{
	if (!isatty(STDERR_FILENO))
		return;
	answer->shown = true;
	fprintf(stderr, "\r%lld of %lld ",
	    (long long)json_integer_value(json_object_get(row, "done")),
	    (long long)json_integer_value(json_object_get(row, "total")));
}

/* What comes next begins at the line's begin. */
static void
wipe_progress(struct answer *answer)
{
	if (answer->shown)
		fprintf(stderr, "\r\033[K");
	answer->shown = false;
}

/* The answer's last object. */
static enum ctl_status
end_of(const json_t *row)
{
	json_int_t status = json_integer_value(json_object_get(row, "status"));
	const char *error = ctl_text(row, "error");

	if (*error != '\0')
		ctl_say(CTL_NO, "%s", error);
	return status == 0 ? CTL_YES : status == 2 ? CTL_USAGE : CTL_NO;
}

/* False: that is no answer, or its end. */
static bool
take_line(struct answer *answer, const char *line, size_t len)
{
	json_t *row = json_loadb(line, len, 0, NULL);
	const char *kind = ctl_text(row, "kind");
	bool good = *kind != '\0';

	if (strcmp(kind, "progress") == 0) {
		show_progress(answer, row);
	} else {
		wipe_progress(answer);
		answer->ended = strcmp(kind, "end") == 0;
		if (answer->ended)
			answer->status = end_of(row);
		else if (good)
			answer->row(answer->owner, row);
	}
	json_decref(row);
	return good && !answer->ended;
}

static enum ctl_status
read_answer(int fd, void (*row)(void *owner, const json_t *row), void *owner)
{
	struct answer answer = {
		.stream = fdopen(fd, "r"),
		.row = row,
		.owner = owner,
	};
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (answer.stream == NULL) {
		close(fd);
		return ctl_say(CTL_NO, "%s", strerror(errno));
	}
	patience_begin();
	while ((len = getline(&line, &room, answer.stream)) > 0) {
		patience_end(); /* from now on relayd tells how far it is */
		if (!take_line(&answer, line, (size_t)len))
			break;
	}
	patience_end();
	wipe_progress(&answer);
	free(line);
	fclose(answer.stream);
	if (!answer.ended)
		return ctl_say(CTL_NO, "the answer of relayd breaks off");
	return answer.status;
}
