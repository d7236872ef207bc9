#ifndef LATENCIES_H
#define LATENCIES_H

#include <stdint.h>

/* How long each of many things took: one collection for a program of load. */
void latencies_add(uint64_t nanoseconds);
/* In microseconds: percent of them took no longer; 0 when there are none. */
uint32_t latencies_percentile(unsigned percent);
void latencies_free(void);

#endif
