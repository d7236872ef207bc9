/*
 * tls - certificates and trust, by GnuTLS.
 *
 * Job:     load a certificate with its key, or the CAs we trust, once, and
 *          arm the sessions of many streams with them.
 * Called:  by smtp and delivery at start and reload; by tls_wire.c.
 * Owns:    struct tls_server and struct tls_client, each counted: a reload
 *          must not take the certificate from under a stream.
 * Never:   touches a socket; never takes a certificate whose key is another's.
 */
#include "tls.h"

#include <gnutls/x509.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "tls_credentials.h"

/*
 * RFC 8996: no TLS 1.0 and 1.1.  A listener for old devices names them in
 * its own priority string.
 */
/* Of what both offer, the server takes what it likes best, not its client. */
#define PRIORITY                                           \
	"NORMAL:-VERS-TLS1.0:-VERS-TLS1.1:-VERS-DTLS-ALL:" \
	"%SERVER_PRECEDENCE"

struct tls_server {
	unsigned holders;
	gnutls_certificate_credentials_t credentials; /* owned */
	gnutls_priority_t priority;                   /* owned */
	/*
	 * Seals the session tickets (RFC 8446 4.6.1).  One for each
	 * tls_server, so that no other listener takes them.
	 */
	gnutls_datum_t ticket_key; /* owned */
};

struct tls_client {
	unsigned holders;
	gnutls_certificate_credentials_t credentials; /* owned */
	gnutls_priority_t priority;                   /* owned */
	bool trust_loaded; /* the CAs are in credentials */
};

/* GnuTLS reports no memory like any other error; here it ends like ours. */
static void
must(int result)
{
	assert(result >= 0);
}

static bool
wrong(struct buf *why, const char *file, int result)
{
	buf_addf(why, "%s: %s", file, gnutls_strerror(result));
	return false;
}

static bool
set_priority(gnutls_priority_t *priority, const char *text, struct buf *why)
{
	const char *at = "";
	int result;

	result =
	    gnutls_priority_init(priority, text == NULL ? PRIORITY : text, &at);
	if (result >= 0)
		return true;
	*priority = NULL;
	buf_addf(why, "TLS priority \"%s\": %s at \"%s\"",
	    text == NULL ? PRIORITY : text, gnutls_strerror(result), at);
	return false;
}

static bool
load_pair(gnutls_certificate_credentials_t credentials, const char *certificate,
    const char *key, struct buf *why)
{
	int result;

	/* GNUTLS_E_CERTIFICATE_KEY_MISMATCH when they are not a pair. */
	result = gnutls_certificate_set_x509_key_file2(credentials, certificate,
	    key, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (result >= 0)
		return true;
	buf_addf(why, "certificate %s, key %s: %s", certificate, key,
	    gnutls_strerror(result));
	return false;
}

/* GnuTLS chooses among them by the names that they carry. */
static bool
load_pairs(gnutls_certificate_credentials_t credentials,
    const char *certificates, const char *keys, struct buf *why)
{
	struct span left = span_of(certificates), keys_left = span_of(keys);
	struct span file, key_file;
	bool good = true;

	while (good && left.len > 0) {
		char *certificate, *key;

		file = span_cut(&left, '\n');
		key_file = span_cut(&keys_left, '\n');
		certificate = xstrndup(file.data, file.len);
		key = xstrndup(key_file.data, key_file.len);
		good = load_pair(credentials, certificate, key, why);
		free(certificate);
		free(key);
	}
	return good;
}

struct tls_server *
tls_server_new(const char *certificates, const char *keys, const char *priority,
    struct buf *why)
{
	struct tls_server *tls = xcalloc(1, sizeof(*tls));

	tls->holders = 1;
	must(gnutls_certificate_allocate_credentials(&tls->credentials));
	must(gnutls_session_ticket_key_generate(&tls->ticket_key));
	if (!set_priority(&tls->priority, priority, why) ||
	    !load_pairs(tls->credentials, certificates, keys, why)) {
		tls_server_free(tls);
		return NULL;
	}
	return tls;
}

/* False: there is no such pair. */
static bool
expires(const struct tls_server *tls, unsigned index, int64_t *when)
{
	gnutls_x509_crt_t *chain;
	unsigned count, i;

	if (gnutls_certificate_get_x509_crt(tls->credentials, index, &chain,
		&count) < 0)
		return false;
	*when = -1;
	if (count > 0)
		*when = gnutls_x509_crt_get_expiration_time(chain[0]);
	for (i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	gnutls_free(chain);
	return true;
}

int64_t
tls_server_expires(const struct tls_server *tls)
{
	int64_t first = -1, when;
	unsigned i;

	for (i = 0; expires(tls, i, &when); i++)
		if (when != -1 && (first == -1 || when < first))
			first = when;
	return first;
}

void
tls_server_free(struct tls_server *tls)
{
	if (tls == NULL || --tls->holders > 0)
		return;
	gnutls_certificate_free_credentials(tls->credentials);
	if (tls->priority != NULL)
		gnutls_priority_deinit(tls->priority);
	gnutls_memset(tls->ticket_key.data, 0, tls->ticket_key.size);
	gnutls_free(tls->ticket_key.data);
	free(tls);
}

void
tls_server_hold(struct tls_server *tls)
{
	tls->holders++;
}

void
tls_server_arm(struct tls_server *tls, gnutls_session_t session)
{
	must(gnutls_priority_set(session, tls->priority));
	must(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
	    tls->credentials));
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_IGNORE);
	must(gnutls_session_ticket_enable_server(session, &tls->ticket_key));
}

struct tls_client *
tls_client_new(const char *ca, const char *priority, struct buf *why)
{
	struct tls_client *tls = xcalloc(1, sizeof(*tls));
	bool good;
	int count;

	tls->holders = 1;
	must(gnutls_certificate_allocate_credentials(&tls->credentials));
	good = set_priority(&tls->priority, priority, why);
	if (good && ca != NULL) {
		count = gnutls_certificate_set_x509_trust_file(tls->credentials,
		    ca, GNUTLS_X509_FMT_PEM);
		tls->trust_loaded = true;
		good = count > 0 ||
		    wrong(why, ca,
			count < 0 ? count : GNUTLS_E_NO_CERTIFICATE_FOUND);
	}
	if (good)
		return tls;
	tls_client_free(tls);
	return NULL;
}

void
tls_client_free(struct tls_client *tls)
{
	if (tls == NULL || --tls->holders > 0)
		return;
	gnutls_certificate_free_credentials(tls->credentials);
	if (tls->priority != NULL)
		gnutls_priority_deinit(tls->priority);
	free(tls);
}

void
tls_client_hold(struct tls_client *tls)
{
	tls->holders++;
}

void
tls_client_arm(struct tls_client *tls, gnutls_session_t session, bool trust)
{
	/*
	 * The system's CAs are 4 MiB of memory and 10 ms of parsing, once:
	 * spent only when some route says tls=verify.  Without them nothing
	 * verifies, and the next handshake tries again.
	 */
	if (trust && !tls->trust_loaded)
		tls->trust_loaded = gnutls_certificate_set_x509_system_trust(
					tls->credentials) > 0;
	must(gnutls_priority_set(session, tls->priority));
	must(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
	    tls->credentials));
}
