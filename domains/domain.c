/*
 * domain - the one form in which domains are compared and stored.
 *
 * Job:     bring a name or literal into lower-case A-labels or canonical
 *          brackets, or say why it is neither.
 * Called:  by address.c and by the readers of the tables.
 * Owns:    nothing.
 * Never:   looks at the locale: the input is UTF-8.
 */
#include "domains/domain.h"

#include <idn2.h>
#include <string.h>

#include "domains/ip.h"

enum {
	LABEL_MAX = 63,                /* RFC 1035 2.3.4 */
	UNICODE_MAX = 4 * DOMAIN_MAX,  /* UTF-8 of what may yet fit */
	LITERAL_MAX = IP_TEXT_MAX + 7, /* "[IPv6:" and "]" */
};

static bool name_from_ascii(struct span name, char out[DOMAIN_MAX + 1],
    const char **why);
static bool name_from_unicode(struct span name, char out[DOMAIN_MAX + 1],
    const char **why);

bool
domain_normalise(struct span name, char out[DOMAIN_MAX + 1], const char **why)
{
	if (name.len == 0) {
		*why = "the domain is empty; expected a name";
		return false;
	}
	if (span_eight_bit(name))
		return name_from_unicode(name, out, why);
	return name_from_ascii(name, out, why);
}

bool
domain_literal(struct span literal, char out[DOMAIN_MAX + 1], const char **why)
{
	struct span tag = SPAN("IPv6:");
	struct span inner;
	char text[IP_TEXT_MAX];
	struct ip ip;
	bool v6;

	*why = "not an address literal; expected [192.0.2.1] or "
	       "[IPv6:2001:db8::1]";
	if (literal.len < 2 || literal.len > LITERAL_MAX ||
	    literal.data[0] != '[' || literal.data[literal.len - 1] != ']')
		return false;
	inner = span_head(span_skip(literal, 1), literal.len - 2);
	v6 = span_starts_nocase(inner, tag);
	if (v6)
		inner = span_skip(inner, tag.len);
	/* The tag and the kind of address go together: RFC 5321 4.1.3. */
	if (v6 != (span_find(inner, ':') < inner.len) || !ip_parse(inner, &ip))
		return false;
	strcpy(out, ip_is_v4(&ip) ? "[" : "[IPv6:");
	strcat(out, ip_text(&ip, text));
	strcat(out, "]");
	return true;
}

/*
 * The faults of one label.  RFC 5321 4.1.2 sub-domain, and underscores, which
 * devices use.  A putative A-label is taken as the ASCII it is (RFC 5891 5.4
 * lets a lookup do so): it can only equal itself.
 */
static const char *
label_fault(struct span label)
{
	size_t i;
	char c;

	if (label.len == 0)
		return "the domain has an empty label or a dot at an end; "
		       "expected names between single dots";
	if (label.len > LABEL_MAX)
		return "a label of the domain is longer than 63; expected a "
		       "shorter one";
	for (i = 0; i < label.len; i++) {
		c = label.data[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_'))
			return "the domain holds a character that no domain "
			       "has; expected letters, digits and hyphens";
	}
	if (label.data[0] == '-' || label.data[label.len - 1] == '-')
		return "a label of the domain begins or ends with a hyphen; "
		       "expected a letter or digit there";
	return NULL;
}

static bool
name_from_ascii(struct span name, char out[DOMAIN_MAX + 1], const char **why)
{
	struct span rest = name;
	const char *fault;
	size_t i;
	char c;

	if (name.len > DOMAIN_MAX) {
		*why = "the domain is longer than 255; expected a shorter one";
		return false;
	}
	while (rest.data != NULL) {
		fault = label_fault(span_cut(&rest, '.'));
		if (fault != NULL) {
			*why = fault;
			return false;
		}
	}
	for (i = 0; i < name.len; i++) {
		c = name.data[i];
		out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	out[name.len] = '\0';
	return true;
}

/*
 * UTS 46 mapping may turn a character into ASCII that no name may hold (a
 * fullwidth @, a one dot leader): what comes out is read like any ASCII name.
 */
static bool
name_from_unicode(struct span name, char out[DOMAIN_MAX + 1], const char **why)
{
	uint8_t text[UNICODE_MAX + 1];
	uint8_t *ascii = NULL;
	bool good;

	*why = "the domain is longer than 255; expected a shorter one";
	if (name.len > UNICODE_MAX)
		return false;
	*why = "the domain is neither ASCII nor UTF-8; expected one of them";
	if (!span_utf8(name) || span_find(name, '\0') < name.len)
		return false;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	*why = "the domain is not a name by IDNA2008; expected letters and "
	       "digits of a script";
	if (idn2_lookup_u8(text, &ascii,
		IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	good = name_from_ascii(span_of((const char *)ascii), out, why);
	idn2_free(ascii);
	return good;
}
