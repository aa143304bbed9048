/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * How old a stamp is at least: over reboots, on copied files, by a wall clock that may be trusted
 * or not. Every mistake there is must make it look younger, never older.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "limiter/timebase.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define WALL   INT64_C(1800000000000)
#define ERROR  INT64_C(32000) /* of two wall clocks that the kernels call synchronised */

/* -- the age of a stamp ------------------------------------------------------------------------ */

static emqxi_timebase base(uint8_t boot, uint8_t machine, int64_t seen_ms, int64_t wall_ms)
{
    emqxi_timebase b = {.seen_ms = seen_ms, .wall_ms = wall_ms};
    b.boot[3] = boot;
    b.machine[7] = machine;
    return b;
}

static void within_a_boot_stamps_are_good_as_they_are(void **state)
{
    (void)state;
    emqxi_timebase was = base(1, 1, HOUR, EMQXI_NO_WALL), here = base(1, 1, HOUR, EMQXI_NO_WALL);
    assert_true(emqxi_timebase_same_boot(&was, &here));
    assert_true(emqxi_timebase_same(&was, &here));
    here.seen_ms = 5 * HOUR;
    assert_true(emqxi_timebase_same(&was, &here));
    here.machine[7] = 2; /* the boot's id is enough */
    assert_true(emqxi_timebase_same(&was, &here));
}

static void a_clock_that_went_back_makes_them_no_older(void **state)
{
    (void)state;
    emqxi_timebase was = base(1, 1, HOUR, EMQXI_NO_WALL),
                   here = base(1, 1, HOUR - 1, EMQXI_NO_WALL);
    assert_true(emqxi_timebase_same_boot(&was, &here));
    assert_false(emqxi_timebase_same(&was, &here));
    assert_int_equal(emqxi_timebase_elapsed(&was, &here), 0);
}

static void after_a_reboot_they_are_as_old_as_the_boot(void **state)
{
    (void)state;
    emqxi_timebase was = base(1, 1, 9 * HOUR, EMQXI_NO_WALL),
                   here = base(2, 1, 5 * MINUTE, EMQXI_NO_WALL);
    assert_false(emqxi_timebase_same_boot(&was, &here));
    assert_false(emqxi_timebase_same(&was, &here));
    assert_int_equal(emqxi_timebase_uptime(&was, &here), 5 * MINUTE);
    assert_int_equal(emqxi_timebase_elapsed(&was, &here), 5 * MINUTE);
    here.seen_ms = -1;
    assert_int_equal(emqxi_timebase_elapsed(&was, &here), 0);
}

static void on_another_machine_nothing_is_known_of_their_age(void **state)
{
    (void)state;
    emqxi_timebase was = base(1, 1, HOUR, EMQXI_NO_WALL), here = base(2, 2, HOUR, EMQXI_NO_WALL);
    assert_int_equal(emqxi_timebase_uptime(&was, &here), 0);
    assert_int_equal(emqxi_timebase_elapsed(&was, &here), 0);
}

static void a_machine_without_an_id_is_like_no_other(void **state)
{
    (void)state;
    emqxi_timebase was = base(1, 0, HOUR, EMQXI_NO_WALL), here = base(2, 0, HOUR, EMQXI_NO_WALL);
    assert_int_equal(emqxi_timebase_uptime(&was, &here), 0);
    here.machine[7] = 1;
    assert_int_equal(emqxi_timebase_uptime(&was, &here), 0);
}

static void wall_clocks_that_both_are_trusted_may_make_them_older(void **state)
{
    (void)state;
    static const struct {
        uint8_t machine; /* 1: that of the stamp */
        int64_t was, here, elapsed;
    } cases[] = {
        {1, WALL, WALL + 2 * HOUR, 2 * HOUR - ERROR},
        {2, WALL, WALL + 2 * HOUR, 2 * HOUR - ERROR},
        {1, WALL, WALL + MINUTE, 5 * MINUTE}, /* the boot is older */
        {2, WALL, WALL + ERROR - 1, 0},
        {2, WALL, WALL - HOUR, 0},
        {1, WALL, WALL - HOUR, 5 * MINUTE},
        {2, EMQXI_NO_WALL, WALL, 0},
        {2, WALL, EMQXI_NO_WALL, 0},
        {2, EMQXI_NO_WALL, EMQXI_NO_WALL, 0},
        {2, INT64_MIN + 1, INT64_MAX, INT64_MAX}, /* nonsense, and no overflow */
        {2, INT64_MAX, INT64_MIN + 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        emqxi_timebase was = base(1, 1, HOUR, cases[i].was),
                       here = base(2, cases[i].machine, 5 * MINUTE, cases[i].here);
        assert_int_equal(emqxi_timebase_elapsed(&was, &here), cases[i].elapsed);
    }
}

/* -- who we are -------------------------------------------------------------------------------- */

static uint8_t boot, machine;

static int64_t some_ms(void *context)
{
    (void)context;
    return HOUR;
}

static void some_boot(void *context, unsigned char id[16])
{
    (void)context;
    memset(id, boot, 16);
}

static void some_machine(uint8_t id[16])
{
    memset(id, machine, 16);
}

static bool trusted(const emqx_tls_clock *clock)
{
    (void)clock;
    return true;
}

static const emqxi_host some_host = {some_machine, trusted};

static emqxi_timebase identify(const emqx_tls_clock *clock, const emqxi_host *host)
{
    emqxi_timebase b;
    emqxi_timebase_identify(&b, clock, host);
    assert_int_equal(b.wall_ms, EMQXI_NO_WALL);
    return b;
}

static void a_clock_of_the_callers_tells_its_boot(void **state)
{
    (void)state;
    const emqx_tls_clock clock = {.size = sizeof clock, .now_ms = some_ms, .boot_id = some_boot};
    uint8_t wanted[16];
    boot = 5;
    machine = 6;
    emqxi_timebase b = identify(&clock, &some_host);
    assert_memory_equal(b.boot, memset(wanted, 5, 16), 16);
    assert_memory_equal(b.machine, memset(wanted, 6, 16), 16);
}

/* What it counts from is not known, so nothing that it wrote is comparable later. */
static void a_clock_that_tells_no_boot_is_a_boot_of_its_own(void **state)
{
    (void)state;
    static const uint8_t zeros[16];
    emqx_tls_clock clock = {.size = sizeof clock, .now_ms = some_ms};
    boot = 0;
    machine = 6;
    for (int i = 0; i < 2; i++) {
        emqxi_timebase one = identify(&clock, &some_host), two = identify(&clock, &some_host);
        assert_false(emqxi_timebase_same_boot(&one, &two));
        assert_memory_equal(one.machine, zeros, 16);
        assert_int_equal(emqxi_timebase_elapsed(&one, &two), 0);
        clock.boot_id = some_boot; /* an id of zeros says as little */
    }
}

static void all_processes_of_a_machine_see_the_same(void **state)
{
    (void)state;
    emqxi_timebase one = identify(&emqxi_system_clock, &emqxi_system_host),
                   two = identify(&emqxi_system_clock, &emqxi_system_host);
    assert_memory_equal(&one, &two, sizeof one);
}

static void without_proc_the_machine_stands_for_its_boots(void **state)
{
    (void)state;
    emqx_tls_clock clock = emqxi_system_clock;
    clock.boot_id = some_boot;
    boot = 0;
    machine = 6;
    emqxi_timebase b = identify(&clock, &some_host);
    assert_memory_equal(b.boot, b.machine, 16);
    machine = 7;
    emqxi_timebase other = identify(&clock, &some_host);
    assert_false(emqxi_timebase_same_boot(&b, &other));
}

static void the_machines_id_is_not_shown_as_it_is(void **state)
{
    (void)state;
    uint8_t id[16];
    char text[33] = "", digits[33];
    FILE *file = fopen("/etc/machine-id", "r");
    if (!file || fread(text, 1, 32, file) != 32)
        skip();
    fclose(file);
    emqxi_system_host.machine(id);
    for (size_t i = 0; i < 16; i++)
        snprintf(digits + 2 * i, 3, "%02x", id[i]);
    assert_string_not_equal(digits, text);
    assert_string_not_equal(digits, "00000000000000000000000000000000");
}

static void the_kernels_word_on_the_wall_clock_is_not_about_a_callers_clock(void **state)
{
    (void)state;
    const emqx_tls_clock clock = {.size = sizeof clock};
    assert_false(emqxi_system_host.wall_trusted(&clock));
}

/* The same boot, with another origin of its clock. */
static void another_time_namespace_is_another_machine(void **state)
{
    (void)state;
#ifdef CLONE_NEWTIME
    emqxi_timebase here = identify(&emqxi_system_clock, &emqxi_system_host), there;
    int status, back[2];
    assert_int_equal(pipe(back), 0);
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWTIME) != 0)
            _exit(77);
        pid_t inside = fork(); /* only children are in it */
        if (inside == 0) {
            emqxi_timebase_identify(&there, &emqxi_system_clock, &emqxi_system_host);
            _exit(write(back[1], &there, sizeof there) == (ssize_t)sizeof there ? 0 : 1);
        }
        _exit(waitpid(inside, &status, 0) == inside && status == 0 ? 0 : 1);
    }
    close(back[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* not allowed here */
    assert_int_equal(status, 0);
    assert_int_equal(read(back[0], &there, sizeof there), sizeof there);
    close(back[0]);
    assert_false(emqxi_timebase_same_boot(&here, &there));
    assert_int_equal(emqxi_timebase_uptime(&here, &there), 0);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_a_boot_stamps_are_good_as_they_are),
        cmocka_unit_test(a_clock_that_went_back_makes_them_no_older),
        cmocka_unit_test(after_a_reboot_they_are_as_old_as_the_boot),
        cmocka_unit_test(on_another_machine_nothing_is_known_of_their_age),
        cmocka_unit_test(a_machine_without_an_id_is_like_no_other),
        cmocka_unit_test(wall_clocks_that_both_are_trusted_may_make_them_older),
        cmocka_unit_test(a_clock_of_the_callers_tells_its_boot),
        cmocka_unit_test(a_clock_that_tells_no_boot_is_a_boot_of_its_own),
        cmocka_unit_test(all_processes_of_a_machine_see_the_same),
        cmocka_unit_test(without_proc_the_machine_stands_for_its_boots),
        cmocka_unit_test(the_machines_id_is_not_shown_as_it_is),
        cmocka_unit_test(the_kernels_word_on_the_wall_clock_is_not_about_a_callers_clock),
        cmocka_unit_test(another_time_namespace_is_another_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
