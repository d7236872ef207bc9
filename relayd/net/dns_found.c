/*
 * dns_found - what two answers about one name, AAAA and A, say together.
 *
 * Job:     one status, one list of addresses, one lifetime out of two; fill a
 *          half that failed from an older answer.
 * Called:  by resolve.c.
 * Owns:    nothing.
 * Never:   lets the failure of one half hide what the other found, nor pass
 *          for "there is none".
 */
#include "dns_found.h"

#include "dns_cache.h"
#include "relayd/admin/log.h"

enum {
	/* How long an answer is kept, in seconds. */
	TTL_MIN = 5,
	TTL_MAX = 3600,
	TTL_NONE_MAX = 300, /* "there is none": RFC 2308 5 allows 3 hours */
	TTL_HALF_MAX = 30,  /* of two address families one failed */
	TTL_FAILED = 5,     /* RFC 2308 7.1 */
};

static uint32_t
clamp(uint32_t ttl, uint32_t most)
{
	if (ttl < TTL_MIN)
		return TTL_MIN;
	return ttl > most ? most : ttl;
}

/* How long an answer of this status may be believed. */
uint32_t
dns_found_lifetime(enum resolve_status status, uint32_t ttl)
{
	switch (status) {
	case RESOLVE_OK:
		return clamp(ttl, TTL_MAX);
	case RESOLVE_NODATA:
	case RESOLVE_NXDOMAIN:
		return clamp(ttl, TTL_NONE_MAX);
	case RESOLVE_FAILED:
		break;
	}
	return TTL_FAILED;
}

/*
 * What both halves say together.  Whatever gave an address is good; else a
 * failure of one leaves open whether there is one.
 */
enum resolve_status
dns_found_status(const struct dns_found *found)
{
	enum resolve_status v6 = found->half[0].status;
	enum resolve_status v4 = found->half[1].status;

	if (v6 == RESOLVE_OK || v4 == RESOLVE_OK)
		return RESOLVE_OK;
	if (v6 == RESOLVE_FAILED || v4 == RESOLVE_FAILED)
		return RESOLVE_FAILED;
	if (v6 == RESOLVE_NXDOMAIN && v4 == RESOLVE_NXDOMAIN)
		return RESOLVE_NXDOMAIN;
	return RESOLVE_NODATA;
}

bool
dns_found_is_half(const struct dns_found *found)
{
	return dns_found_status(found) == RESOLVE_OK &&
	    (found->half[0].status == RESOLVE_FAILED ||
		found->half[1].status == RESOLVE_FAILED);
}

const char *
dns_found_error(const struct dns_found *found)
{
	if (dns_found_status(found) != RESOLVE_FAILED)
		return NULL;
	if (found->half[0].status == RESOLVE_FAILED)
		return found->half[0].error;
	return found->half[1].error;
}

/* Of half a name the other half is asked again soon. */
uint32_t
dns_found_ttl(const struct dns_found *found)
{
	const struct dns_half *half;
	uint32_t least = UINT32_MAX, ttl;
	size_t side;

	for (side = 0; side < 2; side++) {
		half = &found->half[side];
		if (half->status == RESOLVE_FAILED)
			ttl = TTL_HALF_MAX;
		else
			ttl = dns_found_lifetime(half->status, half->ttl);
		if (ttl < least)
			least = ttl;
	}
	if (dns_found_status(found) == RESOLVE_FAILED)
		return TTL_FAILED;
	return least;
}

/* AAAA and A by turns, so that neither family is all that fits. */
size_t
dns_found_addresses(const struct dns_found *found,
    struct ip out[RESOLVE_ADDRESS_MAX])
{
	size_t count = 0, i, side;

	for (i = 0; i < RESOLVE_ADDRESS_MAX; i++)
		for (side = 0; side < 2; side++)
			if (i < found->half[side].count &&
			    count < RESOLVE_ADDRESS_MAX)
				out[count++] = found->half[side].ip[i];
	return count;
}

size_t
dns_found_complete(const struct dns_found *found, const struct dns_entry *entry,
    uint64_t now, struct ip out[RESOLVE_ADDRESS_MAX], size_t count)
{
	size_t fresh = count, i, side;

	if (dns_found_status(found) != RESOLVE_OK || now >= entry->stale_until)
		return count;
	for (i = 0; i < entry->count && count < RESOLVE_ADDRESS_MAX; i++) {
		side = ip_is_v4(&entry->ip[i]) ? 1 : 0;
		if (found->half[side].status == RESOLVE_FAILED)
			out[count++] = entry->ip[i];
	}
	if (count > fresh)
		log_say(LEVEL_WARNING, "dns-stale",
		    "%s: of one address family: the last good answer serves for up to %ju s more",
		    entry->name,
		    (uintmax_t)((entry->stale_until - now) / 1000));
	return count;
}
