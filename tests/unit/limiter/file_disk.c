/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What is on the disk: where records stand, and which are taken for good.
 */
#include "support/file_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static emqxi_settings settings;
static emqxi_disk disk;

/* A file of so many cells, laid out and open. */
static void lay_out(uint32_t flags, uint64_t cells)
{
    emqx_tls_limiter_config config = defaults();
    config.flags = flags;
    assert_int_equal(emqxi_settings_take(&settings, &config, 0, NULL), EMQX_TLS_OK);
    disk = (emqxi_disk){.path = path, .cells = cells, .hash_key = {1, 2}};
    emqxi_error_clear(&disk.error);
    emqxi_disk_layout(&disk, &settings);
    disk.fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(disk.fd >= 0);
    assert_true(emqxi_disk_lay_out(&disk));
}

static emqxi_file_record *make_record(uint64_t sequence)
{
    emqxi_file_record *r = calloc(1, disk.record_size);
    assert_non_null(r);
    r->sequence = sequence;
    r->timebase.wall_ms = EMQXI_NO_WALL;
    for (uint32_t group = 0; group < disk.groups; group++)
        r->logs[group].capacity = settings.limits[group > 0].slots;
    return r;
}

static void what_is_written_in_a_place_is_read_there_and_nowhere_else(void **state)
{
    (void)state;
    enum { CELLS = 4 };
    lay_out(EMQX_TLS_PER_DEPLOYMENT | EMQX_TLS_PER_METHOD, CELLS);
    char *records = malloc(emqxi_disk_room(&disk));
    for (uint64_t i = 0; i < CELLS * EMQXI_RECORDS; i++) {
        emqxi_file_record *r = make_record(100 + i);
        assert_true(emqxi_disk_write(&disk, i / EMQXI_RECORDS, i % EMQXI_RECORDS, r, i % 2));
        free(r);
    }
    for (uint64_t cell = 0; cell < CELLS; cell++) {
        assert_true(emqxi_disk_read(&disk, cell, records));
        for (uint32_t place = 0; place < EMQXI_RECORDS; place++) {
            const emqxi_file_record *r = (const void *)(records + place * disk.record_len);
            assert_int_equal(r->sequence, 100 + cell * EMQXI_RECORDS + place);
            assert_true(emqxi_disk_sound(&disk, cell, place, r));
        }
    }
    free(records);
    struct stat s;
    assert_int_equal(fstat(disk.fd, &s), 0);
    assert_int_equal(s.st_size, EMQXI_FILE_BLOCK + CELLS * EMQXI_RECORDS * (off_t)disk.record_size);
    close(disk.fd);
}

static void a_record_of_another_place_or_file_is_none(void **state)
{
    (void)state;
    lay_out(EMQX_TLS_PER_DEPLOYMENT, 4);
    emqxi_file_record *r = make_record(7);
    assert_true(emqxi_disk_write(&disk, 1, 2, r, false));
    assert_true(emqxi_disk_sound(&disk, 1, 2, r));
    assert_false(emqxi_disk_sound(&disk, 1, 1, r));
    assert_false(emqxi_disk_sound(&disk, 2, 2, r));
    disk.hash_key[1] ^= 1;
    assert_false(emqxi_disk_sound(&disk, 1, 2, r));
    free(r);
    close(disk.fd);
}

static void records_share_no_block_where_there_is_one_cell_and_no_sector_elsewhere(void **state)
{
    (void)state;
    lay_out(0, 1);
    assert_int_equal(disk.record_size % EMQXI_FILE_BLOCK, 0);
    close(disk.fd);
    lay_out(EMQX_TLS_PER_DEPLOYMENT, 2);
    assert_int_equal(disk.record_size % 512, 0);
    assert_true(disk.record_size >= disk.record_len);
    close(disk.fd);
}

static void a_header_is_taken_as_it_was_laid_out(void **state)
{
    (void)state;
    emqxi_file_header h;
    struct stat s;
    lay_out(EMQX_TLS_PER_DEPLOYMENT, 8);
    assert_int_equal(fstat(disk.fd, &s), 0);
    emqxi_disk again = disk;
    memset(again.hash_key, 0, sizeof again.hash_key);
    again.cells = 0;
    assert_true(emqxi_disk_read_header(&again, &h));
    assert_true(emqxi_disk_take_header(&again, &h, &s));
    assert_int_equal(again.cells, 8);
    assert_memory_equal(again.hash_key, disk.hash_key, sizeof disk.hash_key);
    s.st_size++;
    assert_false(emqxi_disk_take_header(&again, &h, &s));
    assert_non_null(strstr(again.error.message, "wrong length"));
    close(disk.fd);
}

static void a_message_shows_the_end_of_a_long_path_and_the_whole_mend(void **state)
{
    (void)state;
    char way[600];
    memset(way, 'x', sizeof way);
    strcpy(way + sizeof way - 7, "/quota");
    emqxi_disk d = {.path = way};
    assert_false(emqxi_disk_fail(&d, "%s", "has a fault; mend it"));
    assert_int_equal(d.error.code, EMQX_TLS_E_STORE);
    assert_non_null(strstr(d.error.message, "x/quota has a fault; mend it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(what_is_written_in_a_place_is_read_there_and_nowhere_else),
        file_test(a_record_of_another_place_or_file_is_none),
        file_test(records_share_no_block_where_there_is_one_cell_and_no_sector_elsewhere),
        file_test(a_header_is_taken_as_it_was_laid_out),
        file_test(a_message_shows_the_end_of_a_long_path_and_the_whole_mend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
