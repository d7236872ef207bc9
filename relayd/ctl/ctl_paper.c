/*
 * ctl_paper - what people read.
 *
 * Job:     short numbers, columns that fit the terminal, colour.
 * Called:  by relayctl's commands that print for people.
 * Owns:    nothing.
 * Never:   colours a pipe; cuts a character of UTF-8 in two.
 */
#include "relayd/ctl/ctl_paper.h"

#include <sys/ioctl.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"

enum {
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	COLUMNS_MOST = 10000,
};

const char *
paper_age(json_int_t seconds, char out[PAPER_SHORT])
{
	long long s = seconds > 99999LL * DAY ? 99999LL * DAY : seconds;

	if (s < 0)
		snprintf(out, PAPER_SHORT, "-");
	else if (s < MINUTE)
		snprintf(out, PAPER_SHORT, "%llds", s);
	else if (s < HOUR)
		snprintf(out, PAPER_SHORT, "%lldm", s / MINUTE);
	else if (s < DAY)
		snprintf(out, PAPER_SHORT, "%lldh%02lldm", s / HOUR,
		    s % HOUR / MINUTE);
	else
		snprintf(out, PAPER_SHORT, "%lldd%lldh", s / DAY,
		    s % DAY / HOUR);
	return out;
}

const char *
paper_size(json_int_t bytes, char out[PAPER_SHORT])
{
	static const char units[] = "KMGTPE";
	double size = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(out, PAPER_SHORT, "%d", bytes < 0 ? 0 : (int)bytes);
		return out;
	}
	for (size /= 1024; size >= 1024 && units[unit + 1] != '\0'; unit++)
		size /= 1024;
	snprintf(out, PAPER_SHORT, size < 10 ? "%.1f%c" : "%.0f%c", size,
	    units[unit]);
	return out;
}

json_int_t
paper_number(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

size_t
paper_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width;

	if (columns != NULL &&
	    span_number(span_of(columns), COLUMNS_MOST, &width) && width > 0)
		return (size_t)width;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
		return 0;
	return size.ws_col;
}

/* Bytes of the first `characters` ones of a UTF-8 text. */
static size_t
bytes_of(const char *text, size_t characters, size_t *seen)
{
	size_t at = 0;

	for (*seen = 0; text[at] != '\0'; at++) {
		if (((unsigned char)text[at] & 0xc0) == 0x80)
			continue;
		if (*seen == characters)
			break;
		(*seen)++;
	}
	return at;
}

void
paper_cell(const char *text, size_t width, size_t fill)
{
	size_t seen, len = bytes_of(text, width == 0 ? SIZE_MAX : width, &seen);

	fwrite(text, 1, len, stdout);
	for (; seen < fill; seen++)
		putchar(' ');
}

void
paper_rest(const char *text, size_t used)
{
	size_t width = paper_width();

	if (width == 0)
		fputs(text, stdout);
	else if (width > used)
		paper_cell(text, width - used, 0);
	putchar('\n');
}

void
paper_colour(enum paper_colour colour)
{
	static const char *const codes[] = {
		[PAPER_PLAIN] = "0",
		[PAPER_BOLD] = "1",
		[PAPER_RED] = "31",
		[PAPER_YELLOW] = "33",
		[PAPER_GREEN] = "32",
	};

	if (isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL)
		printf("\033[%sm", codes[colour]);
}
