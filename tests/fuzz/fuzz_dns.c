/*
 * fuzz_dns - whatever a name server sends, it is an answer within bounds, or
 * a failure that says why.
 *
 * The first byte of the input says what was asked for, the rest is the
 * message.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "domains/domain.h"
#include "relayd/net/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = { DNS_MX, DNS_A, DNS_AAAA };

static void
check_name(const char *name, size_t max)
{
	size_t len = strnlen(name, max + 1), i;

	assert(len <= max);
	for (i = 0; i < len; i++)
		assert(name[i] > ' ' && name[i] != '\x7f');
}

static void
check_records(const struct dns_answer *answer, enum dns_type type)
{
	size_t i;

	assert(answer->count > 0);
	if (type != DNS_MX) {
		assert(answer->count <= RESOLVE_ADDRESS_MAX);
		for (i = 0; i < answer->count; i++)
			assert(ip_is_v4(&answer->ip[i]) || type == DNS_AAAA);
		return;
	}
	assert(answer->count <= RESOLVE_MX_MAX);
	for (i = 0; i < answer->count; i++) {
		check_name(answer->mx[i].host, RESOLVE_NAME_MAX);
		assert(i == 0 ||
		    answer->mx[i].preference >= answer->mx[i - 1].preference);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_answer *answer;
	unsigned char *message;
	enum dns_type type;

	if (size < 1)
		return 0;
	type = types[data[0] % 3];
	/* A copy of its own, so that no byte behind it goes unseen. */
	message = malloc(size == 1 ? 1 : size - 1);
	answer = malloc(sizeof(*answer));
	assert(message != NULL && answer != NULL);
	memcpy(message, data + 1, size - 1);
	dns_answer_read(answer, type, message, size - 1);
	check_name(answer->alias, RESOLVE_NAME_MAX);
	assert((answer->status == RESOLVE_FAILED) == (answer->error != NULL));
	/* RFC 2308: only a whole, good message denies anything. */
	assert(answer->status == RESOLVE_FAILED || size - 1 >= 12);
	if (answer->status == RESOLVE_OK)
		check_records(answer, type);
	else
		assert(answer->status == RESOLVE_FAILED || answer->count == 0);
	free(answer);
	free(message);
	return 0;
}
