/* SPDX-License-Identifier: MIT
 *
 * emqx_tls_probe: the probe on its own, waiting in poll.
 */
#include "provision/probe.h"

#include <string.h>

#include <emqxtls/provision.h>

static void fill_result(emqx_tls_probe_result *r, const emqxi_identity *leaf,
                        const emqxi_identity *expected)
{
    r->matches =
        expected && memcmp(leaf->leaf_sha256, expected->leaf_sha256, sizeof leaf->leaf_sha256) == 0;
    r->not_after = leaf->not_after;
    memcpy(r->common_name, leaf->common_name, sizeof r->common_name);
    emqxi_hex(leaf->leaf_sha256, sizeof leaf->leaf_sha256, r->sha256);
}

static emqx_tls_code expected_leaf(const emqx_tls_request *given, emqxi_identity *leaf,
                                   emqxi_error *error)
{
    emqx_tls_request r;
    if (!emqxi_input_ok(given, sizeof r, sizeof r))
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "expected was not set up: call emqx_tls_request_init first");
    emqxi_input_copy(&r, given, sizeof r);
    emqxi_identity_of_leaf(r.cert, r.cert ? r.cert_len : 0, leaf);
    if (!leaf->readable)
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "expected.cert can't be read: give it as PEM, leaf first");
    return EMQX_TLS_OK;
}

static emqx_tls_code run(emqxi_probe *probe, int64_t deadline, emqxi_identity *leaf,
                         emqxi_error *error)
{
    const emqx_tls_clock *clock = &emqxi_system_clock;
    emqx_tls_code code;
    int64_t now = emqxi_now(clock);
    while (!emqxi_probe_step(probe, now, &code, leaf, error)) {
        /* short: another address may get its turn */
        emqxi_probe_wait(probe, (int)EMQXI_MIN(deadline - now, 50));
        now = emqxi_now(clock);
    }
    return code;
}

static emqx_tls_code probe(const char *host, uint32_t port, const char *server_name,
                           const emqx_tls_request *expected, uint32_t timeout_ms,
                           emqx_tls_probe_result *result, emqxi_error *error)
{
    emqxi_identity wanted, served;
    emqxi_probe *p;
    if (!host || !*host)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "host is empty: give a name or an address");
    if (strlen(host) > EMQXI_PROBE_NAME_MAX)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "host has more than %d bytes",
                          EMQXI_PROBE_NAME_MAX);
    if (server_name && (!*server_name || strlen(server_name) > EMQXI_PROBE_NAME_MAX))
        return emqxi_fail(
            error, EMQX_TLS_E_INVALID,
            "server_name is empty or has more than %d bytes: NULL sends the host's name",
            EMQXI_PROBE_NAME_MAX);
    if (port < 1 || port > 65535)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "port is %u: give 1 to 65535", (unsigned)port);
    if (timeout_ms < 1)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "timeout_ms is 0: give 1 or more");
    if (!emqxi_output_ok(result))
        return emqxi_fail(error, EMQX_TLS_E_INVALID,
                          "result was not set up: call emqx_tls_probe_result_init first");
    if (expected && emqxi_probe_available) {
        emqx_tls_code code = expected_leaf(expected, &wanted, error);
        if (code != EMQX_TLS_OK)
            return code;
    }
    int64_t now = emqxi_now(&emqxi_system_clock), deadline = now + timeout_ms;
    emqx_tls_code code =
        emqxi_probe_start(&emqxi_malloc, host, port, server_name, deadline, &p, error);
    if (code != EMQX_TLS_OK)
        return code;
    emqx_tls_probe_result own = {.size = sizeof own};
    code = run(p, deadline, &served, error);
    if (code == EMQX_TLS_OK) {
        fill_result(&own, &served, expected ? &wanted : NULL);
        emqxi_output(result, &own, sizeof own);
    }
    emqxi_probe_free(p);
    return code;
}

emqx_tls_code emqx_tls_probe(const char *host, uint32_t port, const char *server_name,
                             const emqx_tls_request *expected, uint32_t timeout_ms,
                             emqx_tls_probe_result *result, emqx_tls_error *error)
{
    const emqx_tls_probe_result empty = {.size = sizeof empty};
    emqxi_error e;
    emqxi_error_clear(&e);
    emqxi_output(result, &empty, sizeof empty);
    probe(host, port, server_name, expected, timeout_ms, result, &e);
    return emqxi_error_out(error, &e);
}
