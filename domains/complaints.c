/*
 * complaints - everything that is wrong with a file, a line each.
 *
 * Job:     gather errors and warnings as file:line:column: text.
 * Called:  by whoever reads a file that an administrator wrote.
 * Owns:    the text of the complaints.
 * Never:   grows beyond its ceilings, nor lets a control character through.
 */
#include "domains/complaints.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/span.h"

enum {
	FILE_BYTES_MAX = 500, /* of a file's name, before escaping */
	TEXT_BYTES_MAX = 1000,
	LINE_BYTES_MAX = 4 * (FILE_BYTES_MAX + TEXT_BYTES_MAX) + 100,
	ALL_MAX = 2 * COMPLAINTS_TOLD * LINE_BYTES_MAX + 100,
};

static void add_line(struct complaints *complaints, const char *file,
    size_t line, size_t column, const char *kind, const char *format,
    va_list args) __attribute__((format(printf, 6, 0)));

void
complaints_init(struct complaints *complaints)
{
	*complaints = (struct complaints){ .errors = 0 };
	buf_init(&complaints->text, ALL_MAX);
}

void
complaints_clear(struct complaints *complaints)
{
	buf_clear(&complaints->text);
	complaints_init(complaints);
}

bool
complain(struct complaints *complaints, const char *file, size_t line,
    size_t column, const char *format, ...)
{
	va_list args;

	if (complaints->errors++ < COMPLAINTS_TOLD) {
		va_start(args, format);
		add_line(complaints, file, line, column, "", format, args);
		va_end(args);
	}
	return false;
}

void
complain_softly(struct complaints *complaints, const char *file, size_t line,
    size_t column, const char *format, ...)
{
	va_list args;

	if (complaints->warnings++ < COMPLAINTS_TOLD) {
		va_start(args, format);
		add_line(complaints, file, line, column, "warning: ", format,
		    args);
		va_end(args);
	}
}

/* How many of a kind were counted but not told. */
static size_t
left_out(size_t count)
{
	return count > COMPLAINTS_TOLD ? count - COMPLAINTS_TOLD : 0;
}

const char *
complaints_text(struct complaints *complaints)
{
	size_t errors = left_out(complaints->errors);
	size_t warnings = left_out(complaints->warnings);

	buf_cut(&complaints->text, complaints->told);
	if (errors > 0)
		buf_addf(&complaints->text, "and %zu more errors\n", errors);
	if (warnings > 0)
		buf_addf(&complaints->text, "and %zu more warnings\n",
		    warnings);
	return buf_text(&complaints->text);
}

/*
 * Makes text harmless on a terminal.  Quotes and backslashes stay as they
 * are: they are the complaint's own, and end nothing here.
 */
static void
add_shown(struct buf *out, struct span text)
{
	size_t n;

	while (text.len > 0) {
		n = 0;
		while (
		    n < text.len && text.data[n] != '"' && text.data[n] != '\\')
			n++;
		buf_add_escaped(out, span_head(text, n), n);
		text = span_skip(text, n);
		if (text.len > 0) {
			buf_add_byte(out, text.data[0]);
			text = span_skip(text, 1);
		}
	}
}

static void
add_line(struct complaints *complaints, const char *file, size_t line,
    size_t column, const char *kind, const char *format, va_list args)
{
	struct buf *text = &complaints->text;
	char shown[TEXT_BYTES_MAX];
	int len;

	buf_cut(text, complaints->told);
	if (file != NULL) {
		add_shown(text, span_head(span_of(file), FILE_BYTES_MAX));
		if (line > 0)
			buf_addf(text, ":%zu", line);
		if (line > 0 && column > 0)
			buf_addf(text, ":%zu", column);
		buf_add(text, SPAN(": "));
	}
	buf_add(text, span_of(kind));
	len = vsnprintf(shown, sizeof(shown), format, args);
	add_shown(text, span_of(len < 0 ? "?" : shown));
	if (len >= (int)sizeof(shown))
		buf_add(text, SPAN("..."));
	buf_add_byte(text, '\n');
	complaints->told = text->len;
}
