#ifndef CONF_READ_H
#define CONF_READ_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/complaints.h"

/*
 * One value of relayd.conf at a time: from a setting, or from a default that
 * is written as an operator would, into a member of struct conf.
 */
struct conf_reader {
	const char *file;              /* borrowed; as complaints name it */
	const char *folder;            /* borrowed; relative paths start here */
	struct complaints *complaints; /* borrowed */
};

struct conf_value {
	const char *name; /* "limits.connections", for complaints */
	const config_setting_t *setting; /* NULL: the default */
	const char *text;                /* of a string or a default, or NULL */
};

struct conf_key {
	const char *name;
	/* field is the member at offset.  False after a complaint. */
	bool (*read)(const struct conf_reader *reader,
	    const struct conf_key *key, const struct conf_value *value,
	    void *field);
	size_t offset;            /* of the member in its struct */
	const char *fallback;     /* the default; NULL: the member stays 0 */
	uint64_t least, most;     /* of a number, or of a text's length */
	const char *const *words; /* of a choice, in the order of its enum */
	const char *required; /* what is expected when it is missing, or NULL */
	bool restart;         /* a running relayd does not take another value */
};

/*
 * The readers: each is a type of value.  The texts that they store are owned
 * by the struct conf.
 */
bool conf_read_count(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_read_bytes(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_read_seconds(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_read_timeout(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_read_port(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_read_flag(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_read_word(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_read_text(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
bool conf_read_path(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);
/* A path, or an array of them, which is kept as lines of one text. */
bool conf_read_paths(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value, void *field);

/* For readers of other types: "NAME is FOUND; expected ...", always false. */
bool conf_read_wrong(const struct conf_reader *reader,
    const struct conf_value *value, const char *expected, ...)
    __attribute__((format(printf, 3, 4)));
/* Replaces the owned text *field by a copy of the first len bytes. */
void conf_read_keep(char **field, const char *text, size_t len);
/* A path as it is kept: absolute, owned by the caller. */
char *conf_read_absolute(const struct conf_reader *reader, const char *path);
/* Complains unless the value is a text of key's least to most printable ASCII characters. */
bool conf_read_is_text(const struct conf_reader *reader,
    const struct conf_key *key, const struct conf_value *value);

#endif
