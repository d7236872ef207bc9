#ifndef TABLE_READER_H
#define TABLE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"
#include "complaints.h"

/*
 * The lines of a file that an administrator wrote:
 *
 *     subject key=value key="value with blanks"   # comment
 *
 * Inside quotes \" is a quote and \\ a backslash.  Lines end in LF or CRLF, the
 * last one may end in nothing; a byte order mark is skipped.
 */
struct table_reader {
	const char *file;              /* borrowed; as complaints name it */
	struct complaints *complaints; /* borrowed */
	struct buf text;               /* owned: all of the file */
	struct buf value;              /* owned: the last option's value */
	struct span rest;              /* lines that were not read yet */
	size_t number;                 /* of the last line that was */
};

struct table_line {
	size_t number;
	struct span text;    /* all of it */
	struct span subject; /* its first word */
	struct span options; /* what stands behind, without the comment */
	struct span rest;    /* the options that were not read yet */
	bool wrong;          /* something was complained about */
};

struct table_option {
	struct span word; /* as it was written */
	struct span key;
	struct span value; /* without quotes; valid until the next option */
};

enum table_verdict {
	TABLE_OPEN,
	TABLE_MISSING, /* there is no such file; not complained about */
	TABLE_BAD,     /* complained about */
};

/* Reads all of the file.  Only TABLE_OPEN needs a close. */
enum table_verdict table_reader_open(struct table_reader *reader,
    const char *file, struct complaints *complaints);
void table_reader_close(struct table_reader *reader);

/* The next line that has a subject and no bytes that a text has not. */
bool table_reader_line(struct table_reader *reader, struct table_line *line);

/*
 * The next option whose key is one of keys (count of them), each once a line:
 * false at the end.  *which is its index; seen begins as 0.  Any other word is
 * complained about and skipped.
 */
bool table_reader_option(struct table_reader *reader, struct table_line *line,
    const char *const *keys, unsigned count, unsigned *seen,
    struct table_option *option, unsigned *which);

/* Where byte n of the option's value stands in the line. */
const char *table_reader_place(const struct table_option *option, size_t n);

/* Complains about what stands at `at` in the line.  Always false. */
bool table_reader_complain(struct table_reader *reader, struct table_line *line,
    const char *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The column of `at`: characters, from 1. */
size_t table_reader_column(const struct table_line *line, const char *at);

/* At most 100 bytes of s for a complaint: printf("%.*s", TABLE_SHOWN(s)). */
#define TABLE_SHOWN(s) (int)((s).len < 100 ? (s).len : 100), (s).data

#endif
