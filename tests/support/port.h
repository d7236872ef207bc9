#ifndef PORT_H
#define PORT_H

#include <stdint.h>

/*
 * A port on 127.0.0.1 of the kernel's choice that nobody else is given until
 * *reserved is closed: a bound socket that does not listen.  Who listens there
 * has to set SO_REUSEADDR, as servers do.
 */
uint16_t port_reserve(int *reserved);

#endif
