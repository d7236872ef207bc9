/*
 * fuzz_command - any bytes where commands are due: lines come out the same in
 * pieces and in one go, never hold what no command may hold, and whatever
 * stands behind MAIL FROM: and RCPT TO: is read or refused with a reason.
 *
 * The first byte of the input: its lowest bit lets LF alone end a line, the
 * others say in pieces of how many bytes the rest comes.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "domains/address.h"
#include "domains/base/buf.h"
#include "relayd/smtp/command.h"
#include "relayd/smtp/params.h"

enum {
	STORY_MAX = 1 << 20
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at_fault(const struct params_fault *fault)
{
	assert(fault->code == 501 || fault->code == 555);
	assert(strncmp(fault->enhanced, "5.5.", 4) == 0);
	assert(fault->word.len > 0 && fault->why[0] != '\0');
}

/* Both ways of every argument, whichever command it stood behind. */
static void
read_params(struct span text)
{
	struct rcpt_params rcpt = { .utf8 = text.len % 2 == 0 };
	struct params_fault fault;
	struct mail_params mail;

	if (!params_mail(text, &mail, &fault))
		look_at_fault(&fault);
	else
		assert(mail.envid.len <= 100 && span_printable(mail.envid));
	if (!params_rcpt(text, &rcpt, &fault))
		look_at_fault(&fault);
	else
		assert(rcpt.orcpt.len <= 500 && span_utf8(rcpt.orcpt));
}

static void
read_args(struct span args)
{
	struct address address;
	const char *why = NULL;
	unsigned quirks;
	size_t used;

	args = span_skip(args, span_find(args, ':') + 1);
	if (path_parse(args, &address, &used, &quirks, &why) != PATH_OK) {
		assert(why != NULL && why[0] != '\0');
		return;
	}
	assert(used <= args.len);
	read_params(span_skip(args, used));
}

static void
look_at_line(struct span line)
{
	struct span verb, args;
	size_t i;

	assert(line.len <= COMMAND_MAX);
	for (i = 0; i < line.len; i++)
		assert(((unsigned char)line.data[i] >= ' ' ||
			   line.data[i] == '\t') &&
		    line.data[i] != '\x7f');
	command_split(line, &verb, &args);
	assert(span_find(verb, ' ') == verb.len);
	assert(span_trim(args).len == args.len);
	read_args(args);
}

/* As a session does: what is not used is looked at again with more behind. */
static void
hear(struct span rest, bool accept_bare_lf, size_t step, struct buf *story)
{
	enum command_verdict verdict;
	struct command command;
	struct span line;
	struct buf in;
	size_t used;
	bool bare_lf;

	command_init(&command, accept_bare_lf);
	buf_init(&in, STORY_MAX);
	while (rest.len > 0) {
		buf_add(&in, span_head(rest, step));
		rest = span_skip(rest, step);
		while ((verdict = command_next(&command, buf_span(&in), &line,
			    &used, &bare_lf)) != COMMAND_MORE) {
			assert(used > 0 && used <= in.len);
			buf_addf(story, "%d%d", (int)verdict, bare_lf);
			if (verdict == COMMAND_LINE) {
				look_at_line(line);
				buf_add(story, line);
			}
			buf_add_byte(story, '\n');
			buf_eat(&in, used);
		}
		buf_eat(&in, used);
	}
	buf_clear(&in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size);
	struct buf whole, pieces;
	bool accept_bare_lf;

	if (size < 2)
		return 0;
	accept_bare_lf = data[0] & 1;
	rest = span_skip(rest, 1);
	buf_init(&whole, STORY_MAX);
	buf_init(&pieces, STORY_MAX);
	hear(rest, accept_bare_lf, rest.len, &whole);
	hear(rest, accept_bare_lf, (size_t)(data[0] / 2) + 1, &pieces);
	assert(span_equal(buf_span(&whole), buf_span(&pieces)));
	buf_clear(&whole);
	buf_clear(&pieces);
	return 0;
}
