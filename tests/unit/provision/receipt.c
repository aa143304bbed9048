/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The receipt's file: whole or not there, ours or refused, locked against a second one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"
#include "provision/receipt_file.h"

static char folder[64];
static emqxi_receipt_file file;
static emqxi_error error;

/* -- a file system that has nothing to sync in folders ------------------------------------------ */

static bool folders_sync = true;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    struct stat s;
    if (folders_sync || fstat(fd, &s) != 0 || !S_ISDIR(s.st_mode))
        return __real_fsync(fd);
    errno = EINVAL;
    return -1;
}

static int set_up(void **state)
{
    (void)state;
    emqxi_error_clear(&error);
    return folder_make(folder, "receipt") && emqxi_receipt_open(&file, &emqxi_malloc, folder,
                                                                "ge6a1a75", &error) == EMQX_TLS_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    emqxi_receipt_close(&file);
    folder_remove(folder);
    return 0;
}

static emqxi_receipt sample(void)
{
    emqxi_receipt r = {
        .state = EMQXI_RECEIPT_DONE,
        .identity = {.type = EMQX_TLS_TYPE_TWO_WAY, .readable = true, .not_after = 1931913600},
        .before = EMQXI_BEFORE_ALIKE,
        .was = "2030-01-01",
        .time_s = 1767225600,
        .lease_s = 30,
        .zone_known = true,
        .zone_s = -5 * 3600 - 1800};
    memset(r.identity.chain_sha256, 0x5a, 32);
    memset(r.identity.spki_sha256, 0xff, 32);
    return r;
}

static void path_of(const char *ending, char to[256])
{
    snprintf(to, 256, "%s/%s%s", folder, file.name, ending);
}

static void save(const emqxi_receipt *r)
{
    if (emqxi_receipt_save(&file, r, &error) != EMQX_TLS_OK)
        fail_msg("%s", error.message);
}

static void put_text(const char *text, size_t len)
{
    char path[256];
    path_of(".json", path);
    unlink(path);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
}

static bool loads_damaged(emqxi_receipt *r)
{
    bool damaged;
    assert_int_equal(emqxi_receipt_load(&file, r, &damaged, &error), EMQX_TLS_OK);
    return damaged;
}

static void what_was_saved_is_loaded(void **state)
{
    (void)state;
    emqxi_receipt r = sample(), back;
    save(&r);
    assert_false(loads_damaged(&back));
    assert_memory_equal(&back, &r, sizeof r);
    r.state = EMQXI_RECEIPT_INTENT;
    r.identity.type = EMQX_TLS_TYPE_ONE_WAY;
    r.before = EMQXI_BEFORE_ALIKE_UNFINISHED;
    memset(r.was, 0, sizeof r.was);
    r.zone_known = false;
    r.zone_s = 0;
    save(&r);
    assert_false(loads_damaged(&back));
    assert_memory_equal(&back, &r, sizeof r);
}

static void none_is_none(void **state)
{
    (void)state;
    emqxi_receipt r = sample();
    assert_false(loads_damaged(&r));
    assert_int_equal(r.state, EMQXI_RECEIPT_NONE);
    r = sample();
    save(&r);
    r.state = EMQXI_RECEIPT_NONE;
    save(&r);
    save(&r); /* what is not there can be taken away too */
    assert_false(loads_damaged(&r));
    assert_int_equal(r.state, EMQXI_RECEIPT_NONE);
}

static void the_file_is_for_its_user_alone(void **state)
{
    (void)state;
    char path[256];
    struct stat s;
    emqxi_receipt r = sample();
    mode_t old = umask(0);
    save(&r);
    umask(old);
    path_of(".json", path);
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 07777, 0600);
    assert_memory_equal(file.name, "ge6a1a75-", 9);
}

static void every_id_has_a_name_of_its_own_in_the_folder(void **state)
{
    (void)state;
    char ids[7][160] = {"a", "A", "a/b", "a_b", "../../etc/passwd", "\xff\xfe"};
    char names[7][96];
    memset(ids[6], 'x', 128);
    for (size_t i = 0; i < 7; i++) {
        emqxi_receipt_file one;
        emqxi_receipt r = sample(), back;
        bool damaged;
        assert_int_equal(emqxi_receipt_open(&one, &emqxi_malloc, folder, ids[i], &error),
                         EMQX_TLS_OK);
        assert_null(strpbrk(one.name, "/."));
        assert_int_equal(emqxi_receipt_save(&one, &r, &error), EMQX_TLS_OK);
        assert_int_equal(emqxi_receipt_load(&one, &back, &damaged, &error), EMQX_TLS_OK);
        assert_false(damaged);
        strcpy(names[i], one.name);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(names[i], names[k]);
        emqxi_receipt_close(&one);
    }
}

/* -- damage ------------------------------------------------------------------------------------ */

static void whatever_is_cut_off_it_is_damaged(void **state)
{
    (void)state;
    char text[4096];
    emqxi_receipt r = sample(), back;
    size_t len = emqxi_receipt_encode(&r, file.name, text, sizeof text);
    assert_true(len > 100);
    for (size_t cut = 0; cut < len; cut++)
        assert_false(emqxi_receipt_decode(text, cut, file.name, &back));
    assert_true(emqxi_receipt_decode(text, len, file.name, &back));
}

/* A byte that flips can make another fingerprint, which matches nothing, but never the wanted one
 * done. */
static void a_flipped_byte_never_makes_it_more_certain(void **state)
{
    (void)state;
    char text[4096];
    emqxi_receipt r = sample(), back;
    r.state = EMQXI_RECEIPT_INTENT;
    size_t len = emqxi_receipt_encode(&r, file.name, text, sizeof text);
    for (size_t at = 0; at < len; at++)
        for (int bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ (1 << bit));
            if (emqxi_receipt_decode(text, len, file.name, &back))
                assert_int_equal(back.state, EMQXI_RECEIPT_INTENT);
            else
                assert_int_equal(back.state, EMQXI_RECEIPT_NONE);
            text[at] = (char)(text[at] ^ (1 << bit));
        }
}

static void what_is_no_receipt_of_this_deployment_is_damaged(void **state)
{
    (void)state;
    static char big[20000];
    char text[4096], *at;
    emqxi_receipt r = sample(), back;
    put_text("", 0);
    assert_true(loads_damaged(&back));
    put_text("{}", 2);
    assert_true(loads_damaged(&back));
    memset(big, ' ', sizeof big);
    put_text(big, sizeof big);
    assert_true(loads_damaged(&back));
    put_text(text, emqxi_receipt_encode(&r, "other-00", text, sizeof text));
    assert_true(loads_damaged(&back));
    size_t len = emqxi_receipt_encode(&r, file.name, text, sizeof text - 1);
    text[len] = '\0';
    at = strstr(text, "\"version\": 1");
    assert_non_null(at);
    at[strlen("\"version\": ")] = '2';
    put_text(text, len);
    assert_true(loads_damaged(&back));
    assert_int_equal(back.state, EMQXI_RECEIPT_NONE);
}

/* Whatever stands there is used in sums. */
static void numbers_that_no_receipt_has_are_damage(void **state)
{
    (void)state;
    static const int64_t no_times[] = {INT64_MIN, INT64_MAX, -INT64_C(1000000000000),
                                       INT64_C(1000000000000)};
    emqxi_receipt back;
    for (size_t i = 0; i < 4; i++) {
        emqxi_receipt r = sample();
        r.time_s = no_times[i];
        save(&r);
        assert_true(loads_damaged(&back));
        r = sample();
        r.lease_s = no_times[i];
        save(&r);
        assert_true(loads_damaged(&back));
        r = sample();
        r.identity.not_after = no_times[i];
        save(&r);
        assert_true(loads_damaged(&back));
    }
}

/* -- crashes ----------------------------------------------------------------------------------- */

static void what_a_crash_left_of_a_new_one_does_not_matter(void **state)
{
    (void)state;
    char path[256];
    emqxi_receipt r = sample(), back;
    save(&r);
    path_of(".new", path);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "{\"versi", 7), 7);
    close(fd);
    assert_false(loads_damaged(&back));
    assert_memory_equal(&back, &r, sizeof r);
    r.state = EMQXI_RECEIPT_INTENT;
    save(&r);
    assert_false(loads_damaged(&back));
    assert_int_equal(back.state, EMQXI_RECEIPT_INTENT);
    assert_int_equal(access(path, F_OK), -1);
}

static void one_that_can_not_be_written_leaves_the_old_one(void **state)
{
    (void)state;
    struct rlimit old, none;
    emqxi_receipt r = sample(), back;
    save(&r);
    r.state = EMQXI_RECEIPT_INTENT;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    none = old;
    none.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &none);
    emqx_tls_code code = emqxi_receipt_save(&file, &r, &error);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(code, EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, folder));
    assert_false(loads_damaged(&back));
    assert_int_equal(back.state, EMQXI_RECEIPT_DONE);
}

/* -- what is not ours -------------------------------------------------------------------------- */

static void refuse_load(const char *what)
{
    emqxi_receipt r;
    bool damaged;
    if (emqxi_receipt_load(&file, &r, &damaged, &error) != EMQX_TLS_E_STORE)
        fail_msg("%s was read", what);
    assert_int_equal(r.state, EMQXI_RECEIPT_NONE);
}

static void a_file_that_is_not_its_users_alone_is_refused(void **state)
{
    (void)state;
    char path[256], other[256];
    emqxi_receipt r = sample();
    bool busy;
    path_of(".json", path);
    snprintf(other, sizeof other, "%s/other", folder);
    save(&r);
    chmod(path, 0620);
    refuse_load("one that the group may write");
    chmod(path, 0600);
    rename(path, other);
    assert_int_equal(symlink(other, path), 0);
    refuse_load("a symbolic link");
    unlink(path);
    mkdir(path, 0700);
    refuse_load("a folder");
    assert_int_equal(emqxi_receipt_save(&file, &r, &error), EMQX_TLS_E_STORE);
    rmdir(path);
    mkfifo(path, 0600);
    refuse_load("a pipe");
    unlink(path);
    path_of(".lock", path);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(emqxi_receipt_lock(&file, &busy, &error), EMQX_TLS_E_STORE);
    unlink(path);
    path_of(".new", path);
    assert_int_equal(symlink(other, path), 0);
    save(&r); /* it is removed, not followed */
    assert_int_equal(lstat(other, &(struct stat){0}), 0);
    if (geteuid() != 0)
        return;
    path_of(".json", path);
    assert_int_equal(chown(path, 12345, 12345), 0);
    refuse_load("another user's");
}

static void a_folder_that_others_may_write_to_is_refused(void **state)
{
    (void)state;
    emqxi_receipt_file one;
    assert_int_equal(emqxi_receipt_open(&one, &emqxi_malloc, "/nonexistent/receipts", "d1", &error),
                     EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "/nonexistent/receipts"));
    chmod(folder, 0777);
    assert_int_equal(emqxi_receipt_open(&one, &emqxi_malloc, folder, "d1", &error),
                     EMQX_TLS_E_STORE);
    chmod(folder, 01777); /* as /tmp: nobody can take away or put in place another's file */
    assert_int_equal(emqxi_receipt_open(&one, &emqxi_malloc, folder, "d1", &error), EMQX_TLS_OK);
    emqxi_receipt_close(&one);
    chmod(folder, 0700);
}

static void a_folder_that_has_nothing_to_sync_will_do(void **state)
{
    (void)state;
    emqxi_receipt r = sample(), back;
    bool damaged;
    folders_sync = false;
    emqx_tls_code saved = emqxi_receipt_save(&file, &r, &error);
    emqx_tls_code loaded = emqxi_receipt_load(&file, &back, &damaged, &error);
    r.state = EMQXI_RECEIPT_NONE;
    emqx_tls_code removed = emqxi_receipt_save(&file, &r, &error);
    folders_sync = true;
    assert_int_equal(saved, EMQX_TLS_OK);
    assert_int_equal(loaded, EMQX_TLS_OK);
    assert_int_equal(back.state, EMQXI_RECEIPT_DONE);
    assert_int_equal(removed, EMQX_TLS_OK);
}

/* -- lock -------------------------------------------------------------------------------------- */

static bool second_is_busy(void)
{
    emqxi_receipt_file second;
    bool busy;
    assert_int_equal(emqxi_receipt_open(&second, &emqxi_malloc, folder, "ge6a1a75", &error),
                     EMQX_TLS_OK);
    assert_int_equal(emqxi_receipt_lock(&second, &busy, &error), EMQX_TLS_OK);
    emqxi_receipt_close(&second);
    return busy;
}

static void a_second_one_is_kept_out_until_the_first_lets_go(void **state)
{
    (void)state;
    bool busy;
    assert_int_equal(emqxi_receipt_lock(&file, &busy, &error), EMQX_TLS_OK);
    assert_false(busy);
    assert_true(second_is_busy());
    emqxi_receipt_close(&file);
    emqxi_receipt_close(&file);
    assert_false(second_is_busy());
}

static void one_that_dies_lets_go(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        bool busy;
        emqxi_receipt_lock(&file, &busy, &error);
        (void)!write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_true(second_is_busy());
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_false(second_is_busy());
    close(ready[0]);
    close(ready[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_saved_is_loaded),
        TEST(none_is_none),
        TEST(the_file_is_for_its_user_alone),
        TEST(every_id_has_a_name_of_its_own_in_the_folder),
        TEST(whatever_is_cut_off_it_is_damaged),
        TEST(a_flipped_byte_never_makes_it_more_certain),
        TEST(what_is_no_receipt_of_this_deployment_is_damaged),
        TEST(numbers_that_no_receipt_has_are_damage),
        TEST(what_a_crash_left_of_a_new_one_does_not_matter),
        TEST(one_that_can_not_be_written_leaves_the_old_one),
        TEST(a_file_that_is_not_its_users_alone_is_refused),
        TEST(a_folder_that_others_may_write_to_is_refused),
        TEST(a_folder_that_has_nothing_to_sync_will_do),
        TEST(a_second_one_is_kept_out_until_the_first_lets_go),
        TEST(one_that_dies_lets_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
