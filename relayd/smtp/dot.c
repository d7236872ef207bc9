/*
 * dot - message data as it comes behind DATA or BDAT.
 *
 * Job:     give out the content in the longest runs there are, with CRLF line
 *          ends and without stuffed dots; say when CRLF.CRLF has been read.
 * Called:  by mail_intake.c with whatever the client has sent so far.
 * Owns:    nothing but its place.
 * Never:   ends a message at anything but CRLF.CRLF, keeps or copies bytes.
 */
#include "relayd/smtp/dot.h"

#include <string.h>

#include "base/xalloc.h"

/* Where the last byte left us; each name is what was just read. */
enum dot_at {
	AT_LINE,   /* CRLF, or nothing yet: only here can a dot end the data */
	AT_TEXT,   /* a byte inside a line */
	AT_BROKEN, /* a bare LF or CR, which became CRLF: a dot is content */
	AT_CR,     /* CR inside a line, held back */
	AT_DOT,    /* a dot that began a line after CRLF, held back */
	AT_DOT_CR, /* that dot, then CR */
};

void
dot_init(struct dot *dot, enum dot_mode mode)
{
	*dot = (struct dot){ .at = AT_LINE, .mode = mode };
}

/* A CR that no LF followed: RFC 5321 2.3.8 forbids it; it becomes CRLF. */
static void
broke_at_cr(struct dot *dot)
{
	dot->bare_cr = true;
	dot->owed = true;
	dot->at = AT_BROKEN;
}

/*
 * One byte after something was held back.  True: the byte is used.  Not
 * used, it is looked at again from the new place.
 */
static bool
held_step(struct dot *dot, char byte, bool *end)
{
	switch ((enum dot_at)dot->at) {
	case AT_CR:
		if (byte != '\n') {
			broke_at_cr(dot);
			return false;
		}
		dot->owed = true;
		dot->at = AT_LINE;
		return true;
	case AT_DOT:
		/* The dot itself is gone: RFC 5321 4.5.2. */
		if (byte == '\r') {
			dot->at = AT_DOT_CR;
			return true;
		}
		if (byte == '.')
			dot->dot_lines = true;
		dot->at = AT_TEXT;
		return false;
	case AT_DOT_CR:
		if (byte != '\n') {
			broke_at_cr(dot);
			return false;
		}
		*end = true;
		return true;
	case AT_LINE:
	case AT_TEXT:
	case AT_BROKEN:
		break;
	}
	assert(!"nothing is held back here");
	return false;
}

/*
 * The CR or bare LF that stops a run at `at`; the byte behind it, if there is
 * one, is not an LF that would make a CR whole.
 */
static size_t
stop_at(struct dot *dot, struct span in, size_t at)
{
	if (in.data[at] == '\n') {
		dot->bare_lf = true;
		dot->owed = true;
		dot->at = AT_BROKEN;
	} else if (at + 1 == in.len) {
		dot->at = AT_CR;
	} else {
		broke_at_cr(dot);
	}
	return at + 1;
}

/*
 * How many bytes at the head of in pass as they are: *run of them, and the
 * place behind what stopped the run is returned.  This is the hot path: two
 * memchr() a line, nothing a byte.
 */
static size_t
scan(struct dot *dot, struct span in, size_t *run)
{
	size_t place = 0, lf, cr;
	struct span rest;

	while (place < in.len) {
		if (in.data[place] == '.' && dot->at != AT_TEXT) {
			if (dot->at == AT_LINE && dot->mode == DOT_STUFFED) {
				dot->at = AT_DOT;
				*run = place;
				return place + 1;
			}
			dot->dot_lines = true;
		}
		rest = span_skip(in, place);
		lf = span_find(rest, '\n');
		cr = span_find(span_head(rest, lf), '\r');
		if (cr + 1 == lf && lf < rest.len) {
			place += lf + 1;
			dot->at = AT_LINE;
		} else if (cr < rest.len) {
			/* cr is a CR before any LF, or the bare LF itself. */
			*run = place + cr;
			return stop_at(dot, in, place + cr);
		} else {
			place = in.len;
			dot->at = AT_TEXT;
		}
	}
	*run = place;
	return place;
}

enum dot_verdict
dot_next(struct dot *dot, struct span *in, struct span *piece)
{
	bool end = false;
	size_t run, used;

	for (;;) {
		if (dot->owed) {
			dot->owed = false;
			*piece = SPAN("\r\n");
			return DOT_PIECE;
		}
		if (in->len == 0)
			return DOT_MORE;
		if (dot->at == AT_CR || dot->at == AT_DOT ||
		    dot->at == AT_DOT_CR) {
			if (held_step(dot, in->data[0], &end))
				*in = span_skip(*in, 1);
			if (end)
				return DOT_END;
			continue;
		}
		used = scan(dot, *in, &run);
		*piece = span_head(*in, run);
		*in = span_skip(*in, used);
		if (run > 0)
			return DOT_PIECE;
	}
}

bool
dot_finish(struct dot *dot, struct span *piece)
{
	bool unfinished = dot->at == AT_TEXT || dot->at == AT_CR;

	assert(dot->mode == DOT_PLAIN && !dot->owed);
	if (dot->at == AT_CR)
		dot->bare_cr = true;
	dot->at = AT_LINE;
	*piece = SPAN("\r\n");
	return unfinished;
}
