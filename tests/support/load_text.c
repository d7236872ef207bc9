/*
 * load_text - what the load of the benchmarks sends.
 *
 * Job:     make one message of a size.
 * Called:  by source.
 * Owns:    nothing.
 * Never:   makes two that differ.
 */
#include "tests/support/load_text.h"

#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"

char *
load_text(size_t size, size_t *len)
{
	struct buf text;
	char *made;

	buf_init(&text, size + 1024);
	buf_add(&text,
	    SPAN("From: <source@hosted.test>\r\n"
		 "To: <sink@hosted.test>\r\n"
		 "Subject: load\r\n"
		 "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
		 "Message-ID: <load@hosted.test>\r\n\r\n"));
	while (text.len + 78 < size)
		buf_addf(&text, "%.*s\r\n", 76,
		    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
		    "abcdefghijklmnopqrstuvwx");
	buf_add(&text, SPAN(".\r\n"));
	*len = text.len;
	made = xcalloc(1, text.len);
	memcpy(made, text.data, text.len);
	buf_clear(&text);
	return made;
}
