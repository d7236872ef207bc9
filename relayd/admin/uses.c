/*
 * uses - how often each line of the allowlist was used.
 *
 * Job:     count, by day; keep the counts in a file over restarts.
 * Called:  by the receiving side for each message that a grant let in; by
 *          relayctl grants; by expiry.c.
 * Owns:    the counts, the file.
 * Never:   waits for the disk in the loop, or grows beyond USES_MAX lines.
 */
#include "relayd/admin/uses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/allowlist.h"
#include "domains/table_reader.h"
#include "relayd/admin/file_replace.h"
#include "relayd/admin/log.h"

enum {
	SECONDS_A_DAY = 86400,
	WRITE_MS = 60000,
	KEY_MAX = DOMAIN_MAX + 32,
	FILE_MAX = 64 << 20,
	NUMBER_MAX = 1000000000,
};

#define YEAR_9999 253402300799 /* no time is later */

/* A line that was used at least once: a hash chain. */
struct used {
	struct used *next; /* owned */
	char *key;         /* owned: "192.0.2.0/28@1" */
	struct use use;
};

enum {
	BUCKETS = 16384
};

struct uses {
	char *path;                    /* owned */
	struct used *buckets[BUCKETS]; /* owned */
	size_t count;
	bool dirty;
	struct watch watch;    /* due a minute after the first change */
	struct loop *loop;     /* borrowed; NULL: it does not run */
	struct helper *helper; /* borrowed */
	bool failing;          /* the last write failed: said once */
};

/* A file on its way to the disk: the helper's. */
struct writing {
	char *path;        /* owned */
	struct used *list; /* owned copies */
	size_t count;
	bool good;
	struct uses *uses; /* not for the helper */
};

static void read_file(struct uses *uses, struct complaints *complaints);
static void changed(struct uses *uses);
static void write_due(void *owner);

static void
keep(void *owner)
{
	(void)owner; /* the watch dies with struct uses */
}

char *
uses_path(const char *folder)
{
	char *path = xcalloc(1, strlen(folder) + sizeof("/uses"));

	sprintf(path, "%s/uses", folder);
	return path;
}

struct uses *
uses_new(const char *path, struct complaints *complaints)
{
	struct uses *uses = xcalloc(1, sizeof(*uses));

	uses->path = xstrdup(path);
	read_file(uses, complaints);
	return uses;
}

void
uses_run(struct uses *uses, struct loop *loop, struct helper *helper)
{
	uses->loop = loop;
	uses->helper = helper;
	watch_init(&uses->watch, -1, uses, NULL, write_due, keep);
	loop_add(loop, &uses->watch);
}

static void
free_all(struct uses *uses)
{
	struct used *used;
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		while ((used = uses->buckets[i]) != NULL) {
			uses->buckets[i] = used->next;
			free(used->key);
			free(used);
		}
	}
}

void
uses_free(struct uses *uses)
{
	struct buf text;

	if (uses == NULL)
		return;
	if (uses->dirty) {
		buf_init(&text, FILE_MAX);
		uses_text(uses, &text);
		file_replace(uses->path, buf_span(&text));
		buf_clear(&text);
	}
	if (uses->loop != NULL)
		loop_remove(uses->loop, &uses->watch);
	free_all(uses);
	free(uses->path);
	free(uses);
}

/* ---- finding ---- */

static bool
key_of(const struct rules *rules, size_t n, char key[KEY_MAX])
{
	const struct allowlist *list = rules_allowlist(rules);
	char subject[DOMAIN_MAX + 2];
	struct allowlist_line line;

	if (!allowlist_at(list, n, &line, subject, sizeof(subject)))
		return false;
	snprintf(key, KEY_MAX, "%s@%zu", subject, allowlist_rank(list, n) + 1);
	return true;
}

static struct used **
find(const struct uses *uses, const char *key)
{
	uint64_t hash = span_hash(span_of(key), 0);
	struct used *const *link = &uses->buckets[hash % BUCKETS];

	while (*link != NULL && strcmp((*link)->key, key) != 0)
		link = &(*link)->next;
	return (struct used **)(uintptr_t)link;
}

/* Beyond the ceiling, the one that was not used for the longest time goes. */
static void
forget_one(struct uses *uses)
{
	struct used **oldest = NULL, **link, *gone;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		for (link = &uses->buckets[i]; *link != NULL;
		     link = &(*link)->next)
			if (oldest == NULL ||
			    (*link)->use.last < (*oldest)->use.last)
				oldest = link;
	if (oldest == NULL)
		return;
	gone = *oldest;
	*oldest = gone->next;
	free(gone->key);
	free(gone);
	uses->count--;
}

static struct use *
obtain(struct uses *uses, const char *key)
{
	struct used **link = find(uses, key), *used = *link;

	if (used == NULL) {
		if (uses->count == USES_MAX)
			forget_one(uses);
		used = xcalloc(1, sizeof(*used));
		used->key = xstrdup(key);
		link = find(uses, key);
		*link = used;
		uses->count++;
	}
	return &used->use;
}

const struct use *
uses_of(const struct uses *uses, const struct rules *rules, size_t n)
{
	char key[KEY_MAX];
	struct used *used;

	if (!key_of(rules, n, key))
		return NULL;
	used = *find(uses, key);
	return used == NULL ? NULL : &used->use;
}

/* ---- counting ---- */

/* Makes counts[0] the count of this day.  A clock set back changes nothing. */
static void
turn_to(struct use *use, int64_t today)
{
	int64_t days = today - use->today;
	size_t n;

	if (days <= 0)
		return;
	n = days >= USES_DAYS ? USES_DAYS : (size_t)days;
	memmove(use->counts + n, use->counts,
	    (USES_DAYS - n) * sizeof(use->counts[0]));
	memset(use->counts, 0, n * sizeof(use->counts[0]));
	use->today = today;
}

void
uses_count(struct uses *uses, const struct rules *rules, size_t line,
    int64_t now)
{
	size_t n = allowlist_index(rules_allowlist(rules), line);
	char key[KEY_MAX];
	struct use *use;

	if (!key_of(rules, n, key))
		return;
	use = obtain(uses, key);
	turn_to(use, now / SECONDS_A_DAY);
	if (use->counts[0] < NUMBER_MAX)
		use->counts[0]++;
	if (now > use->last)
		use->last = now;
	changed(uses);
}

uint64_t
use_messages(const struct use *use, int64_t now)
{
	struct use turned = *use;
	uint64_t sum = 0;
	size_t i;

	turn_to(&turned, now / SECONDS_A_DAY);
	for (i = 0; i < USES_DAYS; i++)
		sum += turned.counts[i];
	return sum;
}

void
uses_warned(struct uses *uses, const struct rules *rules, size_t n,
    int64_t until, int64_t days)
{
	char key[KEY_MAX];
	struct use *use;

	if (!key_of(rules, n, key))
		return;
	use = obtain(uses, key);
	use->until = until;
	use->warned = days;
	changed(uses);
}

/* ---- the file ---- */

static void
changed(struct uses *uses)
{
	if (uses->loop != NULL && !uses->dirty)
		uses->watch.deadline = loop_now(uses->loop) + WRITE_MS;
	uses->dirty = true;
}

static void
add_use(struct buf *out, const struct used *used)
{
	const struct use *use = &used->use;
	const char *comma = "";
	size_t i;

	buf_addf(out, "%s last=%lld", used->key, (long long)use->last);
	if (use->until != 0)
		buf_addf(out, " until=%lld warned=%lld", (long long)use->until,
		    (long long)use->warned);
	for (i = 0; i < USES_DAYS; i++) {
		if (use->counts[i] == 0)
			continue;
		if (*comma == '\0')
			buf_add(out, SPAN(" days="));
		buf_addf(out, "%s%lld:%u", comma,
		    (long long)(use->today - (int64_t)i), use->counts[i]);
		comma = ",";
	}
	buf_add_byte(out, '\n');
}

static void
add_title(struct buf *out)
{
	buf_add(out,
	    SPAN("# relayd's own notes of how the allowlist is used\n"));
}

void
uses_text(const struct uses *uses, struct buf *out)
{
	const struct used *used;
	size_t i;

	add_title(out);
	for (i = 0; i < BUCKETS; i++)
		for (used = uses->buckets[i]; used != NULL; used = used->next)
			add_use(out, used);
}

static bool
read_days(struct use *use, struct span value)
{
	uint64_t day, count;
	struct span one;
	size_t colon;

	while (value.data != NULL) {
		one = span_cut(&value, ',');
		colon = span_find(one, ':');
		if (!span_number(span_head(one, colon), NUMBER_MAX, &day) ||
		    !span_number(span_skip(one, colon + 1), NUMBER_MAX, &count))
			return false;
		if (use->today == 0)
			use->today = (int64_t)day; /* the newest is first */
		if ((int64_t)day > use->today ||
		    use->today - (int64_t)day >= USES_DAYS)
			return false;
		use->counts[use->today - (int64_t)day] = (uint32_t)count;
	}
	return true;
}

static const char *const keys[] = { "last", "until", "warned", "days" };

static bool
take(struct use *use, unsigned which, struct span value)
{
	int64_t *const numbers[] = { &use->last, &use->until, &use->warned };
	uint64_t number;

	if (which == sizeof(numbers) / sizeof(numbers[0]))
		return read_days(use, value);
	if (!span_number(value, YEAR_9999, &number))
		return false;
	*numbers[which] = (int64_t)number;
	return true;
}

static void
read_use(struct uses *uses, struct table_reader *reader,
    struct table_line *line)
{
	struct table_option option;
	unsigned seen = 0, which;
	struct use use = { 0 };
	char *key;

	while (table_reader_option(reader, line, keys,
	    sizeof(keys) / sizeof(keys[0]), &seen, &option, &which))
		if (!take(&use, which, option.value))
			table_reader_complain(reader, line, option.word.data,
			    "\"%.*s\" is not what relayd wrote",
			    TABLE_SHOWN(option.value));
	if (line->wrong || uses->count == USES_MAX ||
	    line->subject.len >= KEY_MAX)
		return;
	key = xstrndup(line->subject.data, line->subject.len);
	*obtain(uses, key) = use;
	free(key);
}

/* What is damaged is left out: nothing but statistics is lost. */
static void
read_file(struct uses *uses, struct complaints *complaints)
{
	struct table_reader reader;
	struct table_line line;

	if (table_reader_open(&reader, uses->path, complaints) != TABLE_OPEN)
		return;
	while (table_reader_line(&reader, &line))
		read_use(uses, &reader, &line);
	table_reader_close(&reader);
}

static void
write_beside(void *owner)
{
	struct writing *writing = owner;
	struct buf text;
	size_t i;

	buf_init(&text, FILE_MAX);
	add_title(&text);
	for (i = 0; i < writing->count; i++)
		add_use(&text, &writing->list[i]);
	writing->good = file_replace(writing->path, buf_span(&text));
	buf_clear(&text);
}

static void
written(void *owner)
{
	struct writing *writing = owner;
	struct uses *uses = writing->uses;
	size_t i;

	if (!writing->good && !uses->failing)
		log_say(LEVEL_WARNING, "uses-failed",
		    "%s cannot be written; use counts are kept in memory",
		    writing->path);
	uses->failing = !writing->good;
	if (!writing->good)
		changed(uses);
	for (i = 0; i < writing->count; i++)
		free(writing->list[i].key);
	free(writing->list);
	free(writing->path);
	free(writing);
}

/* Copies are made in a moment; it is their text that takes long. */
static void
copy_all(const struct uses *uses, struct writing *writing)
{
	const struct used *used;
	struct used *copy;
	size_t i;

	writing->list = xcalloc(uses->count, sizeof(*writing->list));
	for (i = 0; i < BUCKETS; i++) {
		for (used = uses->buckets[i]; used != NULL; used = used->next) {
			copy = &writing->list[writing->count++];
			*copy = *used;
			copy->key = xstrdup(used->key);
		}
	}
}

static void
write_due(void *owner)
{
	struct uses *uses = owner;
	struct writing *writing = xcalloc(1, sizeof(*writing));

	uses->dirty = false;
	writing->path = xstrdup(uses->path);
	writing->uses = uses;
	copy_all(uses, writing);
	helper_run(uses->helper, write_beside, written, writing);
}
