/* SPDX-License-Identifier: MIT
 *
 * The shape of every struct with a size. contract.py sees to it that none is missing here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <emqxtls/emqxtls.h>

#define LAYOUT(X, last)                                                                            \
    {                                                                                              \
#X, offsetof(struct emqx_tls_##X, size), sizeof(struct emqx_tls_##X),                      \
            offsetof(struct emqx_tls_##X, last) + sizeof((struct emqx_tls_##X){0}.last)            \
    }

static const struct layout {
    const char *name;
    size_t size_at, size, end;
} layouts[] = {
    LAYOUT(error, message),
    LAYOUT(clock, boot_id),
    LAYOUT(allocator, release),
    LAYOUT(request, cacert_len),
    LAYOUT(status, common_name),
    LAYOUT(reply, reserved),
    LAYOUT(exchange, done_user),
    LAYOUT(transport, destroy),
    LAYOUT(limiter_config, allocator),
    LAYOUT(quota, reserved),
    LAYOUT(ask, reserved),
    LAYOUT(grant, ticket),
    LAYOUT(store, destroy),
    LAYOUT(policy, host),
    LAYOUT(finding, text),
    LAYOUT(config, log_destroy),
    LAYOUT(ensure_options, probe_host),
    LAYOUT(ensure_result, expire_offset_s),
    LAYOUT(probe_result, sha256),
};

#define COUNT (sizeof layouts / sizeof layouts[0])

static void size_comes_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        if (layouts[i].size_at != 0)
            fail_msg("%s.size is at %zu", layouts[i].name, layouts[i].size_at);
}

/* What an older caller leaves there would be read as a member by a newer library. */
static void no_struct_has_tail_padding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        if (layouts[i].end != layouts[i].size)
            fail_msg("%s ends at %zu of %zu bytes", layouts[i].name, layouts[i].end,
                     layouts[i].size);
}

static void the_library_tells_its_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(emqx_tls_struct_size(layouts[i].name), layouts[i].size);
}

static void every_struct_has_room_to_grow_below_the_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        if (layouts[i].size > 4096 / 2)
            fail_msg("%s has %zu bytes", layouts[i].name, layouts[i].size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_comes_first),
        cmocka_unit_test(no_struct_has_tail_padding),
        cmocka_unit_test(the_library_tells_its_size),
        cmocka_unit_test(every_struct_has_room_to_grow_below_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
