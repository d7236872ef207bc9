/*
 * hosts - from a route to the addresses to try, in order.
 *
 * Job:     look up the MX of a domain or the hops of a route, and their
 *          addresses; leave ourselves out; say why when nothing is left.
 * Called:  by destinations that need to know where to go.
 * Owns:    a search until it has been told or cancelled.
 * Never:   calls done() from within hosts_find(), and never makes a final
 *          failure of a question that DNS did not answer.
 */
#include "relayd/delivery/hosts.h"

#include <sys/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/delivery/mx_order.h"
#include "relayd/delivery/ourselves.h"

enum {
	NAMES_MAX = 20, /* hosts that are looked up together */
	PORT_SMTP = 25
};

/* A host to look up, or an address that needs no look-up. */
struct candidate {
	char name[DOMAIN_MAX + 1]; /* "" for an address */
	uint16_t port;
	uint16_t preference; /* of its MX record; 0 for a hop */
	bool lmtp;
	char path[HOP_PATH_MAX + 1]; /* "": not a Unix socket */
	struct query *query;         /* under way, or NULL */
	struct hosts_search *search;
	enum resolve_status status;
	const char *error; /* static text, when that is FAILED */
	size_t count;
	struct ip addresses[RESOLVE_ADDRESS_MAX];
};

struct hosts_search {
	struct watch timer; /* due when nothing needs to be waited for */
	struct hosts_needs needs;
	char domain[DOMAIN_MAX + 1];
	char hostname[DOMAIN_MAX + 1]; /* a reload frees that of needs */
	bool hosted;
	bool by_mx;            /* hops are tried even when they are ourselves */
	bool cut;              /* somebody was left out for being ourselves */
	struct query *mx;      /* under way, or NULL */
	struct mx *mx_records; /* owned, in order; NULL without */
	size_t mx_count, mx_used;
	size_t waiting; /* queries of candidates under way */
	size_t count;
	struct candidate candidates[NAMES_MAX];
	struct hosts_answer answer;
	void (*done)(void *owner, const struct hosts_answer *answer);
	void *owner;
};

static bool look_up_more(struct hosts_search *search);

/* ---- the end of a search ---- */

static void
search_reap(void *owner)
{
	struct hosts_search *search = owner;

	outcome_clear(&search->answer.outcome);
	free(search->mx_records);
	free(search);
}

static void
end(struct hosts_search *search)
{
	search->done(search->owner, &search->answer);
	loop_kill(search->needs.loop, &search->timer);
}

static void
fail(struct hosts_search *search, enum outcome_kind kind, const char *enhanced,
    const char *format, const char *name)
{
	struct buf text;

	buf_init(&text, OUTCOME_TEXT_MAX);
	buf_addf(&text, "%s: %s", name, format);
	outcome_set(&search->answer.outcome, kind, 0, enhanced, buf_span(&text),
	    NULL);
	buf_clear(&text);
	end(search);
}

/* What DNS denies is final, but not for a domain that the campus owns. */
static void
deny(struct hosts_search *search, const char *later, const char *failed,
    const char *what)
{
	if (search->hosted)
		fail(search, OUTCOME_LATER, later, what, search->domain);
	else
		fail(search, OUTCOME_FAILED, failed, what, search->domain);
}

/* ---- which of them, in which order ---- */

static bool
is_ourselves(const struct hosts_search *search, const struct ip *ip)
{
	if (search->needs.ourselves != NULL)
		return search->needs.ourselves(search->needs.ourselves_owner,
		    ip);
	return ourselves_have(ip, loop_now(search->needs.loop));
}

static bool
candidate_is_ourselves(const struct hosts_search *search,
    const struct candidate *candidate)
{
	size_t i;

	/* Not "": address hops have no name. */
	if (candidate->name[0] != '\0' &&
	    span_equal_nocase(span_of(candidate->name),
		span_of(search->hostname)))
		return true;
	for (i = 0; i < candidate->count; i++)
		if (is_ourselves(search, &candidate->addresses[i]))
			return true;
	return false;
}

/*
 * RFC 5321 5.1: when we are on the list, hosts of our preference and worse
 * are not for us to try.
 */
static void
cut_ourselves(struct hosts_search *search)
{
	uint32_t limit = UINT32_MAX;
	size_t i, kept = 0;

	for (i = 0; i < search->count; i++)
		if (search->candidates[i].preference < limit &&
		    candidate_is_ourselves(search, &search->candidates[i]))
			limit = search->candidates[i].preference;
	while (
	    kept < search->count && search->candidates[kept].preference < limit)
		kept++;
	if (kept < search->count) {
		search->cut = true;
		search->mx_used = search->mx_count;
	}
	search->count = kept;
}

/* Each host has its share of the list, so that no one fills it. */
static void
list_hosts(struct hosts_search *search)
{
	struct hosts_answer *answer = &search->answer;
	const struct candidate *candidate;
	size_t share, i, k;

	share = search->count == 0 ? 0 : HOSTS_MAX / search->count;
	share = share < 2 ? 2 : share;
	for (i = 0; i < search->count; i++) {
		candidate = &search->candidates[i];
		for (k = 0; k < candidate->count && k < share &&
		     answer->count < HOSTS_MAX;
		     k++) {
			struct host *host = &answer->hosts[answer->count++];

			memcpy(host->name, candidate->name, sizeof(host->name));
			host->ip = candidate->addresses[k];
			host->port = candidate->port;
			host->lmtp = candidate->lmtp;
			strcpy(host->path, candidate->path);
		}
	}
}

/* One that DNS said nothing about, or NULL. */
static const struct candidate *
first_failed(const struct hosts_search *search)
{
	size_t i;

	for (i = 0; i < search->count; i++)
		if (search->candidates[i].status == RESOLVE_FAILED)
			return &search->candidates[i];
	return NULL;
}

static void
not_known(struct hosts_search *search, const struct candidate *candidate)
{
	char what[128];

	snprintf(what, sizeof(what), "its address is not known: %s",
	    candidate->error == NULL ? "DNS does not answer" :
				       candidate->error);
	fail(search, OUTCOME_LATER, "4.4.3", what, candidate->name);
}

static void
conclude(struct hosts_search *search)
{
	const struct candidate *failed;

	if (search->by_mx)
		cut_ourselves(search);
	list_hosts(search);
	failed = first_failed(search);
	if (search->answer.count == 0 && failed == NULL && look_up_more(search))
		return;
	if (search->answer.count > 0)
		end(search);
	else if (failed != NULL)
		not_known(search, failed);
	else if (search->cut)
		fail(search, OUTCOME_FAILED, "5.4.6",
		    "mail for it would come back to this host", search->domain);
	else if (search->by_mx)
		deny(search, "4.4.4", "5.4.4",
		    "none of its mail hosts has an address");
	else
		fail(search, OUTCOME_LATER, "4.4.4", "this hop has no address",
		    search->candidates[0].name);
}

static void
search_expired(void *owner)
{
	conclude(owner);
}

/* ---- looking up ---- */

static void
got_addresses(void *owner, const struct address_answer *answer)
{
	struct candidate *candidate = owner;
	struct hosts_search *search = candidate->search;
	size_t i;

	candidate->query = NULL;
	candidate->status = answer->status;
	candidate->error = answer->error;
	if (answer->status == RESOLVE_OK)
		candidate->count = answer->count;
	if (candidate->count > RESOLVE_ADDRESS_MAX)
		candidate->count = RESOLVE_ADDRESS_MAX;
	for (i = 0; i < candidate->count; i++)
		candidate->addresses[i] = answer->addresses[i];
	if (--search->waiting == 0)
		conclude(search);
}

static struct candidate *
add_candidate(struct hosts_search *search, const char *name, uint16_t port,
    uint16_t preference)
{
	struct candidate *candidate;

	if (search->count == NAMES_MAX || strlen(name) > DOMAIN_MAX)
		return NULL;
	candidate = &search->candidates[search->count++];
	*candidate = (struct candidate){
		.port = port,
		.preference = preference,
		.search = search,
		.status = RESOLVE_OK,
	};
	strcpy(candidate->name, name);
	return candidate;
}

static struct candidate *
add_address(struct hosts_search *search, const struct ip *ip, uint16_t port)
{
	struct candidate *candidate = add_candidate(search, "", port, 0);

	if (candidate == NULL)
		return NULL;
	candidate->addresses[0] = *ip;
	candidate->count = 1;
	return candidate;
}

/*
 * What the campus has chosen, its hops and its own domains, still serves while
 * DNS fails; a stranger's hosts are asked for again.
 */
static struct query *
lasting(const struct hosts_search *search, struct query *query)
{
	if (search->hosted || !search->by_mx)
		query_take_stale(query);
	return query;
}

/* All at once; without a name to look up the timer ends the search. */
static void
look_up_all(struct hosts_search *search)
{
	struct candidate *candidate;
	size_t i;

	for (i = 0; i < search->count; i++)
		if (search->candidates[i].name[0] != '\0')
			search->waiting++;
	if (search->waiting == 0)
		search->timer.deadline = loop_now(search->needs.loop);
	for (i = 0; i < search->count; i++) {
		candidate = &search->candidates[i];
		if (candidate->name[0] != '\0')
			candidate->query = lasting(search,
			    resolve_address(search->needs.resolver,
				candidate->name, got_addresses, candidate));
	}
}

/* ---- MX ---- */

static uint64_t
random_number(void *owner)
{
	const struct hosts_search *search = owner;
	uint64_t number = 0;

	if (search->needs.random != NULL)
		return search->needs.random(search->needs.random_owner);
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return 0;
	return number;
}

/* The next hosts of the list: the first, or when those before do not exist. */
static bool
look_up_more(struct hosts_search *search)
{
	const struct mx *record;

	search->count = 0;
	while (
	    search->count < NAMES_MAX && search->mx_used < search->mx_count) {
		record = &search->mx_records[search->mx_used++];
		add_candidate(search, record->host, PORT_SMTP,
		    record->preference);
	}
	if (search->count == 0)
		return false;
	look_up_all(search);
	return true;
}

static void
use_records(struct hosts_search *search, const struct mx_answer *answer)
{
	struct mx *records = xcalloc(RESOLVE_MX_MAX, sizeof(*records));
	size_t count = 0, i;

	/* RFC 7505 3: the null MX stands alone; elsewhere "." is no host. */
	for (i = 0; i < answer->count && count < RESOLVE_MX_MAX; i++)
		if (answer->records[i].host[0] != '\0')
			records[count++] = answer->records[i];
	mx_order(records, count, random_number, search);
	search->mx_records = records;
	search->mx_count = search->hostname[0] == '\0' ?
	    count :
	    mx_better(records, count, search->hostname);
	search->cut = search->mx_count < count;
	if (!look_up_more(search))
		conclude(search);
}

static void
got_mx(void *owner, const struct mx_answer *answer)
{
	struct hosts_search *search = owner;

	search->mx = NULL;
	switch (answer->status) {
	case RESOLVE_OK:
		if (answer->count == 1 && answer->records[0].host[0] == '\0')
			fail(search, OUTCOME_FAILED, "5.1.10",
			    "the domain takes no mail (null MX)",
			    search->domain);
		else
			use_records(search, answer);
		return;
	case RESOLVE_NODATA:
		/* RFC 5321 5.1: the implicit MX. */
		add_candidate(search, search->domain, PORT_SMTP, 0);
		look_up_all(search);
		return;
	case RESOLVE_NXDOMAIN:
		deny(search, "4.4.4", "5.1.2", "the domain does not exist");
		return;
	case RESOLVE_FAILED:
		break;
	}
	fail(search, OUTCOME_LATER, "4.4.3",
	    answer->error == NULL ? "DNS does not answer" : answer->error,
	    search->domain);
}

/* ---- for the owner ---- */

/* "[192.0.2.1]" and "[IPv6:2001:db8::1]" name the host itself. */
static bool
literal(struct span domain, struct ip *ip)
{
	if (domain.len < 2 || domain.data[0] != '[' ||
	    domain.data[domain.len - 1] != ']')
		return false;
	domain = span_make(domain.data + 1, domain.len - 2);
	if (span_starts_nocase(domain, SPAN("IPv6:")))
		domain = span_skip(domain, 5);
	return ip_parse(domain, ip);
}

static void
add_hop(struct hosts_search *search, const struct hop *hop)
{
	struct candidate *candidate;

	if (hop->name == NULL)
		candidate = add_address(search, &hop->ip, hop->port);
	else
		candidate = add_candidate(search, hop->name, hop->port, 0);
	if (candidate == NULL)
		return;
	candidate->lmtp = hop->lmtp;
	if (hop->path != NULL)
		snprintf(candidate->path, sizeof(candidate->path), "%s",
		    hop->path);
}

static void
use_hops(struct hosts_search *search, const struct route *route)
{
	size_t i;

	for (i = 0; i < route->hop_count; i++)
		add_hop(search, &route->hops[i]);
	look_up_all(search);
}

struct hosts_search *
hosts_find(const struct hosts_needs *needs, const struct route *route,
    struct span domain, bool hosted,
    void (*done)(void *owner, const struct hosts_answer *answer), void *owner)
{
	struct hosts_search *search = xcalloc(1, sizeof(*search));
	struct ip ip;

	search->needs = *needs;
	snprintf(search->hostname, sizeof(search->hostname), "%s",
	    needs->hostname == NULL ? "" : needs->hostname);
	search->hosted = hosted;
	search->by_mx = route->mx;
	search->done = done;
	search->owner = owner;
	domain = span_head(domain, DOMAIN_MAX);
	memcpy(search->domain, domain.data, domain.len);
	watch_init(&search->timer, -1, search, NULL, search_expired,
	    search_reap);
	loop_add(needs->loop, &search->timer);
	if (!route->mx) {
		use_hops(search, route);
	} else if (literal(domain, &ip)) {
		add_address(search, &ip, PORT_SMTP);
		look_up_all(search);
	} else {
		search->mx = lasting(search,
		    resolve_mx(needs->resolver, search->domain, got_mx,
			search));
	}
	return search;
}

void
hosts_cancel(struct hosts_search *search)
{
	size_t i;

	if (search == NULL)
		return;
	if (search->mx != NULL)
		query_cancel(search->mx);
	for (i = 0; i < search->count; i++)
		if (search->candidates[i].query != NULL)
			query_cancel(search->candidates[i].query);
	loop_kill(search->needs.loop, &search->timer);
}
