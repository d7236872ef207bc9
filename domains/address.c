/*
 * address - one mailbox in one canonical form.
 *
 * Job:     read local@domain, unquote the local part, normalise the domain,
 *          and write both again the only way they are ever written.
 * Called:  by path.c for envelopes; by the readers of tables and
 *          configuration.
 * Owns:    nothing.
 * Never:   changes what the local part means, nor guesses a domain.
 */
#include "domains/address.h"

#include <string.h>

/* A local part while it is read. */
struct local {
	char *out; /* borrowed: address->local */
	size_t len;
	bool too_long;
};

static enum path_verdict read_local(struct span *rest, struct address *address,
    const char **why);
static enum path_verdict read_domain(struct span domain,
    struct address *address, const char **why);
static void write_text(struct address *address);

enum path_verdict
address_parse(struct span text, struct address *address, const char **why)
{
	struct span rest = text;
	enum path_verdict verdict;

	*address = (struct address){ .kind = ADDRESS_BARE };
	verdict = read_local(&rest, address, why);
	if (verdict != PATH_OK)
		return verdict;
	if (rest.len > 0) {
		if (rest.data[0] != '@') {
			*why = "text behind the quoted local part; expected @";
			return PATH_BAD_SYNTAX;
		}
		verdict = read_domain(span_skip(rest, 1), address, why);
		if (verdict != PATH_OK)
			return verdict;
	}
	write_text(address);
	return PATH_OK;
}

struct span
address_span(const struct address *address)
{
	return span_make(address->text, address->text_len);
}

/* RFC 5321 4.1.2 and RFC 5322 3.2.3, with UTF8-non-ascii of RFC 6531 3.3. */
static bool
is_atext(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static void
add_byte(struct local *local, char c)
{
	if (local->len == LOCAL_PART_MAX)
		local->too_long = true;
	else
		local->out[local->len++] = c;
}

/* RFC 5321 4.1.2 Quoted-string: qtextSMTP, quoted-pairSMTP. */
static const char *
read_quoted(struct span *rest, struct local *local)
{
	struct span s = span_skip(*rest, 1);

	while (s.len > 0 && s.data[0] != '"') {
		if (s.data[0] == '\\')
			s = span_skip(s, 1);
		if (s.len == 0)
			break;
		if ((unsigned char)s.data[0] < 0x20 || s.data[0] == 0x7f)
			return "a control character in the local part; "
			       "expected printable characters";
		add_byte(local, s.data[0]);
		s = span_skip(s, 1);
	}
	if (s.len == 0)
		return "a quoted local part without its closing quote; "
		       "expected \"";
	*rest = span_skip(s, 1);
	return NULL;
}

/*
 * Dots may stand anywhere, also doubled or at an end, where Dot-string of RFC
 * 5321 4.1.2 has them between atoms only: such addresses exist, mean one thing,
 * and go on in quotes.
 */
static const char *
read_atoms(struct span *rest, struct local *local)
{
	struct span s = *rest;

	while (s.len > 0 && s.data[0] != '@') {
		if (!is_atext(s.data[0]) && s.data[0] != '.')
			return "a character in the local part that needs "
			       "quotes; expected local-part@domain";
		add_byte(local, s.data[0]);
		s = span_skip(s, 1);
	}
	*rest = s;
	return NULL;
}

/* U+0080 to U+009F are control characters as well. */
static bool
has_control(struct span s)
{
	size_t i;

	for (i = 0; i + 1 < s.len; i++)
		if ((unsigned char)s.data[i] == 0xc2 &&
		    (unsigned char)s.data[i + 1] < 0xa0)
			return true;
	return false;
}

static enum path_verdict
read_local(struct span *rest, struct address *address, const char **why)
{
	struct local local = { .out = address->local };
	struct span read;
	size_t i;

	if (rest->len > 0 && rest->data[0] == '"')
		*why = read_quoted(rest, &local);
	else
		*why = read_atoms(rest, &local);
	if (*why != NULL)
		return PATH_BAD_SYNTAX;
	if (local.too_long) {
		*why = "the local part is longer than 255; expected a shorter "
		       "one";
		return PATH_TOO_LONG;
	}
	read = span_make(local.out, local.len);
	/* RFC 5321 would let "" pass; nobody has that mailbox. */
	*why = "there is nothing before the @; expected local-part@domain";
	if (read.len == 0)
		return PATH_BAD_SYNTAX;
	*why = "the local part is neither ASCII nor UTF-8; expected one of "
	       "them";
	if (!span_utf8(read) || has_control(read))
		return PATH_BAD_SYNTAX;
	*why = NULL;
	address->local_len = local.len;
	address->utf8 = span_eight_bit(read);
	for (i = 0; i < read.len; i++)
		if (strchr("%!@", read.data[i]) != NULL)
			address->routes = true;
	return PATH_OK;
}

static enum path_verdict
read_domain(struct span domain, struct address *address, const char **why)
{
	bool good;

	if (domain.len > DOMAIN_MAX && !span_eight_bit(domain)) {
		*why = "the domain is longer than 255; expected a shorter one";
		return PATH_TOO_LONG;
	}
	if (domain.len > 0 && domain.data[0] == '[') {
		address->kind = ADDRESS_LITERAL;
		good = domain_literal(domain, address->domain, why);
	} else {
		address->kind = ADDRESS_DOMAIN;
		good = domain_normalise(domain, address->domain, why);
	}
	return good ? PATH_OK : PATH_BAD_DOMAIN;
}

/* RFC 5321 4.1.2 Dot-string: such a local part stands without quotes. */
static bool
is_dot_string(struct span local)
{
	size_t i;

	for (i = 0; i < local.len; i++) {
		if (local.data[i] == '.') {
			if (i == 0 || i + 1 == local.len ||
			    local.data[i - 1] == '.')
				return false;
		} else if (!is_atext(local.data[i])) {
			return false;
		}
	}
	return local.len > 0;
}

/* ADDRESS_MAX holds the longest local part with every byte escaped. */
static void
write_text(struct address *address)
{
	struct span local = span_make(address->local, address->local_len);
	char *out = address->text;
	size_t i;

	if (is_dot_string(local)) {
		memcpy(out, local.data, local.len);
		out += local.len;
	} else {
		*out++ = '"';
		for (i = 0; i < local.len; i++) {
			if (local.data[i] == '"' || local.data[i] == '\\')
				*out++ = '\\';
			*out++ = local.data[i];
		}
		*out++ = '"';
	}
	if (address->kind != ADDRESS_BARE) {
		*out++ = '@';
		strcpy(out, address->domain);
		out += strlen(address->domain);
	}
	*out = '\0';
	address->text_len = (size_t)(out - address->text);
}
