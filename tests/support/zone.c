/*
 * zone - a DNS server for tests of the whole server.
 *
 * Job:     answer queries from a table, in a thread.
 * Called:  by tests whose relayd has to look up exchangers.
 * Owns:    its socket and its thread.
 * Never:   asks anybody, or answers what is not in the table.
 */
#include "tests/support/zone.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/span.h"
#include "base/xalloc.h"

enum {
	HEADER = 12,
	PACKET_MAX = 1232,
	NAME_MAX_BYTES = 255,
	TYPE_A = 1,
	TYPE_MX = 15,
	TYPE_AAAA = 28,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	TTL = 60,
};

struct zone {
	const struct zone_record *records; /* borrowed */
	int fd;
	int stop_fd;
	uint16_t port;
	pthread_t thread;
};

struct question {
	char name[NAME_MAX_BYTES + 1]; /* with dots, none at the end */
	unsigned type;
	size_t len; /* of the question section */
};

static void
add_16(struct buf *out, unsigned value)
{
	buf_add_byte(out, (char)(value >> 8));
	buf_add_byte(out, (char)value);
}

/* RFC 1035 4.1.2; a query has no compressed names. */
static bool
read_question(const unsigned char *bytes, size_t len, struct question *question)
{
	size_t at = 0, used = 0, label;

	while (at < len && bytes[at] != 0) {
		label = bytes[at++];
		if (label > 63 || at + label > len ||
		    used + label + 1 > NAME_MAX_BYTES)
			return false;
		if (used > 0)
			question->name[used++] = '.';
		memcpy(question->name + used, bytes + at, label);
		used += label;
		at += label;
	}
	if (at + 5 > len)
		return false;
	question->name[used] = '\0';
	question->type = (unsigned)bytes[at + 1] << 8 | bytes[at + 2];
	question->len = at + 5;
	return true;
}

static void
add_name(struct buf *out, const char *name)
{
	struct span rest = span_of(name), label;

	while (rest.data != NULL) {
		label = span_cut(&rest, '.');
		if (label.len == 0)
			break;
		buf_add_byte(out, (char)label.len);
		buf_add(out, label);
	}
	buf_add_byte(out, '\0');
}

static void
add_data(struct buf *data, const struct zone_record *record)
{
	char address[16];

	if (record->type == ZONE_MX) {
		add_16(data, record->preference);
		add_name(data, record->value);
	} else if (record->type == ZONE_A &&
	    inet_pton(AF_INET, record->value, address) == 1) {
		buf_add(data, span_make(address, 4));
	} else if (record->type == ZONE_AAAA &&
	    inet_pton(AF_INET6, record->value, address) == 1) {
		buf_add(data, span_make(address, 16));
	}
}

static unsigned
type_of(const struct zone_record *record)
{
	switch (record->type) {
	case ZONE_A:
		return TYPE_A;
	case ZONE_AAAA:
		return TYPE_AAAA;
	case ZONE_MX:
		return TYPE_MX;
	case ZONE_END:
	case ZONE_SERVFAIL:
	case ZONE_SILENT:
		break;
	}
	return 0;
}

/* One resource record, its name a pointer to the question's. */
static void
add_record(struct buf *out, const struct zone_record *record)
{
	struct buf data;

	buf_init(&data, PACKET_MAX);
	add_data(&data, record);
	add_16(out, 0xc000 | HEADER);
	add_16(out, type_of(record));
	add_16(out, 1);
	add_16(out, 0);
	add_16(out, TTL);
	add_16(out, (unsigned)data.len);
	buf_add(out, buf_span(&data));
	buf_clear(&data);
}

/* What the table knows of a name. */
struct finding {
	bool silent, exists;
	unsigned rcode, count;
	struct buf records;
};

static void
look_up(const struct zone *zone, const struct question *question,
    struct finding *finding)
{
	const struct zone_record *record;

	for (record = zone->records; record->type != ZONE_END; record++) {
		if (!span_equal_nocase(span_of(record->name),
			span_of(question->name)))
			continue;
		finding->exists = true;
		if (record->type == ZONE_SILENT)
			finding->silent = true;
		if (record->type == ZONE_SERVFAIL)
			finding->rcode = RCODE_SERVFAIL;
		if (type_of(record) == question->type) {
			add_record(&finding->records, record);
			finding->count++;
		}
	}
	if (!finding->exists)
		finding->rcode = RCODE_NXDOMAIN;
}

static void
answer(const struct zone *zone, const unsigned char *query, size_t len,
    const struct sockaddr_in *peer)
{
	struct finding finding = { .count = 0 };
	struct question question;
	struct buf out;

	if (len < HEADER ||
	    !read_question(query + HEADER, len - HEADER, &question))
		return;
	buf_init(&finding.records, PACKET_MAX);
	look_up(zone, &question, &finding);
	buf_init(&out, PACKET_MAX * 2);
	buf_add(&out, span_make((const char *)query, 2));
	add_16(&out, 0x8180 | finding.rcode); /* QR, RD, RA */
	add_16(&out, 1);
	add_16(&out, finding.count);
	add_16(&out, 0);
	add_16(&out, 0);
	buf_add(&out, span_make((const char *)query + HEADER, question.len));
	buf_add(&out, buf_span(&finding.records));
	if (!finding.silent)
		sendto(zone->fd, out.data, out.len, 0,
		    (const struct sockaddr *)peer, sizeof(*peer));
	buf_clear(&out);
	buf_clear(&finding.records);
}

static void *
serve(void *owner)
{
	struct zone *zone = owner;
	unsigned char query[PACKET_MAX];
	struct sockaddr_in peer;
	struct pollfd polls[2];
	socklen_t peer_len;
	ssize_t got;

	for (;;) {
		polls[0] = (struct pollfd){ zone->stop_fd, POLLIN, 0 };
		polls[1] = (struct pollfd){ zone->fd, POLLIN, 0 };
		poll(polls, 2, -1);
		if (polls[0].revents != 0)
			return NULL;
		peer_len = sizeof(peer);
		got = recvfrom(zone->fd, query, sizeof(query), MSG_DONTWAIT,
		    (struct sockaddr *)&peer, &peer_len);
		if (got > 0)
			answer(zone, query, (size_t)got, &peer);
	}
}

struct zone *
zone_new(const struct zone_record *records)
{
	struct zone *zone = xcalloc(1, sizeof(*zone));
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);

	zone->records = records;
	zone->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	zone->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (zone->fd == -1 || zone->stop_fd == -1 ||
	    bind(zone->fd, (struct sockaddr *)&name, sizeof(name)) == -1 ||
	    getsockname(zone->fd, (struct sockaddr *)&name, &len) == -1 ||
	    pthread_create(&zone->thread, NULL, serve, zone) != 0) {
		perror("zone");
		abort();
	}
	zone->port = ntohs(name.sin_port);
	return zone;
}

uint16_t
zone_port(const struct zone *zone)
{
	return zone->port;
}

void
zone_free(struct zone *zone)
{
	uint64_t one = 1;

	if (write(zone->stop_fd, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_join(zone->thread, NULL);
	close(zone->fd);
	close(zone->stop_fd);
	free(zone);
}
