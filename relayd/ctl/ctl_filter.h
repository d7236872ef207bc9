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

/*
 * Reads them; extra (may be NULL) takes the command's own options, as
 * "name" of a flag, ending in NULL.  Says what is wrong itself.
 */
bool ctl_filter_read(struct ctl_filter *filter, int argc, char *argv[],
    const char *const *extra);

#endif
