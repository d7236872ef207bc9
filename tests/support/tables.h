#ifndef TABLES_H
#define TABLES_H

#include "domains/rules.h"

/*
 * A campus: campus.test, .sub.campus.test and a few others are hosted, some
 * of 10.0.0.0/8 have grants (tables.c).  A checked fixture of Check.
 */
enum {
	TABLES_NOW = 1800000000, /* 2027-01-15 */
};

/* The files, which a test may write anew. */
extern char tables_hosted[64], tables_allowlist[64];

void tables_make(void);
void tables_remove(void);
void tables_write(const char *file, const char *text);

/* Loads both with this postmaster; fills in complaints. */
struct rules *tables_load(const char *postmaster,
    struct complaints *complaints);
/* Loads both without a complaint. */
struct rules *tables_good(void);

struct ip tables_ip(const char *text);
/* A path as the session would read it. */
struct address tables_path(const char *text);

#endif
