#ifndef CTL_MESSAGE_H
#define CTL_MESSAGE_H

#include <jansson.h>
#include <stddef.h>

/* A row of kind "message", as "show" answers it; members may be missing. */
void ctl_message_print(const json_t *row);
/* Bytes of its content: as they are, but to a terminal escaped. */
void ctl_message_content(const char *data, size_t len);

#endif
