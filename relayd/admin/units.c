/*
 * units - sizes and times as people write them.
 *
 * Job:     read "50M" and "5d".
 * Called:  by conf_read.
 * Owns:    nothing.
 * Never:   guesses: "5 days", "1.5G" and "5m30" are not understood.
 */
#include "relayd/admin/units.h"

#include <inttypes.h>

/* Largest first; letter 0 ends a table. */
struct unit {
	char letter; /* read without regard to case */
	uint64_t factor;
};

static const struct unit sizes[] = {
	{ 'T', UINT64_C(1) << 40 },
	{ 'G', UINT64_C(1) << 30 },
	{ 'M', UINT64_C(1) << 20 },
	{ 'K', UINT64_C(1) << 10 },
	{ 0, 1 },
};

static const struct unit times[] = {
	{ 'w', 7 * 24 * 60 * 60 },
	{ 'd', 24 * 60 * 60 },
	{ 'h', 60 * 60 },
	{ 'm', 60 },
	{ 's', 1 },
	{ 0, 1 },
};

static bool
read_with(const struct unit *units, struct span text, uint64_t *number)
{
	uint64_t factor = 1, count;

	if (text.len == 0)
		return false;
	for (; units->letter != 0; units++) {
		if (!span_equal_nocase(span_skip(text, text.len - 1),
			span_make(&units->letter, 1)))
			continue;
		factor = units->factor;
		text = span_head(text, text.len - 1);
		break;
	}
	if (!span_number(text, INT64_MAX / factor, &count))
		return false;
	*number = count * factor;
	return true;
}

static void
add_with(const struct unit *units, struct buf *out, uint64_t number)
{
	while (
	    units->letter != 0 && (number == 0 || number % units->factor != 0))
		units++;
	buf_addf(out, "%" PRIu64, number / units->factor);
	if (units->letter != 0)
		buf_add_byte(out, units->letter);
}

bool
units_bytes(struct span text, uint64_t *bytes)
{
	return read_with(sizes, text, bytes);
}

bool
units_seconds(struct span text, uint64_t *seconds)
{
	return read_with(times, text, seconds);
}

void
units_add_bytes(struct buf *out, uint64_t bytes)
{
	add_with(sizes, out, bytes);
}

void
units_add_seconds(struct buf *out, uint64_t seconds)
{
	add_with(times, out, seconds);
}
