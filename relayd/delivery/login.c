/*
 * login - who we are to a smarthost.
 *
 * Job:     read user and password from their file.
 * Called:  by wires.c at a start and a reload; by settings.c to check.
 * Owns:    both texts, until they are wiped.
 * Never:   logs or shows anything of what it read.
 */
#include "relayd/delivery/login.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

enum {
	FILE_LONGEST = 2 * LOGIN_TEXT_MAX + 8,
};

/* A regular file that others cannot read; an open descriptor, or -1. */
static int
open_private(const char *file, struct buf *why)
{
	struct stat facts;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd == -1) {
		buf_addf(why, "%s: %s", file, strerror(errno));
		return -1;
	}
	if (fstat(fd, &facts) == -1)
		buf_addf(why, "%s: %s", file, strerror(errno));
	else if (!S_ISREG(facts.st_mode))
		buf_addf(why, "%s: not a regular file", file);
	else if ((facts.st_mode & S_IRWXO) != 0)
		buf_addf(why,
		    "%s: others may use it (mode %04o); expected 0600 or 0640",
		    file, (unsigned)facts.st_mode & 07777u);
	else
		return fd;
	close(fd);
	return -1;
}

/* A line of 1 to LOGIN_TEXT_MAX bytes without control characters. */
static char *
take_line(struct span *text)
{
	struct span line = span_cut(text, '\n');
	size_t i;

	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0 || line.len > LOGIN_TEXT_MAX)
		return NULL;
	for (i = 0; i < line.len; i++)
		if ((unsigned char)line.data[i] < 0x20 || line.data[i] == 0x7f)
			return NULL;
	return xstrndup(line.data, line.len);
}

static bool
read_lines(struct login *login, struct span text)
{
	login->user = take_line(&text);
	login->password = take_line(&text);
	return login->user != NULL && login->password != NULL && text.len == 0;
}

struct login *
login_load(const char *file, struct buf *why)
{
	struct login *login = NULL;
	char text[FILE_LONGEST];
	int fd = open_private(file, why);
	ssize_t got;

	if (fd == -1)
		return NULL;
	got = read(fd, text, sizeof(text));
	if (got == -1) {
		buf_addf(why, "%s: %s", file, strerror(errno));
	} else {
		login = xcalloc(1, sizeof(*login));
		login->holders = 1;
		if (!read_lines(login, span_make(text, (size_t)got))) {
			buf_addf(why,
			    "%s: expected two lines, the user and the "
			    "password, of 1 to %d bytes each",
			    file, LOGIN_TEXT_MAX);
			login_free(login);
			login = NULL;
		}
	}
	gnutls_memset(text, 0, sizeof(text));
	close(fd);
	return login;
}

struct login *
login_hold(struct login *login)
{
	if (login != NULL)
		login->holders++;
	return login;
}

void
login_free(struct login *login)
{
	if (login == NULL || --login->holders > 0)
		return;
	if (login->password != NULL)
		gnutls_memset(login->password, 0, strlen(login->password));
	free(login->user);
	free(login->password);
	free(login);
}
