/*
 * quirks - what clients do that they should not, counted.
 *
 * Job:     count departures by kind and spell them for the log.
 * Called:  by the session, wherever it serves something odd.
 * Owns:    the names.
 * Never:   decides anything.
 */
#include "relayd/smtp/quirks.h"

#include "domains/address.h"

static const char *const names[QUIRK_KINDS] = {
	[QUIRK_BARE_LF] = "bare_lf",
	[QUIRK_NO_BRACKETS] = "no_brackets",
	[QUIRK_BLANKS] = "blanks",
	[QUIRK_NAME] = "name",
	[QUIRK_BLANK_LINE] = "blank_line",
	[QUIRK_IMPATIENT] = "impatient",
	[QUIRK_DATA_BARE_LF] = "data_bare_lf",
	[QUIRK_DATA_BARE_CR] = "data_bare_cr",
	[QUIRK_EIGHT_BIT] = "eight_bit",
	[QUIRK_NO_NAME] = "no_name",
	[QUIRK_ADDED] = "fields_added",
	[QUIRK_SIZE] = "size_understated",
};

void
quirks_note(struct quirks *quirks, enum quirk quirk)
{
	if (quirks->seen[quirk] < UINT16_MAX)
		quirks->seen[quirk]++;
}

void
quirks_note_path(struct quirks *quirks, unsigned path_quirks)
{
	if (path_quirks & PATH_NO_BRACKETS)
		quirks_note(quirks, QUIRK_NO_BRACKETS);
	if (path_quirks & PATH_BLANKS)
		quirks_note(quirks, QUIRK_BLANKS);
	if (path_quirks & PATH_NAME)
		quirks_note(quirks, QUIRK_NAME);
}

bool
quirks_any(const struct quirks *quirks)
{
	size_t i;

	for (i = 0; i < QUIRK_KINDS; i++)
		if (quirks->seen[i] > 0)
			return true;
	return false;
}

void
quirks_add_text(const struct quirks *quirks, struct buf *out)
{
	const char *comma = "";
	size_t i;

	for (i = 0; i < QUIRK_KINDS; i++) {
		if (quirks->seen[i] == 0)
			continue;
		buf_addf(out, "%s%s", comma, names[i]);
		if (quirks->seen[i] > 1)
			buf_addf(out, ":%u", quirks->seen[i]);
		comma = ",";
	}
}
