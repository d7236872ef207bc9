/*
 * command - command lines as they come in.
 *
 * Job:     find the end of a line, judge its bytes, cut the verb off.
 * Called:  by session.c with all the input there is.
 * Owns:    whether the rest of a bad line is still coming.
 * Never:   takes the tail of a bad line for a command.
 *
 * RFC 5321 2.3.8 knows one line end, CRLF.  A line that ends in LF alone is
 * answered at once, for its sender waits; the line behind it is refused too,
 * for where we see two lines somebody else may have seen one.
 */
#include "relayd/smtp/command.h"

void
command_init(struct command *command, bool accept_bare_lf)
{
	*command = (struct command){ .accept_bare_lf = accept_bare_lf };
}

static bool
has_control(struct span line)
{
	size_t i;

	for (i = 0; i < line.len; i++) {
		unsigned char byte = (unsigned char)line.data[i];

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return true;
	}
	return false;
}

static enum command_verdict
no_line_end(struct command *command, struct span in, size_t *used)
{
	/* A last CR may be half of the line end that is awaited. */
	size_t len =
	    in.len > 0 && in.data[in.len - 1] == '\r' ? in.len - 1 : in.len;

	*used = 0;
	if (command->skipping) {
		*used = len;
		command->skipped += len;
		return command->skipped > COMMAND_SKIP_MAX ? COMMAND_ENDLESS :
							     COMMAND_MORE;
	}
	if (len <= COMMAND_MAX)
		return COMMAND_MORE;
	*used = len;
	command->skipping = true;
	command->skipped = len;
	return COMMAND_LONG;
}

/* A whole line without its end; bare: it ended in LF alone. */
static enum command_verdict
judge(struct command *command, struct span line, bool bare)
{
	bool tainted = command->tainted;

	command->tainted = bare && !command->accept_bare_lf;
	if (command->skipping) {
		command->skipping = false;
		return COMMAND_MORE;
	}
	if (line.len > COMMAND_MAX)
		return COMMAND_LONG;
	if (tainted || command->tainted)
		return COMMAND_BARE_LF;
	return has_control(line) ? COMMAND_CONTROL : COMMAND_LINE;
}

enum command_verdict
command_next(struct command *command, struct span in, struct span *line,
    size_t *used, bool *bare_lf)
{
	enum command_verdict verdict;
	size_t lf, at = 0;
	bool bare;

	*bare_lf = false;
	for (;;) {
		struct span rest = span_skip(in, at);

		lf = span_find(rest, '\n');
		if (lf == rest.len) {
			verdict = no_line_end(command, rest, used);
			*used += at;
			return verdict;
		}
		bare = lf == 0 || rest.data[lf - 1] != '\r';
		*line = span_head(rest, bare ? lf : lf - 1);
		*used = at + lf + 1;
		verdict = judge(command, *line, bare);
		if (verdict != COMMAND_MORE) {
			*bare_lf = bare && verdict == COMMAND_LINE;
			return verdict;
		}
		at = *used; /* that was the end of a line being skipped */
	}
}

void
command_split(struct span line, struct span *verb, struct span *args)
{
	*args = line;
	*verb = span_word(args);
}
