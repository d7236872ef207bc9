/*
 * sink - a next hop to look at: files every message that it gets.
 *
 * Job:     take any mail on a loopback port, write each message to its own
 *          file with the envelope in front, say a line about it.
 * Called:  by `make run` and the benchmark, or by hand.
 * Owns:    its port and the numbers of the files that it writes.
 * Never:   relays, refuses, or overwrites a file.
 */
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "tests/support/hop_server.h"

enum {
	FILE_MAX = 300 << 20,
	NAME_BYTES = 4096,
	ADDRESS_SHOWN = 320,
};

struct sink {
	const char *directory; /* NULL: messages are counted, not kept */
	const char *counts;    /* file for what SIGUSR1 asks for, or NULL */
	int signals;
	uint64_t number; /* of the last file */
	uint64_t messages, bytes;
	uint64_t first_ns, last_ns; /* monotonic, of the messages counted */
};

static uint64_t
monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* X-Envelope-From and X-Envelope-To lines, escaped: they came from outside. */
static void
add_envelope(const struct hop_message *message, struct buf *out)
{
	struct span rest = message->rcpts;
	size_t i;

	buf_add(out, SPAN("X-Envelope-From: <"));
	buf_add_escaped(out, hop_address(message->mail), ADDRESS_SHOWN);
	buf_add(out, SPAN(">\r\n"));
	for (i = 0; i < message->rcpt_count; i++) {
		buf_add(out, SPAN("X-Envelope-To: <"));
		buf_add_escaped(out, hop_address(span_cut(&rest, '\0')),
		    ADDRESS_SHOWN);
		buf_add(out, SPAN(">\r\n"));
	}
}

static bool
write_all(int fd, struct span bytes)
{
	ssize_t wrote;

	while (bytes.len > 0) {
		wrote = write(fd, bytes.data, bytes.len);
		if (wrote == -1 && errno == EINTR)
			continue;
		if (wrote == -1)
			return false;
		bytes = span_skip(bytes, (size_t)wrote);
	}
	return true;
}

/* Writes aside, then links into place: a reader sees whole files only. */
static bool
write_file(const char *aside, const char *name, struct span bytes)
{
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool good;

	if (fd == -1)
		return false;
	good = write_all(fd, bytes);
	good = close(fd) == 0 && good;
	return good && link(aside, name) == 0;
}

/* The next free number; those that an earlier sink left stay. */
static bool
keep(struct sink *sink, struct span bytes, char name[NAME_BYTES])
{
	char aside[NAME_BYTES];
	bool good;

	snprintf(aside, sizeof(aside), "%s/.incoming-%ld", sink->directory,
	    (long)getpid());
	do {
		sink->number++;
		snprintf(name, NAME_BYTES, "%s/%06" PRIu64 ".eml",
		    sink->directory, sink->number);
		good = write_file(aside, name, bytes);
	} while (!good && errno == EEXIST);
	unlink(aside);
	return good;
}

static void
tell(const struct hop_message *message, const char *name)
{
	struct buf line;

	buf_init(&line, NAME_BYTES + 4 * ADDRESS_SHOWN);
	buf_addf(&line, "%s from=<", name);
	buf_add_escaped(&line, hop_address(message->mail), ADDRESS_SHOWN);
	buf_addf(&line, "> rcpts=%zu bytes=%zu", message->rcpt_count,
	    message->data.len);
	puts(buf_text(&line));
	fflush(stdout);
	buf_clear(&line);
}

static void
file_message(struct sink *sink, const struct hop_message *message)
{
	char name[NAME_BYTES];
	struct buf content;

	buf_init(&content, FILE_MAX);
	add_envelope(message, &content);
	hop_unstuff(message->data, &content);
	if (content.full || !keep(sink, buf_span(&content), name))
		fprintf(stderr, "sink: a message is lost: %s: %s\n",
		    sink->directory,
		    content.full ? "too large" : strerror(errno));
	else
		tell(message, name);
	buf_clear(&content);
}

static void
take(void *owner, const struct hop_message *message)
{
	struct sink *sink = owner;

	sink->last_ns = monotonic_ns();
	if (sink->messages == 0)
		sink->first_ns = sink->last_ns;
	sink->messages++;
	sink->bytes += message->data.len;
	if (sink->directory != NULL)
		file_message(sink, message);
}

/* Messages, bytes, first and last arrival: what SIGUSR1 asks for. */
static void
write_counts(struct sink *sink)
{
	char aside[NAME_BYTES];
	FILE *file;

	snprintf(aside, sizeof(aside), "%s.new", sink->counts);
	file = fopen(aside, "w");
	if (file == NULL)
		return;
	fprintf(file, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
	    sink->messages, sink->bytes, sink->first_ns, sink->last_ns);
	if (fclose(file) == 0)
		(void)rename(aside, sink->counts);
}

static bool
signalled(void *owner)
{
	struct sink *sink = owner;
	struct signalfd_siginfo what;

	if (read(sink->signals, &what, sizeof(what)) != sizeof(what))
		return false;
	if (what.ssi_signo == SIGTERM || what.ssi_signo == SIGINT)
		return true;
	if (what.ssi_signo == SIGUSR1 && sink->counts != NULL)
		write_counts(sink);
	if (what.ssi_signo == SIGUSR2)
		sink->messages = sink->bytes = 0;
	return false;
}

static bool
open_signals(struct sink *sink)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sink->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return sink->signals != -1;
}

static int
run(struct sink *sink, const char *address, uint16_t port)
{
	struct hop_events events = { .owner = sink, .take = take };
	struct hop_server *server;
	struct buf why;

	buf_init(&why, NAME_BYTES);
	server = hop_server_new(address, port, &events, &why);
	if (server == NULL || !open_signals(sink)) {
		fprintf(stderr, "sink: %s\n", buf_text(&why));
		buf_clear(&why);
		hop_server_free(server);
		return EXIT_FAILURE;
	}
	printf("sink: listening on %s:%u\n", address, hop_server_port(server));
	fflush(stdout);
	hop_server_run(server, sink->signals, signalled, sink);
	hop_server_free(server);
	close(sink->signals);
	return EXIT_SUCCESS;
}

static int
usage(void)
{
	fputs("usage: sink [-a address] -p port -d directory\n"
	      "       sink [-a address] -p port -n [-s file]\n"
	      "  -d  write each message to directory/NNNNNN.eml\n"
	      "  -n  keep nothing; SIGUSR1 writes the counts to -s file\n"
	      "      (messages, bytes, first and last arrival in monotonic\n"
	      "      nanoseconds), SIGUSR2 counts anew\n",
	    stderr);
	return 2;
}

int
main(int argc, char *argv[])
{
	struct sink sink = { .directory = NULL };
	const char *address = "127.0.0.1";
	bool keep_none = false;
	uint64_t port = 0;
	int option;

	while ((option = getopt(argc, argv, "a:p:d:ns:")) != -1) {
		if (option == 'a')
			address = optarg;
		else if (option == 'd')
			sink.directory = optarg;
		else if (option == 'n')
			keep_none = true;
		else if (option == 's')
			sink.counts = optarg;
		else if (option != 'p' ||
		    !span_number(span_of(optarg), UINT16_MAX, &port))
			return usage();
	}
	if (optind != argc || port == 0 ||
	    keep_none == (sink.directory != NULL))
		return usage();
	if (sink.directory != NULL && mkdir(sink.directory, 0755) == -1 &&
	    errno != EEXIST) {
		fprintf(stderr, "sink: %s: %s\n", sink.directory,
		    strerror(errno));
		return EXIT_FAILURE;
	}
	return run(&sink, address, (uint16_t)port);
}
