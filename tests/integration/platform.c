/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * ensure against a platform whose reads lag behind writes, that spells names otherwise, and that
 * leaves out what it might tell.
 */
#include "emulator_client.h"

#include "folder.h"

#define ONE EMQX_TLS_TYPE_ONE_WAY

typedef struct world {
    fixture f;
    emqx_tls_ensure_options options;
    emqx_tls_ensure_result result;
} world;

static void start(world *w, const char *const *options)
{
    fixture_start(&w->f, options);
    emqx_tls_ensure_options_init(&w->options);
    emqx_tls_ensure_result_init(&w->result);
}

static emqx_tls_code ensure(world *w)
{
    emqx_tls_request request = material_request(&material, ONE);
    return emqx_tls_ensure(w->f.client, ID, &request, &w->options, &w->result, &w->f.status,
                           &w->f.error);
}

static void expect_ensure(world *w, uint32_t action, uint32_t writes)
{
    if (ensure(w) != EMQX_TLS_OK)
        fail_msg("%s", w->f.error.message);
    assert_int_equal(w->result.action, action);
    assert_int_equal(w->result.writes, writes);
}

static void reads_that_lag_cost_no_second_write(void **state)
{
    (void)state;
    static const char *const absent[] = {"empty", "404"};
    for (size_t i = 0; i < 2; i++) {
        world w;
        char folder[64];
        assert_true(folder_make(folder, "lag"));
        start(&w, (const char *[]){"--pending", "0", "--lag", "60", "--absent", absent[i], NULL});
        w.options.receipt_dir = folder;
        expect_ensure(&w, EMQX_TLS_ACTION_CREATED, 1);
        expect_ensure(&w, EMQX_TLS_ACTION_UNCHANGED, 0); /* GET says that nothing is there */
        assert_int_equal(w.f.status.state, EMQX_TLS_STATE_PENDING);
        emulator_advance(&w.f.emulator, 60000); /* the emulator's time, not that of the receipt */
        expect_ensure(&w, EMQX_TLS_ACTION_UNCHANGED, 0);
        assert_int_equal(w.f.status.state, EMQX_TLS_STATE_RUNNING);
        assert_int_equal(emulator_carried_out(&w.f.emulator, ID), 1);
        fixture_end(&w.f);
        folder_remove(folder);
    }
}

static void a_name_that_is_spelled_otherwise_is_unchanged(void **state)
{
    (void)state;
    static const char *const forms[] = {"CN={}", "{}.", "O=x, CN={}", "other.test,{}"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        world w;
        start(&w, (const char *[]){"--pending", "0", "--cn", forms[i], NULL});
        expect_ensure(&w, EMQX_TLS_ACTION_CREATED, 1);
        expect_ensure(&w, EMQX_TLS_ACTION_UNCHANGED, 0);
        fixture_end(&w.f);
    }
}

static void what_is_not_told_is_not_written_at_each_run(void **state)
{
    (void)state;
    static const char *const ways[][2] = {
        {"--omit", "expire"}, {"--expire-format", "iso"}, {"--omit", "expire,cn,tlsType"}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        world w;
        char folder[64];
        assert_true(folder_make(folder, "untold"));
        start(&w, (const char *[]){"--pending", "0", ways[i][0], ways[i][1], NULL});
        assert_int_equal(create(&w.f, &material, ONE), EMQX_TLS_OK);
        assert_int_equal(ensure(&w), EMQX_TLS_E_INVALID);
        assert_int_equal(w.result.writes, 0);
        w.options.receipt_dir = folder;
        expect_ensure(&w, EMQX_TLS_ACTION_UPDATED, 1);
        expect_ensure(&w, EMQX_TLS_ACTION_UNCHANGED, 0);
        expect_ensure(&w, EMQX_TLS_ACTION_UNCHANGED, 0);
        assert_int_equal(emulator_carried_out(&w.f.emulator, ID), 2);
        fixture_end(&w.f);
        folder_remove(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_that_lag_cost_no_second_write),
        cmocka_unit_test(a_name_that_is_spelled_otherwise_is_unchanged),
        cmocka_unit_test(what_is_not_told_is_not_written_at_each_run),
    };
    return cmocka_run_group_tests(tests, make_material, free_material);
}
