/*
 * subject - whom a line of the allowlist speaks of.
 *
 * Job:     read an address, a network, an exclusion or a host name.
 * Called:  by allowlist.c, and by whoever edits or doubts its lines.
 * Owns:    nothing.
 * Never:   takes a name for an address, nor an address for a name.
 */
#include "domains/subject.h"

#include <stdio.h>
#include <string.h>

static bool looks_like_network(struct span text);
static const char *name_fault(struct span text, char name[DOMAIN_MAX + 1],
    bool exclusion);

bool
subject_parse(struct span text, struct subject *subject, const char **why)
{
	bool exclusion = span_starts(text, SPAN("!"));
	struct span rest = span_skip(text, exclusion ? 1 : 0);

	*subject = (struct subject){ .excluded = exclusion,
		.named = !looks_like_network(rest) };
	if (!subject->named)
		return network_parse(rest, &subject->network, why);
	*why = name_fault(rest, subject->name, exclusion);
	return *why == NULL;
}

const char *
subject_text(const struct subject *subject, char out[SUBJECT_TEXT_MAX])
{
	char shown[NETWORK_TEXT_MAX];

	snprintf(out, SUBJECT_TEXT_MAX, "%s%s", subject->excluded ? "!" : "",
	    subject->named ? subject->name :
			     network_text(&subject->network, shown));
	return out;
}

/* Digits, dots, colons and slashes alone were meant as an address. */
static bool
looks_like_network(struct span text)
{
	size_t i;

	if (span_find(text, ':') < text.len || span_find(text, '/') < text.len)
		return true;
	for (i = 0; i < text.len; i++)
		if (text.data[i] != '.' &&
		    (text.data[i] < '0' || text.data[i] > '9'))
			return false;
	return true;
}

/* NULL, or what is wrong with a host name. */
static const char *
name_fault(struct span text, char name[DOMAIN_MAX + 1], bool exclusion)
{
	const char *why;

	if (exclusion)
		return "a name cannot be excluded, since its addresses may be "
		       "unknown; expected an address or a network";
	if (!domain_normalise(text, name, &why))
		return why;
	if (span_find(span_of(name), '.') == strlen(name))
		return "not a full name; expected one as scanner3.campus.test";
	return NULL;
}
