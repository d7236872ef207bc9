/*
 * notice_addressee - who may be told of a delivery.
 *
 * Job:     the rule of who gets a notice, so that no forged sender ever does
 *          (design: no backscatter) and no notice goes round in a loop.
 * Called:  by the queue, for each recipient that failed or waits.
 * Owns:    nothing.
 * Never:   sends anything.
 */
#include <string.h>

#include "domains/address.h"
#include "relayd/delivery/notice.h"

static enum notice_addressee
tell(struct buf *to, struct span address, enum notice_addressee whom)
{
	if (to != NULL) {
		buf_empty(to);
		buf_add(to, address);
	}
	return whom;
}

static enum notice_addressee
tell_nobody(struct buf *to, enum notice_addressee whom)
{
	return tell(to, (struct span){ NULL, 0 }, whom);
}

/* RFC 3461 4.1: was this kind asked for, or is it the default? */
static bool
is_wanted(unsigned notify, enum notice_kind kind)
{
	if ((notify & NOTIFY_NEVER) != 0)
		return false;
	switch (kind) {
	case NOTICE_FAILED:
		return notify == 0 || (notify & NOTIFY_FAILURE) != 0;
	case NOTICE_DELAYED:
		return notify == 0 || (notify & NOTIFY_DELAY) != 0;
	case NOTICE_RELAYED:
	case NOTICE_DELIVERED:
		break;
	}
	return (notify & NOTIFY_SUCCESS) != 0;
}

/* A top-level label that no mail exchanger will ever be found under. */
static bool
leads_nowhere(struct span label)
{
	static const char *const labels[] = { "localhost", "localdomain",
		"local", "invalid" };
	uint64_t number;
	size_t i;

	for (i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (span_equal(label, span_of(labels[i])))
			return true;
	return span_number(label, UINT64_MAX, &number); /* root@192.0.2.1 */
}

/*
 * Devices send as "root", "root@localhost", "scanner@printer3", or by a name
 * that its hosted domain does not know: a notice to those would only fail in
 * turn.
 */
static bool
takes_mail(const struct address *sender, const struct rules *rules)
{
	struct span domain = span_of(sender->domain);
	size_t dot;

	if (!rules_takes(rules, sender))
		return false;
	if (sender->kind == ADDRESS_LITERAL ||
	    (sender->kind == ADDRESS_DOMAIN &&
		rules_hosted(rules, domain, NULL)))
		return true;
	dot = span_find_last(domain, '.');
	return sender->kind == ADDRESS_DOMAIN && dot < domain.len &&
	    !leads_nowhere(span_skip(domain, dot + 1));
}

/* About a notice of ours: the postmaster hears of it, but not of his own. */
static enum notice_addressee
about_notice(const struct recipient *recipient, enum notice_kind kind,
    const struct conf *conf, struct buf *to)
{
	if (kind != NOTICE_FAILED ||
	    span_equal(recipient->address, span_of(conf->postmaster)))
		return tell_nobody(to, NOTIFY_NOBODY);
	return tell(to, span_of(conf->postmaster), NOTIFY_POSTMASTER);
}

enum notice_addressee
notice_addressee(const struct envelope *envelope,
    const struct recipient *recipient, enum notice_kind kind,
    const struct conf *conf, const struct rules *rules, struct buf *to)
{
	bool granted = (envelope->flags & ENVELOPE_GRANTED) != 0;
	struct address sender;
	const char *why;

	if ((envelope->flags & ENVELOPE_NOTICE) != 0)
		return about_notice(recipient, kind, conf, to);
	if (!is_wanted(recipient->notify, kind))
		return tell_nobody(to, NOTIFY_NOBODY);
	/* Null senders are never answered: RFC 5321 4.5.5, 6.1. */
	if (envelope->sender.len > 0 &&
	    address_parse(envelope->sender, &sender, &why) == PATH_OK) {
		if (takes_mail(&sender, rules) &&
		    (granted || conf->delivery.bounce == BOUNCE_ALL ||
			rules_hosted(rules, span_of(sender.domain), NULL)))
			return tell(to, envelope->sender, NOTIFY_SENDER);
		if (granted && envelope->owner.len > 0)
			return tell(to, envelope->owner, NOTIFY_OWNER);
	}
	return tell_nobody(to,
	    kind == NOTICE_FAILED ? NOTIFY_SUMMARY : NOTIFY_NOBODY);
}
