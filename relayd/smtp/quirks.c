/*
 * quirks - names for what clients do that they should not.
 *
 * Job:     spell a set of quirks for the log.
 * Called:  by session_say.c; quirks_of_path by the handlers of MAIL and RCPT.
 * Owns:    nothing.
 * Never:   decides anything.
 */
#include "relayd/smtp/quirks.h"

#include "domains/address.h"

static const struct {
	unsigned bit;
	const char *name;
} names[] = {
	/* clang-format off */
	{ QUIRK_BARE_LF,      "bare_lf" },
	{ QUIRK_NO_BRACKETS,  "no_brackets" },
	{ QUIRK_BLANKS,       "blanks" },
	{ QUIRK_NAME,         "name" },
	{ QUIRK_BLANK_LINE,   "blank_line" },
	{ QUIRK_IMPATIENT,    "impatient" },
	{ QUIRK_DATA_BARE_LF, "data_bare_lf" },
	{ QUIRK_DATA_BARE_CR, "data_bare_cr" },
	{ QUIRK_EIGHT_BIT,    "eight_bit" },
	{ QUIRK_NO_NAME,      "no_name" },
	{ QUIRK_ADDED,        "fields_added" },
	{ QUIRK_SIZE,         "size_understated" },
	/* clang-format on */
};

void
quirks_add_names(unsigned quirks, struct buf *out)
{
	bool any = false;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((quirks & names[i].bit) == 0)
			continue;
		buf_addf(out, "%s%s", any ? "," : "", names[i].name);
		any = true;
	}
}

unsigned
quirks_of_path(unsigned path_quirks)
{
	unsigned quirks = 0;

	if (path_quirks & PATH_NO_BRACKETS)
		quirks |= QUIRK_NO_BRACKETS;
	if (path_quirks & PATH_BLANKS)
		quirks |= QUIRK_BLANKS;
	if (path_quirks & PATH_NAME)
		quirks |= QUIRK_NAME;
	return quirks;
}
