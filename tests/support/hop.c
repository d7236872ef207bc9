/*
 * hop - a next hop for tests that follows a script and keeps what it gets.
 *
 * Job:     run a hop_server in a thread, answer by the script, remember.
 * Called:  by tests of the whole server.
 * Owns:    its thread, its port, and every message that arrived.
 * Never:   forgets a message before hop_free(); never moves one.
 */
#include "tests/support/hop.h"

#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tests/support/hop_server.h"
#include "tests/support/port.h"

enum {
	RULES_MAX = 32,
	TEXT_MAX = 300 << 20,
	STEP_MS = 2, /* between two looks of a wait */
};

struct hop {
	pthread_t thread;
	struct hop_server *server; /* owned; NULL: asleep */
	int stop_fd;
	const char *address;
	int reserved; /* bound and not listening: keeps the port ours */
	uint16_t port;
	const struct hop_rule *rules; /* borrowed */
	/* What follows is shared with the thread, under the lock. */
	pthread_mutex_t lock;
	unsigned used[RULES_MAX];
	size_t heard[HOP_STAGES];
	struct hop_mail **mails; /* owned array of owned messages */
	size_t count, size, accepted;
};

static _Noreturn void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "hop: cannot %s: %s\n", what, why);
	abort();
}

static bool
fits(const struct hop_rule *rule, unsigned used, enum hop_stage stage,
    struct span line)
{
	if (rule->stage != stage || (rule->times != 0 && used >= rule->times))
		return false;
	return rule->match == NULL ||
	    (line.len > 0 &&
		memmem(line.data, line.len, rule->match, strlen(rule->match)) !=
		    NULL);
}

static const char *
scripted(void *owner, enum hop_stage stage, struct span line, const char *usual)
{
	struct hop *hop = owner;
	const char *reply = usual;
	size_t i;

	pthread_mutex_lock(&hop->lock);
	hop->heard[stage]++;
	for (i = 0; hop->rules != NULL && hop->rules[i].stage != HOP_STAGES;
	     i++) {
		assert(i < RULES_MAX);
		if (!fits(&hop->rules[i], hop->used[i], stage, line))
			continue;
		hop->used[i]++;
		reply = hop->rules[i].reply;
		break;
	}
	pthread_mutex_unlock(&hop->lock);
	return reply;
}

static void
copy(struct buf *to, struct span from)
{
	buf_init(to, TEXT_MAX);
	buf_add(to, from);
}

static void
take(void *owner, const struct hop_message *message)
{
	struct hop *hop = owner;
	struct hop_mail *mail = xcalloc(1, sizeof(*mail));

	copy(&mail->mail, message->mail);
	copy(&mail->rcpts, message->rcpts);
	copy(&mail->wire, message->data);
	buf_init(&mail->content, TEXT_MAX);
	hop_unstuff(message->data, &mail->content);
	mail->rcpt_count = message->rcpt_count;
	mail->accepted = message->accepted;

	pthread_mutex_lock(&hop->lock);
	if (hop->count == hop->size) {
		hop->size = hop->size * 2 + 16;
		hop->mails =
		    xrealloc(hop->mails, hop->size, sizeof(hop->mails[0]));
	}
	hop->mails[hop->count++] = mail;
	if (mail->accepted)
		hop->accepted++;
	pthread_mutex_unlock(&hop->lock);
}

static bool
stop(void *owner)
{
	(void)owner;
	return true;
}

static void *
serve(void *owner)
{
	struct hop *hop = owner;

	hop_server_run(hop->server, hop->stop_fd, stop, hop);
	return NULL;
}

struct hop *
hop_new(const struct hop_rule *rules)
{
	return hop_new_at("127.0.0.1", 0, rules);
}

struct hop *
hop_new_at(const char *address, uint16_t port, const struct hop_rule *rules)
{
	struct hop *hop = xcalloc(1, sizeof(*hop));

	hop->rules = rules;
	hop->address = address;
	hop->reserved = -1;
	hop->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (hop->stop_fd == -1)
		give_up("eventfd", strerror(errno));
	pthread_mutex_init(&hop->lock, NULL);
	hop->port = port != 0 ? port : port_reserve(&hop->reserved);
	hop_wake(hop);
	return hop;
}

uint16_t
hop_port(const struct hop *hop)
{
	return hop->port;
}

void
hop_wake(struct hop *hop)
{
	struct hop_events events = { .owner = hop,
		.reply = scripted,
		.take = take };
	struct buf why;

	buf_init(&why, 512);
	hop->server = hop_server_new(hop->address, hop->port, &events, &why);
	if (hop->server == NULL)
		give_up("listen", buf_text(&why));
	if (pthread_create(&hop->thread, NULL, serve, hop) != 0)
		give_up("start", "no thread");
	buf_clear(&why);
}

void
hop_sleep(struct hop *hop)
{
	uint64_t one = 1;

	if (hop->server == NULL)
		return;
	if (write(hop->stop_fd, &one, sizeof(one)) != sizeof(one))
		give_up("stop", strerror(errno));
	pthread_join(hop->thread, NULL);
	hop_server_free(hop->server);
	hop->server = NULL;
	if (read(hop->stop_fd, &one, sizeof(one)) != sizeof(one))
		give_up("stop", strerror(errno));
}

static void
mail_free(struct hop_mail *mail)
{
	buf_clear(&mail->mail);
	buf_clear(&mail->rcpts);
	buf_clear(&mail->wire);
	buf_clear(&mail->content);
	free(mail);
}

void
hop_free(struct hop *hop)
{
	if (hop == NULL)
		return;
	hop_sleep(hop);
	if (hop->reserved != -1)
		close(hop->reserved);
	close(hop->stop_fd);
	while (hop->count > 0)
		mail_free(hop->mails[--hop->count]);
	free(hop->mails);
	pthread_mutex_destroy(&hop->lock);
	free(hop);
}

size_t
hop_count(struct hop *hop)
{
	size_t count;

	pthread_mutex_lock(&hop->lock);
	count = hop->count;
	pthread_mutex_unlock(&hop->lock);
	return count;
}

size_t
hop_accepted(struct hop *hop)
{
	size_t accepted;

	pthread_mutex_lock(&hop->lock);
	accepted = hop->accepted;
	pthread_mutex_unlock(&hop->lock);
	return accepted;
}

size_t
hop_heard(struct hop *hop, enum hop_stage stage)
{
	size_t heard;

	pthread_mutex_lock(&hop->lock);
	heard = hop->heard[stage];
	pthread_mutex_unlock(&hop->lock);
	return heard;
}

const struct hop_mail *
hop_mail(struct hop *hop, size_t n)
{
	const struct hop_mail *mail = NULL;

	pthread_mutex_lock(&hop->lock);
	if (n < hop->count)
		mail = hop->mails[n];
	pthread_mutex_unlock(&hop->lock);
	return mail;
}

static bool
is_for(const struct hop_mail *mail, const char *address)
{
	struct span rest = buf_span(&mail->rcpts);
	size_t i;

	for (i = 0; i < mail->rcpt_count; i++)
		if (span_equal(hop_address(span_cut(&rest, '\0')),
			span_of(address)))
			return true;
	return false;
}

const struct hop_mail *
hop_mail_for(struct hop *hop, const char *address, size_t n)
{
	const struct hop_mail *mail;
	size_t i;

	for (i = 0; (mail = hop_mail(hop, i)) != NULL; i++)
		if (mail->accepted && is_for(mail, address) && n-- == 0)
			return mail;
	return NULL;
}

static void
step(void)
{
	struct timespec pause = { .tv_nsec = STEP_MS * 1000000 };

	nanosleep(&pause, NULL);
}

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool
hop_wait(struct hop *hop, size_t accepted, unsigned milliseconds)
{
	uint64_t deadline = now_ms() + milliseconds;

	while (hop_accepted(hop) < accepted) {
		if (now_ms() >= deadline)
			return false;
		step();
	}
	return true;
}

const struct hop_mail *
hop_wait_for(struct hop *hop, const char *address, unsigned milliseconds)
{
	uint64_t deadline = now_ms() + milliseconds;
	const struct hop_mail *mail;

	while ((mail = hop_mail_for(hop, address, 0)) == NULL &&
	    now_ms() < deadline)
		step();
	return mail;
}

bool
hop_wait_heard(struct hop *hop, enum hop_stage stage, size_t times,
    unsigned milliseconds)
{
	uint64_t deadline = now_ms() + milliseconds;

	while (hop_heard(hop, stage) < times) {
		if (now_ms() >= deadline)
			return false;
		step();
	}
	return true;
}
