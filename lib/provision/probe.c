/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * emqx_tls_probe: the probe on its own, waiting in poll.
 */
#include "provision/probe.h"

#include <string.h>

#include <emqxtls/provision.h>

static void fill_result(emqx_tls_probe_result *r, const emqxi_identity *leaf,
                        const unsigned char *expected)
{
    r->matches = expected && memcmp(leaf->leaf_sha256, expected, sizeof leaf->leaf_sha256) == 0;
    r->not_after = leaf->not_after;
    memcpy(r->common_name, leaf->common_name, sizeof r->common_name);
    emqxi_hex(leaf->leaf_sha256, sizeof leaf->leaf_sha256, r->sha256);
}

emqx_tls_code emqxi_expected_leaf(const emqx_tls_request *given, emqxi_identity *leaf,
                                  emqxi_error *error)
{
    emqx_tls_request r;
    if (!emqxi_input_take(&r, given, sizeof r, sizeof r))
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "expected was not set up: call emqx_tls_request_init first");
    emqxi_identity_of_leaf(r.cert, r.cert ? r.cert_len : 0, leaf);
    leaf->type = r.type;
    if (!leaf->readable)
        return emqxi_fail(
            error, EMQX_TLS_E_INVALID,
            "expected.cert can't be read (PEM, leaf first; it needs a build with OpenSSL)");
    return EMQX_TLS_OK;
}

static emqx_tls_code check_target(const emqxi_probe_target *t, emqxi_error *error)
{
    const char *name = t->server_name;
    if (!t->host || !*t->host)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "host is empty: give a name or an address");
    if (strlen(t->host) > EMQXI_PROBE_NAME_MAX)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "host has more than %d bytes",
                          EMQXI_PROBE_NAME_MAX);
    if (name && (!*name || strlen(name) > EMQXI_PROBE_NAME_MAX))
        return emqxi_fail(
            error, EMQX_TLS_E_INVALID,
            "server_name is empty or has more than %d bytes: NULL sends the host's name",
            EMQXI_PROBE_NAME_MAX);
    if (t->port < 1 || t->port > 65535)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "port is %u: give 1 to 65535",
                          (unsigned)t->port);
    return EMQX_TLS_OK;
}

static emqx_tls_code run(const emqxi_probe_target *target, emqxi_identity *leaf, emqxi_error *error)
{
    emqxi_probe *probe;
    if (emqxi_probe_start(&emqxi_malloc, target, &probe, error) != EMQX_TLS_OK)
        return error->code;
    int64_t now = emqxi_now(&emqxi_system_clock);
    while (!emqxi_probe_step(probe, now, leaf, error)) {
        /* short: another address may get its turn */
        emqxi_probe_wait(probe, (int)EMQXI_MIN(target->deadline_ms - now, 50));
        now = emqxi_now(&emqxi_system_clock);
    }
    emqxi_probe_free(probe);
    return error->code;
}

emqx_tls_code emqx_tls_probe(const char *host, uint32_t port, const char *server_name,
                             const emqx_tls_request *expected, uint32_t timeout_ms,
                             emqx_tls_probe_result *result, emqx_tls_error *error)
{
    emqx_tls_probe_result own = {.size = sizeof own};
    emqxi_identity leaf; /* the one that is wanted, then the one that is served */
    unsigned char wanted[sizeof leaf.leaf_sha256];
    emqxi_error e;
    emqxi_probe_target target = {.host = host,
                                 .port = port,
                                 .server_name = server_name,
                                 .deadline_ms = emqxi_now(&emqxi_system_clock) + timeout_ms};
    memset(&leaf, 0, sizeof leaf);
    emqxi_error_clear(&e);
    emqx_tls_code code = check_target(&target, &e);
    if (code == EMQX_TLS_OK && timeout_ms < 1)
        code = emqxi_fail(&e, EMQX_TLS_E_INVALID, "timeout_ms is 0: give 1 or more");
    if (code == EMQX_TLS_OK && !emqxi_output_ok(result))
        code = emqxi_fail(&e, EMQX_TLS_E_INVALID,
                          "result was not set up: call emqx_tls_probe_result_init first");
    if (code == EMQX_TLS_OK && expected && emqxi_probe_available)
        code = emqxi_expected_leaf(expected, &leaf, &e);
    memcpy(wanted, leaf.leaf_sha256, sizeof wanted);
    if (code == EMQX_TLS_OK)
        code = run(&target, &leaf, &e);
    if (code == EMQX_TLS_OK)
        fill_result(&own, &leaf, expected ? wanted : NULL);
    emqxi_output(result, &own, sizeof own);
    return emqxi_error_out(error, &e);
}
