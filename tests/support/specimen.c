/*
 * specimen - a message that is known by its ID.
 *
 * Job:     make its bytes, and compare what a spool has with them.
 * Called:  by spool_model.c and spool_court.c.
 * Owns:    nothing.
 * Never:   remembers a message.
 */
#include "tests/support/specimen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	DOMAINS = 3
};

/* Every byte follows from the ID and its place. */
void
specimen_fill(uint64_t id, size_t at, char *bytes, size_t len)
{
	uint64_t word;
	size_t i;

	for (i = 0; i < len; i++) {
		word = (id + (at + i) / 8) * 0x9e3779b97f4a7c15u;
		bytes[i] = (char)(word >> (at + i) % 8 * 8);
	}
}

void
specimen_prefix(uint64_t id, char *prefix)
{
	specimen_fill(~id, 0, prefix, SPECIMEN_PREFIX);
}

void
specimen_envelope(uint64_t id, size_t count, struct envelope *envelope,
    struct specimen_text *texts)
{
	size_t i;

	*envelope = (struct envelope){
		.sender = SPAN("sender@campus.test"),
		.session = SPAN("7f3a"),
		.client = SPAN("192.0.2.17"),
		.helo = SPAN("\x01odd\xff"),
		.arrival = (int64_t)(id / 1000000),
		.recipient_count = count,
		.recipients = xcalloc(count, sizeof(struct recipient)),
	};
	for (i = 0; i < count; i++) {
		snprintf(texts[i].domain, sizeof(texts[i].domain),
		    "d%zu.example", i % DOMAINS);
		snprintf(texts[i].address, sizeof(texts[i].address), "r%zu@%s",
		    i, texts[i].domain);
		envelope->recipients[i] = (struct recipient){
			.address = span_of(texts[i].address),
			.domain = span_of(texts[i].domain),
		};
	}
}

static const char *
compare_envelope(struct spool *spool, struct spool_entry *entry, uint64_t id,
    size_t recipients)
{
	struct envelope envelope, wanted;
	struct specimen_text *texts;
	struct buf bytes;
	const char *wrong = NULL;
	size_t i;

	buf_init(&bytes, ENVELOPE_MAX);
	if (!spool_read(spool, entry, &bytes, &envelope)) {
		buf_clear(&bytes);
		return "an envelope cannot be read";
	}
	texts = xcalloc(recipients, sizeof(*texts));
	specimen_envelope(id, recipients, &wanted, texts);
	if (envelope.recipient_count != wanted.recipient_count ||
	    !span_equal(envelope.sender, wanted.sender) ||
	    !span_equal(envelope.helo, wanted.helo))
		wrong = "an envelope is another one";
	for (i = 0; wrong == NULL && i < wanted.recipient_count; i++)
		if (!span_equal(envelope.recipients[i].address,
			wanted.recipients[i].address))
			wrong = "a recipient is another one";
	envelope_clear(&wanted);
	envelope_clear(&envelope);
	free(texts);
	buf_clear(&bytes);
	return wrong;
}

static const char *
compare_content(struct spool *spool, const struct content *content, uint64_t id,
    size_t size)
{
	char have[1024], want[1024];
	size_t total = SPECIMEN_PREFIX + size, at, len;

	if (content->size != total)
		return "a content has another length";
	for (at = 0; at < total; at += len) {
		len = at == 0 ? SPECIMEN_PREFIX : total - at;
		if (len > sizeof(have))
			len = sizeof(have);
		if (content_read(spool, content, at, have, len) != (ssize_t)len)
			return "a content cannot be read";
		if (at == 0)
			specimen_prefix(id, want);
		else
			specimen_fill(id, at - SPECIMEN_PREFIX, want, len);
		if (memcmp(have, want, len) != 0)
			return "a content is another one";
	}
	return NULL;
}

const char *
specimen_compare(struct spool *spool, struct spool_entry *entry, uint64_t id,
    size_t size, size_t recipients)
{
	struct content content;
	const char *wrong = compare_envelope(spool, entry, id, recipients);

	if (wrong != NULL)
		return wrong;
	if (!content_open(spool, entry, &content))
		return "a content is rotten";
	wrong = compare_content(spool, &content, id, size);
	content_close(spool, &content);
	return wrong;
}
