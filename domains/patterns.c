/*
 * patterns - addresses of which one must match.
 *
 * Job:     read the value of from= or to=, and try an address against it.
 * Called:  by grant.c.
 * Owns:    the patterns of each struct patterns.
 * Never:   matches a part of a label: .dom is below dom, not behind it.
 */
#include "domains/patterns.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	PATTERNS_MAX = 1000
};

struct pattern {
	bool null;    /* <>, and nothing else here is set */
	char *local;  /* owned; NULL: any */
	char *domain; /* owned; domain.h's form, or that behind a dot */
};

static bool parse_one(struct span text, bool null_allowed,
    struct pattern *pattern, const char **why);
static bool match_one(const struct pattern *pattern,
    const struct address *address);

bool
patterns_parse(struct span value, bool null_allowed, struct patterns *patterns,
    size_t *at, const char **why)
{
	struct span rest = value, part;

	*patterns = (struct patterns){ .count = 0 };
	while (rest.data != NULL) {
		*at = (size_t)(rest.data - value.data);
		part = span_cut(&rest, ',');
		if (patterns->count == PATTERNS_MAX) {
			*why = "more than 1000 patterns; expected fewer";
			patterns_clear(patterns);
			return false;
		}
		patterns->list = xrealloc(patterns->list, patterns->count + 1,
		    sizeof(*patterns->list));
		if (!parse_one(part, null_allowed,
			&patterns->list[patterns->count], why)) {
			patterns_clear(patterns);
			return false;
		}
		patterns->count++;
	}
	return true;
}

bool
patterns_match(const struct patterns *patterns, const struct address *address)
{
	size_t i;

	for (i = 0; i < patterns->count; i++)
		if (match_one(&patterns->list[i], address))
			return true;
	return patterns->count == 0;
}

/* RFC 5321 4.1.2: a Dot-string as it is, anything else as a Quoted-string. */
static void
add_local(struct buf *out, struct span local)
{
	struct address address;
	const char *why;
	size_t i;

	if (address_parse(local, &address, &why) == PATH_OK &&
	    address.kind == ADDRESS_BARE &&
	    span_equal(address_span(&address), local)) {
		buf_add(out, local);
		return;
	}
	buf_add_byte(out, '"');
	for (i = 0; i < local.len; i++) {
		if (local.data[i] == '"' || local.data[i] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, local.data[i]);
	}
	buf_add_byte(out, '"');
}

void
patterns_text(const struct patterns *patterns, struct buf *out)
{
	const struct pattern *pattern;
	size_t i;

	for (i = 0; i < patterns->count; i++) {
		pattern = &patterns->list[i];
		if (i > 0)
			buf_add_byte(out, ',');
		if (pattern->null) {
			buf_add(out, SPAN("<>"));
			continue;
		}
		if (pattern->local != NULL) {
			add_local(out, span_of(pattern->local));
			buf_add_byte(out, '@');
		}
		buf_add(out, span_of(pattern->domain));
	}
}

void
patterns_clear(struct patterns *patterns)
{
	while (patterns->count > 0) {
		patterns->count--;
		free(patterns->list[patterns->count].local);
		free(patterns->list[patterns->count].domain);
	}
	free(patterns->list);
	patterns->list = NULL;
}

/* dom, .dom or [literal]. */
static bool
parse_domain(struct span text, struct pattern *pattern, const char **why)
{
	char domain[1 + DOMAIN_MAX + 1] = ".";
	bool good;

	if (span_starts(text, SPAN("[")))
		good = domain_literal(text, domain, why);
	else if (span_starts(text, SPAN(".")))
		good = domain_normalise(span_skip(text, 1), domain + 1, why);
	else
		good = domain_normalise(text, domain, why);
	if (good)
		pattern->domain = xstrdup(domain);
	return good;
}

static bool
parse_local(struct span text, struct pattern *pattern, const char **why)
{
	struct address address;

	if (span_equal(text, SPAN("*")))
		return true;
	if (address_parse(text, &address, why) != PATH_OK)
		return false;
	*why = "more than one @; expected user@domain";
	if (address.kind != ADDRESS_BARE)
		return false;
	pattern->local = xstrndup(address.local, address.local_len);
	return true;
}

static bool
parse_one(struct span text, bool null_allowed, struct pattern *pattern,
    const char **why)
{
	size_t at = span_find_last(text, '@');
	struct span domain = at < text.len ? span_skip(text, at + 1) : text;

	*pattern = (struct pattern){ .null = false };
	*why = "an empty pattern; expected user@domain, *@domain, domain or "
	       ".domain";
	if (text.len == 0)
		return false;
	if (span_equal(text, SPAN("<>"))) {
		pattern->null = true;
		*why = "<> is no recipient; expected user@domain, domain or "
		       ".domain";
		return null_allowed;
	}
	if (at < text.len && !parse_local(span_head(text, at), pattern, why))
		return false;
	if (parse_domain(domain, pattern, why))
		return true;
	free(pattern->local);
	return false;
}

static bool
match_one(const struct pattern *pattern, const struct address *address)
{
	struct span local = span_make(address->local, address->local_len);
	struct span domain = span_of(address->domain), wanted;

	if (pattern->null)
		return address->kind == ADDRESS_NULL;
	if (pattern->local != NULL &&
	    !span_equal_nocase(local, span_of(pattern->local)))
		return false;
	/* Without a domain, <> and <root> match none. */
	wanted = span_of(pattern->domain);
	if (wanted.data[0] == '.')
		return span_ends(domain, wanted);
	return span_equal(domain, wanted);
}
