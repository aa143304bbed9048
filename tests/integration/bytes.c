/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Requests and answers broken off at every byte, many calls at once: none is taken for a success,
 * no write arrives twice.
 */
#include "emulator_client.h"

#include <stdio.h>
#include <stdlib.h>

static const char whole[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n"
    "{\"status\": \"running\"}";
enum { LENGTH = sizeof whole - 1 };

/* The deployment dN gets the first N bytes of the answer, then this end. */
static void queue_cuts(fixture *f, const char *end)
{
    json_t *all = json_array();
    for (int n = 0; n <= LENGTH; n++) {
        char id[16];
        snprintf(id, sizeof id, "d%d", n);
        json_array_append_new(all,
                              json_pack("{s:s, s:s, s:i, s:s, s:i, s:b}", "deployment", id, "raw",
                                        whole, "cut", n, "end", end, "times", 0, "carry_out", 1));
    }
    char *text = json_dumps(all, 0);
    emulator_fault(&f->emulator, text);
    free(text);
    json_decref(all);
}

static void note(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    (void)call;
    *(emqx_tls_code *)user = code;
}

/* Sends one request for each deployment, all at once, and says how each ended. */
static void send_all(fixture *f, uint32_t op, const emqx_tls_request *request,
                     emqx_tls_code codes[LENGTH + 1])
{
    for (int n = 0; n <= LENGTH; n++) {
        char id[16];
        snprintf(id, sizeof id, "d%d", n);
        codes[n] = -1;
        assert_int_equal(
            emqx_tls_submit(f->client, op, id, request, note, &codes[n], NULL, &f->error),
            EMQX_TLS_OK);
    }
    while (emqx_tls_client_pending(f->client) > 0)
        assert_int_equal(emqx_tls_client_run(f->client, -1, &f->error), EMQX_TLS_OK);
}

static const char *const ends[] = {"drop", "close", "reset"};

static void a_read_is_no_success_until_its_answer_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        emqx_tls_code codes[LENGTH + 1];
        fixture_start(&f, (const char *[]){"--reads", "1000", NULL});
        queue_cuts(&f, ends[i]);
        send_all(&f, EMQX_TLS_OP_GET, NULL, codes);
        for (int n = 0; n < LENGTH; n++)
            if (codes[n] != EMQX_TLS_E_TRANSPORT && codes[n] != EMQX_TLS_E_PROTOCOL)
                fail_msg("%d bytes, then %s: %s", n, ends[i], emqx_tls_code_name(codes[n]));
        if (strcmp(ends[i], "reset")) /* which may overtake what was sent */
            assert_int_equal(codes[LENGTH], EMQX_TLS_OK);
        fixture_end(&f);
    }
}

/* For each deployment, how many writes arrived, and how many of them were carried out. The log is
 * read once: it is long. */
static void tally(const fixture *f, int arrived[LENGTH + 1], int carried_out[LENGTH + 1])
{
    json_t *log = emulator_log(&f->emulator), *one;
    size_t i;
    memset(arrived, 0, sizeof(int) * (LENGTH + 1));
    memset(carried_out, 0, sizeof(int) * (LENGTH + 1));
    json_array_foreach(log, i, one)
    {
        int n;
        const char *path = json_string_value(json_object_get(one, "path"));
        assert_non_null(path);
        assert_int_equal(sscanf(path, "/public_api/v1/deployments/d%d/tls", &n), 1);
        assert_in_range(n, 0, LENGTH);
        arrived[n]++;
        carried_out[n] += json_is_true(json_object_get(one, "carried_out"));
    }
    json_decref(log);
}

static void a_write_arrives_once_wherever_its_answer_breaks_off(void **state)
{
    (void)state;
    emqx_tls_request request = material_request(&material, EMQX_TLS_TYPE_ONE_WAY);
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        emqx_tls_code codes[LENGTH + 1];
        int arrived[LENGTH + 1], carried_out[LENGTH + 1];
        fixture_start(&f, (const char *[]){"--writes", "1000", NULL});
        queue_cuts(&f, ends[i]);
        send_all(&f, EMQX_TLS_OP_CREATE, &request, codes);
        tally(&f, arrived, carried_out);
        for (int n = 0; n <= LENGTH; n++) {
            if (n < LENGTH && codes[n] == EMQX_TLS_OK)
                fail_msg("%d bytes, then %s: OK", n, ends[i]);
            assert_int_equal(arrived[n], 1);
            assert_int_equal(carried_out[n], 1);
        }
        fixture_end(&f);
    }
}

static void a_write_that_breaks_off_on_its_way_leaves_once(void **state)
{
    (void)state;
    enum { BYTES = 400 }; /* the head and some of the body */
    fixture f;
    fixture_start(&f, (const char *[]){"--writes", "1000", NULL});
    for (int n = 0; n < BYTES; n++) {
        char fault[64];
        snprintf(fault, sizeof fault, "{'read': %d, 'end': '%s'}", n, ends[n % 3]);
        emulator_fault(&f.emulator, fault);
    }
    for (int n = 0; n < BYTES; n++) {
        assert_int_not_equal(create(&f, &material, EMQX_TLS_TYPE_ONE_WAY), EMQX_TLS_OK);
        assert_int_equal(f.error.attempts, 1);
        assert_int_equal(f.error.delivery, EMQX_TLS_DELIVERY_MAYBE);
    }
    assert_int_equal(emulator_count(&f.emulator, "faults_left"), 0);
    assert_int_equal(emulator_count(&f.emulator, "connections"), BYTES);
    assert_int_equal(emulator_arrivals(&f.emulator, NULL, NULL), 0);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_is_no_success_until_its_answer_is_whole),
        cmocka_unit_test(a_write_arrives_once_wherever_its_answer_breaks_off),
        cmocka_unit_test(a_write_that_breaks_off_on_its_way_leaves_once),
    };
    return cmocka_run_group_tests(tests, make_material, free_material);
}
