/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Names are the same however they are written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check/identity.h"

#define LONG "a-rather-long-name-of-a-broker-that-nobody-would-type.mqtt.eu.example.com"

static emqxi_names names_of(const char *const *list, size_t count)
{
    emqxi_names names = {0};
    for (size_t i = 0; i < count; i++)
        emqxi_names_add(&names, list[i], strlen(list[i]));
    return names;
}

static void spelling_makes_no_difference(void **state)
{
    (void)state;
    static const char *const known[] = {"mqtt.example",   "Second.Example", "10.0.0.1",
                                        "*.wild.example", "My Device CA",   LONG};
    static const char *const told[] = {"mqtt.example",
                                       "MQTT.Example",
                                       "mqtt.example.",
                                       "CN=mqtt.example",
                                       "cn=MQTT.EXAMPLE.",
                                       " mqtt.example ",
                                       "CN=mqtt.example,O=Some",
                                       "O=Some, CN=mqtt.example",
                                       "/C=DE/CN=mqtt.example",
                                       "second.example",
                                       "CN=no.example, CN=second.example",
                                       "no.example,second.example",
                                       "10.0.0.1",
                                       "*.wild.example",
                                       "my device ca"};
    static const char *const others[] = {"mqtt.example.org", "mqtt", "example", "xmqtt.example",
                                         "a.wild.example",   "",     ".",       "CN="};
    emqxi_names names = names_of(known, 6);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (!emqxi_names_have(&names, told[i]))
            fail_msg("%s was not known", told[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (emqxi_names_have(&names, others[i]))
            fail_msg("%s was known", others[i]);
    char cut[65] = "";
    memcpy(cut, LONG, 64);
    assert_true(emqxi_names_have(&names, LONG));
    assert_true(emqxi_names_have(&names, cut));
    cut[60] = '\0';
    assert_false(emqxi_names_have(&names, cut));
}

/* Pairs of RFC 3492 and others. */
static void a_labels_and_u_labels_are_the_same(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"xn--bcher-kva.example", "b\u00fccher.example"},
        {"XN--BCHER-KVA.example", "b\u00fccher.example"},
        {"mqtt.xn--mnchen-3ya.example", "mqtt.m\u00fcnchen.example"},
        {"xn--fiqs8s", "\u4e2d\u56fd"},
        {"xn--ihqwcrb4cv8a8dqg056pqjye", "\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587"},
        {"xn--ls8h.example", "\U0001f4a9.example"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        for (size_t k = 0; k < 2; k++) {
            emqxi_names names = names_of(&pairs[i][k], 1);
            if (!emqxi_names_have(&names, pairs[i][1 - k]))
                fail_msg("%s is not %s", pairs[i][k], pairs[i][1 - k]);
        }
}

static void what_only_looks_like_an_a_label_is_itself(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "xn--",
        "xn--a",
        "xn--99999999999999999",
        "xn---",
        "xn--\xff.b",
        "xn--zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        emqxi_names names = names_of(&odd[i], 1);
        assert_true(emqxi_names_have(&names, odd[i]));
        assert_false(emqxi_names_have(&names, "b"));
    }
}

static void what_is_too_much_to_keep_is_not_called_another_name(void **state)
{
    (void)state;
    emqxi_names names = {0};
    char name[32];
    for (int i = 0; i < EMQXI_NAMES_MAX; i++) {
        int len = snprintf(name, sizeof name, "host-%d.example", i);
        emqxi_names_add(&names, name, (size_t)len);
        emqxi_names_add(&names, name, (size_t)len); /* once */
    }
    assert_true(emqxi_names_have(&names, "host-63.example"));
    assert_false(emqxi_names_have(&names, "host-64.example"));
    emqxi_names_add(&names, "host-64.example", 15);
    assert_true(emqxi_names_have(&names, "host-65.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spelling_makes_no_difference),
        cmocka_unit_test(a_labels_and_u_labels_are_the_same),
        cmocka_unit_test(what_only_looks_like_an_a_label_is_itself),
        cmocka_unit_test(what_is_too_much_to_keep_is_not_called_another_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
