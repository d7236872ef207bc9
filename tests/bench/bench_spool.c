/*
 * bench_spool - how fast messages become durable, and what waiting costs.
 *
 *   bench_spool DIR [seconds a test, default 2]
 *   bench_spool -f COUNT NEWSPOOL       only makes a spool in which COUNT wait
 *
 * Job:     commits a second at 1, 20, 100 writers beside the raw rate of the
 *          same disk with the same batches; a million waiting messages:
 *          memory, load time, and the price of one more; as Markdown.
 * Called:  by waiting.sh for `make bench`, and by hand.  DIR must be on the disk of interest.
 * Owns:    a scratch directory in DIR, removed at the end.
 * Never:   compares across runs: every ratio is of one run.
 */
#include <sys/stat.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "spool/spool.h"

enum {
	SIZE = 10 << 10,
	SMALL = 600,
	RAW_SEGMENT = 64 << 20,
	WRITERS_MAX = 100,
};

static double seconds = 2;
static char content[SIZE];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
need(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

/* ---- the raw disk: batch records by one write and one fdatasync ---- */

static double
raw_rate(int batch)
{
	struct iovec parts[WRITERS_MAX];
	double begin, end;
	long done = 0;
	off_t at = 0;
	int fd, i;

	fd = open("raw", O_RDWR | O_CREAT | O_TRUNC, 0600);
	need(fd != -1, "raw");
	for (i = 0; i < RAW_SEGMENT / SIZE; i++)
		need(write(fd, content, SIZE) == SIZE, "write");
	need(fsync(fd) == 0, "fsync");
	for (i = 0; i < batch; i++)
		parts[i] = (struct iovec){ content, SIZE };
	for (begin = now(), end = begin + seconds; now() < end; done += batch) {
		if (at + (off_t)batch * SIZE > RAW_SEGMENT / SIZE * SIZE)
			at = 0;
		need(pwritev(fd, parts, batch, at) == (ssize_t)batch * SIZE,
		    "pwritev");
		need(fdatasync(fd) == 0, "fdatasync");
		at += (off_t)batch * SIZE;
	}
	end = now();
	close(fd);
	unlink("raw");
	return (double)done / (end - begin);
}

/* ---- the spool ---- */

struct bench {
	struct spool *spool;
	bool keep; /* messages stay; else they are settled at once */
	bool stop;
	size_t size;
	size_t domains; /* of recipients: d0.test and so on; 0: campus.test */
	size_t submitted;
	long committed;
	double latency_sum;
	struct writer *idle[WRITERS_MAX];
	int idle_count;
};

struct writer {
	struct bench *bench;
	double began;
};

static void
said(void *owner, enum spool_level level, const char *text)
{
	(void)owner;
	fprintf(stderr, "bench_spool: %d %s\n", (int)level, text);
}

static void
waiting(void *owner, struct spool_entry *entry, struct span domains)
{
	struct bench *bench = owner;
	struct settlement settlement = { 0, DELIVERED };

	(void)domains;
	if (!bench->keep)
		spool_settle(bench->spool, entry, &settlement, 1);
}

static void
done(void *owner, enum commit_result result)
{
	struct writer *writer = owner;
	struct bench *bench = writer->bench;

	need(result == COMMITTED, "commit");
	bench->committed++;
	bench->latency_sum += now() - writer->began;
	bench->idle[bench->idle_count++] = writer;
}

static void
submit(struct bench *bench, struct writer *writer)
{
	struct recipient recipient = {
		.address = SPAN("someone@campus.test"),
		.domain = SPAN("campus.test"),
	};
	struct envelope envelope = {
		.sender = SPAN("printer@campus.test"),
		.session = SPAN("7f3a1b"),
		.client = SPAN("192.0.2.17"),
		.helo = SPAN("printer3"),
		.arrival = time(NULL),
		.recipient_count = 1,
		.recipients = &recipient,
	};
	struct intake *intake = spool_begin(bench->spool);
	char address[48];

	if (bench->domains > 0) {
		snprintf(address, sizeof(address), "someone@d%zu.test",
		    bench->submitted++ % bench->domains);
		recipient.address = span_of(address);
		recipient.domain = span_skip(recipient.address, 8);
	}
	need(intake != NULL, "spool_begin");
	writer->began = now();
	need(intake_add(intake, span_make(content, bench->size)), "add");
	intake_commit(intake, &envelope,
	    SPAN("Received: from printer3 ([192.0.2.17]) by mail\r\n"), false,
	    done, writer);
}

static void
turn(struct bench *bench)
{
	struct pollfd ready = { spool_fd(bench->spool), POLLIN, 0 };

	spool_turn(bench->spool);
	if (poll(&ready, 1, spool_busy(bench->spool) ? -1 : 0) > 0)
		spool_synced(bench->spool);
	spool_load(bench->spool, 10000);
}

/* As many at once as there are writers, for so long or so many. */
static void
write_messages(struct bench *bench, int count, double until, long most)
{
	struct writer writers[WRITERS_MAX];
	int i;

	bench->idle_count = 0;
	for (i = 0; i < count; i++) {
		writers[i].bench = bench;
		bench->idle[bench->idle_count++] = &writers[i];
	}
	while (now() < until && bench->committed < most) {
		while (bench->idle_count > 0)
			submit(bench, bench->idle[--bench->idle_count]);
		turn(bench);
	}
	while (bench->idle_count < count)
		turn(bench);
}

static void
open_spool(struct bench *bench, const char *directory)
{
	struct spool_options options = { .directory = directory };
	struct spool_events events = {
		.owner = bench,
		.waiting = waiting,
		.said = said,
	};
	struct buf why;

	mkdir(directory, 0700);
	buf_init(&why, 500);
	bench->spool = spool_open(&options, &events, &why);
	if (bench->spool == NULL) {
		fprintf(stderr, "bench_spool: %s\n", buf_text(&why));
		exit(1);
	}
}

/* ---- how fast messages become durable ---- */

/*
 * Until segments are recycled and no longer made: a new one is written once
 * with zeros, which is the price of growing, not of a message.
 */
static void
warm_up(struct bench *bench, int count)
{
	struct spool_counts counts;
	size_t segments = 0;

	for (;;) {
		spool_count(bench->spool, &counts);
		if (counts.segments == segments)
			return;
		segments = counts.segments;
		bench->committed = 0;
		write_messages(bench, count, now() + 1e9,
		    3 * RAW_SEGMENT / SIZE);
	}
}

static void
bench_commits(int count)
{
	struct bench bench = { .size = SIZE };
	double begin, took, used, raw;
	struct spool_counts before, after;

	raw = raw_rate(count);
	open_spool(&bench, "commits");
	while (spool_load(bench.spool, 100000))
		;
	warm_up(&bench, count);
	bench.committed = 0;
	bench.latency_sum = 0;
	spool_count(bench.spool, &before);
	used = cpu();
	begin = now();
	write_messages(&bench, count, begin + seconds, 1L << 40);
	took = now() - begin;
	used = cpu() - used;
	spool_count(bench.spool, &after);
	printf("| %d | %.0f | %.0f | %.2f | %.3f | %.1f | %.3f |\n", count,
	    (double)bench.committed / took, raw,
	    (double)bench.committed / took / raw,
	    1e3 * bench.latency_sum / (double)bench.committed,
	    1e6 * used / (double)bench.committed,
	    (double)(after.bytes_written - before.bytes_written) /
		((double)bench.committed * SIZE));
	spool_close(bench.spool);
}

static void
bench_all_commits(void)
{
	static const int counts[] = { 1, 20, 100 };
	size_t i;

	puts(
	    "### Durable messages of 10 KiB, beside the same disk with the same "
	    "batches\n\n"
	    "| writers | messages/s | raw /s | ratio | ms each | CPU us each | "
	    "bytes written : size |\n"
	    "| --: | --: | --: | --: | --: | --: | --: |");
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		bench_commits(counts[i]);
}

/* ---- waiting messages ---- */

enum {
	ROUNDS = 9
};

/* A spool in which so many wait; what one more cost in each round. */
struct crowd {
	struct bench bench;
	const char *directory;
	long waiting;
	double rates[ROUNDS], used[ROUNDS], written[ROUNDS];
};

/* What one more message costs to accept and settle. */
static void
one_more(struct bench *bench, double *rate, double *used_us, double *written)
{
	double begin = now(), used = cpu();
	struct spool_counts before, after;

	spool_count(bench->spool, &before);
	bench->committed = 0;
	write_messages(bench, 20, begin + seconds / 4, 1L << 40);
	*rate = (double)bench->committed / (now() - begin);
	*used_us = 1e6 * (cpu() - used) / (double)bench->committed;
	spool_count(bench->spool, &after);
	*written = (double)(after.bytes_written - before.bytes_written) /
	    ((double)bench->committed * SIZE);
}

static void
fill(struct bench *bench, size_t size, long count)
{
	bench->keep = true;
	bench->size = size;
	bench->committed = 0;
	write_messages(bench, WRITERS_MAX, now() + 1e9, count);
	bench->keep = false;
	bench->size = SIZE;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

static void
load_again(struct crowd *crowd)
{
	struct spool_counts counts;
	double begin, opened;

	crowd->bench.keep = true;
	spool_close(crowd->bench.spool);
	begin = now();
	open_spool(&crowd->bench, crowd->directory);
	opened = now();
	while (spool_load(crowd->bench.spool, 1000))
		;
	spool_count(crowd->bench.spool, &counts);
	printf("\n%zu waiting: %.1f bytes of memory each in the spool, %zu "
	       "segments; opened in %.3f s, all loaded in %.3f s.\n",
	    counts.messages, (double)counts.memory / (double)counts.messages,
	    counts.segments, opened - begin, now() - begin);
}

/* In turns, so that what disturbs the machine disturbs all of them. */
static void
bench_waiting(void)
{
	struct crowd crowds[] = {
		{ .directory = "none", .waiting = 0 },
		{ .directory = "some", .waiting = 10000 },
		{ .directory = "many", .waiting = 1000000 },
	};
	enum {
		CROWDS = sizeof(crowds) / sizeof(crowds[0])
	};
	double rate, used, first_rate = 0, first_used = 0;
	struct crowd *crowd;
	size_t i, round;

	for (crowd = crowds; crowd < crowds + CROWDS; crowd++) {
		open_spool(&crowd->bench, crowd->directory);
		while (spool_load(crowd->bench.spool, 100000))
			;
		if (crowd->waiting > 0)
			fill(&crowd->bench, SMALL, crowd->waiting);
		crowd->bench.size = SIZE;
		warm_up(&crowd->bench, 20);
	}
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < CROWDS; i++) {
			crowd = &crowds[(round + i) % CROWDS];
			one_more(&crowd->bench, &crowd->rates[round],
			    &crowd->used[round], &crowd->written[round]);
		}
	puts(
	    "\n### One more message of 10 KiB, accepted and delivered\n\n"
	    "| waiting | messages/s | : none waiting | CPU us | : none waiting | "
	    "bytes written : size |\n"
	    "| --: | --: | --: | --: | --: | --: |");
	for (crowd = crowds; crowd < crowds + CROWDS; crowd++) {
		rate = median(crowd->rates);
		used = median(crowd->used);
		if (crowd == crowds) {
			first_rate = rate;
			first_used = used;
		}
		printf("| %ld | %.0f | %.2f | %.1f | %.2f | %.3f |\n",
		    crowd->waiting, rate, rate / first_rate, used,
		    used / first_used, median(crowd->written));
	}
	load_again(&crowds[CROWDS - 1]);
	for (crowd = crowds; crowd < crowds + CROWDS; crowd++)
		spool_close(crowd->bench.spool);
}

static int
remove_one(const char *path, const struct stat *facts, int type, struct FTW *at)
{
	(void)facts;
	(void)type;
	(void)at;
	return remove(path);
}

/* A header, and lines, as mail has them. */
static void
make_content(void)
{
	size_t at;

	memset(content, 'x', sizeof(content));
	for (at = 76; at + 2 <= sizeof(content); at += 78)
		memcpy(content + at, "\r\n", 2);
	memcpy(content, "Subject:", 8);
	memcpy(content + 78, "\r\n", 2);
}

/*
 * A spool for a server to start with: COUNT NEWSPOOL [BYTES [DOMAINS]], where
 * so many wait, small ones to one domain unless something else is said.
 */
static int
make_spool(int argc, char **argv)
{
	struct bench bench = { .keep = true };
	const char *count = argv[0], *directory = argv[1];
	size_t size = argc > 2 ? strtoul(argv[2], NULL, 10) : SMALL;

	need(size <= sizeof(content), "bytes");
	make_content();
	if (argc > 3)
		bench.domains = strtoul(argv[3], NULL, 10);
	open_spool(&bench, directory);
	while (spool_load(bench.spool, 100000))
		;
	fill(&bench, size, strtol(count, NULL, 10));
	spool_close(bench.spool);
	return 0;
}

int
main(int argc, char **argv)
{
	char scratch[] = "bench_spool.XXXXXX";

	memset(content, 'x', sizeof(content));
	if (argc >= 4 && argc <= 6 && strcmp(argv[1], "-f") == 0)
		return make_spool(argc - 2, argv + 2);
	if (argc < 2 || argv[1][0] == '-') {
		fputs(
		    "usage: bench_spool DIR [seconds]\n"
		    "       bench_spool -f COUNT NEWSPOOL [BYTES [DOMAINS]]\n",
		    stderr);
		return 2;
	}
	if (argc > 2)
		seconds = strtod(argv[2], NULL);
	need(chdir(argv[1]) == 0 && mkdtemp(scratch) != NULL, argv[1]);
	need(chdir(scratch) == 0, scratch);
	bench_all_commits();
	bench_waiting();
	need(chdir("..") == 0, "..");
	return nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
