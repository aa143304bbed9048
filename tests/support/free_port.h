/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A port for a server that takes no port 0.
 */
#ifndef FREE_PORT_H
#define FREE_PORT_H

#include <stdint.h>

/* A port of 127.0.0.1 that nobody listens on, below those that the kernel gives to others. */
uint16_t free_port(void);

#endif
