/*
 * scene - the usual set of a test of the whole server.
 *
 * Job:     put up a relayd and three next hops, send mail through it.
 * Called:  by tests under tests/system.
 * Owns:    the daemon and the hops of struct scene.
 * Never:   judges what became of the mail.
 */
#include "tests/support/scene.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "tests/support/talk.h"

enum {
	TEXT_MAX = 1 << 16
};

static const struct scene_setup plain = { .lab = NULL };

static const char *
or_nothing(const char *text)
{
	return text == NULL ? "" : text;
}

void
scene_open(struct scene *scene, const struct scene_setup *setup)
{
	struct daemon_setup files = { .hosted = NULL };
	char hosted[256];
	struct buf delivery;

	if (setup == NULL)
		setup = &plain;
	scene->campus = hop_new(NULL);
	scene->lab = hop_new(setup->lab);
	scene->outside = hop_new(setup->outside);
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u\nlab.test via=[127.0.0.1]:%u\n",
	    hop_port(scene->campus), hop_port(scene->lab));
	buf_init(&delivery, TEXT_MAX);
	buf_addf(&delivery, "retry_first = \"1s\"; retry_max = \"1s\"; %s",
	    or_nothing(setup->delivery));
	if (!setup->outside_by_mx)
		buf_addf(&delivery, "outside = \"[127.0.0.1]:%u\";",
		    hop_port(scene->outside));
	files.hosted = hosted;
	files.allowlist = setup->allowlist;
	files.delivery = buf_text(&delivery);
	files.limits = setup->limits;
	files.more = setup->more;
	files.dns_port = setup->dns_port;
	scene->daemon = daemon_new(&files);
	daemon_start(scene->daemon);
	buf_clear(&delivery);
}

void
scene_close(struct scene *scene)
{
	daemon_free(scene->daemon);
	hop_free(scene->campus);
	hop_free(scene->lab);
	hop_free(scene->outside);
}

int
scene_send(struct scene *scene, const char *sender,
    const char *const *recipients, struct span content)
{
	struct talk talk;
	int code;

	ck_assert(talk_open(&talk, NULL, daemon_port(scene->daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO printer.test"), 250);
	code = talk_mail(&talk, sender, recipients, content);
	ck_assert_int_eq(talk_say(&talk, "QUIT"), 221);
	talk_close(&talk);
	return code;
}

int
scene_send_one(struct scene *scene, const char *sender, const char *recipient)
{
	const char *recipients[] = { recipient, NULL };

	return scene_send(scene, sender, recipients,
	    SPAN("Subject: scan\r\n\r\none page\r\n"));
}

void
scene_settle(struct scene *scene)
{
	ck_assert_int_eq(scene_send_one(scene, "last@campus.test",
			     "last@campus.test"),
	    250);
	ck_assert_ptr_nonnull(
	    hop_wait_for(scene->campus, "last@campus.test", SCENE_WAIT_MS));
}

bool
scene_holds(struct span bytes, const char *text)
{
	return bytes.len > 0 &&
	    memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
}
