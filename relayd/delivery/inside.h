#ifndef DELIVERY_INSIDE_H
#define DELIVERY_INSIDE_H

#include "relayd/delivery/core.h"

/* For delivery.c and manage.c. */
struct delivery {
	struct core core;
};

#endif
