/*
 * notice_words - the part of a notice that people read.
 *
 * Job:     say what happened, why, and what to do, in plain words.
 * Called:  by notice.
 * Owns:    nothing.
 * Never:   shows a peer's words unescaped; lists more than LISTED recipients
 *          (the part for programs has them all).
 */
#include "relayd/delivery/notice_words.h"

#include <string.h>

#include "relayd/delivery/fold.h"
#include "relayd/delivery/mail_date.h"

enum {
	LISTED = 100, /* recipients */
	INDENT = 4
};

/* What an enhanced code means (RFC 3463, without its class). */
static const struct {
	const char *code;
	const char *meaning;
} meanings[] = {
	/* clang-format off */
	{ ".1.1",  "There is no such mailbox there." },
	{ ".1.2",  "There is no such mail domain." },
	{ ".1.3",  "This is not a valid address." },
	{ ".1.6",  "The mailbox has moved away." },
	{ ".1.10", "This domain takes no mail at all." },
	{ ".2.1",  "The mailbox is closed." },
	{ ".2.2",  "The mailbox is full." },
	{ ".2.3",  "The message is too large for this mailbox." },
	{ ".3.4",  "The message is too large for the next mail server." },
	{ ".4.1",  "The next mail server does not answer." },
	{ ".4.3",  "The address of the next mail server could not be looked up." },
	{ ".4.4",  "No way to the next mail server could be found." },
	{ ".4.6",  "The message went round in a loop." },
	{ ".4.7",  "It could not be delivered for too long a time." },
	{ ".6.3",  "The next mail server cannot take the form of its content." },
	{ ".6.7",  "The next mail server cannot take addresses that are not ASCII." },
	{ ".7.1",  "The next mail server refuses this mail by its rules." },
	{ ".7.10", "The next mail server asks for encryption." },
	/* clang-format on */
};

/* Who reads it. */
enum reader {
	READER_SENDER,
	READER_OWNER,      /* of the host that sent it */
	READER_POSTMASTER, /* of a notice that could not be delivered */
};

static enum reader
reader_of(const struct notice *notice, struct span to)
{
	if ((notice->envelope->flags & ENVELOPE_NOTICE) != 0)
		return READER_POSTMASTER;
	return span_equal(to, notice->envelope->sender) ? READER_SENDER :
							  READER_OWNER;
}

static void
blank_line(struct buf *out)
{
	buf_add(out, SPAN("\r\n"));
}

const char *
notice_words_subject(const struct notice *notice, struct span to)
{
	if (reader_of(notice, to) == READER_POSTMASTER)
		return "A notice could not be delivered";
	switch (notice->kind) {
	case NOTICE_DELAYED:
		return "Mail is delayed: no need to send it again";
	case NOTICE_RELAYED:
		return "Mail was passed on";
	case NOTICE_DELIVERED:
		return "Mail was delivered";
	case NOTICE_FAILED:
		break;
	}
	return "Mail could not be delivered";
}

/* Whose message it was, as the subject of a sentence. */
static void
say_whose(const struct notice *notice, enum reader reader, struct buf *out)
{
	const struct envelope *envelope = notice->envelope;

	if (reader == READER_OWNER) {
		fold_say(out, 0,
		    "This is about a message from the host %.*s. You get this "
		    "notice because you answer for that host here, and the "
		    "sender address of the message, <%.*s>, cannot take mail.",
		    SPAN_ARG(envelope->client), SPAN_ARG(envelope->sender));
		blank_line(out);
	} else if (reader == READER_POSTMASTER) {
		fold_say(out, 0,
		    "This relay wrote a notice to the address below, and that "
		    "notice could not be delivered itself. You get it as the "
		    "postmaster, and nobody else does.");
		blank_line(out);
	}
}

static void
say_what(const struct notice *notice, enum reader reader, struct buf *out)
{
	const char *whose =
	    reader == READER_SENDER ? "Your message" : "The message";
	const char *many =
	    notice->count == 1 ? "this address" : "these addresses";
	struct buf date;

	switch (notice->kind) {
	case NOTICE_FAILED:
		fold_say(out, 0,
		    "%s could not be delivered to %s. It has been given up "
		    "and will not be tried again:",
		    whose, many);
		return;
	case NOTICE_RELAYED:
		fold_say(out, 0,
		    "%s was passed on to the next mail server for %s. That "
		    "server does not report deliveries, so this is the last "
		    "that can be told:",
		    whose, many);
		return;
	case NOTICE_DELIVERED:
		fold_say(out, 0,
		    "%s was delivered to the mailbox of %s:", whose, many);
		return;
	case NOTICE_DELAYED:
		break;
	}
	buf_init(&date, 64);
	mail_date_add(&date, notice->retry_until);
	fold_say(out, 0,
	    "%s could not be delivered to %s yet. It is kept and tried again "
	    "until %s. You need not send it again:",
	    whose, many, buf_text(&date));
	buf_clear(&date);
}

static const char *
meaning_of(const struct outcome *outcome)
{
	size_t i;

	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (outcome->enhanced[0] != '\0' &&
		    strcmp(outcome->enhanced + 1, meanings[i].code) == 0)
			return meanings[i].meaning;
	return NULL;
}

static void
say_recipient(const struct notice_recipient *of, enum notice_kind kind,
    struct buf *out)
{
	const struct outcome *outcome = of->outcome;
	const char *meaning = meaning_of(outcome);

	blank_line(out);
	fold_say(out, INDENT, "<%.*s>", SPAN_ARG(of->recipient->address));
	if (kind == NOTICE_RELAYED && outcome->remote != NULL)
		fold_say(out, 2 * INDENT, "passed on to %s", outcome->remote);
	if (kind == NOTICE_RELAYED || kind == NOTICE_DELIVERED)
		return;
	if (meaning != NULL)
		fold_say(out, 2 * INDENT, "%s", meaning);
	if (outcome->text == NULL)
		return;
	if (outcome->remote != NULL && outcome->code != 0)
		fold_say(out, 2 * INDENT, "%s said: %s", outcome->remote,
		    outcome->text);
	else if (outcome->remote != NULL)
		fold_say(out, 2 * INDENT, "%s: %s", outcome->remote,
		    outcome->text);
	else
		fold_say(out, 2 * INDENT, "%s", outcome->text);
}

static void
say_whom_to_ask(const struct conf *conf, struct buf *out)
{
	blank_line(out);
	if (conf->contact != NULL)
		fold_say(out, 0, "%s", conf->contact);
	fold_say(out, 0,
	    "If the words above do not help, write to <%s> and send all of "
	    "this notice along.",
	    conf->postmaster);
}

static void
say_which(const struct notice *notice, struct buf *out)
{
	const struct envelope *envelope = notice->envelope;
	char id[SPOOL_ID_LEN + 1];
	struct buf date;

	buf_init(&date, 64);
	mail_date_add(&date, envelope->arrival);
	spool_id_text(notice->id, id);
	blank_line(out);
	fold_say(out, 0, "The message: %s, taken %s", id, buf_text(&date));
	if (envelope->client.len > 0)
		fold_say(out, 0, "from the host: %.*s",
		    SPAN_ARG(envelope->client));
	fold_say(out, 0, "with the sender: <%.*s>", SPAN_ARG(envelope->sender));
	buf_clear(&date);
}

void
notice_words_add(const struct notice *notice, const struct conf *conf,
    struct span to, struct buf *out)
{
	enum reader reader = reader_of(notice, to);
	size_t i;

	fold_say(out, 0, "This is the mail relay %s.", conf->hostname);
	blank_line(out);
	say_whose(notice, reader, out);
	say_what(notice, reader, out);
	for (i = 0; i < notice->count && i < LISTED; i++)
		say_recipient(&notice->recipients[i], notice->kind, out);
	if (notice->count > LISTED) {
		blank_line(out);
		fold_say(out, INDENT,
		    "and %zu more, which the second part of this notice lists",
		    notice->count - LISTED);
	}
	if (reader != READER_POSTMASTER)
		say_whom_to_ask(conf, out);
	say_which(notice, out);
}
