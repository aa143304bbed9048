/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The quota file as a file: who may make and open it, whose settings count, and what it says when
 * it can't be used.
 */
#include "support/file_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static emqxi_error error;

static void a_new_file_is_the_users_alone(void **state)
{
    (void)state;
    struct stat s;
    mode_t before = umask(0);
    make_file();
    umask(before);
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode, S_IFREG | 0600);
}

static void what_one_process_used_the_next_one_sees(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        file_use(WRITE);
    file_use(READ);
    assert_int_equal(file_used(WRITE), 6);
    assert_int_equal(file_used(READ), 1);
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_reserve r;
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_E_RATE_LIMITED);
    assert_int_equal(error.retry_after_ms, HELD_MS);
    emqx_tls_limiter_unref(limiter);
}

static void symbolic_links_folders_and_devices_are_refused(void **state)
{
    (void)state;
    char target[160];
    snprintf(target, sizeof target, "%s.target", path);
    assert_int_equal(symlink(target, path), 0);
    assert_refused(NULL, "symbolic link");
    assert_int_equal(access(target, F_OK), -1); /* nor made through it */
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(NULL, "regular file");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(NULL, "directory");
    rmdir(path);
}

static void a_file_of_another_user_is_refused(void **state)
{
    (void)state;
    make_file();
    if (chown(path, geteuid() + 1, (gid_t)-1) != 0)
        skip(); /* needs root */
    assert_refused(NULL, "belongs to user");
}

static void a_file_that_others_can_write_is_refused(void **state)
{
    (void)state;
    make_file();
    chmod(path, 0620);
    assert_refused(NULL, "chmod 600");
}

static void a_missing_folder_is_said(void **state)
{
    (void)state;
    char sound[sizeof path];
    strcpy(sound, path);
    strcpy(path + strlen(folder), "/none/quota");
    assert_refused(NULL, "folder");
    strcpy(path, sound);
}

static void a_null_or_empty_path_is_invalid(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = (void *)1;
    assert_int_equal(emqx_tls_limiter_open_file(NULL, NULL, &limiter, NULL), EMQX_TLS_E_INVALID);
    assert_null(limiter);
    assert_int_equal(emqx_tls_limiter_open_file("", NULL, &limiter, NULL), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_open_file(path, NULL, NULL, NULL), EMQX_TLS_E_INVALID);
}

static void other_settings_are_refused_and_both_are_named(void **state)
{
    (void)state;
    emqx_tls_limiter_config config = defaults();
    config.writes = 11;
    make_file();
    assert_refused(&config, "writes 6");
    assert_refused(&config, "60, 11,");
    config = defaults();
    config.window_ms = 7000;
    assert_refused(&config, "7000");
    config = defaults();
    config.flags = EMQX_TLS_PER_METHOD;
    assert_refused(&config, "0x1");
}

static void without_a_config_the_files_own_settings_count(void **state)
{
    (void)state;
    emqx_tls_limiter_config config = defaults();
    config.reads = 200;
    config.writes = 20;
    config.flags = EMQX_TLS_PER_METHOD;
    emqx_tls_limiter_unref(file_open(&config));
    emqx_tls_limiter *limiter;
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    assert_int_equal(emqx_tls_limiter_open_file(path, NULL, &limiter, NULL), EMQX_TLS_OK);
    assert_int_equal(emqx_tls_limiter_query(limiter, WRITE, NULL, &quota, NULL), EMQX_TLS_OK);
    assert_int_equal(quota.limit, 20);
    emqx_tls_limiter_unref(limiter);
}

static void a_relative_path_means_the_same_file_after_a_chdir(void **state)
{
    (void)state;
    char before[512];
    emqx_tls_limiter *limiter;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(emqx_tls_limiter_open_file("quota", NULL, &limiter, NULL), EMQX_TLS_OK);
    assert_int_equal(chdir("/"), 0);
    use(limiter, WRITE);
    assert_int_equal(access("/quota", F_OK), -1);
    emqx_tls_limiter_unref(limiter);
    assert_int_equal(emqx_tls_limiter_open_file(path, NULL, &limiter, NULL), EMQX_TLS_OK);
    assert_int_equal(used(limiter, WRITE), 1);
    emqx_tls_limiter_unref(limiter);
    assert_int_equal(chdir(before), 0);
}

static void the_file_is_never_stdin_stdout_or_stderr(void **state)
{
    (void)state;
    int sound = dup(STDIN_FILENO);
    close(STDIN_FILENO);
    emqx_tls_limiter *limiter = file_open(NULL);
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
    dup2(sound, STDIN_FILENO);
    close(sound);
    emqx_tls_limiter_unref(limiter);
}

static void every_allocation_that_fails_is_no_memory_and_leaks_nothing(void **state)
{
    (void)state;
    emqx_tls_test_allocator *watch = emqx_tls_test_allocator_new();
    emqx_tls_limiter_config config = defaults();
    config.allocator = emqx_tls_test_allocator_vtable(watch);
    for (size_t i = 1;; i++) {
        emqx_tls_limiter *limiter;
        unlink(path);
        emqx_tls_test_allocator_fail(watch, i, 0);
        emqx_tls_code code = file_try_open(&config, &limiter, NULL);
        if (!emqx_tls_test_allocator_failed(watch)) {
            assert_int_equal(code, EMQX_TLS_OK);
            assert_true(i > 4);
            emqx_tls_limiter_unref(limiter);
            break;
        }
        assert_int_equal(code, EMQX_TLS_E_NO_MEMORY);
        assert_int_equal(emqx_tls_test_allocator_live(watch), 0);
    }
    assert_null(emqx_tls_test_allocator_problem(watch));
    emqx_tls_test_allocator_free(watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(a_new_file_is_the_users_alone),
        file_test(what_one_process_used_the_next_one_sees),
        file_test(symbolic_links_folders_and_devices_are_refused),
        file_test(a_file_of_another_user_is_refused),
        file_test(a_file_that_others_can_write_is_refused),
        file_test(a_missing_folder_is_said),
        file_test(a_null_or_empty_path_is_invalid),
        file_test(other_settings_are_refused_and_both_are_named),
        file_test(without_a_config_the_files_own_settings_count),
        file_test(a_relative_path_means_the_same_file_after_a_chdir),
        file_test(the_file_is_never_stdin_stdout_or_stderr),
        file_test(every_allocation_that_fails_is_no_memory_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
