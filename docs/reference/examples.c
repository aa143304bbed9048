/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The examples of the reference: the body of example_NAME is shown in the man page and on the page
 * of NAME. They are compiled, so that they stay right; what they use of a reader's own program
 * stands before them.
 */
#include <emqxtls/emqxtls.h>
#include <emqxtls/redis.h>
#include <emqxtls/test.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern emqx_tls_client *client;
extern emqx_tls_limiter *limiter;
extern emqx_tls_config config;
extern emqx_tls_request request;
extern emqx_tls_status status;
extern emqx_tls_error error;
extern emqx_tls_report *report;
extern emqx_tls_call *call;
extern const char *key, *secret, *chain, *key_pem;
extern const emqx_tls_store my_store;
extern emqx_tls_test_clock *test_clock;
extern emqx_tls_test_transport *script;
extern emqx_tls_test_allocator *heap;
void done(void *user, emqx_tls_call *call, emqx_tls_code code);
void fail(const char *message);
int32_t my_http(const emqx_tls_exchange *x, char *to, size_t *to_len);
void stop(void *context);

/* -- base.h ------------------------------------------------------------------------------------ */

void example_emqx_tls_code_name(void)
{
    fprintf(stderr, "%s: %s\n", emqx_tls_code_name(error.code),
            error.message);
}

void example_emqx_tls_delivery_name(void)
{
    fprintf(stderr, "%s (%s)\n", error.message,
            emqx_tls_delivery_name(error.delivery));
}

void example_emqx_tls_error(void)
{
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    if (emqx_tls_delete(client, "ge6a1a75", &error) != EMQX_TLS_OK &&
        error.delivery == EMQX_TLS_DELIVERY_MAYBE)
        puts("it may have been carried out: read the status");
}

/* -- version.h --------------------------------------------------------------------------------- */

void example_emqx_tls_version(void)
{
    printf("libemqxtls %s\n", emqx_tls_version());
}

void example_emqx_tls_version_number(void)
{
    if (emqx_tls_version_number() < EMQX_TLS_VERSION_NUMBER)
        puts("an older library than this was compiled for");
}

void example_emqx_tls_features(void)
{
    if (!(emqx_tls_features() & EMQX_TLS_HAS_X509))
        puts("only the structure of PEM is checked");
}

void example_emqx_tls_struct_size(void)
{
    /* as a binding does it that knows no C header */
    size_t size = emqx_tls_struct_size("status");
    emqx_tls_status *status = malloc(size);
    if (status)
        emqx_tls_status_init_size(status, size);
}

/* -- values.h ---------------------------------------------------------------------------------- */

void example_emqx_tls_type_name(void)
{
    printf("%s\n", emqx_tls_type_name(status.type));
}

void example_emqx_tls_state_name(void)
{
    printf("%s\n", emqx_tls_state_name(status.state));
}

void example_emqx_tls_request(void)
{
    emqx_tls_request request;
    emqx_tls_request_init(&request);
    request.type = EMQX_TLS_TYPE_ONE_WAY;
    request.cert = chain;
    request.cert_len = strlen(chain);
    request.key = key_pem;
    request.key_len = strlen(key_pem);
}

/* -- client.h ---------------------------------------------------------------------------------- */

void example_emqx_tls_config(void)
{
    emqx_tls_config config;
    emqx_tls_config_init(&config);
    config.endpoint = "https://HOST/public_api/v1";
    config.api_key = key;
    config.api_secret = secret;
    config.quota_wait_ms = 60 * 1000;
}

void example_emqx_tls_client_new(void)
{
    emqx_tls_client *client;
    if (emqx_tls_client_new(&config, &client, &error) != EMQX_TLS_OK)
        fail(error.message);
}

void example_emqx_tls_client_free(void)
{
    emqx_tls_client_free(client);
    client = NULL;
}

void example_emqx_tls_client_limiter(void)
{
    /* a second client of the same key counts with the first */
    config.limiter = emqx_tls_client_limiter(client);
    emqx_tls_client *second;
    if (emqx_tls_client_new(&config, &second, &error) != EMQX_TLS_OK)
        fail(error.message);
}

void example_emqx_tls_client_interrupt(void)
{
    /* from another thread: the program ends */
    emqx_tls_client_interrupt(client);
}

void example_emqx_tls_get(void)
{
    if (emqx_tls_get(client, "ge6a1a75", &status, &error) ==
            EMQX_TLS_OK &&
        status.state == EMQX_TLS_STATE_RUNNING)
        printf("runs, and expires %s\n", status.expire_text);
}

void example_emqx_tls_create(void)
{
    if (emqx_tls_create(client, "ge6a1a75", &request, &status,
                        &error) == EMQX_TLS_OK &&
        emqx_tls_wait(client, "ge6a1a75", &request, 10 * 60 * 1000,
                      &status, &error) == EMQX_TLS_OK)
        puts("it runs");
}

void example_emqx_tls_update(void)
{
    if (emqx_tls_update(client, "ge6a1a75", &request, &status,
                        &error) != EMQX_TLS_OK)
        fail(error.message);
}

void example_emqx_tls_delete(void)
{
    emqx_tls_code code = emqx_tls_delete(client, "ge6a1a75", &error);
    if (code != EMQX_TLS_OK && code != EMQX_TLS_E_NOT_FOUND)
        fail(error.message);
}

void example_emqx_tls_submit(void)
{
    if (emqx_tls_submit(client, EMQX_TLS_OP_GET, "ge6a1a75", NULL, done,
                        NULL, NULL, &error) != EMQX_TLS_OK)
        fail(error.message);
    while (emqx_tls_client_pending(client) > 0)
        emqx_tls_client_run(client, -1, &error);
}

void example_emqx_tls_call_result(void)
{
    /* inside done */
    emqx_tls_call_result(call, &status, &error);
    printf("%s %s\n", emqx_tls_code_name(error.code),
           status.state_text);
}

void example_emqx_tls_cancel(void)
{
    emqx_tls_cancel(client, call);
    emqx_tls_client_run(client, 0,
                        &error); /* its done comes from here */
}

void example_emqx_tls_client_run(void)
{
    while (emqx_tls_client_pending(client) > 0)
        if (emqx_tls_client_run(client, -1, &error) != EMQX_TLS_OK)
            fail(error.message);
}

void example_emqx_tls_client_fd(void)
{
    struct pollfd watched = {.fd = emqx_tls_client_fd(client),
                             .events = POLLIN};
    while (emqx_tls_client_pending(client) > 0 &&
           poll(&watched, 1, -1) > 0)
        emqx_tls_client_run(client, 0, &error);
}

void example_emqx_tls_client_next_ms(void)
{
    while (emqx_tls_client_pending(client) > 0) {
        poll(NULL, 0,
             (int)emqx_tls_client_next_ms(
                 client)); /* or do something else */
        emqx_tls_client_run(client, 0, &error);
    }
}

void example_emqx_tls_client_pending(void)
{
    printf("%zu calls are under way\n",
           emqx_tls_client_pending(client));
}

/* -- provision.h ------------------------------------------------------------------------------- */

void example_emqx_tls_ensure_options(void)
{
    emqx_tls_ensure_options options;
    emqx_tls_ensure_options_init(&options);
    options.wait_ms = 10 * 60 * 1000;
    options.receipt_dir = "/var/lib/renew/receipts";
    options.probe_host = "mqtt.example.com";
}

void example_emqx_tls_action_name(void)
{
    emqx_tls_ensure_result result;
    emqx_tls_ensure_result_init(&result);
    if (emqx_tls_ensure(client, "ge6a1a75", &request, NULL, &result,
                        &status, &error) == EMQX_TLS_OK)
        puts(emqx_tls_action_name(result.action));
}

void example_emqx_tls_ensure(void)
{
    emqx_tls_ensure_options options;
    emqx_tls_ensure_options_init(&options);
    options.wait_ms = 10 * 60 * 1000;
    emqx_tls_ensure_result result;
    emqx_tls_ensure_result_init(&result);
    if (emqx_tls_ensure(client, "ge6a1a75", &request, &options, &result,
                        &status, &error) != EMQX_TLS_OK)
        fail(error.message);
    puts(result.action == EMQX_TLS_ACTION_UNCHANGED ? "nothing to do"
                                                    : "it runs now");
}

void example_emqx_tls_wait(void)
{
    if (emqx_tls_wait(client, "ge6a1a75", NULL, 10 * 60 * 1000, &status,
                      &error) == EMQX_TLS_E_TIMEOUT)
        printf("still %s\n", status.state_text);
}

void example_emqx_tls_remove(void)
{
    if (emqx_tls_remove(client, "ge6a1a75", 5 * 60 * 1000, &error) !=
        EMQX_TLS_OK)
        fail(error.message);
}

void example_emqx_tls_submit_ensure(void)
{
    if (emqx_tls_submit_ensure(client, "ge6a1a75", &request, NULL, done,
                               NULL, NULL, &error) != EMQX_TLS_OK)
        fail(error.message);
    while (emqx_tls_client_pending(client) > 0)
        emqx_tls_client_run(client, -1, &error);
}

void example_emqx_tls_submit_wait(void)
{
    if (emqx_tls_submit_wait(client, "ge6a1a75", &request,
                             10 * 60 * 1000, done, NULL, NULL,
                             &error) != EMQX_TLS_OK)
        fail(error.message);
}

void example_emqx_tls_submit_remove(void)
{
    if (emqx_tls_submit_remove(client, "ge6a1a75", 5 * 60 * 1000, done,
                               NULL, NULL, &error) != EMQX_TLS_OK)
        fail(error.message);
}

void example_emqx_tls_call_ensure_result(void)
{
    /* inside done */
    emqx_tls_ensure_result result;
    emqx_tls_ensure_result_init(&result);
    emqx_tls_call_ensure_result(call, &result);
    printf("%u reads and %u writes were spent\n", result.reads,
           result.writes);
}

void example_emqx_tls_probe(void)
{
    emqx_tls_probe_result served;
    emqx_tls_probe_result_init(&served);
    if (emqx_tls_probe("mqtt.example.com", 8883, NULL, &request, 10000,
                       &served, &error) == EMQX_TLS_OK)
        puts(served.matches ? "it is served" : "another one is served");
}

/* -- check.h ----------------------------------------------------------------------------------- */

void example_emqx_tls_policy(void)
{
    emqx_tls_policy policy;
    emqx_tls_policy_init(&policy);
    policy.min_days_left = 30; /* the BYOC plan */
    policy.host = "mqtt.example.com";
}

void example_emqx_tls_severity_name(void)
{
    emqx_tls_finding finding;
    emqx_tls_finding_init(&finding);
    if (emqx_tls_report_get(report, 0, &finding) == EMQX_TLS_OK)
        printf("%s: %s\n", emqx_tls_severity_name(finding.severity),
               finding.text);
}

void example_emqx_tls_check(void)
{
    emqx_tls_report *report;
    if (emqx_tls_check(&request, NULL, time(NULL), &report, &error) ==
        EMQX_TLS_E_CHECK)
        fprintf(stderr, "refused: %s\n", error.message);
    emqx_tls_report_free(report);
}

void example_emqx_tls_report_count(void)
{
    printf("%zu findings\n", emqx_tls_report_count(report));
}

void example_emqx_tls_report_get(void)
{
    for (size_t i = 0; i < emqx_tls_report_count(report); i++) {
        emqx_tls_finding finding;
        emqx_tls_finding_init(&finding);
        emqx_tls_report_get(report, i, &finding);
        puts(finding.text);
    }
}

void example_emqx_tls_report_free(void)
{
    emqx_tls_report_free(report);
}

/* -- limiter.h --------------------------------------------------------------------------------- */

void example_emqx_tls_limiter_config(void)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
}

void example_emqx_tls_limiter_new(void)
{
    emqx_tls_limiter *limiter;
    if (emqx_tls_limiter_new(NULL, &limiter, &error) != EMQX_TLS_OK)
        fail(error.message);
    config.limiter = limiter; /* for each client of the key */
}

void example_emqx_tls_limiter_open_file(void)
{
    emqx_tls_limiter *limiter;
    if (emqx_tls_limiter_open_file("/var/lib/renew/quota", NULL,
                                   &limiter, &error) != EMQX_TLS_OK)
        fail(error.message);
    config.limiter = limiter;
}

void example_emqx_tls_limiter_ref(void)
{
    /* outlives the client */
    emqx_tls_limiter *kept =
        emqx_tls_limiter_ref(emqx_tls_client_limiter(client));
    emqx_tls_client_free(client);
    emqx_tls_limiter_unref(kept);
}

void example_emqx_tls_limiter_unref(void)
{
    if (emqx_tls_client_new(&config, &client, &error) != EMQX_TLS_OK)
        fail(error.message);
    /* the client has a reference of its own now */
    emqx_tls_limiter_unref(config.limiter);
}

void example_emqx_tls_limiter_query(void)
{
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    if (emqx_tls_limiter_query(limiter, EMQX_TLS_OP_UPDATE, NULL,
                               &quota, &error) == EMQX_TLS_OK)
        printf("%u of %u writes left\n", quota.remaining, quota.limit);
}

void example_emqx_tls_limiter_open_store(void)
{
    emqx_tls_limiter *limiter;
    if (emqx_tls_limiter_open_store(&my_store, NULL, NULL, &limiter,
                                    &error) != EMQX_TLS_OK)
        fail(error.message);
    config.limiter = limiter;
}

/* -- redis.h ----------------------------------------------------------------------------------- */

void example_emqx_tls_limiter_open_redis(void)
{
    const char *url = "rediss://:PASSWORD@quota.example:6379/0";
    emqx_tls_limiter *limiter;
    if (emqx_tls_limiter_open_redis(url, "emqxtls:our-key", NULL,
                                    &limiter, &error) != EMQX_TLS_OK)
        fail(error.message);
    config.limiter = limiter;
}

/* -- test.h ------------------------------------------------------------------------------------ */

void example_emqx_tls_test_clock_new(void)
{
    emqx_tls_test_clock *test_clock =
        emqx_tls_test_clock_new(1000, 1700000000000);
    config.clock = emqx_tls_test_clock_vtable(test_clock);
}

void example_emqx_tls_test_clock_free(void)
{
    emqx_tls_client_free(client);
    emqx_tls_test_clock_free(test_clock);
}

void example_emqx_tls_test_clock_vtable(void)
{
    config.clock = emqx_tls_test_clock_vtable(test_clock);
}

void example_emqx_tls_test_clock_now(void)
{
    int64_t before = emqx_tls_test_clock_now(test_clock);
    emqx_tls_get(client, "d1", &status, &error);
    printf("it took %lld ms\n",
           (long long)(emqx_tls_test_clock_now(test_clock) - before));
}

void example_emqx_tls_test_clock_wall(void)
{
    int64_t today_s = emqx_tls_test_clock_wall(test_clock) / 1000;
    if (emqx_tls_check(&request, NULL, today_s, NULL, &error) !=
        EMQX_TLS_OK)
        fail(error.message);
}

void example_emqx_tls_test_clock_reads(void)
{
    if (emqx_tls_test_clock_reads(test_clock) > 1000)
        fail("it waits in a busy loop");
}

void example_emqx_tls_test_clock_advance(void)
{
    emqx_tls_test_clock_advance(
        test_clock, 3700 * 1000); /* the quota is free again */
}

void example_emqx_tls_test_clock_set(void)
{
    emqx_tls_test_clock_set(test_clock,
                            0); /* a broken clock: it went back */
}

void example_emqx_tls_test_clock_set_wall(void)
{
    emqx_tls_test_clock_set_wall(
        test_clock, 0); /* a gateway without time: it is 1970 */
}

void example_emqx_tls_test_clock_reboot(void)
{
    emqx_tls_test_clock_reboot(
        test_clock, 5000,
        10 * 60 * 1000); /* ten minutes without power */
}

void example_emqx_tls_test_clock_at(void)
{
    int64_t soon = emqx_tls_test_clock_now(test_clock) + 500;
    emqx_tls_test_clock_at(test_clock, soon, stop,
                           client); /* stop() interrupts it */
}

void example_emqx_tls_test_step(void)
{
    emqx_tls_test_step step = {
        .method = "GET", .http_status = 503, .times = 3};
    emqx_tls_test_transport_expect(script, &step);
}

void example_emqx_tls_test_transport_new(void)
{
    emqx_tls_test_transport *script =
        emqx_tls_test_transport_new(test_clock);
    config.transport = emqx_tls_test_transport_vtable(script);
}

void example_emqx_tls_test_transport_free(void)
{
    emqx_tls_client_free(client);
    emqx_tls_test_transport_free(script);
}

void example_emqx_tls_test_transport_vtable(void)
{
    config.transport = emqx_tls_test_transport_vtable(script);
}

void example_emqx_tls_test_transport_blocking(void)
{
    config.transport = emqx_tls_test_transport_blocking(script);
}

void example_emqx_tls_test_transport_expect(void)
{
    emqx_tls_test_step step = {.method = "GET",
                               .url = "/deployments/d1/tls",
                               .http_status = 200,
                               .body = "{}"};
    emqx_tls_test_transport_expect(script, &step);
}

void example_emqx_tls_test_transport_problem(void)
{
    const char *problem = emqx_tls_test_transport_problem(script);
    if (problem)
        fail(problem);
}

void example_emqx_tls_test_transport_count(void)
{
    if (emqx_tls_test_transport_count(script) != 1)
        fail("it was not one request");
}

void example_emqx_tls_test_transport_seen(void)
{
    const emqx_tls_test_seen *first =
        emqx_tls_test_transport_seen(script, 0);
    if (!first || strcmp(first->method, "GET") != 0)
        fail("it did not read first");
}

void example_emqx_tls_test_transport_in_flight(void)
{
    if (emqx_tls_test_transport_in_flight(script) > 0)
        fail("a request was left behind");
}

void example_emqx_tls_test_transport_destroyed(void)
{
    emqx_tls_client_free(client);
    if (emqx_tls_test_transport_destroyed(script) != 1)
        fail("the client owns its transport");
}

void example_emqx_tls_test_allocator_new(void)
{
    emqx_tls_test_allocator *heap = emqx_tls_test_allocator_new();
    config.allocator = emqx_tls_test_allocator_vtable(heap);
}

void example_emqx_tls_test_allocator_free(void)
{
    emqx_tls_client_free(client);
    emqx_tls_test_allocator_free(heap);
}

void example_emqx_tls_test_allocator_vtable(void)
{
    config.allocator = emqx_tls_test_allocator_vtable(heap);
}

void example_emqx_tls_test_allocator_fail(void)
{
    emqx_tls_test_allocator_fail(heap, 1, 0);
    if (emqx_tls_get(client, "d1", &status, &error) !=
        EMQX_TLS_E_NO_MEMORY)
        fail("the next allocation should have failed");
}

void example_emqx_tls_test_allocator_failed(void)
{
    for (size_t i = 1;; i++) {
        emqx_tls_test_allocator_fail(heap, i, 0);
        emqx_tls_get(client, "d1", &status, &error);
        if (!emqx_tls_test_allocator_failed(heap))
            break; /* each allocation has failed once */
    }
}

void example_emqx_tls_test_allocator_watch(void)
{
    emqx_tls_test_allocator_watch(heap, secret, strlen(secret));
}

void example_emqx_tls_test_allocator_count(void)
{
    size_t before = emqx_tls_test_allocator_count(heap);
    emqx_tls_get(client, "d1", &status, &error);
    printf("%zu allocations\n",
           emqx_tls_test_allocator_count(heap) - before);
}

void example_emqx_tls_test_allocator_live(void)
{
    printf("%zu bytes are in use\n",
           emqx_tls_test_allocator_live(heap));
}

void example_emqx_tls_test_allocator_peak(void)
{
    printf("at most %zu bytes were in use\n",
           emqx_tls_test_allocator_peak(heap));
}

void example_emqx_tls_test_allocator_problem(void)
{
    emqx_tls_client_free(client);
    const char *problem = emqx_tls_test_allocator_problem(heap);
    if (problem)
        fail(problem);
}
