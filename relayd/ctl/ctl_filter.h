#ifndef CTL_FILTER_H
#define CTL_FILTER_H

#include <jansson.h>
#include <stdbool.h>

/*
 * The options that say which messages are meant, the same for every command:
 * --domain --sender --recipient --client --older --younger --all, and IDs.
 */
#define CTL_FILTER_USAGE                                          \
	"[--domain D] [--sender S] [--recipient R] [--client C] " \
	"[--older T] [--younger T]"
#define CTL_HANDLE_USAGE "[ID ...] " CTL_FILTER_USAGE " [--all] [--yes]"

struct ctl_filter {
	json_t *request; /* borrowed: the options go there */
	bool yes;        /* --yes */
	bool given;      /* something says which messages */
};

/* What a command does with them says which other options it has. */
enum ctl_filter_use {
	CTL_FILTER_LISTS = 1,   /* --limit */
	CTL_FILTER_HANDLES = 2, /* --yes */
	CTL_FILTER_DROPS = 4,   /* --yes --notice */
};

/* Reads them; says what is wrong itself. */
bool ctl_filter_read(struct ctl_filter *filter, int argc, char *argv[],
    enum ctl_filter_use use);

#endif
