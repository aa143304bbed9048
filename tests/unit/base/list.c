/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/list.h"

typedef struct item {
    char name;
    emqxi_node node;
} item;

static item items[] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};
static emqxi_list list;

static int fill(void **state)
{
    (void)state;
    memset(&list, 0, sizeof list);
    for (size_t i = 0; i < 3; i++)
        emqxi_list_append(&list, &items[i].node);
    return 0;
}

/* The names from the first on, then from the last on. */
static const char *both_ways(void)
{
    static char text[8];
    size_t n = 0;
    for (emqxi_node *at = list.first; at; at = at->next)
        text[n++] = EMQXI_OF(at, item, node)->name;
    for (emqxi_node *at = list.last; at; at = at->previous)
        text[n++] = EMQXI_OF(at, item, node)->name;
    text[n] = '\0';
    return text;
}

static void what_is_appended_stands_in_order(void **state)
{
    (void)state;
    assert_string_equal(both_ways(), "abccba");
}

static void any_node_can_be_removed(void **state)
{
    static const char *const left[] = {"bccb", "acca", "abba"};
    for (size_t i = 0; i < 3; i++) {
        fill(state);
        emqxi_list_remove(&list, &items[i].node);
        assert_string_equal(both_ways(), left[i]);
    }
}

static void a_list_that_was_emptied_takes_nodes_again(void **state)
{
    for (size_t i = 0; i < 3; i++)
        emqxi_list_remove(&list, &items[i].node);
    assert_null(list.first);
    assert_null(list.last);
    fill(state);
    assert_string_equal(both_ways(), "abccba");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_appended_stands_in_order, fill),
        cmocka_unit_test(any_node_can_be_removed),
        cmocka_unit_test_setup(a_list_that_was_emptied_takes_nodes_again, fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
