/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * How a cell is read and written: which of its three records counts, and which is never written
 * over. What that is worth when the power goes is file_power.c's.
 */
#include "support/file_rig.h"

#include <fcntl.h>
#include <unistd.h>

static emqx_tls_store store;
static emqxi_file *file;

static int open_file(void **state)
{
    emqxi_settings settings;
    emqx_tls_limiter_config config;
    if (file_rig_set_up(state) != 0)
        return -1;
    config = defaults();
    if (emqxi_file_open(path, &config, NULL, &store, &settings, NULL) != EMQX_TLS_OK)
        return -1;
    file = store.context;
    return emqxi_file_lock(file) && emqxi_cell_read(file, 0) ? 0 : -1;
}

static int close_file(void **state)
{
    emqxi_file_unlock(file);
    store.destroy(store.context);
    return file_rig_tear_down(state);
}

static emqxi_file_record on_disk(uint32_t place)
{
    emqxi_file_record r;
    int fd = open(path, O_RDONLY);
    off_t at = EMQXI_FILE_BLOCK + place * (off_t)file->disk.record_size;
    assert_int_equal(pread(fd, &r, sizeof r, at), sizeof r);
    close(fd);
    return r;
}

static void write_cell(bool sync)
{
    assert_true(emqxi_cell_read(file, 0));
    assert_true(emqxi_cell_write(file, sync));
}

static uint32_t place_with(uint64_t sequence)
{
    uint32_t place = 0;
    while (on_disk(place).sequence != sequence)
        assert_true(++place < EMQXI_RECORDS);
    return place;
}

/* The first record has number 1 and is synced. */
static void the_newest_and_the_last_synced_record_are_never_written_over(void **state)
{
    (void)state;
    uint64_t synced = 1;
    for (uint64_t sequence = 2; sequence < 60; sequence++) {
        bool sync = sequence % 5 == 0;
        uint32_t newest = place_with(sequence - 1), last_synced = place_with(synced);
        write_cell(sync);
        uint32_t place = place_with(sequence);
        assert_true(place != newest && place != last_synced);
        synced = sync ? sequence : synced;
        assert_int_equal(on_disk(place).synced, synced);
        assert_int_equal(file->newest, place);
    }
}

static void after_a_sync_no_older_record_is_taken_for_the_last_synced_one(void **state)
{
    (void)state;
    for (uint64_t sequence = 2; sequence < 10; sequence++) {
        write_cell(true);
        for (uint32_t place = 0; place < EMQXI_RECORDS; place++) {
            emqxi_file_record r = on_disk(place);
            assert_int_equal(r.sequence != 0 && r.synced == r.sequence, r.sequence == sequence);
        }
    }
}

/* Our own record needs no checksum as long as it stands there as we wrote it. */
static void what_was_changed_behind_our_back_is_not_taken_for_ours(void **state)
{
    (void)state;
    emqxi_settings settings;
    emqx_tls_store other;
    const emqx_tls_limiter_config config = defaults();
    write_cell(true);
    write_cell(false);
    uint32_t newest = file->newest;
    off_t at = EMQXI_FILE_BLOCK + newest * (off_t)file->disk.record_size +
               (off_t)offsetof(emqxi_file_record, logs);
    emqxi_file_record r = on_disk(newest);
    r.logs[1].passed ^= 1;
    assert_int_equal(pwrite(file->disk.fd, r.logs, sizeof r.logs, at), sizeof r.logs);
    assert_true(emqxi_cell_read(file, 0));
    assert_int_not_equal(file->newest, newest);
    assert_int_equal(file->now->sequence, r.sequence - 1);

    /* nor does our own hide what another process wrote */
    emqxi_file_unlock(file);
    assert_int_equal(emqxi_file_open(path, &config, NULL, &other, &settings, NULL), EMQX_TLS_OK);
    emqxi_file *theirs = other.context;
    assert_true(emqxi_file_lock(theirs) && emqxi_cell_read(theirs, 0));
    theirs->now->logs[1].last_id = 4711;
    assert_true(emqxi_cell_write(theirs, true));
    emqxi_file_unlock(theirs);
    other.destroy(other.context);
    assert_true(emqxi_file_lock(file) && emqxi_cell_read(file, 0));
    assert_int_equal(file->now->logs[1].last_id, 4711);
}

static void a_copy_of_the_newest_record_in_another_place_is_none(void **state)
{
    (void)state;
    static char record[EMQXI_FILE_BLOCK];
    write_cell(true);
    const off_t from = EMQXI_FILE_BLOCK + file->newest * (off_t)file->disk.record_size;
    const uint32_t newest = file->newest;
    assert_int_equal(pread(file->disk.fd, record, sizeof record, from), sizeof record);
    for (uint32_t place = 0; place < EMQXI_RECORDS; place++)
        assert_int_equal(pwrite(file->disk.fd, record, sizeof record,
                                EMQXI_FILE_BLOCK + place * (off_t)file->disk.record_size),
                         sizeof record);
    assert_true(emqxi_cell_read(file, 0));
    assert_int_equal(file->newest, newest);
}

static void reads_are_synced_after_as_many_as_a_cell_allows(void **state)
{
    (void)state;
    assert_int_equal(on_disk(0).unsynced_reads, 60 / 8);
    emqxi_cell_clear(file, true, 5);
    assert_int_equal(file->now->logs[0].capacity, 60);
    assert_int_equal(file->now->logs[1].capacity, 6);
    assert_true(emqxi_cell_idle(file));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_file, close_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_newest_and_the_last_synced_record_are_never_written_over),
        TEST(after_a_sync_no_older_record_is_taken_for_the_last_synced_one),
        TEST(what_was_changed_behind_our_back_is_not_taken_for_ours),
        TEST(a_copy_of_the_newest_record_in_another_place_is_none),
        TEST(reads_are_synced_after_as_many_as_a_cell_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
