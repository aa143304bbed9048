/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A real mosquitto that serves what the emulator was given (--serve-dir), as the platform's brokers
 * do.
 */
#ifndef BROKER_H
#define BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct broker {
    pid_t pid;
    uint16_t port;
} broker;

/* False: there is no mosquitto here. */
bool broker_there(void);

/* Serves FOLDER/ID.cert.pem and ID.key.pem on 127.0.0.1; two-way with ID.cacert.pem: clients
 * without a certificate are refused. Writes its own files to FOLDER too. `tls12`: no TLS 1.3, where
 * the refusal comes inside the handshake. It ends with the test program. Aborts if it does not come
 * up. */
void broker_start(broker *b, const char *folder, const char *id, bool two_way, bool tls12);

/* Reads the certificate again, by SIGHUP. */
void broker_reload(const broker *b);

void broker_end(broker *b);

#endif
