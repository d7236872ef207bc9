#ifndef CTL_CHANGE_H
#define CTL_CHANGE_H

#include "relayd/admin/table_file.h"
#include "relayd/ctl/ctl.h"

/*
 * A change of one table: locked, tried with everything else that relayd reads,
 * shown, installed, taken by the running relayd.
 */
struct change {
	struct ctl *ctl;
	struct conf *conf;    /* owned */
	struct rules *before; /* owned; NULL: the files have errors now */
	struct rules *after;  /* owned; NULL until change_try() */
	bool hosted;          /* which of the two tables */
	struct table_file file;
	struct buf complaints; /* why before is NULL */
};

/* False after saying why; then there is nothing to close. */
bool change_open(struct change *change, struct ctl *ctl, bool hosted,
    unsigned wait_seconds);
/* Writes text aside and loads everything with it: false after every error. */
bool change_try(struct change *change, struct span text);
/* Prints who may do what by it but not before, and the other way round; false: nobody. */
bool change_show(const struct change *change);
/* Installs what was tried, and has the running relayd take it. */
enum ctl_status change_install(struct change *change);
void change_close(struct change *change);

#endif
