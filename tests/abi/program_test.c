/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A user's test outside of the tree, with libemqxtls-test as it is installed. No framework, no
 * network.
 */
#include <emqxtls/emqxtls.h>
#include <emqxtls/test.h>
#include <stdio.h>

int main(void)
{
    emqx_tls_test_clock *clock = emqx_tls_test_clock_new(1000, 1700000000000);
    emqx_tls_test_transport *script = emqx_tls_test_transport_new(clock);
    static emqx_tls_test_step step; /* all zero, in C and in C++ */
    step.method = "GET";
    step.url = "/deployments/d1/tls";
    step.http_status = 200;
    step.body = "{}";
    emqx_tls_test_transport_expect(script, &step);

    emqx_tls_config config;
    emqx_tls_client *client;
    emqx_tls_status status;
    emqx_tls_config_init(&config);
    emqx_tls_status_init(&status);
    config.endpoint = "https://host.example/public_api/v1";
    config.api_key = "key";
    config.api_secret = "secret";
    config.clock = emqx_tls_test_clock_vtable(clock);
    config.transport = emqx_tls_test_transport_vtable(script);
    if (emqx_tls_client_new(&config, &client, NULL) != EMQX_TLS_OK)
        return 1;
    emqx_tls_code code = emqx_tls_get(client, "d1", &status, NULL);
    emqx_tls_client_free(client);

    const char *problem = emqx_tls_test_transport_problem(script);
    if (problem)
        puts(problem);
    int failed = problem || code != EMQX_TLS_OK || status.state != EMQX_TLS_STATE_ABSENT;
    emqx_tls_test_transport_free(script);
    emqx_tls_test_clock_free(clock);
    return failed;
}
