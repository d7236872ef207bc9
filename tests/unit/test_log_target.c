/*
 * test_log_target - where lines go, and that none is waited for.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relayd/admin/log.h"
#include "tests/support/suite.h"

enum {
	TEXT_MAX = 4 << 20,
	FLOOD = 20000 /* lines: more than what may wait */
};

static struct buf taken;
static char folder[] = "/tmp/test_log_target.XXXXXX";
static char file[64], moved[64], socket_path[64];
static int stderr_kept;

static void
set_up(void)
{
	strcpy(folder, "/tmp/test_log_target.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/log", folder);
	snprintf(moved, sizeof(moved), "%s/log.1", folder);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
	stderr_kept = dup(STDERR_FILENO);
	buf_init(&taken, TEXT_MAX);
	unsetenv("JOURNAL_STREAM");
}

static void
tear_down(void)
{
	log_capture(NULL, NULL);
	log_close();
	dup2(stderr_kept, STDERR_FILENO);
	close(stderr_kept);
	unlink(file);
	unlink(moved);
	unlink(socket_path);
	rmdir(folder);
	buf_clear(&taken);
}

static void
opened(const char *target, enum log_level level)
{
	struct buf why;

	buf_init(&why, 1000);
	ck_assert_msg(log_open(target, level, &why), "%s", buf_text(&why));
	buf_clear(&why);
}

static const char *
content(const char *name)
{
	static char text[TEXT_MAX];
	FILE *stream = fopen(name, "r");

	ck_assert_ptr_nonnull(stream);
	text[fread(text, 1, sizeof(text) - 1, stream)] = '\0';
	fclose(stream);
	return text;
}

static void
assert_like(const char *text, const char *pattern)
{
	regex_t regex;

	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&regex, text, 0, NULL, 0) == 0,
	    "\"%s\" is not like %s", text, pattern);
	regfree(&regex);
}

START_TEST(file_gets_lines_with_time_and_level_when_flushed)
{
	opened(file, LEVEL_INFO);
	log_say(LEVEL_INFO, "one", "first");
	ck_assert_str_eq(content(file), "");
	log_flush(NULL);
	assert_like(content(file),
	    "^time=20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:"
	    "[0-6][0-9]\\.[0-9]{3}Z level=info event=one text=first\n$");
}
END_TEST

START_TEST(error_is_flushed_at_once)
{
	opened(file, LEVEL_INFO);
	log_say(LEVEL_WARNING, "one", "first");
	log_say(LEVEL_ERROR, "two", "second");
	assert_like(content(file),
	    "level=warning event=one text=first\n"
	    "[^\n]*level=error event=two text=second\n$");
}
END_TEST

START_TEST(file_is_opened_anew_after_it_was_moved)
{
	opened(file, LEVEL_INFO);
	log_say(LEVEL_INFO, "one", "first");
	ck_assert_int_eq(rename(file, moved), 0);
	opened(file, LEVEL_INFO);
	log_say(LEVEL_INFO, "two", "second");
	log_flush(NULL);
	assert_like(content(moved), "^[^\n]*event=one text=first\n$");
	assert_like(content(file), "^[^\n]*event=two text=second\n$");
}
END_TEST

/* In a folder that is only root's, after root was dropped. */
START_TEST(file_that_only_root_can_open_goes_on_being_written)
{
	struct buf why;

	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		return;
	}
	buf_init(&why, 1000);
	opened(file, LEVEL_INFO);
	ck_assert(log_give(65534, 65534, &why));
	ck_assert_int_eq(chmod(folder, 0700), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_msg(log_open(file, LEVEL_INFO, &why), "%s", buf_text(&why));
	log_say(LEVEL_INFO, "two", "second");
	log_flush(NULL);
	/* another file is another matter */
	ck_assert(!log_open(moved, LEVEL_INFO, &why));
	ck_assert_int_eq(seteuid(0), 0);
	assert_like(content(file),
	    "event=log-kept text=[^\n]*Permission denied\"\n"
	    "[^\n]*event=two text=second\n$");
	buf_clear(&why);
}
END_TEST

/* Where the folder may be searched it is opened anew, once it was given. */
START_TEST(file_that_was_given_away_is_opened_anew)
{
	struct buf why;

	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		return;
	}
	buf_init(&why, 1000);
	opened(file, LEVEL_INFO);
	ck_assert(log_give(65534, 65534, &why));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert(log_open(file, LEVEL_INFO, &why));
	ck_assert_int_eq(seteuid(0), 0);
	log_say(LEVEL_INFO, "two", "second");
	log_flush(NULL);
	ck_assert_ptr_null(strstr(content(file), "log-kept"));
	buf_clear(&why);
}
END_TEST

START_TEST(target_that_cannot_be_opened_leaves_the_old_one)
{
	struct buf why;

	buf_init(&why, 1000);
	opened(file, LEVEL_INFO);
	ck_assert(!log_open("/nonexistent/log", LEVEL_DEBUG, &why));
	ck_assert_str_eq(buf_text(&why),
	    "log file /nonexistent/log cannot be opened: "
	    "No such file or directory");
	buf_empty(&why);
	ck_assert(!log_open("syslog:/nonexistent/log", LEVEL_DEBUG, &why));
	ck_assert_str_eq(buf_text(&why),
	    "syslog socket /nonexistent/log cannot be reached: "
	    "No such file or directory");
	log_say(LEVEL_ERROR, "one", "first");
	log_say(LEVEL_DEBUG, "two", "second");
	log_flush(NULL);
	assert_like(content(file), "^[^\n]*event=one text=first\n$");
	buf_clear(&why);
}
END_TEST

/* Puts a pipe or socket pair at stderr; returns the reading end. */
static int
pipe_at_stderr(bool socket)
{
	int ends[2];

	if (socket)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	else
		ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	return ends[0];
}

static const char *
read_what_is_there(int fd)
{
	static char text[TEXT_MAX];
	size_t len = 0;
	ssize_t got;

	while (len < sizeof(text) - 1 &&
	    (got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	return text;
}

START_TEST(lines_before_log_open_go_to_stderr)
{
	int fd = pipe_at_stderr(false);

	log_say(LEVEL_ERROR, "early", "words");
	assert_like(read_what_is_there(fd),
	    "^time=[^ ]* level=error event=early text=words\n$");
	close(fd);
}
END_TEST

/*
 * Every line that was logged is there in order, or counted where it is
 * missing.  The number that comes next.
 */
static unsigned long
check_flood(struct span text, unsigned long *dropped)
{
	unsigned long next = 0, number;
	struct span line;
	const char *at;

	*dropped = 0;
	while (text.len > 0) {
		line = span_cut(&text, '\n');
		at = memmem(line.data, line.len, "event=", 6);
		ck_assert_ptr_nonnull(at);
		if (sscanf(at, "event=flood text=%lu\n", &number) == 1) {
			ck_assert_uint_eq(number, next);
			next++;
			continue;
		}
		ck_assert_int_eq(sscanf(at, "event=log-dropped count=%lu\n",
				     &number),
		    1);
		*dropped += number;
		next += number;
	}
	return next;
}

/* Stuck: nobody reads, then somebody does.  _i: a pipe, a socket. */
START_TEST(stuck_stderr_never_blocks_and_what_was_dropped_is_told)
{
	int fd = pipe_at_stderr(_i == 1), i, n = 0;
	unsigned long dropped;

	opened("stderr", LEVEL_INFO);
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	alarm(20); /* only if it blocks */
	while (n < FLOOD) {
		log_say(LEVEL_INFO, "flood", "%039d", n++);
		if (n % 100 == 0)
			log_flush(NULL);
	}
	for (i = 0; i < 300; i++) {
		buf_add(&taken, span_of(read_what_is_there(fd)));
		log_flush(NULL);
		log_say(LEVEL_INFO, "flood", "%039d", n++);
	}
	log_flush(NULL);
	buf_add(&taken, span_of(read_what_is_there(fd)));
	alarm(0);
	ck_assert_uint_eq(check_flood(buf_span(&taken), &dropped),
	    (unsigned long)n);
	ck_assert_uint_gt(dropped, 1000);
	close(fd);
}
END_TEST

START_TEST(journal_gets_priorities_instead_of_times)
{
	int fd = pipe_at_stderr(true);
	char stream[64];
	struct stat status;

	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)status.st_dev,
	    (unsigned long long)status.st_ino);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
	opened("stderr", LEVEL_DEBUG);
	log_say(LEVEL_DEBUG, "d", "x");
	log_say(LEVEL_INFO, "i", "x");
	log_say(LEVEL_WARNING, "w", "x");
	log_say(LEVEL_ERROR, "e", "x");
	ck_assert_str_eq(read_what_is_there(fd),
	    "<7>event=d text=x\n<6>event=i text=x\n"
	    "<4>event=w text=x\n<3>event=e text=x\n");
	close(fd);
}
END_TEST

START_TEST(stderr_that_is_not_the_journal_of_the_environment_gets_times)
{
	int fd = pipe_at_stderr(true);

	ck_assert_int_eq(setenv("JOURNAL_STREAM", "8:12345", 1), 0);
	opened("stderr", LEVEL_INFO);
	log_say(LEVEL_ERROR, "e", "x");
	assert_like(read_what_is_there(fd), "^time=");
	close(fd);
}
END_TEST

static int
syslogd(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	strcpy(at.sun_path, socket_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static const char *
datagram(int fd)
{
	static char text[9000];
	ssize_t len = recv(fd, text, sizeof(text) - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	return text;
}

START_TEST(syslog_gets_each_line_as_a_datagram)
{
	int fd = syslogd();
	char target[100];

	snprintf(target, sizeof(target), "syslog:%s", socket_path);
	opened(target, LEVEL_INFO);
	log_say(LEVEL_INFO, "one", "first");
	log_say(LEVEL_WARNING, "two", "second");
	log_flush(NULL);
	/* LOG_MAIL and the priority */
	assert_like(datagram(fd),
	    "^<22>[A-Z][a-z]{2} [ 123][0-9] [0-9:]{8} relayd\\[[0-9]+\\]: "
	    "event=one text=first$");
	assert_like(datagram(fd), "^<20>.*event=two text=second$");
	ck_assert_str_eq(datagram(fd), "");
	close(fd);
}
END_TEST

START_TEST(syslog_that_went_away_is_found_again_and_nothing_is_lost)
{
	int fd = syslogd(), tries;
	char target[100];
	const char *text = "";

	snprintf(target, sizeof(target), "syslog:%s", socket_path);
	opened(target, LEVEL_INFO);
	close(fd);
	unlink(socket_path);
	log_say(LEVEL_INFO, "one", "first");
	log_flush(NULL);
	log_flush(NULL);
	fd = syslogd();
	for (tries = 0; tries < 300 && text[0] == '\0'; tries++) {
		usleep(10000);
		log_flush(NULL);
		text = datagram(fd);
	}
	assert_like(text, "event=one text=first$");
	close(fd);
}
END_TEST

START_TEST(stuck_syslog_never_blocks)
{
	int fd = syslogd(), i;
	char target[100];

	snprintf(target, sizeof(target), "syslog:%s", socket_path);
	opened(target, LEVEL_INFO);
	alarm(20);
	for (i = 0; i < FLOOD; i++)
		log_say(LEVEL_INFO, "flood", "%039d", i);
	for (i = 0; i < 3000; i++) {
		while (datagram(fd)[0] != '\0')
			;
		log_flush(NULL);
	}
	log_say(LEVEL_INFO, "after", "all");
	log_flush(NULL);
	alarm(0);
	assert_like(datagram(fd), "event=after text=all$");
	close(fd);
}
END_TEST

START_TEST(abort_writes_what_waits)
{
	int status;
	pid_t pid;

	opened(file, LEVEL_INFO);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		log_say(LEVEL_INFO, "last", "words");
		abort();
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_like(content(file), "event=last text=words\n$");
}
END_TEST

static Suite *
log_target_suite(void)
{
	Suite *suite = suite_create("log_target");
	TCase *tcase = tcase_create("targets");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, file_gets_lines_with_time_and_level_when_flushed);
	tcase_add_test(tcase, error_is_flushed_at_once);
	tcase_add_test(tcase, file_is_opened_anew_after_it_was_moved);
	tcase_add_test(tcase,
	    file_that_only_root_can_open_goes_on_being_written);
	tcase_add_test(tcase, file_that_was_given_away_is_opened_anew);
	tcase_add_test(tcase, target_that_cannot_be_opened_leaves_the_old_one);
	tcase_add_test(tcase, lines_before_log_open_go_to_stderr);
	tcase_add_loop_test(tcase,
	    stuck_stderr_never_blocks_and_what_was_dropped_is_told, 0, 2);
	tcase_add_test(tcase, journal_gets_priorities_instead_of_times);
	tcase_add_test(tcase,
	    stderr_that_is_not_the_journal_of_the_environment_gets_times);
	tcase_add_test(tcase, syslog_gets_each_line_as_a_datagram);
	tcase_add_test(tcase,
	    syslog_that_went_away_is_found_again_and_nothing_is_lost);
	tcase_add_test(tcase, stuck_syslog_never_blocks);
	tcase_add_test(tcase, abort_writes_what_waits);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(log_target_suite)
