/*
 * fold - text of others in the lines of a message.
 *
 * Job:     escape what is not text, and break lines at blanks.
 * Called:  by what writes notices.
 * Owns:    nothing.
 * Never:   lets a byte of a peer end a line; writes a line of blanks only.
 */
#include "relayd/delivery/fold.h"

#include <stdarg.h>

enum {
	FIELD_COLUMNS = 78,     /* RFC 5322 2.1.1: should */
	PARAGRAPH_COLUMNS = 76, /* some space for a > of an answer */
	WORD_LONGEST = 900,     /* 998 less a name, must */
	SENTENCE_MAX = 8192     /* bytes of one paragraph */
};

struct folder {
	struct buf *out;
	size_t column;
	size_t columns;
	size_t indent; /* of lines that follow */
	enum fold_bytes bytes;
};

/* The length of the character at the head of text if it may stay, or 0. */
static size_t
stays(struct span text, enum fold_bytes bytes)
{
	unsigned char first = (unsigned char)text.data[0];
	size_t n;

	if (first < 0x80)
		return first >= 0x20 && first != 0x7f ? 1 : 0;
	if (bytes == FOLD_ASCII)
		return 0;
	/* U+0080 to U+009F are control characters. */
	if (first == 0xc2 && text.len > 1 && (unsigned char)text.data[1] < 0xa0)
		return 0;
	for (n = 2; n <= 4 && n <= text.len; n++)
		if (span_utf8(span_head(text, n)))
			return n;
	return 0;
}

static void
next_line(struct folder *folder)
{
	buf_addf(folder->out, "\r\n%*s", (int)folder->indent, "");
	folder->column = folder->indent;
}

/* A word; hard breaks only where a line would pass the limit of the RFC. */
static void
add_word(struct folder *folder, struct span word)
{
	size_t n;

	while (word.len > 0) {
		if (folder->column >= WORD_LONGEST)
			next_line(folder);
		n = stays(word, folder->bytes);
		if (n == 0) {
			buf_addf(folder->out, "\\x%02x",
			    (unsigned char)word.data[0]);
			folder->column += 4;
			n = 1;
		} else {
			buf_add(folder->out, span_head(word, n));
			folder->column += n;
		}
		word = span_skip(word, n);
	}
}

/* Each blank stays one, or becomes the break and its indent. */
static void
add_words(struct folder *folder, struct span text)
{
	bool first = true;
	struct span word;

	while (text.data != NULL) {
		word = span_cut(&text, ' ');
		if (!first && word.len > 0 &&
		    folder->column + 1 + word.len > folder->columns) {
			next_line(folder);
		} else if (!first) {
			buf_add_byte(folder->out, ' ');
			folder->column++;
		}
		add_word(folder, word);
		first = first && word.len == 0;
	}
}

void
fold_field(struct buf *out, const char *name, struct span value,
    enum fold_bytes bytes)
{
	struct folder folder = {
		.out = out,
		.columns = FIELD_COLUMNS,
		.indent = 1,
		.bytes = bytes,
	};

	folder.column = span_of(name).len + 2;
	buf_addf(out, "%s: ", name);
	add_words(&folder, span_trim(value));
	buf_add(out, SPAN("\r\n"));
}

void
fold_paragraph(struct buf *out, size_t indent, struct span text)
{
	struct folder folder = {
		.out = out,
		.columns = PARAGRAPH_COLUMNS,
		.indent = indent,
		.bytes = FOLD_UTF8,
	};

	buf_addf(out, "%*s", (int)indent, "");
	folder.column = indent;
	add_words(&folder, span_trim(text));
	buf_add(out, SPAN("\r\n"));
}

void
fold_say(struct buf *out, size_t indent, const char *format, ...)
{
	struct buf text;
	va_list args;

	buf_init(&text, SENTENCE_MAX);
	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	fold_paragraph(out, indent, buf_span(&text));
	buf_clear(&text);
}
