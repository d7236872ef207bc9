/*
 * ctl_written - a line of a table as it stands in the file.
 *
 * Job:     find it, if the file still is the one that is in force.
 * Called:  by relayctl explain.
 * Owns:    nothing.
 * Never:   shows a line that the decision was not made by, or waits for what
 *          is no file.
 */
#include "relayd/ctl/ctl_written.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

enum {
	TEXT_MAX = 65536
};

/* The file, if it is the one that was read. */
static FILE *
open_same(const char *file, const struct file_stamp *stamp)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct file_stamp found;
	struct stat status;
	FILE *in = NULL;

	if (fd == -1)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		found = file_stamp_of(&status);
		if (file_stamp_equal(&found, stamp))
			in = fdopen(fd, "r");
	}
	if (in == NULL)
		close(fd);
	return in;
}

static json_t *
text_of(struct span line)
{
	struct buf escaped;
	json_t *text;

	line = span_head(line, span_find(line, '\n'));
	if (span_ends(line, SPAN("\r")))
		line.len--;
	line = span_trim(line);
	if (line.len < TEXT_MAX && span_utf8(line))
		return json_stringn(line.data, line.len);
	buf_init(&escaped, 4 * TEXT_MAX);
	buf_add_escaped(&escaped, line, TEXT_MAX / 2);
	text = json_stringn(buf_text(&escaped), escaped.len);
	buf_clear(&escaped);
	return text;
}

json_t *
ctl_written(const char *file, size_t number, const struct file_stamp *stamp)
{
	FILE *in = open_same(file, stamp);
	json_t *found = NULL;
	char *line = NULL;
	size_t room = 0, i;
	ssize_t len = 0;

	if (in == NULL)
		return NULL;
	for (i = 0; i < number && len != -1; i++)
		len = getline(&line, &room, in);
	if (number > 0 && len > 0)
		found = text_of(span_make(line, (size_t)len));
	free(line);
	fclose(in);
	return found;
}
