/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A real Redis or Valkey for a test: in a folder of its own, on a unix socket and on loopback with
 * a password; ended by the process id that it was started with, at the latest when the test ends.
 *
 * EMQXTLS_TEST_REDIS names the program (redis-server). EMQXTLS_TEST_REDIS_TLS: what goes over
 * loopback goes by TLS.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#define SERVER_PASSWORD     "p@ss word"
#define SERVER_URL_PASSWORD "p%40ss%20word"

typedef struct server {
    char folder[64];
    char socket[96];
    char socket_url[160];
    char tcp_url[240];
    int port;
    int tls_port; /* 0: none */
    bool appendonly;
    const char *more; /* lines of its configuration; NULL: none */
    pid_t pid;        /* 0: it does not run */
} server;

/* Skips the test program (exit 77) where there is none. */
void server_new(server *s, bool appendonly);
/* With TLS too, by a certificate for this subjectAltName ("DNS:localhost", "IP:127.0.0.1"). In its
 * folder: ca.pem, tls.pem, tls.key. */
void server_new_tls(server *s, const char *subject_alt_name, bool expired, const char *more);
void server_start(server *s);           /* again, with the data that it kept */
void server_kill(server *s);            /* SIGKILL */
void server_stop(server *s, bool stop); /* SIGSTOP, or SIGCONT */
void server_free(server *s);

/* Runs a command on the socket and returns an integer of its answer, or the length of what it
 * answered. */
long long server_command(const server *s, const char *format, ...);

/* Runs a command; false: it was refused. */
bool server_accepts(const server *s, const char *format, ...);

#endif
