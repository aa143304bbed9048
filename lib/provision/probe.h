/* SPDX-License-Identifier: MIT
 *
 * probe - which leaf does a TLS port serve? Moves in steps that never wait, so that a job can take
 * them by its timer.
 */
#ifndef EMQXI_PROBE_H
#define EMQXI_PROBE_H

#include "base/base.h"
#include "check/check.h"

typedef struct emqxi_probe emqxi_probe;

extern const bool emqxi_probe_available; /* the build has OpenSSL */

#define EMQXI_PROBE_NAME_MAX 255 /* of a host or server name: what SNI can carry */

/* Times are the caller's clock. NULL server_name: `host`, if it is a name. */
emqx_tls_code emqxi_probe_start(const emqx_tls_allocator *a, const char *host, uint32_t port,
                                const char *server_name, int64_t deadline_ms, emqxi_probe **probe,
                                emqxi_error *error);
/* True: it is over, `code` and either `leaf` or `error` are set. */
bool emqxi_probe_step(emqxi_probe *probe, int64_t now_ms, emqx_tls_code *code, emqxi_identity *leaf,
                      emqxi_error *error);
/* Waits until a step may do something, at most ms. */
void emqxi_probe_wait(emqxi_probe *probe, int ms);
void emqxi_probe_free(emqxi_probe *probe); /* NULL is fine */

/* -- resolve.c: names to addresses, within a deadline */
struct addrinfo;
typedef struct emqxi_resolver emqxi_resolver;
/* NULL: no memory, no thread */
emqxi_resolver *emqxi_resolver_start(const char *host, uint32_t port, bool *numeric);
/* True: *list is set, or *problem says why there is none. The list lives as long as the
 * resolver. */
bool emqxi_resolver_over(emqxi_resolver *resolver, const struct addrinfo **list,
                         const char **problem);
void emqxi_resolver_free(emqxi_resolver *resolver); /* NULL is fine; does not wait for its thread */

#endif
