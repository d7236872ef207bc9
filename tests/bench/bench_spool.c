/*
 * bench_spool - how fast messages become durable, and what waiting costs.
 *
 *   bench_spool DIR [seconds a test, default 2]
 *
 * Job:     commits a second at 1, 20, 100 writers beside the raw rate of the
 *          same disk with the same batches; a million waiting messages:
 *          memory, load time, and the price of one more.
 * Called:  by hand and by `make bench`.  DIR must be on the disk of interest.
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
		.arrival = 1700000000,
		.recipient_count = 1,
		.recipients = &recipient,
	};
	struct intake *intake = spool_begin(bench->spool);

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

static void
bench_commits(int count)
{
	struct bench bench = { .size = SIZE };
	double begin, took, used, raw, warm_up;
	struct spool_counts before, after;

	raw = raw_rate(count);
	open_spool(&bench, "commits");
	while (spool_load(bench.spool, 100000))
		;
	/* Warm: every segment in turn was written once. */
	warm_up = now() + seconds;
	write_messages(&bench, count, warm_up, 1L << 40);
	bench.committed = 0;
	bench.latency_sum = 0;
	spool_count(bench.spool, &before);
	used = cpu();
	begin = now();
	write_messages(&bench, count, begin + seconds, 1L << 40);
	took = now() - begin;
	used = cpu() - used;
	spool_count(bench.spool, &after);
	printf("commits\t%d writers\t%.0f/s\traw %.0f/s\tratio %.2f\t"
	       "%.3f ms\tcpu %.1f us\twritten %.3f x\n",
	    count, (double)bench.committed / took, raw,
	    (double)bench.committed / took / raw,
	    1e3 * bench.latency_sum / (double)bench.committed,
	    1e6 * used / (double)bench.committed,
	    (double)(after.bytes_written - before.bytes_written) /
		((double)bench.committed * SIZE));
	spool_close(bench.spool);
}

/* ---- waiting messages ---- */

/* What one more message costs to accept and settle. */
static void
one_more(struct bench *bench, const char *name)
{
	double begin, used;

	bench->keep = false;
	bench->size = SIZE;
	/* Warm, so that new segments have been written once. */
	write_messages(bench, 20, now() + seconds, 1L << 40);
	bench->committed = 0;
	begin = now();
	used = cpu();
	write_messages(bench, 20, begin + seconds, 1L << 40);
	printf("one more\t%s\t%.0f/s\tcpu %.1f us\n", name,
	    (double)bench->committed / (now() - begin),
	    1e6 * (cpu() - used) / (double)bench->committed);
	bench->keep = true;
}

static void
fill(struct bench *bench, long count)
{
	bench->keep = true;
	bench->size = SMALL;
	bench->committed = 0;
	write_messages(bench, WRITERS_MAX, now() + 1e9, count);
}

static void
bench_waiting(void)
{
	struct bench bench = { .keep = true };
	struct spool_counts counts;
	double begin, opened;

	open_spool(&bench, "waiting");
	while (spool_load(bench.spool, 100000))
		;
	one_more(&bench, "0 waiting");
	fill(&bench, 10000);
	one_more(&bench, "10000 waiting");
	fill(&bench, 990000);
	one_more(&bench, "1000000 waiting");
	spool_count(bench.spool, &counts);
	printf("memory\t%zu waiting\t%.1f bytes each\t%zu segments\n",
	    counts.messages, (double)counts.memory / (double)counts.messages,
	    counts.segments);
	spool_close(bench.spool);
	begin = now();
	open_spool(&bench, "waiting");
	opened = now();
	while (spool_load(bench.spool, 1000))
		;
	spool_count(bench.spool, &counts);
	printf("load\t%zu waiting\topen %.3f s\tloaded %.3f s\n",
	    counts.messages, opened - begin, now() - begin);
	spool_close(bench.spool);
}

static int
remove_one(const char *path, const struct stat *facts, int type, struct FTW *at)
{
	(void)facts;
	(void)type;
	(void)at;
	return remove(path);
}

int
main(int argc, char **argv)
{
	static const int counts[] = { 1, 20, 100 };
	char scratch[] = "bench_spool.XXXXXX";
	size_t i;

	if (argc < 2) {
		fputs("usage: bench_spool DIR [seconds]\n", stderr);
		return 2;
	}
	if (argc > 2)
		seconds = strtod(argv[2], NULL);
	memset(content, 'x', sizeof(content));
	need(chdir(argv[1]) == 0 && mkdtemp(scratch) != NULL, argv[1]);
	need(chdir(scratch) == 0, scratch);
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		bench_commits(counts[i]);
	bench_waiting();
	need(chdir("..") == 0, "..");
	return nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
