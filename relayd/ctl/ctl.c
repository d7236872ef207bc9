/*
 * ctl - what every command of relayctl needs.
 *
 * Job:     ask a running relayd through its socket, row by row; read the files.
 * Called:  by relayctl's commands.
 * Owns:    the connection while it asks.
 * Never:   changes anything itself, or trusts an answer's size.
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

enum {
	LINE_BYTES_MAX = 16 << 20,
};

static int connect_to(const char *path);
static const char *socket_of(struct ctl *ctl);
static bool send_request(FILE *stream, json_t *request);
static enum ctl_status read_answer(FILE *stream,
    void (*row)(void *owner, const json_t *row), void *owner);

enum ctl_status
ctl_ask(struct ctl *ctl, json_t *request,
    void (*row)(void *owner, const json_t *row), void *owner)
{
	const char *path = socket_of(ctl);
	int fd = path == NULL ? -1 : connect_to(path);
	enum ctl_status status = CTL_NOT_RUNNING;
	FILE *stream = fd == -1 ? NULL : fdopen(fd, "r+");

	if (stream == NULL) {
		if (fd == -1 && path != NULL && errno == EACCES)
			status =
			    ctl_say(CTL_NO, "%s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		json_decref(request);
		return status;
	}
	if (send_request(stream, request))
		status = read_answer(stream, row, owner);
	else
		status = ctl_say(CTL_NO, "%s: %s", path, strerror(errno));
	fclose(stream);
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
	good = settings_load(ctl->conf, settings, &complaints);
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
	if (ctl->found_socket == NULL && ctl_conf(ctl, &conf)) {
		if (conf->control != NULL)
			ctl->found_socket = xstrdup(conf->control);
		conf_free(conf);
	}
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
send_request(FILE *stream, json_t *request)
{
	return json_dumpf(request, stream, JSON_COMPACT) == 0 &&
	    fputc('\n', stream) != EOF && fflush(stream) == 0;
}

static void
show_progress(const json_t *row)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%lld of %lld ",
	    (long long)json_integer_value(json_object_get(row, "done")),
	    (long long)json_integer_value(json_object_get(row, "total")));
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

static enum ctl_status
read_answer(FILE *stream, void (*row)(void *owner, const json_t *row),
    void *owner)
{
	enum ctl_status status = CTL_NO;
	bool ended = false;
	char *line = NULL;
	size_t room = 0;
	json_t *one;
	ssize_t len;

	while (!ended && (len = getline(&line, &room, stream)) > 0 &&
	    len < LINE_BYTES_MAX) {
		one = json_loadb(line, (size_t)len, 0, NULL);
		if (!json_is_object(one)) {
			json_decref(one);
			break;
		}
		if (strcmp(ctl_text(one, "kind"), "end") == 0) {
			ended = true;
			status = end_of(one);
		} else if (strcmp(ctl_text(one, "kind"), "progress") == 0) {
			show_progress(one);
		} else {
			row(owner, one);
		}
		json_decref(one);
	}
	free(line);
	if (!ended)
		return ctl_say(CTL_NO, "the answer of relayd breaks off");
	return status;
}
