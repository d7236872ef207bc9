/*
 * control - requests on the control socket, and their answers.
 *
 * Job:     take one request per connection, give its command a piece of work
 *          each turn, send what it says.
 * Called:  by main; by the loop.
 * Owns:    the socket, the connections, the requests.
 * Never:   waits for a client, or lets one command keep the loop for long.
 */
#include "relayd/admin/control.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/admin/control_job.h"
#include "relayd/admin/log.h"
#include "relayd/settings.h"

enum {
	CONNECTIONS_MAX = 32,
	REQUEST_MAX = 256 << 10,
	OUT_MAX = 8 << 20,   /* one step must not say more than this */
	OUT_HIGH = 64 << 10, /* no step while so much is unread */
	WRITE_BUDGET = 256 << 10,
	REQUEST_MS = 10000, /* for the request to come */
	READING_MS = 60000, /* for some of the answer to be taken */
	LOGGED_MAX = 1000,  /* bytes of a request in the log */
	TURN_NS = 1000000,  /* of work for all of them in one turn */
};

struct control_conn {
	struct watch watch;
	struct control *control;
	LIST_ENTRY(control_conn) link;
	const struct control_command *command; /* NULL: none is read yet */
	struct control_job job;
	struct buf in, out;
	struct ucred peer;
	bool done; /* the answer is whole */
};

struct control {
	struct watch watch;
	struct control_socket socket;
	struct control_rooms rooms;
	LIST_HEAD(, control_conn) conns;
	size_t conn_count;
	bool closed;
};

/* ---- a connection ---- */

static void
conn_end(struct control_conn *conn)
{
	loop_kill(conn->control->rooms.loop, &conn->watch);
}

/* One has ended: there is room.  The last one to be reaped frees it. */
static void
control_rest(struct control *control)
{
	if (control->closed && control->conn_count == 0)
		free(control);
	else
		control->watch.events = POLLIN;
}

static void
conn_reap(void *owner)
{
	struct control_conn *conn = owner;
	struct control *control = conn->control;

	LIST_REMOVE(conn, link);
	control->conn_count--;
	close(conn->watch.fd);
	control_job_clear(&conn->job);
	buf_clear(&conn->in);
	buf_clear(&conn->out);
	free(conn);
	control_rest(control);
}

/* What the loop is to wait for: for the client, or for nothing at all. */
static void
conn_rest(struct control_conn *conn)
{
	uint64_t now = loop_now(conn->control->rooms.loop);

	if (conn->done && conn->out.len == 0) {
		conn_end(conn);
		return;
	}
	conn->watch.events = conn->out.len > 0 ? POLLOUT : 0;
	if (conn->done || conn->out.len >= OUT_HIGH)
		conn->watch.deadline = now + READING_MS;
	else
		conn->watch.deadline = conn->job.waits ? LOOP_NEVER : now;
}

void
control_wake(struct control_job *job)
{
	struct control_conn *conn =
	    (struct control_conn *)(void *)((char *)job -
		offsetof(struct control_conn, job));

	job->waits = false;
	if (!conn->watch.dead)
		conn->watch.deadline = loop_now(conn->control->rooms.loop);
}

static void
log_change(const struct control_conn *conn)
{
	struct log_line line;
	struct span request = buf_span(&conn->in);

	log_begin(&line, LEVEL_INFO, "control");
	log_text(&line, "command", conn->command->name);
	log_number(&line, "uid", conn->peer.uid);
	log_number(&line, "gid", conn->peer.gid);
	log_number(&line, "pid", (uint64_t)conn->peer.pid);
	log_span(&line, "request", span_head(request, LOGGED_MAX));
	log_end(&line);
}

static void
finish(struct control_conn *conn)
{
	control_job_end(&conn->job);
	conn->done = true;
}

static void
begin(struct control_conn *conn, size_t len)
{
	buf_cut(&conn->in, len);
	conn->command = control_read(&conn->job, buf_span(&conn->in));
	if (conn->command == NULL) {
		finish(conn);
		return;
	}
	/* A dry run changes nothing. */
	if (conn->command->changes &&
	    !json_is_true(json_object_get(conn->job.request, "dry")))
		log_change(conn);
	conn->command->begin(&conn->job);
	if (conn->job.step == NULL)
		finish(conn);
}

/* Reads on; true when the request is there, or never will be. */
static bool
read_request(struct control_conn *conn)
{
	size_t room, end;
	ssize_t got;
	char *to;

	to = buf_room(&conn->in, 4096, &room);
	if (to == NULL) {
		control_fail(&conn->job, CONTROL_USAGE,
		    "a request has at most %d bytes", REQUEST_MAX);
		finish(conn);
		return true;
	}
	got = recv(conn->watch.fd, to, room, 0);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		conn_end(conn);
		return false;
	}
	buf_grew(&conn->in, (size_t)got);
	end = span_find(buf_span(&conn->in), '\n');
	if (end == conn->in.len)
		return false;
	begin(conn, end);
	return true;
}

static void
write_answer(struct control_conn *conn)
{
	size_t len = conn->out.len;
	ssize_t sent;

	if (len > WRITE_BUDGET)
		len = WRITE_BUDGET;
	sent = send(conn->watch.fd, conn->out.data, len, MSG_NOSIGNAL);
	if (sent >= 0)
		buf_eat(&conn->out, (size_t)sent);
	else if (errno != EAGAIN && errno != EINTR)
		conn_end(conn);
}

static void
conn_ready(void *owner, short revents)
{
	struct control_conn *conn = owner;

	if (conn->command == NULL && !conn->done && (revents & POLLIN) != 0) {
		if (read_request(conn))
			conn_rest(conn);
		return;
	}
	if ((revents & POLLOUT) != 0)
		write_answer(conn);
	if (!conn->watch.dead)
		conn_rest(conn);
}

static uint64_t
clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/*
 * Steps until the turn's share of time is used, so that a long queue is not
 * told at a poll(2) each; all who ask share it.
 */
static bool
work(struct control_conn *conn)
{
	struct control_job *job = &conn->job;
	uint64_t end = clock_ns() + TURN_NS / conn->control->conn_count;

	do {
		if (!job->step(job))
			return false;
	} while (!job->waits && conn->out.len < OUT_HIGH && clock_ns() < end);
	return true;
}

/* A turn of work; or the client's time is up. */
static void
conn_expired(void *owner)
{
	struct control_conn *conn = owner;

	if (conn->command == NULL || conn->done || conn->out.len >= OUT_HIGH) {
		conn_end(conn);
		return;
	}
	if (!work(conn))
		finish(conn);
	conn_rest(conn);
}

static void
conn_open(struct control *control, int fd)
{
	struct control_conn *conn = xcalloc(1, sizeof(*conn));
	socklen_t len = sizeof(conn->peer);

	conn->control = control;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &conn->peer, &len) == -1)
		conn->peer = (struct ucred){ .uid = (uid_t)-1 };
	buf_init(&conn->in, REQUEST_MAX);
	buf_init(&conn->out, OUT_MAX);
	control_job_init(&conn->job, &control->rooms, &conn->out);
	watch_init(&conn->watch, fd, conn, conn_ready, conn_expired, conn_reap);
	conn->watch.events = POLLIN;
	conn->watch.deadline = loop_now(control->rooms.loop) + REQUEST_MS;
	loop_add(control->rooms.loop, &conn->watch);
	LIST_INSERT_HEAD(&control->conns, conn, link);
	control->conn_count++;
}

/* ---- the socket ---- */

static void
control_ready(void *owner, short revents)
{
	struct control *control = owner;
	int fd;

	(void)revents;
	fd = accept4(control->watch.fd, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE) {
			control->watch.events = 0; /* a rest; nothing spins */
			control->watch.deadline =
			    loop_now(control->rooms.loop) + 250;
		}
		return;
	}
	conn_open(control, fd);
	/* Others wait until one has ended. */
	if (control->conn_count >= CONNECTIONS_MAX)
		control->watch.events = 0;
}

static void
control_expired(void *owner)
{
	struct control *control = owner;

	control->watch.events = POLLIN;
}

static void
control_reap(void *owner)
{
	struct control *control = owner;

	control_socket_close(&control->socket);
	control->closed = true;
	control_rest(control);
}

struct control *
control_new(struct control_socket *socket, const struct control_rooms *rooms)
{
	struct control *control = xcalloc(1, sizeof(*control));

	control->socket = *socket;
	*socket = (struct control_socket){ .fd = -1 };
	control->rooms = *rooms;
	LIST_INIT(&control->conns);
	watch_init(&control->watch, control->socket.fd, control, control_ready,
	    control_expired, control_reap);
	control->watch.events = POLLIN;
	loop_add(rooms->loop, &control->watch);
	return control;
}

void
control_reloaded(struct control *control, const struct settings *settings)
{
	control->rooms.conf = settings->conf;
	control->rooms.rules = settings->rules;
	control->rooms.hosted = settings->hosted;
	control->rooms.allowlist = settings->allowlist;
	control->rooms.loaded_at = loop_wall(control->rooms.loop);
}

void
control_free(struct control *control)
{
	struct control_conn *conn;

	if (control == NULL)
		return;
	/* The rooms are still there: a job may have to put something right. */
	LIST_FOREACH(conn, &control->conns, link) {
		control_job_clear(&conn->job);
		conn_end(conn);
	}
	loop_kill(control->rooms.loop, &control->watch);
}
