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

enum {
	COMMANDS = sizeof(commands) / sizeof(commands[0])
};

static int
usage(FILE *out, int status)
{
	size_t i;

	fprintf(out,
	    "usage: relayctl [-c relayd.conf | -s SOCKET] [--json] COMMAND\n"
	    "       relayctl -V | -h\n");
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %s %s\n      %s\n", commands[i].name,
		    commands[i].arguments, commands[i].summary);
	return status;
}

static int
run(struct ctl *ctl, int argc, char *argv[])
{
	enum ctl_status status;
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, argv[0]) != 0)
			continue;
		status = commands[i].run(ctl, argc, argv);
		if (status == CTL_NOT_RUNNING)
			ctl_say_not_running(ctl);
		return (int)status;
	}
	ctl_say(CTL_USAGE, "\"%s\" is no command", argv[0]);
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
	return fflush(stdout) == 0 ? status : CTL_NO;
}
