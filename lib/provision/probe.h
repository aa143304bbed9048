/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * probe - which leaf does a TLS port serve? Moves in steps that never wait, so that a job can take
 * them by its timer.
 */
#ifndef EMQXI_PROBE_H
#define EMQXI_PROBE_H

#include "base/base.h"
#include "check/identity.h"

typedef struct emqxi_probe emqxi_probe;

extern const bool emqxi_probe_available; /* the build has OpenSSL */

#define EMQXI_PROBE_NAME_MAX 255 /* of a host or server name: what SNI can carry */

/* Where to look. The strings are borrowed. */
typedef struct emqxi_probe_target {
    const char *host;
    uint32_t port;
    const char *server_name; /* NULL: `host`, if it is a name */
    int64_t deadline_ms;     /* of the caller's clock */
} emqxi_probe_target;

/* NO_MEMORY, or no thread; INVALID: the build has no OpenSSL. */
emqx_tls_code emqxi_probe_start(const emqx_tls_allocator *a, const emqxi_probe_target *target,
                                emqxi_probe **probe, emqxi_error *error);
/* True: it is over, and either `leaf` is set, or `error`, which was clear: TRANSPORT, TIMEOUT. */
bool emqxi_probe_step(emqxi_probe *probe, int64_t now_ms, emqxi_identity *leaf, emqxi_error *error);
void emqxi_probe_wait(const emqxi_probe *probe, int ms); /* until a step may do something */
void emqxi_probe_free(emqxi_probe *probe);               /* NULL is fine */

/* -- probe.c: the leaf of a request that a caller expects. INVALID: there is none to be read. */
emqx_tls_code emqxi_expected_leaf(const emqx_tls_request *given, emqxi_identity *leaf,
                                  emqxi_error *error);

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
