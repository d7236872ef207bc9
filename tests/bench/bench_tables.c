/*
 * bench_tables - a million hosted domains and a million grants.
 *
 * Job:     write tables of N lines, and print what loading them and looking
 *          into them costs.
 * Called:  by hand and by make bench: bench_tables [N]
 * Owns:    a folder under TMPDIR, removed at the end.
 * Never:   touches the network.
 */
#include <sys/resource.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "domains/rules.h"

enum {
	LINES_DEFAULT = 1000000,
	LOOKUPS = 2000000,
	NOW = 1800000000,
};

static char folder[256], hosted_file[300], allow_file[300], empty_file[300];

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Resident memory of this process in MiB. */
static double
memory(void)
{
	unsigned long total = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file != NULL) {
		if (fscanf(file, "%lu %lu", &total, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static FILE *
create(const char *name)
{
	FILE *file = fopen(name, "w");

	if (file == NULL) {
		perror(name);
		exit(1);
	}
	return file;
}

/* Line i of the allowlist: a third v4 hosts, a third v4 /28s, a third v6 /64s. */
static void
client_text(size_t i, char *out, size_t size, bool network)
{
	unsigned n = (unsigned)(i / 3);

	if (i % 3 == 0)
		snprintf(out, size, "10.%u.%u.%u", n >> 16 & 255, n >> 8 & 255,
		    n & 255);
	else if (i % 3 == 1)
		snprintf(out, size, "%u.%u.%u.%u%s", 100 + (n >> 20),
		    n >> 12 & 255, n >> 4 & 255, (n & 15) << 4,
		    network ? "/28" : "");
	else
		snprintf(out, size, "2001:db8:%x:%x::%s", n >> 16, n & 0xffff,
		    network ? "/64" : "17");
}

static void
write_tables(size_t lines)
{
	FILE *hosted = create(hosted_file), *allow = create(allow_file);
	char text[64];
	size_t i;

	fprintf(hosted, "campus.test\n");
	for (i = 0; i < lines; i++) {
		fprintf(hosted,
		    "dept%zu.campus%zu.test  via=mx%zu.campus.test tls=verify\n",
		    i, i % 1000, i % 1000);
		client_text(i, text, sizeof(text), true);
		fprintf(allow,
		    "%s owner=lab%zu@campus.test until=2027-06-30 note=\"ticket %zu\"\n",
		    text, i % 10000, i);
	}
	fclose(hosted);
	fclose(allow);
	fclose(create(empty_file));
}

static struct rules *
load(const char *what, const char *allowlist)
{
	struct rules_sources sources = { .hosted = hosted_file,
		.allowlist = allowlist,
		.postmaster = "postmaster@campus.test",
		.outside = { .mx = true } };
	double start = seconds(), before = memory();
	struct complaints complaints;
	struct rules *rules;

	complaints_init(&complaints);
	rules = rules_load(&sources, &complaints);
	if (rules == NULL) {
		fputs(complaints_text(&complaints), stderr);
		exit(1);
	}
	printf("%-28s %8.2f s  %8.1f MiB\n", what, seconds() - start,
	    memory() - before);
	complaints_clear(&complaints);
	return rules;
}

static uint64_t
next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
look_up_domains(const struct rules *rules, size_t lines, bool there)
{
	uint64_t state = 4711;
	size_t i, found = 0, n;
	double start, spent = 0;
	char domain[64];

	for (i = 0; i < LOOKUPS; i++) {
		n = (size_t)(next(&state) % lines);
		snprintf(domain, sizeof(domain), "%s%zu.campus%zu.test",
		    there ? "dept" : "none", n, n % 1000);
		start = seconds();
		found += rules_hosted(rules, span_of(domain), NULL);
		spent += seconds() - start;
	}
	printf("%-28s %8.0f ns  %zu of %d found\n",
	    there ? "hosted domain" : "other domain", spent * 1e9 / LOOKUPS,
	    found, LOOKUPS);
}

static void
look_up_clients(const struct rules *rules, size_t lines, bool there)
{
	uint64_t state = 4711;
	size_t i, found = 0;
	double start, spent = 0;
	char text[64];
	struct ip ip;

	for (i = 0; i < LOOKUPS; i++) {
		client_text((size_t)(next(&state) % lines), text, sizeof(text),
		    false);
		if (!ip_parse(span_of(text), &ip))
			abort();
		if (!there) /* other networks of the same kinds */
			ip.bytes[ip_is_v4(&ip) ? 12 : 2] ^= 0x80;
		start = seconds();
		found += rules_granted(rules, &ip, NOW, NULL);
		spent += seconds() - start;
	}
	printf("%-28s %8.0f ns  %zu of %d found\n",
	    there ? "granted client" : "other client", spent * 1e9 / LOOKUPS,
	    found, LOOKUPS);
}

static void
look_at_the_clock(void)
{
	double start, spent = 0;
	size_t i;

	for (i = 0; i < LOOKUPS; i++) {
		start = seconds();
		spent += seconds() - start;
	}
	printf("%-28s %8.0f ns  (part of each of the below)\n",
	    "reading the clock", spent * 1e9 / LOOKUPS);
}

int
main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	size_t lines = LINES_DEFAULT;
	struct rules *rules;
	struct rusage usage;

	if (argc > 1)
		lines = (size_t)strtoull(argv[1], NULL, 10);
	if (lines == 0 || lines > 10000000) {
		fprintf(stderr,
		    "usage: bench_tables [lines, at most 10000000]\n");
		return 2;
	}
	snprintf(folder, sizeof(folder), "%s/relayd-bench-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	snprintf(hosted_file, sizeof(hosted_file), "%s/hosted", folder);
	snprintf(allow_file, sizeof(allow_file), "%s/allowlist", folder);
	snprintf(empty_file, sizeof(empty_file), "%s/empty", folder);
	write_tables(lines);
	printf("%zu lines in each table\n", lines);
	rules = load("load hosted alone", empty_file);
	rules_free(rules);
	rules = load("load hosted and allowlist", allow_file);
	look_at_the_clock();
	look_up_domains(rules, lines, true);
	look_up_domains(rules, lines, false);
	look_up_clients(rules, lines, true);
	look_up_clients(rules, lines, false);
	rules_free(rules);
	getrusage(RUSAGE_SELF, &usage);
	printf("%-28s %8.1f MiB\n", "peak memory",
	    (double)usage.ru_maxrss / 1024);
	unlink(hosted_file);
	unlink(allow_file);
	unlink(empty_file);
	rmdir(folder);
	return 0;
}
