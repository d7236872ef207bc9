/*
 * spool_id - message IDs as people see them.
 *
 * Job:     a 64-bit ID to 13 characters of base32 and back; texts sort as
 *          the IDs do, that is by time.
 * Called:  by whoever shows or reads an ID; by large.c for file names.
 * Owns:    nothing.
 * Never:   takes a text that spool_id_text() would not write.
 */
#include <string.h>

#include "spool/spool.h"

/* No i, l, o, u: nothing that is misread (Crockford). In ASCII order. */
static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

void
spool_id_text(uint64_t id, char out[SPOOL_ID_LEN + 1])
{
	int i;

	for (i = SPOOL_ID_LEN - 1; i >= 0; i--) {
		out[i] = digits[id & 31];
		id >>= 5;
	}
	out[SPOOL_ID_LEN] = '\0';
}

bool
spool_id_parse(struct span text, uint64_t *id)
{
	uint64_t number = 0;
	const char *digit;
	size_t i;

	if (text.len != SPOOL_ID_LEN)
		return false;
	for (i = 0; i < text.len; i++) {
		digit =
		    text.data[i] == '\0' ? NULL : strchr(digits, text.data[i]);
		if (digit == NULL)
			return false;
		/* 65 bits of text hold 64: the first digit is at most f. */
		if (i == 0 && digit - digits > 15)
			return false;
		number = number << 5 | (uint64_t)(digit - digits);
	}
	*id = number;
	return true;
}
