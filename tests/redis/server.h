/* SPDX-License-Identifier: MIT
 *
 * A real redis-server for a test: in a folder of its own, on a unix socket and on loopback with a
 * password; ended by the process id that it was started with, at the latest when the test ends.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#define SERVER_PASSWORD "p@ss word"

typedef struct server {
    char folder[64];
    char socket_url[160];
    char tcp_url[160];
    int port;
    /* TLS on loopback; 0: none. Its certificate is of the test CA that SSL_CERT_FILE names */
    int tls_port;
    bool appendonly;
    /* else a crash of Redis may forget its last two seconds; from the next start on */
    bool fsync_always;
    pid_t pid; /* 0: it does not run */
} server;

/* Skips the test program (exit 77) where there is no redis-server. */
void server_new(server *s, bool appendonly);
/* With TLS too, by a certificate for this subjectAltName ("DNS:localhost", "IP:127.0.0.1"). Sets
 * SSL_CERT_FILE to the certificate's CA. */
void server_new_tls(server *s, const char *subject_alt_name);
void server_start(server *s); /* again, with the data that it kept */
void server_kill(server *s);  /* SIGKILL */
void server_free(server *s);

/* Runs a command on the socket and returns an integer of its answer, or the length of what it
 * answered. */
long long server_command(const server *s, const char *format, ...);

#endif
