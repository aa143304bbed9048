/* SPDX-License-Identifier: MIT
 *
 * The quota file as a file: who may make and open it, what it says when it can't be used, what happens when it is deleted,
 * replaced or damaged under an open limiter, after a fork, and with many deployments.
 */
#include "file_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static emqx_tls_error error;

static void assert_refused(const emqx_tls_limiter_config *config, const char *why)
{
    emqx_tls_limiter *limiter;
    emqx_tls_error_init(&error);
    assert_int_equal(file_try_open(config, &limiter, &error), EMQX_TLS_E_STORE);
    assert_null(limiter);
    if (!strstr(error.message, path) || !strstr(error.message, why))
        fail_msg("\"%s\" does not name the path and \"%s\"", error.message, why);
}

static emqx_tls_limiter_config defaults(void)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    config.clock = emqx_tls_test_clock_vtable(timer);
    return config;
}

static void make_file(void)
{
    emqx_tls_limiter_unref(file_open(NULL));
}

static size_t contents(char *data, size_t size)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, data, size);
    close(fd);
    assert_true(n > 0 && (size_t)n < size);
    return (size_t)n;
}

static void write_at(off_t offset, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, data, len, offset), len);
    close(fd);
}

/* -- who may use it ------------------------------------------------------------------------------------------------------- */

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

static void limiters_that_are_open_at_once_share_it(void **state)
{
    (void)state;
    emqx_tls_limiter *one = file_open(NULL), *two = file_open(NULL);
    for (int i = 0; i < 3; i++) {
        use(one, WRITE);
        use(two, WRITE);
    }
    assert_int_equal(used(one, WRITE), 6);
    assert_int_equal(used(two, WRITE), 6);
    emqx_tls_limiter_unref(one);
    emqx_tls_limiter_unref(two);
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
    assert_int_equal(emqx_tls_limiter_open_file(NULL, NULL, &limiter, &error), EMQX_TLS_E_INVALID);
    assert_null(limiter);
    assert_int_equal(emqx_tls_limiter_open_file("", NULL, &limiter, &error), EMQX_TLS_E_INVALID);
    assert_int_equal(emqx_tls_limiter_open_file(path, NULL, NULL, &error), EMQX_TLS_E_INVALID);
}

/* -- settings ------------------------------------------------------------------------------------------------------------ */

static void other_settings_are_refused_and_both_are_named(void **state)
{
    (void)state;
    emqx_tls_limiter_config config = defaults();
    config.writes = 11;
    make_file();
    assert_refused(&config, "writes 6");
    assert_non_null(strstr(error.message, "60, 11,"));
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
    assert_int_equal(emqx_tls_limiter_open_file(path, NULL, &limiter, &error), EMQX_TLS_OK);
    assert_int_equal(emqx_tls_limiter_query(limiter, WRITE, NULL, &quota, &error), EMQX_TLS_OK);
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
    assert_int_equal(emqx_tls_limiter_open_file("quota", NULL, &limiter, &error), EMQX_TLS_OK);
    assert_int_equal(chdir("/"), 0);
    use(limiter, WRITE);
    assert_int_equal(access("/quota", F_OK), -1);
    emqx_tls_limiter_unref(limiter);
    assert_int_equal(emqx_tls_limiter_open_file(path, NULL, &limiter, &error), EMQX_TLS_OK);
    assert_int_equal(used(limiter, WRITE), 1);
    emqx_tls_limiter_unref(limiter);
    assert_int_equal(chdir(before), 0);
}

/* -- damage ------------------------------------------------------------------------------------------------------------- */

static void assert_unusable(emqx_tls_limiter *limiter)
{
    emqxi_reserve r;
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    for (uint32_t op = READ; op <= WRITE; op++) {
        assert_int_equal(reserve(limiter, op, "d1", &r, &error), EMQX_TLS_E_STORE);
        assert_non_null(strstr(error.message, path));
        assert_non_null(strstr(error.message, "delete it"));
    }
    assert_int_equal(emqx_tls_limiter_query(limiter, READ, NULL, &quota, &error), EMQX_TLS_E_STORE);
}

/* What xxhsum -H64 says of the bytes 0, 1, 2... */
static void checksums_are_those_of_xxhsum(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t checksum;
    } known[] = {{0, 0xef46db3751d8e999u},  {8, 0x884a173614b81b8du},  {24, 0xdd14a0292632be9bu},
                 {32, 0xcbf59c5116ff32b4u}, {40, 0xf5da40f1b11741e9u}, {104, 0x328f94ac87d4d851u}};
    char data[104];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)i;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(emqxi_checksum(0, data, known[i].len), known[i].checksum);
}

/* The reservation is in the 2nd record, synced, its answer in the 3rd. */
static void every_flipped_byte_of_the_newest_record_is_made_up_for_by_another(void **state)
{
    (void)state;
    static char sound[5 * EMQXI_FILE_BLOCK];
    emqx_tls_limiter *limiter = file_open(NULL);
    use(limiter, WRITE);
    contents(sound, sizeof sound);
    size_t length = sizeof(emqxi_record) + (60 + 6) * sizeof(emqxi_slot);
    for (size_t i = 3 * EMQXI_FILE_BLOCK; i < 3 * EMQXI_FILE_BLOCK + length; i++) {
        char wrong = (char)(sound[i] ^ 1);
        write_at((off_t)i, &wrong, 1);
        assert_int_equal(used(limiter, WRITE), 1);
        write_at((off_t)i, &sound[i], 1);
    }
    memset(sound, 0, sizeof sound);
    write_at(3 * EMQXI_FILE_BLOCK + sizeof(emqxi_record), sound, 66 * sizeof(emqxi_slot));
    assert_int_equal(used(limiter, WRITE), 1);
    use(limiter, WRITE);
    assert_int_equal(used(limiter, WRITE), 2);
    emqx_tls_limiter_unref(limiter);
}

static void a_file_without_a_good_record_is_never_an_empty_quota(void **state)
{
    (void)state;
    static const char zeros[EMQXI_FILE_BLOCK];
    emqx_tls_limiter *limiter = file_open(NULL);
    use(limiter, WRITE);
    for (int i = 1; i <= EMQXI_RECORDS; i++)
        write_at(i * EMQXI_FILE_BLOCK, zeros, sizeof zeros);
    assert_unusable(limiter);
    emqx_tls_limiter_unref(limiter);
    limiter = file_open(NULL);
    assert_unusable(limiter);
    emqx_tls_limiter_unref(limiter);
}

static void every_flipped_byte_of_the_header_is_noticed(void **state)
{
    (void)state;
    char sound[EMQXI_FILE_BLOCK * 5];
    make_file();
    contents(sound, sizeof sound);
    for (off_t i = 0; i < 64; i++) {
        char wrong = (char)(sound[i] ^ 4);
        write_at(i, &wrong, 1);
        assert_refused(NULL, i < 8 || i >= 12 ? "delete it" : "newer library");
        write_at(i, &sound[i], 1);
    }
}

static void a_file_that_is_cut_or_empty_is_refused(void **state)
{
    (void)state;
    static const off_t sizes[] = {0, 1, 50, EMQXI_FILE_BLOCK, 4 * EMQXI_FILE_BLOCK - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        make_file();
        assert_int_equal(truncate(path, sizes[i]), 0);
        assert_refused(NULL, "delete it");
        unlink(path);
    }
    emqx_tls_limiter *limiter = file_open(NULL);
    assert_int_equal(truncate(path, 2 * EMQXI_FILE_BLOCK), 0);
    assert_unusable(limiter);
    emqx_tls_limiter_unref(limiter);
}

static void a_damaged_file_works_again_once_it_is_deleted(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    assert_int_equal(truncate(path, 10), 0);
    assert_unusable(limiter);
    unlink(path);
    use(limiter, WRITE);
    assert_int_equal(used(limiter, WRITE), 1);
    emqx_tls_limiter_unref(limiter);
}

/* -- deleted, replaced, forked ---------------------------------------------------------------------------------------------- */

static void a_file_deleted_under_an_open_limiter_is_made_again_and_shared(void **state)
{
    (void)state;
    emqx_tls_limiter *old = file_open(NULL);
    use(old, WRITE);
    unlink(path);
    emqx_tls_limiter *new = file_open(NULL);
    use(new, WRITE);
    use(new, WRITE);
    assert_int_equal(used(old, WRITE), 2);
    use(old, WRITE);
    assert_int_equal(used(new, WRITE), 3);
    emqx_tls_limiter_unref(old);
    emqx_tls_limiter_unref(new);
}

static void a_ticket_of_a_deleted_file_changes_nothing_in_its_successor(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_reserve before, after;
    assert_int_equal(reserve(limiter, WRITE, "d1", &before, &error), EMQX_TLS_OK);
    unlink(path);
    assert_int_equal(reserve(limiter, WRITE, "d1", &after, &error), EMQX_TLS_OK);
    emqxi_limiter_settle(limiter, before.ticket, EMQX_TLS_OUTCOME_NOT_SENT, -1, 0, &error);
    assert_int_equal(used(limiter, WRITE), 1);
    emqx_tls_limiter_unref(limiter);
}

static void a_file_replaced_by_one_with_other_settings_is_refused(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqx_tls_limiter_config config = defaults();
    emqxi_reserve r;
    config.writes = 7;
    unlink(path);
    emqx_tls_limiter_unref(file_open(&config));
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "writes 7"));
    emqx_tls_limiter_unref(limiter);
}

static void in_child(void (*run)(void *), void *context)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        run(context);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void reserve_in_child(void *limiter)
{
    emqxi_reserve r;
    if (reserve(limiter, WRITE, "d1", &r, &error) != EMQX_TLS_OK || !r.granted)
        _exit(1);
}

static void a_child_uses_its_parents_limiter(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    use(limiter, WRITE);
    in_child(reserve_in_child, limiter);
    assert_int_equal(used(limiter, WRITE), 2);
    emqx_tls_limiter_unref(limiter);
}

static void lock_in_child(void *file)
{
    emqx_tls_error_init(&error);
    if (emqxi_file_lock(file, &error) == EMQX_TLS_OK || error.retry_after_ms < 0)
        _exit(1);
}

/* On the parent's descriptor the child would be given the lock that the parent has. */
static void a_lock_of_the_parent_is_not_the_childs(void **state)
{
    (void)state;
    emqx_tls_store store;
    emqxi_settings settings;
    assert_int_equal(emqxi_file_open(path, NULL, NULL, &store, &settings, &error), EMQX_TLS_OK);
    assert_int_equal(emqxi_file_lock(store.context, &error), EMQX_TLS_OK);
    in_child(lock_in_child, store.context);
    emqxi_file_unlock(store.context);
    store.destroy(store.context);
}

/* -- locked ------------------------------------------------------------------------------------------------------------------ */

static int lock_file(void)
{
    int fd = open(path, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    return fd;
}

static void a_locked_file_is_busy_and_told_when_to_look_again(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_reserve r;
    int fd = lock_file();
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_OK);
    assert_false(r.granted);
    assert_true(r.busy);
    assert_in_range(r.look_again_ms, 1, 50);
    close(fd);
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_OK);
    assert_true(r.granted);
    emqx_tls_limiter_unref(limiter);
}

static void a_file_that_stays_locked_ends_settling_and_queries_with_store(void **state)
{
    (void)state;
    emqx_tls_limiter *limiter = file_open(NULL);
    emqxi_reserve r;
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    assert_int_equal(reserve(limiter, WRITE, "d1", &r, &error), EMQX_TLS_OK);
    int fd = lock_file();
    int64_t before = emqx_tls_test_clock_now(timer);
    assert_int_equal(emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 500, &error),
                     EMQX_TLS_E_STORE);
    assert_int_equal(emqx_tls_test_clock_now(timer) - before, 500);
    assert_int_equal(emqx_tls_limiter_query(limiter, WRITE, NULL, &quota, &error), EMQX_TLS_E_STORE);
    assert_non_null(strstr(error.message, "locked by another process"));
    close(fd);
    emqx_tls_limiter_unref(limiter);
}

/* -- many deployments ----------------------------------------------------------------------------------------------------- */

static void take(emqx_tls_limiter *limiter, uint32_t op, unsigned deployment, bool granted)
{
    char name[32];
    emqxi_reserve r;
    snprintf(name, sizeof name, "deployment-%u", deployment);
    emqx_tls_code code = reserve(limiter, op, name, &r, &error);
    if (code == EMQX_TLS_E_STORE)
        fail_msg("%s", error.message);
    assert_int_equal(r.granted, granted);
}

static void every_deployment_keeps_its_quota_while_the_file_grows(void **state)
{
    (void)state;
    enum { DEPLOYMENTS = 3000 };
    emqx_tls_limiter_config config = defaults();
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    config.reads = 2;
    config.writes = 2;
    emqx_tls_limiter *limiter = file_open(&config), *other = file_open(&config);
    for (unsigned i = 0; i < DEPLOYMENTS; i++) {
        take(i % 2 ? limiter : other, WRITE, i, true);
        take(i % 3 ? limiter : other, WRITE, i, true);
    }
    for (unsigned i = 0; i < DEPLOYMENTS; i++) {
        take(limiter, WRITE, i, false);
        take(other, READ, i, true);
    }
    emqx_tls_limiter_unref(limiter);
    emqx_tls_limiter_unref(other);
}

static void the_file_of_many_deployments_does_not_grow_where_old_ones_are_idle(void **state)
{
    (void)state;
    struct stat first, last;
    emqx_tls_limiter_config config = defaults();
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    emqx_tls_limiter *limiter = file_open(&config);
    for (unsigned i = 0; i < 2000; i++) {
        take(limiter, READ, i, true);
        if (i == 20)
            stat(path, &first);
        emqx_tls_test_clock_advance(timer, HELD_MS / 10); /* some 11 are in use at any time */
    }
    stat(path, &last);
    assert_int_equal(last.st_size, first.st_size);
    emqx_tls_limiter_unref(limiter);
}

static void no_deployments_name_is_in_the_file(void **state)
{
    (void)state;
    static char data[1 << 20];
    emqx_tls_limiter_config config = defaults();
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    emqx_tls_limiter *limiter = file_open(&config);
    take(limiter, WRITE, 4711, true);
    size_t n = contents(data, sizeof data);
    assert_null(memmem(data, n, "deployment-4711", 10));
    assert_null(memmem(data, n, "4711", 4));
    emqx_tls_limiter_unref(limiter);
}

/* -- memory and disk ----------------------------------------------------------------------------------------------------------- */

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
        emqx_tls_code code = file_try_open(&config, &limiter, &error);
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
        file_test(limiters_that_are_open_at_once_share_it),
        file_test(symbolic_links_folders_and_devices_are_refused),
        file_test(a_file_of_another_user_is_refused),
        file_test(a_file_that_others_can_write_is_refused),
        file_test(a_missing_folder_is_said),
        file_test(a_null_or_empty_path_is_invalid),
        file_test(other_settings_are_refused_and_both_are_named),
        file_test(without_a_config_the_files_own_settings_count),
        file_test(a_relative_path_means_the_same_file_after_a_chdir),
        file_test(checksums_are_those_of_xxhsum),
        file_test(every_flipped_byte_of_the_newest_record_is_made_up_for_by_another),
        file_test(a_file_without_a_good_record_is_never_an_empty_quota),
        file_test(every_flipped_byte_of_the_header_is_noticed),
        file_test(a_file_that_is_cut_or_empty_is_refused),
        file_test(a_damaged_file_works_again_once_it_is_deleted),
        file_test(a_file_deleted_under_an_open_limiter_is_made_again_and_shared),
        file_test(a_ticket_of_a_deleted_file_changes_nothing_in_its_successor),
        file_test(a_file_replaced_by_one_with_other_settings_is_refused),
        file_test(a_child_uses_its_parents_limiter),
        file_test(a_lock_of_the_parent_is_not_the_childs),
        file_test(a_locked_file_is_busy_and_told_when_to_look_again),
        file_test(a_file_that_stays_locked_ends_settling_and_queries_with_store),
        file_test(every_deployment_keeps_its_quota_while_the_file_grows),
        file_test(the_file_of_many_deployments_does_not_grow_where_old_ones_are_idle),
        file_test(no_deployments_name_is_in_the_file),
        file_test(every_allocation_that_fails_is_no_memory_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
