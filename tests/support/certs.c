/*
 * certs - certificates for tests.
 *
 * Job:     be a certification authority in a folder under /tmp.
 * Called:  by tests of TLS, of either side.
 * Owns:    the folder and every file in it.
 * Never:   runs another program.
 */
#include "tests/support/certs.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"

#define DAY (24 * 3600)

struct certs {
	char directory[CERTS_PATH_MAX / 2];
	gnutls_x509_privkey_t key; /* of the CA */
	gnutls_x509_crt_t ca;
	unsigned serial;
};

static void
must(int result)
{
	ck_assert_msg(result >= 0, "GnuTLS: %s", gnutls_strerror(result));
}

const char *
certs_path(const struct certs *certs, const char *file)
{
	static char paths[8][CERTS_PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8];
	int len;

	len = snprintf(path, CERTS_PATH_MAX, "%s/%s", certs->directory, file);
	ck_assert_int_lt(len, CERTS_PATH_MAX);
	return path;
}

static void
save(const struct certs *certs, const char *name, const char *ending,
    const gnutls_datum_t *text)
{
	char file[64];
	FILE *out;

	snprintf(file, sizeof(file), "%s.%s", name, ending);
	out = fopen(certs_path(certs, file), "w");
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(text->data, 1, text->size, out), text->size);
	ck_assert_int_eq(fclose(out), 0);
}

static void
save_both(const struct certs *certs, const char *name, gnutls_x509_crt_t crt,
    gnutls_x509_privkey_t key)
{
	gnutls_datum_t text;

	must(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text));
	save(certs, name, "pem", &text);
	gnutls_free(text.data);
	must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text));
	save(certs, name, "key", &text);
	gnutls_free(text.data);
}

static gnutls_x509_privkey_t
make_key(bool rsa)
{
	gnutls_x509_privkey_t key;

	must(gnutls_x509_privkey_init(&key));
	if (rsa)
		must(gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, 2048, 0));
	else
		must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
		    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	return key;
}

static gnutls_x509_crt_t
make_crt(struct certs *certs, gnutls_x509_privkey_t key, const char *name)
{
	unsigned char serial[2] = { 1, (unsigned char)++certs->serial };
	gnutls_x509_crt_t crt;
	char subject[80];

	snprintf(subject, sizeof(subject), "CN=relayd test %s", name);
	must(gnutls_x509_crt_init(&crt));
	must(gnutls_x509_crt_set_version(crt, 3));
	must(gnutls_x509_crt_set_key(crt, key));
	must(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)));
	must(gnutls_x509_crt_set_dn(crt, subject, NULL));
	must(gnutls_x509_crt_set_activation_time(crt, time(NULL) - 10 * DAY));
	must(gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 10 * DAY));
	return crt;
}

struct certs *
certs_new(void)
{
	struct certs *certs = xcalloc(1, sizeof(*certs));

	strcpy(certs->directory, "/tmp/relayd-certs-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(certs->directory));
	certs->key = make_key(false);
	certs->ca = make_crt(certs, certs->key, "CA");
	must(gnutls_x509_crt_set_basic_constraints(certs->ca, 1, -1));
	must(
	    gnutls_x509_crt_set_key_usage(certs->ca, GNUTLS_KEY_KEY_CERT_SIGN));
	must(gnutls_x509_crt_sign2(certs->ca, certs->ca, certs->key,
	    GNUTLS_DIG_SHA256, 0));
	save_both(certs, "ca", certs->ca, certs->key);
	return certs;
}

void
certs_free(struct certs *certs)
{
	struct dirent *entry;
	DIR *folder = opendir(certs->directory);

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder != NULL)
		closedir(folder);
	rmdir(certs->directory);
	gnutls_x509_crt_deinit(certs->ca);
	gnutls_x509_privkey_deinit(certs->key);
	free(certs);
}

static void
set_names(gnutls_x509_crt_t crt, const struct certs_wish *wish)
{
	struct ip ip;

	if (wish->dns != NULL)
		must(gnutls_x509_crt_set_subject_alt_name(crt,
		    GNUTLS_SAN_DNSNAME, wish->dns, (unsigned)strlen(wish->dns),
		    GNUTLS_FSAN_APPEND));
	if (wish->ip != NULL) {
		ck_assert(ip_parse(span_of(wish->ip), &ip));
		must(gnutls_x509_crt_set_subject_alt_name(crt,
		    GNUTLS_SAN_IPADDRESS,
		    ip_is_v4(&ip) ? ip.bytes + 12 : ip.bytes,
		    ip_is_v4(&ip) ? 4 : 16, GNUTLS_FSAN_APPEND));
	}
}

void
certs_issue(struct certs *certs, const char *name,
    const struct certs_wish *wish)
{
	gnutls_x509_privkey_t key = make_key(wish->rsa);
	gnutls_x509_crt_t crt = make_crt(certs, key, name);

	set_names(crt, wish);
	if (wish->expired)
		must(
		    gnutls_x509_crt_set_expiration_time(crt, time(NULL) - DAY));
	must(gnutls_x509_crt_set_key_purpose_oid(crt,
	    wish->for_clients ? GNUTLS_KP_TLS_WWW_CLIENT :
				GNUTLS_KP_TLS_WWW_SERVER,
	    0));
	must(gnutls_x509_crt_sign2(crt, wish->self_signed ? crt : certs->ca,
	    wish->self_signed ? key : certs->key, GNUTLS_DIG_SHA256, 0));
	save_both(certs, name, crt, key);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}
