/*
 * control_filter - which waiting messages are meant.
 *
 * Job:     read a filter from a request; say whether it means a message.
 * Called:  by the commands that list or handle messages.
 * Owns:    struct filter.
 * Never:   reads a message itself.
 */
#include "relayd/admin/control_filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	V4_BITS = 96, /* of 128 that stand before a v4 address */
};

static int
compare_ids(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static bool
read_ids(struct filter *filter, struct control_job *job)
{
	const json_t *ids = json_object_get(job->request, "ids");
	size_t i;

	if (ids == NULL)
		return true;
	if (!json_is_array(ids) || json_array_size(ids) == 0)
		return control_fail(job, CONTROL_USAGE,
		    "\"ids\" must be a list of message IDs");
	filter->ids = xcalloc(json_array_size(ids), sizeof(*filter->ids));
	for (i = 0; i < json_array_size(ids); i++) {
		const json_t *id = json_array_get(ids, i);

		if (!json_is_string(id) ||
		    !spool_id_parse(span_of(json_string_value(id)),
			&filter->ids[i]))
			return control_fail(job, CONTROL_USAGE,
			    "a message ID has %d letters and digits, such as "
			    "001k0z9ty9x5g",
			    SPOOL_ID_LEN);
		filter->id_count++;
	}
	qsort(filter->ids, filter->id_count, sizeof(*filter->ids), compare_ids);
	return true;
}

/* "192.0.2.1" or "192.0.2.0/24". */
static bool
read_client(struct filter *filter, struct control_job *job)
{
	const char *text = NULL;
	struct span rest, address;
	uint64_t bits;

	if (!control_string(job, "client", &text))
		return false;
	if (text == NULL)
		return true;
	rest = span_of(text);
	address = span_cut(&rest, '/');
	if (!ip_parse(address, &filter->client))
		return control_fail(job, CONTROL_USAGE,
		    "\"client\" is an address or a network");
	bits = ip_is_v4(&filter->client) ? 32 : 128;
	if (rest.data != NULL && !span_number(rest, bits, &bits))
		return control_fail(job, CONTROL_USAGE,
		    "the network of \"client\" has too many bits");
	filter->prefix =
	    (unsigned)bits + (ip_is_v4(&filter->client) ? V4_BITS : 0);
	filter->has_client = true;
	return true;
}

static bool
read_text(struct control_job *job, const char *name, struct span *to)
{
	const char *text = NULL;

	if (!control_string(job, name, &text))
		return false;
	if (text == NULL)
		return true;
	if (text[0] == '\0')
		return control_fail(job, CONTROL_USAGE, "\"%s\" is empty",
		    name);
	*to = span_of(text);
	return true;
}

/* Also as people write it; what is no domain means none. */
static bool
read_domain(struct filter *filter, struct control_job *job)
{
	const char *why;

	if (!read_text(job, "domain", &filter->domain))
		return false;
	if (filter->domain.data != NULL &&
	    domain_normalise(filter->domain, filter->name, &why))
		filter->domain = span_of(filter->name);
	return true;
}

bool
filter_read(struct filter *filter, struct control_job *job)
{
	const char *newest = NULL;

	*filter = (struct filter){ .older = 0 };
	if (!read_ids(filter, job) || !read_domain(filter, job) ||
	    !read_text(job, "sender", &filter->sender) ||
	    !read_text(job, "recipient", &filter->recipient) ||
	    !read_client(filter, job) ||
	    !control_number(job, "older", &filter->older) ||
	    !control_number(job, "younger", &filter->younger) ||
	    !control_string(job, "newest", &newest))
		return false;
	filter->any = filter->id_count > 0 || filter->older > 0 ||
	    filter->younger > 0 || filter_needs_envelope(filter);
	if (newest != NULL && !spool_id_parse(span_of(newest), &filter->newest))
		return control_fail(job, CONTROL_USAGE,
		    "\"newest\" must be a message ID");
	return true;
}

void
filter_clear(struct filter *filter)
{
	free(filter->ids);
	*filter = (struct filter){ .ids = NULL };
}

bool
filter_needs_envelope(const struct filter *filter)
{
	return filter->domain.data != NULL || filter->sender.data != NULL ||
	    filter->recipient.data != NULL || filter->has_client;
}

bool
filter_may_mean(const struct filter *filter, const struct spool_entry *entry,
    int64_t now)
{
	int64_t age = now - spool_entry_arrival(entry);
	uint64_t id = spool_entry_id(entry);

	if (filter->newest != 0 && id > filter->newest)
		return false;
	if (filter->older > 0 && age < (int64_t)filter->older)
		return false;
	if (filter->younger > 0 && age > (int64_t)filter->younger)
		return false;
	return filter->id_count == 0 ||
	    bsearch(&id, filter->ids, filter->id_count, sizeof(id),
		compare_ids) != NULL;
}

static bool
address_is(struct span wanted, struct span address)
{
	if (span_equal(wanted, SPAN("<>")))
		return address.len == 0;
	if (wanted.data[0] == '@')
		return span_ends_nocase(address, wanted);
	return span_equal_nocase(address, wanted);
}

static bool
client_is(const struct filter *filter, struct span client)
{
	struct ip ip;

	return ip_parse(client, &ip) &&
	    ip_in_network(&ip, &filter->client, filter->prefix);
}

bool
filter_means(const struct filter *filter, struct spool *spool,
    const struct spool_entry *entry, const struct envelope *envelope)
{
	const struct recipient *recipient;
	size_t i;

	if (filter->sender.data != NULL &&
	    !address_is(filter->sender, envelope->sender))
		return false;
	if (filter->has_client && !client_is(filter, envelope->client))
		return false;
	if (filter->domain.data == NULL && filter->recipient.data == NULL)
		return true;
	for (i = 0; i < envelope->recipient_count; i++) {
		recipient = &envelope->recipients[i];
		if (!spool_settled(spool, entry, i) &&
		    (filter->domain.data == NULL ||
			span_equal_nocase(filter->domain, recipient->domain)) &&
		    (filter->recipient.data == NULL ||
			address_is(filter->recipient, recipient->address)))
			return true;
	}
	return false;
}
