/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What abi.json says of structs and constants is what a compiler says, and every struct keeps the
 * rules. layout.inc is made of abi.json by layout.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <emqxtls/emqxtls.h>

static const struct layout {
    const char *name;
    size_t told, size_at, size, end;
} layouts[] = {
#define STRUCT(X, told, last)                                                                      \
    {#X, told, offsetof(X, size), sizeof(X), offsetof(X, last) + sizeof((X){0}.last)},
#define MEMBER(X, member, at, size)
#define VALUE(name, value)
#include "layout.inc"
#undef STRUCT
#undef MEMBER
#undef VALUE
};

static const struct member {
    const char *of, *name;
    size_t told_at, at, told_size, size;
} members[] = {
#define STRUCT(X, told, last)
#define MEMBER(X, member, at, size)                                                                \
    {#X, #member, at, offsetof(X, member), size, sizeof((X){0}.member)},
#define VALUE(name, value)
#include "layout.inc"
#undef STRUCT
#undef MEMBER
#undef VALUE
};

static const struct value {
    const char *name;
    int64_t told, is;
} values[] = {
#define STRUCT(X, told, last)
#define MEMBER(X, member, at, size)
#define VALUE(name, value) {#name, value, name},
#include "layout.inc"
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void the_description_is_what_the_compiler_makes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(layouts); i++)
        if (layouts[i].told != layouts[i].size)
            fail_msg("%s has %zu bytes, not %zu", layouts[i].name, layouts[i].size,
                     layouts[i].told);
    for (size_t i = 0; i < COUNT(members); i++)
        if (members[i].told_at != members[i].at || members[i].told_size != members[i].size)
            fail_msg("%s.%s is %zu bytes at %zu, not %zu at %zu", members[i].of, members[i].name,
                     members[i].size, members[i].at, members[i].told_size, members[i].told_at);
    for (size_t i = 0; i < COUNT(values); i++)
        if (values[i].told != values[i].is)
            fail_msg("%s is %lld", values[i].name, (long long)values[i].is);
}

static void size_comes_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(layouts); i++)
        if (layouts[i].size_at != 0)
            fail_msg("%s.size is at %zu", layouts[i].name, layouts[i].size_at);
}

/* What an older caller leaves there would be read as a member by a newer library. */
static void no_struct_has_tail_padding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(layouts); i++)
        if (layouts[i].end != layouts[i].size)
            fail_msg("%s ends at %zu of %zu bytes", layouts[i].name, layouts[i].end,
                     layouts[i].size);
}

static void the_library_tells_its_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(layouts); i++)
        assert_int_equal(emqx_tls_struct_size(layouts[i].name), layouts[i].size);
}

static void every_struct_has_room_to_grow_below_the_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(layouts); i++)
        if (layouts[i].size > 4096 / 2)
            fail_msg("%s has %zu bytes", layouts[i].name, layouts[i].size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_description_is_what_the_compiler_makes),
        cmocka_unit_test(size_comes_first),
        cmocka_unit_test(no_struct_has_tail_padding),
        cmocka_unit_test(the_library_tells_its_size),
        cmocka_unit_test(every_struct_has_room_to_grow_below_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
