#ifndef ENTITY_H
#define ENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * The header of one MIME entity (RFC 2045), as far as it says how its body
 * is to be read.
 */
enum {
	BOUNDARY_MAX = 70, /* RFC 2046 5.1.1 */
	FIELD_MAX = 8192   /* one Content-* field, unfolded */
};

enum entity_kind {
	ENTITY_LEAF,
	ENTITY_MULTIPART,
	ENTITY_MESSAGE, /* message/rfc822: a header of its own follows */
	/* signed, of a kind that nobody may convert, or not to be read */
	ENTITY_SEALED,
};

enum entity_encoding {
	ENCODING_PLAIN,   /* none was named, or 7bit */
	ENCODING_8BIT,    /* 8bit or binary */
	ENCODING_ENCODED, /* quoted-printable, base64, or one we do not know */
};

struct entity {
	enum entity_kind kind;
	enum entity_encoding encoding;
	bool digest; /* its parts are messages where nothing else is said */
	bool has_type, has_encoding, has_version;
	/*
	 * A field too long or there twice, a line that is none, a multipart
	 * without a boundary: readers differ about what follows.
	 */
	bool odd;
	char boundary[BOUNDARY_MAX + 1];

	/* private: the field that is being read */
	struct buf field;
	bool wanted;
	bool of_message;
};

/*
 * A header begins, that of a message or of a part; in a digest the default is
 * message/rfc822.
 */
void entity_begin(struct entity *entity, bool of_message, bool in_digest);
void entity_clear(struct entity *entity);

/* What a line of the header (line end included) belongs to. */
enum entity_line {
	ENTITY_OTHER,        /* any field but the next one's */
	ENTITY_ENCODING_LINE /* Content-Transfer-Encoding, folded lines too */
};
enum entity_line entity_line(struct entity *entity, struct span line);
/* The header is over: the members are good from here. */
void entity_end(struct entity *entity);

#endif
