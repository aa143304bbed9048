/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The config: what is in it, and what is wrong with it.
 */
#include "call/client.h"

#include <string.h>

#define TIMEOUT_MAX_MS (24u * 60 * 60 * 1000)

EMQXI_INIT_SIZE(config, .connect_timeout_ms = 10000, .timeout_ms = 30000)
EMQXI_INIT_SIZE(transport, )

static const char *vtables_problem(emqx_tls_client *client, const emqx_tls_config *c)
{
    emqx_tls_transport *t = &client->transport;
    if (!emqxi_clock_take(&client->clock, c->clock))
        return "clock was not set up or has no now_ms: call emqx_tls_clock_init, then set its "
               "members";
    if (!c->transport)
        return NULL;
    if (c->ca_file || c->proxy)
        return c->ca_file ? "ca_file is for libcurl's transport: give it to the one that you bring"
                          : "proxy is for libcurl's transport: give it to the one that you bring";
    if (!emqxi_input_take(t, c->transport, sizeof *t, sizeof *t))
        return "transport was not set up: call emqx_tls_transport_init first";
    if (!t->start)
        return "transport.start is NULL: a transport needs it";
    if (t->poll && !t->cancel)
        return "transport.cancel is NULL: a transport with poll needs it";
    if (!t->poll && !client->clock.sleep_ms)
        return "clock.sleep_ms is NULL: a transport without poll needs it";
    return NULL;
}

static const char *values_problem(const emqx_tls_config *c)
{
    if (c->flags & ~(EMQX_TLS_ALLOW_HTTP_LOOPBACK | EMQX_TLS_SKIP_CHECK))
        return "config.flags has a bit that this version does not know";
    if (c->connect_timeout_ms < 1 || c->connect_timeout_ms > TIMEOUT_MAX_MS)
        return "connect_timeout_ms must be 1 to 86400000 (a day)";
    if (c->timeout_ms < 1 || c->timeout_ms > TIMEOUT_MAX_MS)
        return "timeout_ms must be 1 to 86400000 (a day)";
    if (!c->api_key || !*c->api_key)
        return "api_key is empty: give the platform API key";
    if (!c->api_secret || !*c->api_secret)
        return "api_secret is empty: give the secret of the platform API key";
    if (strchr(c->api_key, ':'))
        return "api_key has a ':' in it: give the key alone, and the secret in api_secret";
    if (emqxi_has_control(c->api_key) || emqxi_has_control(c->api_secret))
        return "api_key or api_secret has a control character: a newline at the end of a file, "
               "perhaps";
    return NULL;
}

emqx_tls_code emqxi_config_take(emqx_tls_client *client, const emqx_tls_config *c,
                                emqxi_error *error)
{
    const emqx_tls_allocator *a = &client->allocator;
    const char *problem = values_problem(c);
    if (!problem)
        problem = vtables_problem(client, c);
    if (problem)
        return emqxi_fail(error, EMQX_TLS_E_INVALID, "%s", problem);
    emqx_tls_code code = emqxi_endpoint_parse(a, c->endpoint, c->flags, &client->endpoint, error);
    if (code != EMQX_TLS_OK)
        return code;
    client->authorization = emqxi_basic_auth(a, c->api_key, c->api_secret);
    if (!client->authorization)
        return emqxi_fail(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
    client->headers[0] = "Content-Type: application/json"; /* without a body it is left out */
    client->headers[1] = client->authorization;
    client->headers[2] = "Accept: application/json";
    client->flags = c->flags;
    client->connect_timeout_ms = c->connect_timeout_ms;
    client->timeout_ms = c->timeout_ms;
    client->quota_wait_ms = c->quota_wait_ms;
    client->log = c->log;
    client->log_user = c->log_user;
    client->log_destroy = c->log_destroy;
    return EMQX_TLS_OK;
}
