/*
 * ctl_show - relayctl show.
 *
 * Job:     ask for one waiting message, or for its content.
 * Called:  by relayctl.
 * Owns:    nothing.
 * Never:   formats anything itself: ctl_message does.
 */
#include <gnutls/gnutls.h>
#include <string.h>

#include "relayd/ctl/ctl_commands.h"
#include "relayd/ctl/ctl_message.h"

static void
print_content(const json_t *row)
{
	const char *text = ctl_text(row, "base64");
	gnutls_datum_t in = { (unsigned char *)(uintptr_t)text,
		(unsigned)strlen(text) };
	gnutls_datum_t out = { NULL, 0 };

	if (gnutls_base64_decode2(&in, &out) < 0)
		return;
	ctl_message_content((const char *)out.data, out.size);
	gnutls_free(out.data);
}

struct showing {
	struct ctl *ctl;
	json_t *message; /* owned; its recipients may come in more rows */
};

static void
take_row(void *owner, const json_t *row)
{
	struct showing *showing = owner;
	const char *kind = ctl_text(row, "kind");

	if (showing->ctl->json)
		ctl_print_json(row);
	else if (strcmp(kind, "content") == 0)
		print_content(row);
	else if (strcmp(kind, "message") == 0 && showing->message == NULL)
		showing->message = json_deep_copy(row);
	else if (strcmp(kind, "recipients") == 0)
		json_array_extend(json_object_get(showing->message,
				      "recipients"),
		    json_object_get(row, "recipients"));
}

enum ctl_status
ctl_show(struct ctl *ctl, int argc, char *argv[])
{
	struct showing showing = { .ctl = ctl };
	enum ctl_status status;
	const char *id = NULL;
	json_t *request;
	bool body = false;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--body") == 0)
			body = true;
		else if (id == NULL && argv[i][0] != '-')
			id = argv[i];
		else
			id = argc > 0 ? "" : NULL;
	}
	if (id == NULL || *id == '\0')
		return ctl_say(CTL_USAGE, "expected show ID [--body]");
	request = json_pack("{s:s, s:s, s:b}", "command", "show", "id", id,
	    "body", body);
	status = ctl_ask(ctl, request, take_row, &showing);
	if (showing.message != NULL)
		ctl_message_print(showing.message);
	json_decref(showing.message);
	return status;
}
