/*
 * downgrade - 8-bit messages for 7-bit next hops.
 *
 * Job:     walk the MIME structure of a message twice and write its 8-bit
 *          parts as quoted-printable.
 * Called:  by the client (the survey) and by body.c (the writing).
 * Owns:    the walk: open multiparts, the header being read, what the survey
 *          found about each part.
 * Never:   touches a part that is 7-bit, signed or encoded already; what it
 *          cannot convert without loss it refuses in the survey.
 */
#include "relayd/delivery/downgrade.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/delivery/entity.h"

enum {
	DEPTH_MAX = 16,      /* multiparts within multiparts */
	PARTS_MAX = 1000,    /* entities of one message */
	LINE_HELD = 2048,    /* longer lines come in pieces */
	ENCODING_HELD = 4096 /* lines of Content-Transfer-Encoding */
};

enum where {
	IN_HEADER,
	IN_LEAF,
	IN_GAP, /* before the first boundary and behind the last one */
};

static const char unreadable[] = "its MIME structure cannot be read";

struct part {
	bool eight_bit;
	bool not_utf8;
};

struct downgrade {
	bool writing;    /* the second time over */
	const char *why; /* static text: it cannot be done */
	struct buf *out; /* borrowed for a call */

	enum where where;
	bool inside_line; /* the next piece does not begin a line */
	struct held_line {
		char data[LINE_HELD];
		size_t len;
	} line;
	size_t depth;
	struct level {
		char boundary[BOUNDARY_MAX + 1];
		bool digest;
	} levels[DEPTH_MAX];
	struct entity entity;
	struct buf encoding; /* its lines, held back */
	bool cut_line; /* the header's last line that went out has no end */
	bool header_eight_bit;
	struct qp qp;
	bool quoting;
	size_t part; /* number of the entity we are in */
	size_t part_count;
	struct part parts[PARTS_MAX];
};

static void
begin_entity(struct downgrade *downgrade, bool of_message)
{
	bool digest = !of_message && downgrade->depth > 0 &&
	    downgrade->levels[downgrade->depth - 1].digest;

	if (downgrade->part_count == PARTS_MAX) {
		downgrade->why = "it has too many parts to be converted";
		downgrade->part_count--;
	}
	downgrade->part = downgrade->part_count++;
	downgrade->where = IN_HEADER;
	downgrade->quoting = false;
	downgrade->cut_line = false;
	downgrade->header_eight_bit = false;
	buf_empty(&downgrade->encoding);
	entity_begin(&downgrade->entity, of_message, digest);
}

static void
begin_walk(struct downgrade *downgrade)
{
	downgrade->depth = 0;
	downgrade->line.len = 0;
	downgrade->inside_line = false;
	downgrade->part_count = 0;
	begin_entity(downgrade, true);
}

struct downgrade *
downgrade_new(void)
{
	struct downgrade *downgrade = xcalloc(1, sizeof(*downgrade));

	buf_init(&downgrade->encoding, ENCODING_HELD);
	begin_walk(downgrade);
	return downgrade;
}

void
downgrade_free(struct downgrade *downgrade)
{
	if (downgrade == NULL)
		return;
	buf_clear(&downgrade->encoding);
	entity_clear(&downgrade->entity);
	free(downgrade);
}

static void
put(struct downgrade *downgrade, struct span bytes)
{
	if (downgrade->writing)
		buf_add(downgrade->out, bytes);
}

/* ---- the end of a header: what must it say, what follows? ---- */

static void
put_text_header(struct downgrade *downgrade)
{
	const struct part *part = &downgrade->parts[downgrade->part];

	/* RFC 2045 4: also in a message within, once it claims to be MIME. */
	if (!downgrade->entity.has_version && downgrade->entity.of_message)
		put(downgrade, SPAN("MIME-Version: 1.0\r\n"));
	if (!downgrade->entity.has_type && part->not_utf8)
		put(downgrade,
		    SPAN("Content-Type: text/plain; charset=unknown-8bit\r\n"));
	else if (!downgrade->entity.has_type)
		put(downgrade,
		    SPAN("Content-Type: text/plain; charset=utf-8\r\n"));
	put(downgrade, SPAN("Content-Transfer-Encoding: quoted-printable\r\n"));
}

static void
put_encoding(struct downgrade *downgrade)
{
	bool leaf = downgrade->entity.kind == ENTITY_LEAF;

	if (leaf && downgrade->parts[downgrade->part].eight_bit)
		put_text_header(downgrade);
	else if (downgrade->entity.encoding == ENCODING_8BIT &&
	    !downgrade->entity.odd)
		put(downgrade, SPAN("Content-Transfer-Encoding: 7bit\r\n"));
	else
		put(downgrade, buf_span(&downgrade->encoding));
	downgrade->quoting =
	    leaf && downgrade->parts[downgrade->part].eight_bit;
	qp_begin(&downgrade->qp);
}

static void
open_level(struct downgrade *downgrade)
{
	struct level *level;

	downgrade->where = IN_GAP;
	if (downgrade->depth == DEPTH_MAX) {
		downgrade->why = "its parts are nested too deeply";
		return;
	}
	level = &downgrade->levels[downgrade->depth++];
	memcpy(level->boundary, downgrade->entity.boundary,
	    sizeof(level->boundary));
	level->digest = downgrade->entity.digest;
}

static void
end_header(struct downgrade *downgrade)
{
	entity_end(&downgrade->entity);
	/* Where it is odd, 8-bit lines may be no header at all. */
	if (downgrade->encoding.full ||
	    (downgrade->entity.odd && downgrade->header_eight_bit))
		downgrade->why = unreadable;
	if (downgrade->cut_line)
		put(downgrade, SPAN("\r\n"));
	put_encoding(downgrade);
}

static void
begin_content(struct downgrade *downgrade)
{
	switch (downgrade->entity.kind) {
	case ENTITY_LEAF:
	case ENTITY_SEALED:
		downgrade->where = IN_LEAF;
		return;
	case ENTITY_MULTIPART:
		open_level(downgrade);
		return;
	case ENTITY_MESSAGE:
		begin_entity(downgrade, true);
		return;
	}
}

/* ---- lines ---- */

static bool
blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct span
without_blanks(struct span line)
{
	while (line.len > 0 && blank(line.data[line.len - 1]))
		line.len--;
	return line;
}

/*
 * Is this line a boundary of an open multipart (RFC 2046 5.1.1)?  The
 * innermost one counts first.  *level is its place, *last that it closes it.
 */
static bool
is_boundary(const struct downgrade *downgrade, struct span line, size_t *level,
    bool *last)
{
	struct span rest;
	size_t i;

	if (!span_starts(line, SPAN("--")))
		return false;
	line = without_blanks(span_skip(line, 2));
	for (i = downgrade->depth; i > 0; i--) {
		rest = span_of(downgrade->levels[i - 1].boundary);
		if (!span_starts(line, rest))
			continue;
		rest = span_skip(line, rest.len);
		*last = span_equal(rest, SPAN("--"));
		*level = i;
		if (rest.len == 0 || *last)
			return true;
	}
	return false;
}

static void
cross_boundary(struct downgrade *downgrade, size_t level, bool last)
{
	if (downgrade->where == IN_HEADER)
		end_header(downgrade);
	if (downgrade->quoting)
		qp_end(&downgrade->qp, downgrade->out);
	downgrade->quoting = false;
	downgrade->depth = last ? level - 1 : level;
	downgrade->where = IN_GAP;
	if (!last)
		begin_entity(downgrade, false);
}

static void
put_header(struct downgrade *downgrade, struct span line)
{
	put(downgrade, line);
	downgrade->cut_line = !span_ends(line, SPAN("\n"));
}

static void
header_line(struct downgrade *downgrade, struct span line, bool begins)
{
	if (begins && without_blanks(line).len == 0 &&
	    (line.data[0] == '\r' || line.data[0] == '\n')) {
		end_header(downgrade);
		put(downgrade, line);
		begin_content(downgrade);
		return;
	}
	/* The rest of an over-long line belongs to what its start did. */
	if (!begins && downgrade->entity.wanted)
		downgrade->entity.odd = true;
	if (begins &&
	    entity_line(&downgrade->entity, line) == ENTITY_ENCODING_LINE)
		buf_add(&downgrade->encoding, line);
	else
		put_header(downgrade, line);
	downgrade->header_eight_bit |= span_eight_bit(line);
}

static void
survey_leaf(struct downgrade *downgrade, struct span piece)
{
	struct part *part = &downgrade->parts[downgrade->part];

	if (!span_eight_bit(piece))
		return;
	part->eight_bit = true;
	if (!span_utf8(piece))
		part->not_utf8 = true;
	if (downgrade->entity.odd)
		downgrade->why = unreadable;
	else if (downgrade->entity.kind == ENTITY_SEALED)
		downgrade->why = "a part of it is signed or of a kind that "
				 "must not be converted";
	if (downgrade->entity.encoding == ENCODING_ENCODED)
		downgrade->why = "a part of it is 8-bit in spite of its "
				 "Content-Transfer-Encoding";
}

static void
leaf_piece(struct downgrade *downgrade, struct span piece)
{
	if (!downgrade->writing)
		survey_leaf(downgrade, piece);
	else if (downgrade->quoting)
		qp_add(&downgrade->qp, piece, downgrade->out);
	else
		put(downgrade, piece);
}

static void
gap_piece(struct downgrade *downgrade, struct span piece)
{
	if (!downgrade->writing && span_eight_bit(piece))
		downgrade->why = "it has 8-bit text outside of its parts";
	put(downgrade, piece);
}

/* One line, or a piece of one that is too long to be held. */
static void
handle_piece(struct downgrade *downgrade, struct span piece, bool begins)
{
	size_t level = 0;
	bool last = false;

	if (begins && is_boundary(downgrade, piece, &level, &last)) {
		cross_boundary(downgrade, level, last);
		put(downgrade, piece);
		return;
	}
	switch (downgrade->where) {
	case IN_HEADER:
		header_line(downgrade, piece, begins);
		return;
	case IN_LEAF:
		leaf_piece(downgrade, piece);
		return;
	case IN_GAP:
		gap_piece(downgrade, piece);
		return;
	}
}

/* How many bytes at the end begin a character of UTF-8 and do not end it. */
static size_t
begun_character(struct span piece)
{
	size_t n, need;
	unsigned char lead;

	for (n = 1; n <= 3 && n <= piece.len; n++) {
		lead = (unsigned char)piece.data[piece.len - n];
		if (lead < 0x80)
			return 0;
		if (lead < 0xc0)
			continue;
		need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
		return need > n ? n : 0;
	}
	return 0;
}

/* Of a line that does not end here, a character cut in two is held back. */
static void
flush_line(struct downgrade *downgrade, bool ends)
{
	struct span piece =
	    span_make(downgrade->line.data, downgrade->line.len);
	size_t kept = ends ? 0 : begun_character(piece);
	bool begins = !downgrade->inside_line;

	piece.len -= kept;
	downgrade->inside_line = !ends;
	if (piece.len > 0)
		handle_piece(downgrade, piece, begins);
	memmove(downgrade->line.data, piece.data + piece.len, kept);
	downgrade->line.len = kept;
}

static void
walk(struct downgrade *downgrade, struct span in)
{
	size_t room, n;
	bool ends;

	while (in.len > 0) {
		room = LINE_HELD - downgrade->line.len;
		n = span_find(in, '\n');
		ends = n < in.len && n < room;
		n = ends ? n + 1 : n;
		n = n < room ? n : room;
		memcpy(downgrade->line.data + downgrade->line.len, in.data, n);
		downgrade->line.len += n;
		in = span_skip(in, n);
		if (ends || downgrade->line.len == LINE_HELD)
			flush_line(downgrade, ends);
	}
}

static void
end_walk(struct downgrade *downgrade)
{
	flush_line(downgrade, true);
	if (downgrade->where == IN_HEADER)
		end_header(downgrade);
	if (downgrade->quoting)
		qp_end(&downgrade->qp, downgrade->out);
}

void
downgrade_survey(struct downgrade *downgrade, struct span in)
{
	walk(downgrade, in);
}

const char *
downgrade_surveyed(struct downgrade *downgrade)
{
	downgrade->quoting = false;
	end_walk(downgrade);
	downgrade->writing = true;
	begin_walk(downgrade);
	return downgrade->why;
}

void
downgrade_feed(struct downgrade *downgrade, struct span in, struct buf *out)
{
	downgrade->out = out;
	walk(downgrade, in);
}

void
downgrade_end(struct downgrade *downgrade, struct buf *out)
{
	downgrade->out = out;
	end_walk(downgrade);
}
