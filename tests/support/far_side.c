/*
 * far_side - all that delivery meets, for its tests.
 *
 * Job:     stand in for client.h and hosts.h: connect and answer in virtual
 *          time, as the test says (for notice.h: far_notice.c).
 * Called:  by delivery, as the real ones are.
 * Owns:    its clients and searches, and the records of what happened.
 * Never:   opens a socket or calls its owner from within a call of the owner's.
 */
#include "tests/support/far_side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	RECORD_MAX = 64 << 20,
};

struct far_side far_side;

void
far_side_init(struct loop *loop, struct far_host *hosts, size_t count)
{
	size_t i;

	far_side = (struct far_side){ .loop = loop,
		.hosts = hosts,
		.host_count = count,
		.addressee = NOTIFY_SENDER,
		.to = "sender@campus.test" };
	buf_init(&far_side.told, RECORD_MAX);
	for (i = 0; i < count; i++)
		buf_init(&hosts[i].taken, RECORD_MAX);
}

void
far_side_clear(void)
{
	size_t i;

	for (i = 0; i < far_side.host_count; i++)
		buf_clear(&far_side.hosts[i].taken);
	buf_clear(&far_side.told);
	outcome_clear(&far_side.no_hosts);
}

static void
set(struct outcome *outcome, enum outcome_kind kind, int code,
    const char *enhanced, const char *text)
{
	outcome_set(outcome, kind, code, enhanced, span_of(text),
	    code == 0 ? NULL : "hop [192.0.2.25]:25");
}

bool
far_side_say(struct client_job *job, enum outcome_kind kind, int code,
    const char *enhanced, const char *text)
{
	size_t i;

	for (i = 0; i < job->recipient_count; i++)
		set(&job->outcomes[i], kind, code, enhanced, text);
	return true;
}

bool
far_side_4xx(struct far_host *host, struct client_job *job)
{
	(void)host;
	return far_side_say(job, OUTCOME_LATER, 450, "4.2.1",
	    "450 4.2.1 mailbox busy");
}

bool
far_side_5xx(struct far_host *host, struct client_job *job)
{
	(void)host;
	return far_side_say(job, OUTCOME_FAILED, 550, "5.1.1",
	    "550 5.1.1 no such user");
}

bool
far_side_by_name(struct far_host *host, struct client_job *job)
{
	struct span address;
	size_t i;

	(void)host;
	for (i = 0; i < job->recipient_count; i++) {
		address = job->envelope->recipients[job->recipients[i]].address;
		if (span_starts(address, SPAN("later")))
			outcome_set(&job->outcomes[i], OUTCOME_LATER, 451,
			    "4.7.1", SPAN("451 4.7.1 greylisted"), "hop1");
		else if (span_starts(address, SPAN("never")))
			outcome_set(&job->outcomes[i], OUTCOME_FAILED, 550,
			    "5.1.1", SPAN("550 5.1.1 unknown"), "hop1");
		else
			outcome_set(&job->outcomes[i], OUTCOME_DELIVERED, 250,
			    "2.0.0", SPAN("250 ok"), "hop1");
	}
	return true;
}

bool
far_side_stale_once(struct far_host *host, struct client_job *job)
{
	host->answer = NULL;
	far_side_say(job, OUTCOME_LATER, 0, "4.4.2", "connection lost");
	job->stale = true;
	return false;
}

bool
far_side_421_once(struct far_host *host, struct client_job *job)
{
	host->answer = NULL;
	far_side_say(job, OUTCOME_LATER, 421, "4.7.0", "421 too many");
	return false;
}

size_t
far_side_told(const char *text)
{
	struct span rest = buf_span(&far_side.told), line;
	size_t count = 0;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (memmem(line.data, line.len, text, strlen(text)) != NULL)
			count++;
	}
	return count;
}

/* ---- hosts.h ---- */

struct hosts_search {
	struct watch watch;
	struct hosts_answer answer;
	void (*done)(void *owner, const struct hosts_answer *answer);
	void *owner;
};

static void
search_over(void *owner)
{
	struct hosts_search *search = owner;

	loop_kill(far_side.loop, &search->watch);
	search->done(search->owner, &search->answer);
}

static void
search_reap(void *owner)
{
	struct hosts_search *search = owner;

	outcome_clear(&search->answer.outcome);
	free(search);
}

static void
list_mx(struct hosts_answer *answer, const char *which, struct span domain)
{
	struct host *host = &answer->hosts[answer->count++];

	snprintf(host->name, sizeof(host->name), "%s%.*s", which,
	    SPAN_ARG(domain));
	host->ip.bytes[15] = (uint8_t)answer->count;
	host->port = 25;
}

static void
list_hosts(struct hosts_answer *answer, const struct route *route,
    struct span domain)
{
	struct host *host;
	size_t i;

	for (i = 0; i < route->hop_count; i++) {
		host = &answer->hosts[answer->count++];
		snprintf(host->name, sizeof(host->name), "%s",
		    route->hops[i].name);
		host->ip.bytes[15] = (uint8_t)(i + 1);
		host->port = route->hops[i].port;
		if (strcmp(host->name, "dual") != 0)
			continue;
		answer->hosts[answer->count] = *host;
		host = &answer->hosts[answer->count++];
		memset(host->ip.bytes + 10, 0xff, 2);
	}
	if (!route->mx)
		return;
	list_mx(answer, "mx.", domain);
	for (i = 0; i < far_side.host_count; i++)
		if (strncmp(far_side.hosts[i].name, "mx2.", 4) == 0 &&
		    span_equal(span_of(far_side.hosts[i].name + 4), domain))
			list_mx(answer, "mx2.", domain);
}

struct hosts_search *
hosts_find(const struct hosts_needs *needs, const struct route *route,
    struct span domain, bool hosted,
    void (*done)(void *owner, const struct hosts_answer *answer), void *owner)
{
	struct hosts_search *search = xcalloc(1, sizeof(*search));
	const struct outcome *none = &far_side.no_hosts;

	(void)hosted;
	far_side.searches++;
	search->done = done;
	search->owner = owner;
	if (none->kind != OUTCOME_NONE)
		set(&search->answer.outcome, none->kind, none->code,
		    none->enhanced, none->text);
	else
		list_hosts(&search->answer, route, domain);
	watch_init(&search->watch, -1, search, NULL, search_over, search_reap);
	search->watch.deadline = loop_now(needs->loop) + 1;
	loop_add(needs->loop, &search->watch);
	return search;
}

void
hosts_cancel(struct hosts_search *search)
{
	loop_kill(far_side.loop, &search->watch);
}

/* ---- client.h ---- */

struct client {
	struct watch watch;
	struct client_events events;
	struct far_host *host;
	struct far_host unknown; /* the host, when the test has none for it */
	struct client_job *job;
	struct outcome why;
	bool ready, ending, used;
};

static void
end(struct client *client)
{
	if (client->watch.dead)
		return;
	client->host->open--;
	far_side.clients--;
	loop_kill(far_side.loop, &client->watch);
}

static void
client_reap(void *owner)
{
	struct client *client = owner;

	outcome_clear(&client->why);
	free(client);
}

static void
note_taken(struct client *client, const struct client_job *job)
{
	struct far_host *host = client->host;
	char id[SPOOL_ID_LEN + 1];
	size_t i;

	spool_id_text(job->id, id);
	host->jobs++;
	for (i = 0; i < job->recipient_count; i++) {
		if (job->outcomes[i].kind != OUTCOME_DELIVERED)
			continue;
		host->delivered++;
		if (host != &client->unknown)
			buf_addf(&host->taken, "%s %.*s\n", id,
			    SPAN_ARG(
				job->envelope->recipients[job->recipients[i]]
				    .address));
	}
}

static void
answer(struct client *client)
{
	struct client_job *job = client->job;
	bool usable = true;

	client->job = NULL;
	client->host->reused = client->used;
	client->used = true;
	if (client->host->answer != NULL)
		usable = client->host->answer(client->host, job);
	else
		far_side_say(job, OUTCOME_DELIVERED, 250, "2.0.0", "250 ok");
	note_taken(client, job);
	client->ending = !usable;
	if (!usable)
		client->watch.deadline = loop_now(far_side.loop);
	client->events.done(client->events.owner, job, usable);
}

static bool
is_full(const struct far_host *host)
{
	return host->room > 0 && host->open > host->room;
}

static void
client_over(void *owner)
{
	struct client *client = owner;

	if (client->job != NULL) {
		answer(client);
	} else if (!client->ending && is_full(client->host)) {
		set(&client->why, OUTCOME_LATER, 421, "4.7.0",
		    "421 too many connections");
		end(client);
		client->events.closed(client->events.owner, &client->why);
	} else if (client->ending || client->host->down != NULL) {
		if (!client->ending)
			set(&client->why,
			    client->host->refuses ? OUTCOME_FAILED :
						    OUTCOME_LATER,
			    client->host->refuses ? 554 : 0, NULL,
			    client->host->down);
		end(client);
		client->events.closed(client->events.owner, &client->why);
	} else {
		client->ready = true;
		client->events.ready(client->events.owner);
	}
}

struct client *
client_new(const struct client_needs *needs, const struct host *host,
    const struct client_events *events)
{
	struct client *client = xcalloc(1, sizeof(*client));
	char name[DOMAIN_MAX + 2];
	size_t i;

	client->host = &client->unknown;
	snprintf(name, sizeof(name), "%s%s", host->name,
	    strcmp(host->name, "dual") != 0 ? "" :
		ip_is_v4(&host->ip)         ? "4" :
					      "6");
	for (i = 0; i < far_side.host_count; i++)
		if (strcmp(far_side.hosts[i].name, name) == 0)
			client->host = &far_side.hosts[i];
	client->events = *events;
	client->host->connects++;
	if (++client->host->open > client->host->most)
		client->host->most = client->host->open;
	if (++far_side.clients > far_side.most)
		far_side.most = far_side.clients;
	watch_init(&client->watch, -1, client, NULL, client_over, client_reap);
	client->watch.deadline = loop_now(needs->loop) +
	    (client->host->connect_ms > 0 ? client->host->connect_ms : 1);
	loop_add(needs->loop, &client->watch);
	return client;
}

void
client_send(struct client *client, struct client_job *job)
{
	assert(client->ready && client->job == NULL && !client->ending);
	client->job = job;
	client->watch.deadline = loop_now(far_side.loop) +
	    (client->host->answer_ms > 0 ? client->host->answer_ms : 1);
}

void
client_quit(struct client *client)
{
	assert(client->job == NULL);
	end(client);
}

void
client_abort(struct client *client)
{
	end(client);
}
