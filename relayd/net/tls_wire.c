/*
 * tls_wire - the TLS half of a stream.
 *
 * Job:     shake hands, read and write over one GnuTLS session.
 * Called:  by stream.c.
 * Owns:    the session; a hold on its credentials.
 * Never:   blocks; never renegotiates (RFC 7457 2.10, RFC 8446 has none);
 *          never goes on after an error.
 */
#include "tls_wire.h"

#include <sys/socket.h>

#include <gnutls/x509.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/domain.h"
#include "tls_credentials.h"

enum {
	ERROR_MAX = 200,
	IN_VAIN_MAX = 16, /* warning alerts in a row that change nothing */
};

struct tls_wire {
	gnutls_session_t session;  /* owned */
	struct tls_server *server; /* held; one of the two is NULL */
	struct tls_client *client; /* held */
	bool established;          /* the handshake is over */
	bool broken;               /* an error: nothing works any more */
	bool closed;               /* our close_notify is out */
	bool in_flight; /* a record is made and waits for the socket */
	short wants;
	char error[ERROR_MAX];

	/* What the peer must show; GnuTLS borrows it until the handshake ends. */
	bool verify;
	char name[DOMAIN_MAX + 1];
	uint8_t ip[16];
	gnutls_typed_vdata_st demands[2];
};

static struct tls_wire *
wire_new(int fd, unsigned side)
{
	struct tls_wire *wire = xcalloc(1, sizeof(*wire));
	int result;

	result = gnutls_init(&wire->session,
	    side | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	assert(result >= 0);
	gnutls_transport_set_int(wire->session, fd);
	gnutls_handshake_set_timeout(wire->session,
	    GNUTLS_INDEFINITE_TIMEOUT); /* our owner has a deadline */
	return wire;
}

struct tls_wire *
tls_wire_server(int fd, struct tls_server *tls)
{
	struct tls_wire *wire = wire_new(fd, GNUTLS_SERVER);

	wire->server = tls;
	tls_server_hold(tls);
	tls_server_arm(tls, wire->session);
	return wire;
}

/* Asks GnuTLS to fail the handshake unless the peer shows what is expected. */
static void
demand(struct tls_wire *wire, const struct tls_expect *expect)
{
	unsigned count = 1;

	wire->demands[0].type = GNUTLS_DT_KEY_PURPOSE_OID;
	wire->demands[0].data =
	    (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER;
	if (expect->name != NULL) {
		wire->demands[count].type = GNUTLS_DT_DNS_HOSTNAME;
		wire->demands[count++].data = (unsigned char *)wire->name;
	} else if (expect->ip != NULL) {
		memcpy(wire->ip, expect->ip->bytes, sizeof(wire->ip));
		wire->demands[count].type = GNUTLS_DT_IP_ADDRESS;
		if (ip_is_v4(expect->ip)) {
			wire->demands[count].data = wire->ip + 12;
			wire->demands[count++].size = 4;
		} else {
			wire->demands[count].data = wire->ip;
			wire->demands[count++].size = 16;
		}
	}
	gnutls_session_set_verify_cert2(wire->session, wire->demands, count, 0);
}

struct tls_wire *
tls_wire_client(int fd, struct tls_client *tls, const struct tls_expect *expect)
{
	/* No tickets: a session is not resumed, so its certificate is seen. */
	struct tls_wire *wire = wire_new(fd, GNUTLS_CLIENT | GNUTLS_NO_TICKETS);

	wire->client = tls;
	wire->verify = expect->verify;
	tls_client_hold(tls);
	tls_client_arm(tls, wire->session, expect->verify);
	if (expect->name != NULL) {
		assert(strlen(expect->name) <= DOMAIN_MAX);
		strcpy(wire->name, expect->name);
		/* RFC 6066 3: names only, in A-labels. */
		gnutls_server_name_set(wire->session, GNUTLS_NAME_DNS,
		    wire->name, strlen(wire->name));
	}
	if (expect->verify)
		demand(wire, expect);
	return wire;
}

void
tls_wire_free(struct tls_wire *wire)
{
	if (wire == NULL)
		return;
	tls_wire_shutdown(wire);
	gnutls_deinit(wire->session);
	tls_server_free(wire->server);
	tls_client_free(wire->client);
	free(wire);
}

/* Why the certificate was not good enough, as GnuTLS puts it. */
static void
say_unverified(struct tls_wire *wire)
{
	gnutls_datum_t text = { NULL, 0 };
	unsigned status;
	char *end;

	status = gnutls_session_get_verify_cert_status(wire->session);
	if (gnutls_certificate_verification_status_print(status,
		GNUTLS_CRT_X509, &text, 0) < 0)
		return;
	snprintf(wire->error, sizeof(wire->error), "TLS: %s",
	    (const char *)text.data);
	gnutls_free(text.data);
	end = wire->error + strlen(wire->error);
	while (end > wire->error && end[-1] == ' ')
		*--end = '\0';
}

static enum io
failed(struct tls_wire *wire, int result)
{
	const char *alert = NULL;

	wire->broken = true;
	if (result == GNUTLS_E_FATAL_ALERT_RECEIVED)
		alert = gnutls_alert_get_name(gnutls_alert_get(wire->session));
	snprintf(wire->error, sizeof(wire->error), "TLS: %s%s%s",
	    gnutls_strerror(result), alert == NULL ? "" : ": ",
	    alert == NULL ? "" : alert);
	if (result == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
		say_unverified(wire);
	return IO_ERROR;
}

static enum io
not_now(struct tls_wire *wire)
{
	wire->wants =
	    gnutls_record_get_direction(wire->session) == 1 ? POLLOUT : POLLIN;
	return IO_WAIT;
}

enum io
tls_wire_handshake(struct tls_wire *wire)
{
	int in_vain, result;

	if (wire->broken)
		return IO_ERROR;
	for (in_vain = 0; in_vain < IN_VAIN_MAX; in_vain++) {
		result = gnutls_handshake(wire->session);
		if (result == GNUTLS_E_SUCCESS) {
			wire->established = true;
			return IO_OK;
		}
		if (result == GNUTLS_E_AGAIN)
			return not_now(wire);
		if (gnutls_error_is_fatal(result) != 0)
			break;
	}
	/* RFC 8446 6.2: tell the peer why, as far as the socket takes it. */
	gnutls_alert_send_appropriate(wire->session, result);
	return failed(wire, result);
}

enum io
tls_wire_read(struct tls_wire *wire, char *to, size_t room, size_t *got)
{
	ssize_t result = GNUTLS_E_AGAIN;
	int in_vain;

	if (wire->broken)
		return IO_ERROR;
	for (in_vain = 0; in_vain < IN_VAIN_MAX; in_vain++) {
		result = gnutls_record_recv(wire->session, to, room);
		if (result > 0) {
			*got = (size_t)result;
			return IO_OK;
		}
		/*
		 * An end without close_notify is an end: SMTP marks the end of
		 * all that matters itself, so cutting it short gains nothing.
		 */
		if (result == 0 || result == GNUTLS_E_PREMATURE_TERMINATION)
			return IO_EOF;
		if (result == GNUTLS_E_AGAIN)
			return not_now(wire);
		/* TLS 1.2: a peer that wants to renegotiate hears an error. */
		if (result == GNUTLS_E_REHANDSHAKE ||
		    gnutls_error_is_fatal((int)result) != 0)
			break;
	}
	return failed(wire, (int)result);
}

bool
tls_wire_pending(const struct tls_wire *wire)
{
	return !wire->broken && gnutls_record_check_pending(wire->session) > 0;
}

enum io
tls_wire_write(struct tls_wire *wire, struct span bytes, size_t *sent)
{
	ssize_t result;

	if (wire->broken)
		return IO_ERROR;
	do {
		/* An unsent record is resumed by sending nothing. */
		if (wire->in_flight)
			result = gnutls_record_send(wire->session, NULL, 0);
		else
			result = gnutls_record_send(wire->session, bytes.data,
			    bytes.len);
	} while (result == GNUTLS_E_INTERRUPTED);
	if (result >= 0) {
		wire->in_flight = false;
		*sent = (size_t)result;
		return IO_OK;
	}
	if (result != GNUTLS_E_AGAIN)
		return failed(wire, (int)result);
	wire->in_flight = true;
	return not_now(wire);
}

void
tls_wire_shutdown(struct tls_wire *wire)
{
	if (!wire->established || wire->broken || wire->in_flight ||
	    wire->closed)
		return;
	gnutls_bye(wire->session, GNUTLS_SHUT_WR);
	wire->closed = true;
}

short
tls_wire_wants(const struct tls_wire *wire)
{
	return wire->wants;
}

const char *
tls_wire_error(const struct tls_wire *wire)
{
	return wire->error;
}

/* The SNI, if it is a name: the client may have sent anything. */
static void
server_name(gnutls_session_t session, char out[DOMAIN_MAX + 1])
{
	char name[DOMAIN_MAX + 1];
	const char *why;
	size_t len = sizeof(name);
	unsigned type;

	if (gnutls_server_name_get(session, name, &len, &type, 0) >= 0 &&
	    type == GNUTLS_NAME_DNS && len < sizeof(name) &&
	    domain_normalise((struct span){ name, len }, out, &why))
		return;
	out[0] = '\0';
}

void
tls_wire_facts(const struct tls_wire *wire, struct tls_facts *facts)
{
	gnutls_session_t session = wire->session;
	const char *text;

	_Static_assert(sizeof(facts->server_name) == DOMAIN_MAX + 1, "SNI");
	*facts = (struct tls_facts){ .bits = 0 };
	if (!wire->established)
		return;
	text = gnutls_protocol_get_name(gnutls_protocol_get_version(session));
	if (text != NULL && strncmp(text, "TLS", 3) == 0)
		snprintf(facts->version, sizeof(facts->version), "TLSv%s",
		    text + 3);
	text = gnutls_ciphersuite_get(session);
	if (text != NULL)
		snprintf(facts->cipher, sizeof(facts->cipher), "%s", text);
	facts->bits =
	    (unsigned)gnutls_cipher_get_key_size(gnutls_cipher_get(session)) *
	    8;
	facts->verified = wire->verify;
	facts->resumed = gnutls_session_is_resumed(session) != 0;
	if (wire->server != NULL)
		server_name(session, facts->server_name);
	else
		strcpy(facts->server_name, wire->name);
}
