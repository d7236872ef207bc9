/*
 * offers - what a next hop can do.
 *
 * Job:     read the lines of an EHLO reply (RFC 5321 4.1.1.1).
 * Called:  by the client's steps, anew after STARTTLS.
 * Owns:    nothing.
 * Never:   remembers an offer of an earlier EHLO (RFC 3207 4.2).
 */
#include "relayd/delivery/offers.h"

static void
take_pipelining(struct offers *offers, struct span params)
{
	(void)params;
	offers->pipelining = true;
}

static void
take_starttls(struct offers *offers, struct span params)
{
	(void)params;
	offers->starttls = true;
}

static void
take_8bitmime(struct offers *offers, struct span params)
{
	(void)params;
	offers->eight_bit_mime = true;
}

static void
take_smtputf8(struct offers *offers, struct span params)
{
	(void)params;
	offers->smtputf8 = true;
}

static void
take_dsn(struct offers *offers, struct span params)
{
	(void)params;
	offers->dsn = true;
}

/* RFC 1870 4: no number, 0, or one too large to read: no limit. */
static void
take_size(struct offers *offers, struct span params)
{
	offers->size = true;
	if (!span_number(span_word(&params), UINT64_MAX, &offers->size_max))
		offers->size_max = 0;
}

/* RFC 9422 3: "LIMITS RCPTMAX=20 RCPTDOMAINMAX=1"; what is malformed is ignored. */
static void
take_limits(struct offers *offers, struct span params)
{
	struct span value, name;
	uint64_t number;

	while (params.len > 0) {
		value = span_word(&params);
		name = span_cut(&value, '=');
		if (!span_number(value, SIZE_MAX, &number))
			continue;
		if (span_equal_nocase(name, SPAN("RCPTMAX")))
			offers->rcpt_max = (size_t)number;
		else if (span_equal_nocase(name, SPAN("RCPTDOMAINMAX")))
			offers->domain_max = (size_t)number;
		else if (span_equal_nocase(name, SPAN("MAILMAX")))
			offers->mail_max = (size_t)number;
	}
}

static void
take_auth(struct offers *offers, struct span params)
{
	struct span mechanism;

	while (params.len > 0) {
		mechanism = span_word(&params);
		if (span_equal_nocase(mechanism, SPAN("PLAIN")))
			offers->auth_plain = true;
		else if (span_equal_nocase(mechanism, SPAN("LOGIN")))
			offers->auth_login = true;
	}
}

static const struct {
	const char *keyword;
	void (*take)(struct offers *offers, struct span params);
} keywords[] = {
	/* clang-format off */
	{ "PIPELINING", take_pipelining },
	{ "STARTTLS",   take_starttls },
	{ "8BITMIME",   take_8bitmime },
	{ "SMTPUTF8",   take_smtputf8 },
	{ "DSN",        take_dsn },
	{ "SIZE",       take_size },
	{ "LIMITS",     take_limits },
	{ "AUTH",       take_auth },
	/* clang-format on */
};

static void
read_line(struct offers *offers, struct span line)
{
	struct span keyword = span_word(&line);
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (span_equal_nocase(keyword, span_of(keywords[i].keyword)))
			keywords[i].take(offers, line);
}

void
offers_read(struct offers *offers, const struct reply *reply)
{
	struct span rest = buf_span(&reply->text);

	*offers = (struct offers){ .pipelining = false };
	span_cut(&rest, '\n'); /* the greeting: the host's name */
	while (rest.data != NULL)
		read_line(offers, span_cut(&rest, '\n'));
}
