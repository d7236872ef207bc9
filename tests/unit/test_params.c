/*
 * test_params - the parameters of MAIL and RCPT.
 */
#include "relayd/smtp/params.h"
#include "spool/envelope.h"
#include "tests/support/suite.h"

#define TEN   "aaaaaaaaaa"
#define FIFTY TEN TEN TEN TEN TEN

static const struct {
	const char *text;
	int code; /* 0: fine */
	uint64_t size;
	unsigned flags;
	bool eight_bit, smtputf8;
	const char *envid;
} mail[] = {
	/* clang-format off */
	{ "",                          0, 0, 0, false, false, "" },
	{ "SIZE=1000",                 0, 1000, 0, false, false, "" },
	{ "size=0 body=8bitmime",      0, 0, 0, true, false, "" },
	{ "BODY=7BIT SMTPUTF8",        0, 0, 0, false, true, "" },
	{ "RET=HDRS ENVID=QQ+2B1",     0, 0, ENVELOPE_RET_HDRS, false, false,
	  "QQ+2B1" },
	{ "RET=full",                  0, 0, ENVELOPE_RET_FULL, false, false, "" },
	/* no int32, no int64: RFC 1870 allows 20 digits */
	{ "SIZE=4294967296",           0, 4294967296u, 0, false, false, "" },
	{ "SIZE=99999999999999999999", 0, UINT64_MAX, 0, false, false, "" },
	{ "SIZE=999999999999999999999", 501, 0, 0, false, false, "" },
	{ "SIZE=",                     501, 0, 0, false, false, "" },
	{ "SIZE",                      501, 0, 0, false, false, "" },
	{ "SIZE=-1",                   501, 0, 0, false, false, "" },
	{ "SIZE=0x10",                 501, 0, 0, false, false, "" },
	{ "SIZE=1 SIZE=2",             501, 0, 0, false, false, "" },
	{ "BODY=BINARYMIME",           501, 0, 0, false, false, "" },
	{ "SMTPUTF8=yes",              501, 0, 0, false, false, "" },
	{ "RET=SOME",                  501, 0, 0, false, false, "" },
	{ "ENVID=",                    501, 0, 0, false, false, "" },
	{ "ENVID=" FIFTY FIFTY,        0, 0, 0, false, false, FIFTY FIFTY },
	{ "ENVID=" FIFTY FIFTY "a",    501, 0, 0, false, false, "" },
	/* a line end by way of xtext: CVE-2020-28026 */
	{ "ENVID=a+0Ab",               501, 0, 0, false, false, "" },
	{ "ENVID=a+0D+0Ab",            501, 0, 0, false, false, "" },
	{ "ENVID=a+7F",                501, 0, 0, false, false, "" },
	{ "ENVID=a+4",                 501, 0, 0, false, false, "" },
	{ "ENVID=a+4g",                501, 0, 0, false, false, "" },
	{ "ENVID=a=b",                 501, 0, 0, false, false, "" },
	{ "XVERP=yes",                 555, 0, 0, false, false, "" },
	{ "AUTH=<>",                   555, 0, 0, false, false, "" },
	{ "=",                         555, 0, 0, false, false, "" },
	/* clang-format on */
};

START_TEST(mail_takes_what_ehlo_offers)
{
	struct params_fault fault = { 0 };
	struct mail_params params;
	bool fine = params_mail(span_of(mail[_i].text), &params, &fault);

	ck_assert_int_eq(fault.code, mail[_i].code);
	ck_assert_int_eq(fine, mail[_i].code == 0);
	if (!fine) {
		ck_assert_ptr_nonnull(fault.why);
		ck_assert_str_eq(fault.enhanced, "5.5.4");
		return;
	}
	ck_assert_uint_eq(params.size, mail[_i].size);
	ck_assert_uint_eq(params.flags, mail[_i].flags);
	ck_assert_int_eq(params.eight_bit, mail[_i].eight_bit);
	ck_assert_int_eq(params.smtputf8, mail[_i].smtputf8);
	ck_assert(span_equal(params.envid, span_of(mail[_i].envid)));
}
END_TEST

static const struct {
	const char *text;
	bool utf8;
	int code;
	unsigned notify;
	const char *orcpt;
} rcpt[] = {
	/* clang-format off */
	{ "",                               false, 0, 0, "" },
	{ "NOTIFY=NEVER",                   false, 0, NOTIFY_NEVER, "" },
	{ "notify=success,Failure,DELAY",   false, 0,
	  NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, "" },
	{ "NOTIFY=NEVER,DELAY",             false, 501, 0, "" },
	{ "NOTIFY=",                        false, 501, 0, "" },
	{ "NOTIFY=DELAY,",                  false, 501, 0, "" },
	{ "NOTIFY=SOMETIMES",               false, 501, 0, "" },
	{ "NOTIFY",                         false, 501, 0, "" },
	{ "ORCPT=rfc822;a+2Bb@c.test",      false, 0, 0, "rfc822;a+2Bb@c.test" },
	{ "ORCPT=rfc822;root",              false, 0, 0, "rfc822;root" },
	{ "ORCPT=rfc822;a+0Ab",             false, 501, 0, "" },
	{ "ORCPT=rfc822",                   false, 501, 0, "" },
	{ "ORCPT=;a",                       false, 501, 0, "" },
	{ "ORCPT=rf(c;a",                   false, 501, 0, "" },
	{ "ORCPT=utf-8;\xc3\xa9@c.test",    true, 0, 0, "utf-8;\xc3\xa9@c.test" },
	{ "ORCPT=utf-8;\xc3\xa9@c.test",    false, 501, 0, "" },
	{ "ORCPT=utf-8;\xc3@c.test",        true, 501, 0, "" },
	{ "SIZE=10",                        false, 555, 0, "" },
	/* clang-format on */
};

START_TEST(rcpt_takes_what_ehlo_offers)
{
	struct rcpt_params params = { .utf8 = rcpt[_i].utf8 };
	struct params_fault fault = { 0 };
	bool fine = params_rcpt(span_of(rcpt[_i].text), &params, &fault);

	ck_assert_int_eq(fault.code, rcpt[_i].code);
	ck_assert_int_eq(fine, rcpt[_i].code == 0);
	if (!fine)
		return;
	ck_assert_uint_eq(params.notify, rcpt[_i].notify);
	ck_assert(span_equal(params.orcpt, span_of(rcpt[_i].orcpt)));
}
END_TEST

static Suite *
params_suite(void)
{
	Suite *suite = suite_create("params");
	TCase *tcase = tcase_create("params");

	tcase_add_loop_test(tcase, mail_takes_what_ehlo_offers, 0,
	    sizeof(mail) / sizeof(mail[0]));
	tcase_add_loop_test(tcase, rcpt_takes_what_ehlo_offers, 0,
	    sizeof(rcpt) / sizeof(rcpt[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(params_suite)
