#ifndef INTAKE_H
#define INTAKE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/record.h"
#include "spool/spool.h"

TAILQ_HEAD(intake_list, intake);

/* A message that is being received, until its commit is decided. */
struct intake {
	TAILQ_ENTRY(intake) link; /* in one of the spool's lists */
	struct intake_list *list; /* borrowed; which */
	struct spool *spool;      /* borrowed */
	uint64_t id;
	char *memory; /* owned; content, or what waits to go to the file */
	size_t len, size;
	uint64_t content_len;
	uint64_t filed; /* bytes in the file */
	int fd;         /* owned; large/ID, or -1 */
	int file_error; /* of its sync */
	void *sum;      /* owned XXH3_state_t, with a file */
	bool failed;    /* the disk did; its commit can only fail */
	/* from intake_commit() on */
	struct record record;
	unsigned char *meta; /* owned; head, pad, envelope, prefix */
	size_t meta_len;
	char *domains; /* owned; distinct, NUL between them */
	size_t domains_len;
	uint16_t flow;       /* of flow.h */
	uint64_t generation; /* that its record was written in; 0: none */
	uint32_t segment;
	uint64_t at;
	void (*done)(void *owner, enum commit_result result);
	void *owner;
};

void intake_move(struct intake *intake, struct intake_list *list);
/* Gives the content's memory back: it is written. */
void intake_release(struct spool *spool, struct intake *intake);
/* Takes it out of its list and frees it; keeps its file. */
void intake_free(struct spool *spool, struct intake *intake);
/* Tells its owner, then frees it.  remove_file: large/ID goes now. */
void intake_fail(struct spool *spool, struct intake *intake, bool remove_file);

/* Adds the files of committed large messages to the next sync job. */
void intake_sync_files(struct spool *spool);
/* That job has ended: those whose file is durable are ready for a record. */
void intake_files_synced(struct spool *spool);

#endif
