#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

#include "relayd/delivery/attempt.h"
#include "relayd/delivery/destination.h"

/*
 * What the log says of deliveries: delivered, deferred, failed; and of
 * destinations: destination-down, destination-up.
 */
/* wait_ms: until those deferred are tried again. */
void report_attempt(const struct attempt *attempt, uint64_t wait_ms);
/* A message that waits because its destination is down; said once. */
void report_waits(const struct destination *destination, struct errand *errand);
void report_down(const struct destination *destination);
void report_up(const struct destination *destination);

#endif
