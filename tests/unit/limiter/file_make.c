/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Making the file, and replacing it by a larger one.
 */
#include "support/file_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static emqxi_settings settings;
static emqx_tls_store store;

static emqxi_file *open_locked(void)
{
    emqx_tls_limiter_config config = defaults();
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    assert_int_equal(emqxi_file_open(path, &config, NULL, &store, &settings, NULL), EMQX_TLS_OK);
    assert_true(emqxi_file_lock(store.context));
    return store.context;
}

static void close_locked(emqxi_file *f)
{
    emqxi_file_unlock(f);
    store.destroy(store.context);
}

static void who_makes_it_second_takes_the_first_ones(void **state)
{
    (void)state;
    struct stat first, second;
    emqxi_file *f = open_locked();
    assert_int_equal(stat(path, &first), 0);
    assert_true(emqxi_file_make(f)); /* as by one who did not see it yet */
    assert_int_equal(stat(path, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);
    close_locked(f);
}

static void a_file_that_replaces_another_keeps_its_birth_its_key_and_what_is_told_to(void **state)
{
    (void)state;
    struct stat before, after;
    emqxi_file *f = open_locked();
    const uint64_t cells = 2 * f->disk.cells, key = 77;
    const emqxi_disk was = f->disk;
    uint64_t from[256];
    assert_true(cells <= 256);
    memset(from, 0xff, sizeof from);
    assert_true(emqxi_cell_claim(f, key));
    f->now->logs[0].last_id = 4711;
    from[5] = f->cell;
    assert_true(emqxi_cell_write(f, true));
    assert_int_equal(stat(path, &before), 0);

    assert_true(emqxi_file_replace(f, from, cells));
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino != after.st_ino && after.st_size > before.st_size);
    assert_int_equal(after.st_mode, S_IFREG | 0600);
    assert_int_equal(f->disk.cells, cells);
    assert_memory_equal(f->disk.hash_key, was.hash_key, sizeof was.hash_key);
    assert_memory_equal(&f->disk.born, &was.born, sizeof was.born);
    for (uint64_t cell = 0; cell < cells; cell++) {
        assert_true(emqxi_cell_read(f, cell));
        assert_int_equal(f->now->used, cell == 5);
        assert_int_equal(f->now->logs[0].last_id, cell == 5 ? 4711 : 0);
    }
    close_locked(f);
}

/* It is locked before others can see it: who opens it now waits. */
static void nobody_gets_the_lock_of_the_new_one_before_its_maker_is_done(void **state)
{
    (void)state;
    emqxi_file *f = open_locked();
    uint64_t from[128];
    assert_int_equal(f->disk.cells, 64);
    memset(from, 0xff, sizeof from);
    assert_true(emqxi_file_replace(f, from, 128));
    emqx_tls_limiter_config config = defaults();
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    emqx_tls_store other;
    emqxi_settings same;
    assert_int_equal(emqxi_file_open(path, &config, NULL, &other, &same, NULL), EMQX_TLS_OK);
    emqxi_file *theirs = other.context;
    assert_false(emqxi_file_lock(theirs));
    assert_true(theirs->disk.error.retry_after_ms > 0);
    other.destroy(other.context);
    close_locked(f);
}

static void what_a_killed_one_left_half_made_is_in_nobodys_way(void **state)
{
    (void)state;
    char left[sizeof path + 32];
    emqxi_file *f = open_locked();
    uint64_t from[128];
    memset(from, 0xff, sizeof from);
    snprintf(left, sizeof left, "%s.new-%016x", path, 0);
    close(open(left, O_WRONLY | O_CREAT, 0600));
    assert_true(emqxi_file_replace(f, from, 128));
    assert_int_equal(access(left, F_OK), -1);
    close_locked(f);
}

static void where_it_can_not_be_made_the_message_says_what_its_folder_needs(void **state)
{
    (void)state;
    char sound[sizeof path];
    strcpy(sound, path);
    snprintf(path, sizeof path, "%s/none/quota", folder);
    assert_refused(NULL, "its folder must exist, be writable, and know hard links");
    strcpy(path, sound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(who_makes_it_second_takes_the_first_ones),
        file_test(a_file_that_replaces_another_keeps_its_birth_its_key_and_what_is_told_to),
        file_test(nobody_gets_the_lock_of_the_new_one_before_its_maker_is_done),
        file_test(what_a_killed_one_left_half_made_is_in_nobodys_way),
        file_test(where_it_can_not_be_made_the_message_says_what_its_folder_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
