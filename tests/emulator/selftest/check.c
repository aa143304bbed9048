/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the emulator takes as a certificate, and its 422: the vendor's page, case by case.
 */
#include "plain.h"

static emulator_run e;

static int set_up(void **state)
{
    (void)state;
    char command[256];
    emulator_start(&e, (const char *[]){"--writes", "1000", "--pending", "0", NULL});
    snprintf(command, sizeof command, MATERIAL " %s", e.folder);
    return system(command);
}

static int tear_down(void **state)
{
    (void)state;
    emulator_end(&e);
    return 0;
}

static json_t *file(const char *name)
{
    char path[256], text[16384];
    snprintf(path, sizeof path, "%s/%s", e.folder, name);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    size_t n = fread(text, 1, sizeof text, in);
    fclose(in);
    return json_stringn(text, n);
}

/* The answer's status, or the code of a refusal. */
static void expect(const char *type, const char *cert, const char *key, const char *cacert,
                   const char *code)
{
    static int number;
    char id[32];
    snprintf(id, sizeof id, "d%d", ++number);
    json_t *json =
        json_pack("{s:s, s:o, s:o}", "tlsType", type, "cert", file(cert), "key", file(key));
    if (cacert)
        json_object_set_new(json, "cacert", file(cacert));
    char *body = json_dumps(json, 0);
    reply r = plain(&e, "POST", id, body);
    free(body);
    json_decref(json);
    if (r.status != (*code ? 422 : 200) || strcmp(plain_member(&r, "code"), code))
        fail_msg("%s %s %s: %d %s", type, cert, key, r.status, r.body);
}

static void what_the_page_lists_is_taken(void **state)
{
    (void)state;
    expect("one-way", "p256.pem", "p256.key", NULL, "");
    expect("one-way", "p384.pem", "p384.key", NULL, "");
    expect("one-way", "rsa1024.pem", "rsa1024.key", NULL, "");
    expect("one-way", "rsa2048.pem", "rsa2048.key", NULL, "");
    expect("one-way", "p256.pem", "sec1.key", NULL, "");
    expect("one-way", "rsa2048.pem", "pkcs1.key", NULL, "");
    expect("one-way", "chain.pem", "leaf.key", NULL, "");
    expect("one-way", "chain-root.pem", "leaf.key", NULL, "");
    expect("one-way", "days61.pem", "days61.key", NULL, "");
    expect("two-way", "p256.pem", "p256.key", "p256.pem", "");
    expect("two-way", "chain.pem", "leaf.key", "middle.pem", "");
    expect("one-way", "p256.pem", "p256.key", "empty", "");
}

static void keys_and_algorithms_are_checked(void **state)
{
    (void)state;
    expect("one-way", "p521.pem", "p521.key", NULL, "ALGORITHM");
    expect("one-way", "explicit.pem", "explicit.key", NULL, "ALGORITHM");
    expect("one-way", "rsa3072.pem", "rsa3072.key", NULL, "ALGORITHM");
    expect("one-way", "ed25519.pem", "ed25519.key", NULL, "ALGORITHM");
    expect("one-way", "p256.pem", "encrypted.key", NULL, "KEY_ENCRYPTED");
    expect("one-way", "p256.pem", "encrypted-sec1.key", NULL, "KEY_ENCRYPTED");
    expect("one-way", "p256.pem", "p256.pem", NULL, "KEY_INVALID");
    expect("one-way", "p256.pem", "days61.key", NULL, "KEY_MISMATCH");
    expect("one-way", "mixed-chain.pem", "mixed.key", NULL, "KEY_TYPE");
}

static void the_chain_is_checked(void **state)
{
    (void)state;
    expect("one-way", "p256.key", "p256.key", NULL, "CERT_INVALID");
    expect("one-way", "text.pem", "p256.key", NULL, "CERT_INVALID");
    expect("one-way", "leaf.pem", "leaf.key", NULL, "CHAIN_INCOMPLETE");
    expect("one-way", "reversed.pem", "leaf.key", NULL, "CHAIN_ORDER");
    expect("one-way", "gap.pem", "leaf.key", NULL, "CHAIN_ORDER");
}

static void type_and_client_ca_are_checked(void **state)
{
    (void)state;
    expect("three-way", "p256.pem", "p256.key", NULL, "TLS_TYPE");
    expect("one-way", "empty", "p256.key", NULL, "MISSING");
    expect("one-way", "p256.pem", "empty", NULL, "MISSING");
    expect("two-way", "p256.pem", "p256.key", NULL, "CACERT_MISSING");
    expect("two-way", "p256.pem", "p256.key", "leaf.pem", "CACERT_INVALID");
    expect("two-way", "p256.pem", "p256.key", "text.pem", "CACERT_INVALID");
    expect("one-way", "p256.pem", "p256.key", "p256.pem", "CACERT_UNEXPECTED");
}

static void dates_are_checked(void **state)
{
    (void)state;
    expect("one-way", "days59.pem", "days59.key", NULL, "EXPIRES_SOON");
    emulator_advance(&e, 2 * 86400000LL);
    expect("one-way", "days61.pem", "days61.key", NULL, "EXPIRES_SOON");
    emulator_advance(&e, 60 * 86400000LL);
    expect("one-way", "days61.pem", "days61.key", NULL, "EXPIRED");
}

static void what_is_no_json_object_is_a_bad_request(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "{", "[]", "{\"cert\": \"a\", \"cert\": \"b\"}"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(plain(&e, "POST", "x", bodies[i]).status, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_page_lists_is_taken),
        cmocka_unit_test(keys_and_algorithms_are_checked),
        cmocka_unit_test(the_chain_is_checked),
        cmocka_unit_test(type_and_client_ca_are_checked),
        cmocka_unit_test(what_is_no_json_object_is_a_bad_request),
        cmocka_unit_test(dates_are_checked), /* last: it moves the time on */
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
