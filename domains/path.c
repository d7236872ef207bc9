/*
 * path - the reverse or forward path of an envelope.
 *
 * Job:     find the one mailbox in what stands behind FROM: or TO:, also as
 *          devices write it, and where the parameters begin.
 * Called:  by the SMTP session.
 * Owns:    nothing.
 * Never:   picks one of two readings: what could mean two things is refused.
 */
#include <string.h>

#include "domains/address.h"

static enum path_verdict read_bracketed(struct span s, struct address *address,
    struct span *rest, unsigned *quirks, const char **why);
static enum path_verdict read_mailbox(struct span text, struct address *address,
    const char **why);
static enum path_verdict read_named(struct span text, struct address *address,
    unsigned *quirks, const char **why);
static enum path_verdict read_route(struct span *text, const char **why);
static size_t end_of_word(struct span s);
static size_t find_bare(struct span s, char wanted);
static bool is_blank(char c);
static bool is_name(struct span s);
static bool has_control(struct span s);

enum path_verdict
path_parse(struct span args, struct address *address, size_t *used,
    unsigned *quirks, const char **why)
{
	struct span s = args, rest;
	enum path_verdict verdict;
	size_t open;

	*quirks = 0;
	while (s.len > 0 && is_blank(s.data[0]))
		s = span_skip(s, 1);
	if (s.len < args.len)
		*quirks |= PATH_BLANKS;
	open = find_bare(s, '<');
	/* A name has no "=", so a parameter AUTH=<> does not open a path. */
	if (open < s.len && open > 0 && is_name(span_head(s, open))) {
		*quirks |= PATH_NAME;
		s = span_skip(s, open);
		open = 0;
	}
	if (s.len > 0 && open == 0) {
		verdict = read_bracketed(s, address, &rest, quirks, why);
	} else {
		*quirks |= PATH_NO_BRACKETS;
		open = end_of_word(s);
		rest = span_skip(s, open);
		verdict = read_mailbox(span_head(s, open), address, why);
	}
	if (verdict != PATH_OK)
		return verdict;
	rest = span_trim(rest);
	*why = "a second path behind the first; expected one";
	if (span_starts(rest, SPAN("<")))
		return PATH_BAD_SYNTAX;
	*used = rest.len == 0 ? args.len : (size_t)(rest.data - args.data);
	if (has_control(span_head(args, *used))) {
		*why = "a control character in the path; expected <address>";
		return PATH_BAD_SYNTAX;
	}
	return PATH_OK;
}

/* The place of the > that belongs to the < at the head of s, or s.len. */
static size_t
find_close(struct span s)
{
	size_t at = 1, depth = 1, open, close;

	while (at < s.len) {
		open = find_bare(span_skip(s, at), '<');
		close = find_bare(span_skip(s, at), '>');
		if (close >= s.len - at)
			return s.len;
		if (open < close) {
			depth++;
			at += open + 1;
		} else if (--depth == 0) {
			return at + close;
		} else {
			at += close + 1;
		}
	}
	return s.len;
}

/* s begins with <.  *rest is what stands behind its >. */
static enum path_verdict
read_bracketed(struct span s, struct address *address, struct span *rest,
    unsigned *quirks, const char **why)
{
	size_t close = find_close(s);
	struct span inner, trimmed;

	*why = "no > that closes the path; expected <address>";
	if (close >= s.len)
		return PATH_BAD_SYNTAX;
	*rest = span_skip(s, close + 1);
	*why = "text right behind the >; expected a blank or the end";
	if (rest->len > 0 && !is_blank(rest->data[0]))
		return PATH_BAD_SYNTAX;
	inner = span_head(span_skip(s, 1), close - 1);
	trimmed = span_trim(inner);
	if (trimmed.len < inner.len)
		*quirks |= PATH_BLANKS;
	if (trimmed.len == 0) {
		*address = (struct address){ .kind = ADDRESS_NULL };
		*why = NULL;
		return PATH_OK;
	}
	if (end_of_word(trimmed) < trimmed.len || trimmed.data[0] == '<' ||
	    trimmed.data[trimmed.len - 1] == '>')
		return read_named(trimmed, address, quirks, why);
	return read_mailbox(trimmed, address, why);
}

/* One mailbox, perhaps behind a source route: RFC 5321 4.1.2, appendix C. */
static enum path_verdict
read_mailbox(struct span text, struct address *address, const char **why)
{
	bool source_route = text.len > 0 && text.data[0] == '@';
	enum path_verdict verdict;

	*why = "no address; expected <local-part@domain>";
	if (text.len == 0)
		return PATH_BAD_SYNTAX;
	if (source_route) {
		verdict = read_route(&text, why);
		if (verdict != PATH_OK)
			return verdict;
	}
	verdict = address_parse(text, address, why);
	address->source_route = source_route;
	if (verdict == PATH_OK && source_route &&
	    address->kind == ADDRESS_BARE) {
		*why = "no domain behind the source route; expected "
		       "local-part@domain";
		return PATH_BAD_SYNTAX;
	}
	return verdict;
}

/* What was between brackets: Name <address>, or Name address. */
static enum path_verdict
read_named(struct span text, struct address *address, unsigned *quirks,
    const char **why)
{
	size_t open = find_bare(text, '<');
	struct span name, rest, word;
	size_t len;

	if (open < text.len) {
		name = span_head(text, open);
		word = span_skip(text, open + 1);
		len = find_bare(word, '>');
		*why = "more than one address between < and >; expected one";
		if (len + 1 != word.len)
			return PATH_BAD_SYNTAX;
		word = span_trim(span_head(word, len));
	} else {
		word = rest = text;
		while (rest.len > 0) {
			len = end_of_word(rest);
			word = span_head(rest, len);
			rest = span_trim(span_skip(rest, len));
		}
		name = span_head(text, (size_t)(word.data - text.data));
	}
	*why = "blanks in the address, or a name that holds one of <>@=; "
	       "expected <local-part@domain>";
	if (!is_name(name) || span_find(word, '@') == word.len)
		return PATH_BAD_SYNTAX;
	*quirks |= PATH_NAME;
	return read_mailbox(word, address, why);
}

/*
 * Reads "@a,@b:" and drops it: RFC 5321 3.6.1 and appendix C let a server
 * ignore it, and nobody routes by it.
 */
static enum path_verdict
read_route(struct span *text, const char **why)
{
	char unused[DOMAIN_MAX + 1];
	struct span domain;
	size_t len;
	char end;

	do {
		*why = "a source route that does not end; expected @host: "
		       "before the address";
		if (text->len == 0 || text->data[0] != '@')
			return PATH_BAD_SYNTAX;
		*text = span_skip(*text, 1);
		len = 0;
		if (text->len > 0 && text->data[0] == '[')
			len = span_find(*text, ']');
		while (len < text->len && strchr(",:", text->data[len]) == NULL)
			len++;
		if (len >= text->len || text->data[len] == '\0')
			return PATH_BAD_SYNTAX;
		domain = span_head(*text, len);
		end = text->data[len];
		*text = span_skip(*text, len + 1);
		if (!(domain.len > 0 && domain.data[0] == '[' ?
			    domain_literal(domain, unused, why) :
			    domain_normalise(domain, unused, why)))
			return PATH_BAD_DOMAIN;
	} while (end == ',');
	return PATH_OK;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Where the quoted string at the head of s ends (behind its quote). */
static size_t
end_of_quoted(struct span s)
{
	size_t i;

	for (i = 1; i < s.len && s.data[i] != '"'; i++)
		if (s.data[i] == '\\')
			i++;
	return i < s.len ? i + 1 : s.len;
}

/* The place of wanted outside quoted strings, or s.len. */
static size_t
find_bare(struct span s, char wanted)
{
	size_t i = 0;

	while (i < s.len && s.data[i] != wanted) {
		if (s.data[i] == '"')
			i += end_of_quoted(span_skip(s, i));
		else
			i++;
	}
	return i;
}

/* The place of the first blank outside quoted strings, or s.len. */
static size_t
end_of_word(struct span s)
{
	size_t blank = find_bare(s, ' '), tab = find_bare(s, '\t');

	return blank < tab ? blank : tab;
}

/* A display name that is surely not an address nor a parameter. */
static bool
is_name(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (strchr("@<>=", s.data[i]) != NULL)
			return false;
	return true;
}

static bool
has_control(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (((unsigned char)s.data[i] < 0x20 && s.data[i] != '\t') ||
		    s.data[i] == 0x7f)
			return true;
	return false;
}
