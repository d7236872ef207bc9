/*
 * entity - how the body of a MIME entity is to be read.
 *
 * Job:     pick type, boundary and encoding out of header lines.
 * Called:  by downgrade.c, line by line.
 * Owns:    the one field that is being read.
 * Never:   guesses: what it cannot read is marked odd or sealed.
 */
#include "relayd/delivery/entity.h"

#include <string.h>

void
entity_begin(struct entity *entity, bool of_message, bool in_digest)
{
	struct buf field = entity->field;

	buf_empty(&field);
	field.max = FIELD_MAX;
	*entity = (struct entity){
		.kind = in_digest ? ENTITY_MESSAGE : ENTITY_LEAF,
		.field = field,
		.of_message = of_message,
	};
}

void
entity_clear(struct entity *entity)
{
	buf_clear(&entity->field);
}

/* A parameter's value: a token, or a quoted string without its quotes. */
static void
read_value(struct span *rest, struct buf *out)
{
	size_t i = 0;

	if (rest->len == 0 || rest->data[0] != '"') {
		while (i < rest->len && rest->data[i] != ';' &&
		    rest->data[i] != ' ' && rest->data[i] != '\t')
			buf_add_byte(out, rest->data[i++]);
		*rest = span_skip(*rest, i);
		return;
	}
	for (i = 1; i < rest->len && rest->data[i] != '"'; i++) {
		if (rest->data[i] == '\\' && i + 1 < rest->len)
			i++;
		buf_add_byte(out, rest->data[i]);
	}
	*rest = span_skip(*rest, i + 1);
}

static void
read_boundary(struct entity *entity, struct span params)
{
	struct span name;
	struct buf value;
	size_t n;

	buf_init(&value, BOUNDARY_MAX);
	while (params.len > 0) {
		n = span_find(params, '=');
		name = span_trim(span_head(params, n));
		params = span_trim(span_skip(params, n + 1));
		buf_empty(&value);
		read_value(&params, &value);
		if (span_equal_nocase(name, SPAN("boundary")) && !value.full)
			memcpy(entity->boundary, buf_text(&value),
			    value.len + 1);
		n = span_find(params, ';');
		params = span_skip(params, n + 1);
	}
	buf_clear(&value);
	if (entity->boundary[0] == '\0')
		entity->odd = true;
}

/* Without comments and whatever else may not stand behind a token. */
static struct span
token_of(struct span text)
{
	size_t i = 0;

	while (i < text.len && text.data[i] != ' ' && text.data[i] != '\t' &&
	    text.data[i] != '(')
		i++;
	return span_head(text, i);
}

static void
read_type(struct entity *entity, struct span value)
{
	struct span params = value;
	struct span type = token_of(span_trim(span_cut(&params, ';')));

	if (entity->has_type || (type.len == 0 && value.len > 0))
		entity->odd = true;
	entity->has_type = true;
	entity->kind = ENTITY_LEAF;
	if (span_equal_nocase(type, SPAN("message/rfc822"))) {
		entity->kind = ENTITY_MESSAGE;
	} else if (span_equal_nocase(type, SPAN("multipart/signed")) ||
	    span_equal_nocase(type, SPAN("multipart/encrypted")) ||
	    span_starts_nocase(type, SPAN("message/"))) {
		entity->kind = ENTITY_SEALED;
	} else if (span_starts_nocase(type, SPAN("multipart/"))) {
		entity->kind = ENTITY_MULTIPART;
		entity->digest =
		    span_equal_nocase(type, SPAN("multipart/digest"));
		read_boundary(entity, params);
	}
}

static void
read_encoding(struct entity *entity, struct span value)
{
	if (entity->has_encoding)
		entity->odd = true;
	entity->has_encoding = true;
	if (span_equal_nocase(value, SPAN("7bit")) || value.len == 0)
		entity->encoding = ENCODING_PLAIN;
	else if (span_equal_nocase(value, SPAN("8bit")) ||
	    span_equal_nocase(value, SPAN("binary")))
		entity->encoding = ENCODING_8BIT;
	else
		entity->encoding = ENCODING_ENCODED;
}

static const struct {
	const char *name;
	enum entity_line line;
	void (*read)(struct entity *entity, struct span value);
} fields[] = {
	/* clang-format off */
	{ "Content-Type",              ENTITY_OTHER,         read_type },
	{ "Content-Transfer-Encoding", ENTITY_ENCODING_LINE, read_encoding },
	/* clang-format on */
};

enum {
	FIELD_COUNT = sizeof(fields) / sizeof(fields[0])
};

/* Which of fields[] this begins with, or FIELD_COUNT. */
static size_t
field_of(struct span line)
{
	size_t colon = span_find(line, ':'), i;
	struct span name = span_trim(span_head(line, colon));

	if (colon == line.len)
		return FIELD_COUNT;
	for (i = 0; i < FIELD_COUNT; i++)
		if (span_equal_nocase(name, span_of(fields[i].name)))
			break;
	return i;
}

static void
finish_field(struct entity *entity)
{
	struct span field = buf_span(&entity->field);
	size_t i;

	if (entity->wanted && entity->field.full)
		entity->odd = true;
	i = entity->wanted ? field_of(field) : FIELD_COUNT;
	if (i < FIELD_COUNT)
		fields[i].read(entity,
		    span_trim(span_skip(field, span_find(field, ':') + 1)));
	buf_empty(&entity->field);
	entity->wanted = false;
}

static struct span
without_end(struct span line)
{
	while (line.len > 0 &&
	    (line.data[line.len - 1] == '\n' ||
		line.data[line.len - 1] == '\r'))
		line.len--;
	return line;
}

/* A name and a colon, with blanks between them in old mail. */
static bool
is_field(struct span line)
{
	struct span name = span_head(line, span_find(line, ':'));
	size_t i;

	if (name.len == line.len)
		return false;
	name = span_trim(name);
	for (i = 0; i < name.len; i++)
		if (name.data[i] <= 0x20 || name.data[i] >= 0x7f)
			return false;
	return name.len > 0;
}

enum entity_line
entity_line(struct entity *entity, struct span line)
{
	bool folded =
	    line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t');

	line = without_end(line);
	if (!folded) {
		finish_field(entity);
		entity->wanted = field_of(line) < FIELD_COUNT;
		/* A part's text may begin without an empty line before it. */
		if (!entity->of_message && !is_field(line))
			entity->odd = true;
		if (span_starts_nocase(line, SPAN("MIME-Version:")))
			entity->has_version = true;
	}
	if (!entity->wanted)
		return ENTITY_OTHER;
	buf_add(&entity->field, line);
	return fields[field_of(buf_span(&entity->field))].line;
}

void
entity_end(struct entity *entity)
{
	finish_field(entity);
	/* Encoded as a whole: bytes, whatever is in them. */
	if (entity->encoding == ENCODING_ENCODED &&
	    entity->kind != ENTITY_SEALED)
		entity->kind = ENTITY_LEAF;
	if (entity->odd)
		entity->kind = ENTITY_SEALED;
}
