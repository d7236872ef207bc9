/*
 * params - the parameters behind the path of MAIL and RCPT.
 *
 * Job:     read each parameter that EHLO offers, and say exactly which one
 *          is wrong and what was expected.
 * Called:  by the handlers of MAIL and RCPT.
 * Owns:    nothing; what it returns is borrowed from the command line.
 * Never:   decodes xtext into what is stored: an encoded line end stays so.
 */
#include "relayd/smtp/params.h"

#include <stddef.h>

#include "spool/envelope.h"

enum {
	ENVID_MAX = 100, /* RFC 3461 4.4 */
	ORCPT_MAX = 500, /* RFC 3461 4.2 */
};

/* A parameter: *why is set to what was expected when it returns false. */
struct param {
	const char *keyword;
	const char *expected;
	bool (*read)(void *params, struct span value);
	bool no_value;
};

static bool
read_size(void *arg, struct span value)
{
	struct mail_params *params = arg;

	/* RFC 1870 3: up to 20 digits; what no number holds is too large. */
	params->size_given = true;
	if (value.len == 0 || value.len > 20)
		return false;
	if (!span_number(value, UINT64_MAX, &params->size)) {
		size_t i;

		for (i = 0; i < value.len; i++)
			if (value.data[i] < '0' || value.data[i] > '9')
				return false;
		params->size = UINT64_MAX;
	}
	return true;
}

static bool
read_body(void *arg, struct span value)
{
	struct mail_params *params = arg;

	params->eight_bit = span_equal_nocase(value, SPAN("8BITMIME"));
	return params->eight_bit || span_equal_nocase(value, SPAN("7BIT"));
}

static bool
read_smtputf8(void *arg, struct span value)
{
	struct mail_params *params = arg;

	(void)value;
	params->smtputf8 = true;
	return true;
}

static bool
read_ret(void *arg, struct span value)
{
	struct mail_params *params = arg;

	if (span_equal_nocase(value, SPAN("FULL")))
		params->flags |= ENVELOPE_RET_FULL;
	else if (span_equal_nocase(value, SPAN("HDRS")))
		params->flags |= ENVELOPE_RET_HDRS;
	return params->flags != 0;
}

static int
hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1; /* RFC 3461 4: upper case only */
}

/*
 * xtext of RFC 3461 4, with one rule more: what it encodes may not be a
 * control character, which nobody has in an address and which somebody
 * decoding it later might print (as in CVE-2020-28026).
 */
static bool
is_xtext(struct span text, bool utf8)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if (byte == '+') {
			int high, low;

			if (text.len - i < 3)
				return false;
			high = hex(text.data[i + 1]);
			low = hex(text.data[i + 2]);
			if (high < 0 || low < 0 || high * 16 + low < 0x20 ||
			    high * 16 + low == 0x7f)
				return false;
			i += 2;
		} else if (byte >= 0x80 ?
			!utf8 :
			byte < 33 || byte > 126 || byte == '=') {
			return false;
		}
	}
	return !utf8 || span_utf8(text);
}

static bool
read_envid(void *arg, struct span value)
{
	struct mail_params *params = arg;

	params->envid = value;
	return value.len > 0 && value.len <= ENVID_MAX &&
	    is_xtext(value, false);
}

static bool
read_notify(void *arg, struct span value)
{
	static const struct {
		struct span name;
		unsigned flag;
	} words[] = {
		{ { "NEVER", 5 }, NOTIFY_NEVER },
		{ { "SUCCESS", 7 }, NOTIFY_SUCCESS },
		{ { "FAILURE", 7 }, NOTIFY_FAILURE },
		{ { "DELAY", 5 }, NOTIFY_DELAY },
	};
	struct rcpt_params *params = arg;
	struct span word;
	size_t i;

	while (value.data != NULL) {
		word = span_cut(&value, ',');
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (span_equal_nocase(word, words[i].name))
				break;
		if (i == sizeof(words) / sizeof(words[0]))
			return false;
		params->notify |= words[i].flag;
	}
	return (params->notify & NOTIFY_NEVER) == 0 ||
	    params->notify == NOTIFY_NEVER;
}

static bool
read_orcpt(void *arg, struct span value)
{
	struct rcpt_params *params = arg;
	struct span rest = value;
	struct span type = span_cut(&rest, ';');
	size_t i;

	params->orcpt = value;
	if (value.len > ORCPT_MAX || type.len == 0 || rest.data == NULL)
		return false;
	for (i = 0; i < type.len; i++) { /* an atom: RFC 3461 4.2 */
		char byte = type.data[i];

		if (!((byte >= 'a' && byte <= 'z') ||
			(byte >= 'A' && byte <= 'Z') ||
			(byte >= '0' && byte <= '9') || byte == '-' ||
			byte == '_'))
			return false;
	}
	return is_xtext(rest, params->utf8);
}

static const struct param mail_table[] = {
	/* clang-format off */
	{ "SIZE",     "a number of octets (RFC 1870)", read_size, false },
	{ "BODY",     "7BIT or 8BITMIME (RFC 6152)", read_body, false },
	{ "SMTPUTF8", "no value (RFC 6531)", read_smtputf8, true },
	{ "RET",      "FULL or HDRS (RFC 3461)", read_ret, false },
	{ "ENVID",    "1 to 100 characters of xtext (RFC 3461)", read_envid,
	  false },
	/* clang-format on */
};

static const struct param rcpt_table[] = {
	/* clang-format off */
	{ "NOTIFY", "NEVER, or some of SUCCESS,FAILURE,DELAY (RFC 3461)",
	  read_notify, false },
	{ "ORCPT",  "a type, a semicolon and xtext (RFC 3461)", read_orcpt,
	  false },
	/* clang-format on */
};

static bool
wrong(struct params_fault *fault, int code, struct span word, const char *why)
{
	*fault = (struct params_fault){ code, "5.5.4", word, why };
	return false;
}

/* One word of text: which row it is, and what the row says to its value. */
static bool
read_one(const struct param *table, size_t count, struct span word,
    unsigned *seen, void *params, struct params_fault *fault)
{
	struct span value = word;
	struct span keyword = span_cut(&value, '=');
	size_t i;

	for (i = 0; i < count; i++)
		if (span_equal_nocase(keyword, span_of(table[i].keyword)))
			break;
	if (i == count) /* RFC 5321 4.1.1.11 */
		return wrong(fault, 555, word, "this parameter is not known");
	if (*seen & 1u << i)
		return wrong(fault, 501, word, "given twice");
	*seen |= 1u << i;
	if (table[i].no_value != (value.data == NULL) ||
	    !table[i].read(params, value))
		return wrong(fault, 501, word, table[i].expected);
	return true;
}

bool
params_mail(struct span text, struct mail_params *params,
    struct params_fault *fault)
{
	struct span word;

	*params = (struct mail_params){ 0 };
	for (word = span_word(&text); word.len > 0; word = span_word(&text))
		if (!read_one(mail_table,
			sizeof(mail_table) / sizeof(mail_table[0]), word,
			&params->seen, params, fault))
			return false;
	return true;
}

bool
params_rcpt(struct span text, struct rcpt_params *params,
    struct params_fault *fault)
{
	struct span word;

	*params = (struct rcpt_params){ .utf8 = params->utf8 };
	for (word = span_word(&text); word.len > 0; word = span_word(&text))
		if (!read_one(rcpt_table,
			sizeof(rcpt_table) / sizeof(rcpt_table[0]), word,
			&params->seen, params, fault))
			return false;
	return true;
}
