#ifndef CTL_PAPER_H
#define CTL_PAPER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * What people read: numbers, ages and sizes in few characters, columns that
 * fit the terminal, colour on a terminal only (and never with NO_COLOR).
 */
enum {
	PAPER_SHORT = 16, /* bytes of an age or a size, with its NUL */
};

enum paper_colour {
	PAPER_PLAIN,
	PAPER_BOLD,
	PAPER_RED,
	PAPER_YELLOW,
	PAPER_GREEN,
};

/* "12s", "5m", "3h20m", "4d2h"; "-" below 0. */
const char *paper_age(json_int_t seconds, char out[PAPER_SHORT]);
/* "812", "1.2K", "3.4M", "5.6G" */
const char *paper_size(json_int_t bytes, char out[PAPER_SHORT]);
json_int_t paper_number(const json_t *row, const char *name);
/* COLUMNS, or those of the terminal; 0: no terminal, cut nothing. */
size_t paper_width(void);
/* Prints text, cut at width characters (0: never) and filled up to fill. */
void paper_cell(const char *text, size_t width, size_t fill);
/* The rest of a line, cut where the terminal ends; used: columns before it. */
void paper_rest(const char *text, size_t used);
void paper_colour(enum paper_colour colour);

#endif
