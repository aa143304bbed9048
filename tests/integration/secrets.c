/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A server that gives the whole request back must not bring a secret into a message or a log line.
 */
#include "emulator_client.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

static char told[1 << 20]; /* all that the library said */

static void keep(void *user, int32_t level, const char *line)
{
    (void)user, (void)level;
    strncat(told, line, sizeof told - strlen(told) - 1);
    strncat(told, "\n", sizeof told - strlen(told) - 1);
}

static void keep_error(const emqx_tls_error *e)
{
    keep(NULL, 0, e->message);
    keep(NULL, 0, e->api_code);
}

/* Looks for each line of the key, whole or a good part of it. */
static void assert_told_no_key(void)
{
    char *copy = strdup(material.key), *rest = copy, *line;
    while ((line = strsep(&rest, "\n"))) {
        if (strlen(line) < 16)
            continue;
        line[16] = '\0';
        if (line[0] != '-')
            assert_null(strstr(told, line));
    }
    free(copy);
    assert_null(strstr(told, "PRIVATE"));
}

static void assert_told_no_login(void)
{
    char basic[256];
    const char *login = EMULATOR_KEY ":" EMULATOR_SECRET;
    EVP_EncodeBlock((unsigned char *)basic, (const unsigned char *)login, (int)strlen(login));
    basic[20] = '\0';
    assert_null(strstr(told, EMULATOR_SECRET));
    assert_null(strstr(told, basic));
    assert_null(strcasestr(told, "authorization"));
}

static void an_echoed_request_shows_nowhere(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "{'echo': true, 'times': 2}", /* as a success that can't be read */
        "{'status': 400, 'echo': true, 'times': 2}",
        "{'status': 401, 'echo': true, 'times': 2}",
        "{'status': 404, 'echo': true, 'times': 2}",
        "{'status': 422, 'echo': true, 'times': 2}",
        "{'status': 429, 'echo': true, 'times': 2}",
        "{'status': 500, 'echo': true, 'times': 2}",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        fixture f;
        told[0] = '\0';
        fixture_start(&f, NULL);
        emqx_tls_config config = fixture_config(&f);
        config.log = keep;
        fixture_client(&f, &config);
        emulator_fault(&f.emulator, faults[i]);
        create(&f, &material, EMQX_TLS_TYPE_ONE_WAY);
        keep_error(&f.error);
        get(&f);
        keep_error(&f.error);
        assert_int_equal(emulator_count(&f.emulator, "faults_left"), 0);
        assert_non_null(strstr(told, "POST")); /* the log was heard */
        assert_told_no_login();
        assert_told_no_key();
        fixture_end(&f);
    }
}

static void the_emulators_log_has_no_secret_either(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    create(&f, &material, EMQX_TLS_TYPE_ONE_WAY);
    FILE *file = fopen(f.emulator.log, "r");
    assert_non_null(file);
    told[fread(told, 1, sizeof told - 1, file)] = '\0';
    fclose(file);
    assert_non_null(strstr(told, "POST"));
    assert_told_no_login();
    assert_told_no_key();
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echoed_request_shows_nowhere),
        cmocka_unit_test(the_emulators_log_has_no_secret_either),
    };
    return cmocka_run_group_tests(tests, make_material, free_material);
}
