/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * ensure against the emulator, and the probe of a real mosquitto that serves what the emulator was
 * given.
 */
#include "emulator_client.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"
#include "folder.h"

#define ONE EMQX_TLS_TYPE_ONE_WAY
#define TWO EMQX_TLS_TYPE_TWO_WAY

typedef struct world {
    fixture f;
    char folder[64]; /* served by the broker, receipts too */
    broker broker;
    emqx_tls_ensure_options options;
    emqx_tls_ensure_result result;
    emqx_tls_probe_result probe;
} world;

static void start(world *w)
{
    const char *options[] = {"--serve-dir", w->folder, "--pending", "0", NULL};
    memset(w, 0, sizeof *w);
    assert_true(folder_make(w->folder, "served"));
    fixture_start(&w->f, options);
    emqx_tls_ensure_options_init(&w->options);
    emqx_tls_ensure_result_init(&w->result);
    emqx_tls_probe_result_init(&w->probe);
    w->options.receipt_dir = w->folder;
    w->options.wait_ms = 5 * PATIENCE_MS;
}

/* Puts the first certificate in place; the emulator runs it at once, so nothing is waited for. */
static void begin_with(world *w, const test_material *m, uint32_t type)
{
    emqx_tls_request request = material_request(m, type);
    emqx_tls_ensure_options options = w->options;
    options.wait_ms = 0;
    if (emqx_tls_ensure(w->f.client, ID, &request, &options, &w->result, &w->f.status,
                        &w->f.error) != EMQX_TLS_OK)
        fail_msg("%s", w->f.error.message);
    assert_int_equal(w->result.action, EMQX_TLS_ACTION_CREATED);
}

static void end(world *w)
{
    if (w->broker.pid)
        broker_end(&w->broker);
    fixture_end(&w->f);
    folder_remove(w->folder);
}

static emqx_tls_code ensure(world *w, const test_material *m, uint32_t type)
{
    emqx_tls_request request = material_request(m, type);
    return emqx_tls_ensure(w->f.client, ID, &request, &w->options, &w->result, &w->f.status,
                           &w->f.error);
}

#define expect_ensure(w, m, type, done, get_count, write_count)                                    \
    do {                                                                                           \
        if (ensure(w, m, type) != EMQX_TLS_OK)                                                     \
            fail_msg("%s", (w)->f.error.message);                                                  \
        assert_int_equal((w)->result.action, done);                                                \
        assert_int_equal((w)->result.reads, get_count);                                            \
        assert_int_equal((w)->result.writes, write_count);                                         \
    } while (0)

static void use_probe(world *w)
{
    w->options.probe_host = "127.0.0.1";
    w->options.probe_port = w->broker.port;
}

/* Does the broker serve this leaf? */
static bool serves(world *w, const test_material *m)
{
    emqx_tls_request request = material_request(m, ONE);
    if (emqx_tls_probe("localhost", w->broker.port, "broker.test", &request, PATIENCE_MS, &w->probe,
                       &w->f.error) != EMQX_TLS_OK)
        fail_msg("%s", w->f.error.message);
    assert_string_equal(w->probe.common_name, "broker.test");
    assert_int_equal(strlen(w->probe.sha256), 64);
    return w->probe.matches;
}

static void wait_until_served(world *w, const test_material *m)
{
    while (!serves(w, m))
        poll(NULL, 0, 20);
}

/* Once the certificate has been replaced, and a moment later. */
static void *reload_soon(void *context)
{
    world *w = context;
    while (emulator_carried_out(&w->f.emulator, ID) < 2)
        poll(NULL, 0, 20);
    poll(NULL, 0, 1000);
    broker_reload(&w->broker);
    return NULL;
}

static void a_renewal(uint32_t type, bool tls12)
{
    world w;
    pthread_t thread;
    bool two_way = type == TWO;
    start(&w);
    begin_with(&w, &material, type);
    broker_start(&w.broker, w.folder, ID, two_way, tls12);
    assert_true(serves(&w, &material));
    assert_int_equal(w.probe.not_after, w.f.status.expire);
    assert_false(serves(&w, &renewed));

    use_probe(&w);
    expect_ensure(&w, &material, type, EMQX_TLS_ACTION_UNCHANGED, 1, 0);
    assert_int_equal(w.result.certain, 1);

    /* The status says running, but the broker still serves the one before until its SIGHUP: the
     * last step waits for it. */
    assert_int_equal(pthread_create(&thread, NULL, reload_soon, &w), 0);
    expect_ensure(&w, &renewed, type, EMQX_TLS_ACTION_UPDATED, 2, 1);
    pthread_join(thread, NULL);
    assert_int_equal(w.result.certain, 1);
    assert_true(serves(&w, &renewed));
    assert_int_equal(emulator_carried_out(&w.f.emulator, ID), 2);
    end(&w);
}

static void one_way_before_and_after_a_renewal(void **state)
{
    (void)state;
    a_renewal(ONE, false);
}

static void two_way_before_and_after_a_renewal(void **state)
{
    (void)state;
    a_renewal(TWO, false);
}

static void two_way_is_read_though_the_handshake_fails(void **state)
{
    (void)state;
    a_renewal(TWO, true);
}

static void without_a_receipt_a_probe_makes_it_certain(void **state)
{
    (void)state;
    world w;
    start(&w);
    w.options.receipt_dir = NULL;
    begin_with(&w, &material, ONE);
    assert_int_equal(w.result.certain, 0);
    broker_start(&w.broker, w.folder, ID, false, false);
    use_probe(&w);
    expect_ensure(&w, &material, ONE, EMQX_TLS_ACTION_UNCHANGED, 1, 0);
    assert_int_equal(w.result.certain, 1);
    end(&w);
}

/* A broker that serves something else than the status tells is no reason to write: it may be
 * another one. */
static void another_server_is_no_reason_to_write(void **state)
{
    (void)state;
    world w;
    start(&w);
    begin_with(&w, &material, ONE);
    broker_start(&w.broker, w.folder, ID, false, false);
    w.options.wait_ms = 0;
    expect_ensure(&w, &renewed, ONE, EMQX_TLS_ACTION_UPDATED, 1, 1);
    w.options.receipt_dir = NULL;
    use_probe(&w); /* it was not told to read again, and serves the first */
    assert_int_equal(ensure(&w, &renewed, ONE), EMQX_TLS_E_TIMEOUT);
    assert_int_equal(w.result.writes, 0);
    assert_non_null(strstr(w.f.error.message, "serves another certificate"));
    broker_reload(&w.broker);
    wait_until_served(&w, &renewed);
    assert_int_equal(ensure(&w, &renewed, ONE), EMQX_TLS_OK);
    end(&w);
}

/* -- two processes at once --------------------------------------------------------------------- */

/* In a child: a client of its own, as another process has. Its exit code is the number of writes
 * that it spent. */
static void hook(world *w)
{
    emqx_tls_config config = fixture_config(&w->f);
    emqx_tls_request request = material_request(&material, ONE);
    emqx_tls_client *client;
    config.limiter = NULL;
    if (emqx_tls_client_new(&config, &client, NULL) != EMQX_TLS_OK)
        _exit(100);
    emqx_tls_code code = emqx_tls_ensure(client, ID, &request, &w->options, &w->result, NULL, NULL);
    emqx_tls_client_free(client);
    _exit(code == EMQX_TLS_OK ? (int)w->result.writes : 101);
}

static void hooks_at_once_spend_one_write(void **state)
{
    (void)state;
    enum { HOOKS = 4 };
    pid_t children[HOOKS];
    int writes = 0;
    world w;
    start(&w);
    w.options.wait_ms = 0;
    emulator_fault(&w.f.emulator, "{'method': 'POST', 'latency_ms': 500}");
    for (int i = 0; i < HOOKS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            hook(&w);
    }
    for (int i = 0; i < HOOKS; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 100);
        writes += WEXITSTATUS(status);
    }
    assert_int_equal(writes, 1);
    assert_int_equal(emulator_carried_out(&w.f.emulator, ID), 1);
    end(&w);
}

static void a_lost_write_is_looked_for_and_found(void **state)
{
    (void)state;
    world w;
    start(&w);
    w.options.wait_ms = 0;
    emulator_fault(&w.f.emulator, "{'method': 'POST', 'cut': 0, 'end': 'reset'}");
    expect_ensure(&w, &material, ONE, EMQX_TLS_ACTION_CREATED, 2, 1);
    assert_int_equal(w.result.certain, 1);
    assert_int_equal(emulator_arrivals(&w.f.emulator, "POST", ID), 1);
    end(&w);
}

static void a_write_of_a_process_that_was_killed_is_found(void **state)
{
    (void)state;
    world w;
    start(&w);
    emulator_fault(&w.f.emulator, "{'method': 'POST', 'cut': 0, 'end': 'stall'}");
    pid_t child = fork();
    if (child == 0)
        hook(&w);
    while (emulator_carried_out(&w.f.emulator, ID) == 0)
        poll(NULL, 0, 20);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    expect_ensure(&w, &material, ONE, EMQX_TLS_ACTION_UNCHANGED, 1, 0);
    assert_int_equal(w.result.certain, 1);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_way_before_and_after_a_renewal),
        cmocka_unit_test(two_way_before_and_after_a_renewal),
        cmocka_unit_test(two_way_is_read_though_the_handshake_fails),
        cmocka_unit_test(without_a_receipt_a_probe_makes_it_certain),
        cmocka_unit_test(another_server_is_no_reason_to_write),
        cmocka_unit_test(hooks_at_once_spend_one_write),
        cmocka_unit_test(a_lost_write_is_looked_for_and_found),
        cmocka_unit_test(a_write_of_a_process_that_was_killed_is_found),
    };
    if (!broker_there()) {
        fprintf(stderr, "mosquitto is missing: tests/packages.sh tests\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, make_material, free_material);
}
