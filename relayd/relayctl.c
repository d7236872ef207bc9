/*
 * relayctl - what an administrator asks of a relayd.
 *
 * Job:     read the options, find the command, run it.
 * Called:  by people and scripts.
 * Owns:    the table of commands.
 * Never:   does anything itself: each command has a file in relayd/ctl.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relayd/ctl/ctl_commands.h"
#include "relayd/ctl/ctl_filter.h"
#include "relayd/ctl/offline.h"

static const struct ctl_command commands[] = {
	/* clang-format off */
	{ "status",  "", "how the relay does, and why not well", ctl_status },
	{ "queue",   CTL_FILTER_USAGE " [--limit N | --all]", "what waits: per destination, then messages", ctl_queue },
	{ "show",    "ID [--body]", "one waiting message: where, and why", ctl_show },
	{ "retry",   CTL_HANDLE_USAGE, "try these messages now", ctl_retry },
	{ "hold",    CTL_HANDLE_USAGE, "do not try them until they are released", ctl_hold },
	{ "release", CTL_HANDLE_USAGE, "try held messages again", ctl_release },
	{ "drop",    CTL_HANDLE_USAGE " [--notice]", "give them up, with a notice to the sender or without", ctl_drop },
	{ "explain", "CLIENT SENDER RECIPIENT", "why a mail is taken or refused", ctl_explain },
	{ "grants",  "[--expiring DAYS] [--unused DAYS] [--owner ADDRESS]", "the allowlist, with owners and uses", ctl_grants },
	{ "allow",   "ADDRESS [to=] [from=] [until=] [rate=] [owner=] [note=]", "let a host send outside", ctl_allow },
	{ "revoke",  "ADDRESS", "let it no longer", ctl_revoke },
	{ "edit",    "hosted | allowlist", "edit a table; install what is right", ctl_edit },
	{ "check",   "[FILE]", "every error and doubt of the files", ctl_check },
	{ "reload",  "", "take changed files, all or nothing", ctl_reload },
	/* clang-format on */
};

/* With --spool: on a spool that no relayd serves. */
static const struct ctl_command offline[] = {
	/* clang-format off */
	{ "list",   "", "what waits", offline_list },
	{ "show",   "ID", "one waiting message: envelope and header", offline_show },
	{ "export", "ID", "its content on standard output", offline_export },
	{ "check",  "", "verify every checksum; say what was found", offline_check },
	/* clang-format on */
};

enum {
	COMMANDS = sizeof(commands) / sizeof(commands[0]),
	OFFLINE = sizeof(offline) / sizeof(offline[0])
};

static void
list_commands(FILE *out, const struct ctl_command *table, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		fprintf(out, "  %s%s%s\n      %s\n", table[i].name,
		    *table[i].arguments == '\0' ? "" : " ", table[i].arguments,
		    table[i].summary);
}

static int
usage(FILE *out, int status)
{
	fprintf(out,
	    "usage: relayctl [-c relayd.conf | -s SOCKET] [--json] COMMAND\n"
	    "       relayctl --spool DIR [--json] list | show ID | export ID | "
	    "check\n"
	    "       relayctl -V | -h\n");
	list_commands(out, commands, COMMANDS);
	fprintf(out, "with --spool, while no relayd serves it:\n");
	list_commands(out, offline, OFFLINE);
	return status;
}

static int
run(struct ctl *ctl, int argc, char *argv[])
{
	const struct ctl_command *table = ctl->spool ? offline : commands;
	size_t count = ctl->spool ? OFFLINE : COMMANDS, i;
	enum ctl_status status;

	for (i = 0; i < count; i++) {
		if (strcmp(table[i].name, argv[0]) != 0)
			continue;
		status = table[i].run(ctl, argc, argv);
		if (status == CTL_NOT_RUNNING)
			ctl_say_not_running(ctl);
		return (int)status;
	}
	ctl_say(CTL_USAGE, "\"%s\" is no command%s", argv[0],
	    ctl->spool ? " with --spool" : "");
	return usage(stderr, CTL_USAGE);
}

/* --json may also stand behind the command. */
static int
take_json(struct ctl *ctl, int argc, char *argv[])
{
	int from, to = optind;

	for (from = optind; from < argc; from++) {
		if (strcmp(argv[from], "--json") == 0)
			ctl->json = true;
		else
			argv[to++] = argv[from];
	}
	argv[to] = NULL;
	return to;
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "spool", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct ctl ctl = { .conf = RELAYD_CONF };
	int option, status;

	while ((option = getopt_long(argc, argv, "+c:s:jhV", options, NULL)) !=
	    -1) {
		switch (option) {
		case 'c':
			ctl.conf = optarg;
			break;
		case 's':
			ctl.socket = optarg;
			break;
		case 'd':
			ctl.spool = optarg;
			break;
		case 'j':
			ctl.json = true;
			break;
		case 'V':
			printf("relayctl %s\n", RELAYD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			return usage(stdout, EXIT_SUCCESS);
		default:
			return usage(stderr, CTL_USAGE);
		}
	}
	argc = take_json(&ctl, argc, argv);
	if (optind == argc)
		return usage(stderr, CTL_USAGE);
	status = run(&ctl, argc - optind, argv + optind);
	free(ctl.found_socket);
	if (fflush(stdout) != 0 || ferror(stdout))
		status = (int)ctl_say(CTL_NO, "cannot write all of it");
	return status;
}
