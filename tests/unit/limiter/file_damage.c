/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A damaged quota file: made up for where that can be, else refused and never an empty quota.
 */
#include "support/file_rig.h"

#include <fcntl.h>
#include <unistd.h>

static emqxi_error error;

static void write_at(off_t offset, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, data, len, offset), len);
    close(fd);
}

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
    assert_int_equal(emqx_tls_limiter_query(limiter, READ, NULL, &quota, NULL), EMQX_TLS_E_STORE);
}

/* The reservation is in the 2nd record, synced, its answer in the 3rd. */
static void every_flipped_byte_of_the_newest_record_is_made_up_for_by_another(void **state)
{
    (void)state;
    static char sound[5 * EMQXI_FILE_BLOCK];
    emqx_tls_limiter *limiter = file_open(NULL);
    use(limiter, WRITE);
    file_contents(sound, sizeof sound);
    size_t length = sizeof(emqxi_file_record) + (60 + 6) * sizeof(emqxi_slot);
    for (size_t i = 3 * EMQXI_FILE_BLOCK; i < 3 * EMQXI_FILE_BLOCK + length; i++) {
        char wrong = (char)(sound[i] ^ 1);
        write_at((off_t)i, &wrong, 1);
        assert_int_equal(used(limiter, WRITE), 1);
        write_at((off_t)i, &sound[i], 1);
    }
    memset(sound, 0, sizeof sound);
    write_at(3 * EMQXI_FILE_BLOCK + sizeof(emqxi_file_record), sound, 66 * sizeof(emqxi_slot));
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
    file_contents(sound, sizeof sound);
    for (off_t i = 0; i < 64; i++) {
        char wrong = (char)(sound[i] ^ 4);
        write_at(i, &wrong, 1);
        assert_refused(NULL, i < 8 || i >= 12 ? "delete it" : "newer library");
        write_at(i, &sound[i], 1);
    }
}

static void a_file_of_an_older_format_is_told_with_its_mend(void **state)
{
    (void)state;
    const uint32_t older = EMQXI_FILE_VERSION - 1;
    make_file();
    write_at(offsetof(emqxi_file_header, version), &older, sizeof older);
    assert_refused(NULL, "has format 1 of an older library, this one has format 2; send nothing "
                         "with this key for one window, then delete it");
}

/* As another program or a bug might write it: its checksum is right, and it must be no reason to
 * hang. */
static void a_header_with_a_number_of_cells_that_can_not_be_is_refused(void **state)
{
    (void)state;
    static const uint64_t impossible[] = {0, 3, UINT64_C(1) << 60};
    emqxi_file_header h;
    emqx_tls_limiter_config config = defaults();
    config.flags = EMQX_TLS_PER_DEPLOYMENT;
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        emqx_tls_limiter_unref(file_open(&config));
        int fd = open(path, O_RDONLY);
        assert_int_equal(read(fd, &h, sizeof h), sizeof h);
        close(fd);
        size_t cell =
            EMQXI_RECORDS *
            ((sizeof(emqxi_file_record) + (60 + 6) * sizeof(emqxi_slot) + 511) / 512 * 512);
        h.cells = impossible[i];
        h.checksum = emqxi_header_checksum(&h);
        write_at(0, &h, sizeof h);
        assert_int_equal(
            truncate(path, (off_t)(EMQXI_FILE_BLOCK + (h.cells < 4 ? h.cells * cell : 0))), 0);
        assert_refused(&config, "damaged");
        unlink(path);
    }
}

/* -- numbers that can't be, with a good checksum ----------------------------------------------- */

static void edit_newest(void (*edit)(emqxi_file_record *r, int64_t value), int64_t value)
{
    emqx_tls_limiter_config config = defaults();
    emqx_tls_store store;
    emqxi_settings settings;
    assert_int_equal(emqxi_file_open(path, &config, NULL, &store, &settings, NULL), EMQX_TLS_OK);
    emqxi_file *file = store.context;
    assert_true(emqxi_file_lock(file));
    assert_true(emqxi_cell_read(file, 0));
    edit(file->now, value);
    for (uint32_t place = 0; place < EMQXI_RECORDS; place++) {
        file->now->sequence = file->now->synced = 100 + place;
        assert_true(emqxi_disk_write(&file->disk, 0, place, file->now, false));
    }
    emqxi_file_unlock(file);
    store.destroy(store.context);
}

static void edit_seen(emqxi_file_record *r, int64_t value)
{
    r->timebase.seen_ms = value;
}

static void edit_wall(emqxi_file_record *r, int64_t value)
{
    r->timebase.boot[0] ^= 1;
    r->timebase.wall_ms = value;
}

static void edit_release(emqxi_file_record *r, int64_t value)
{
    r->logs[1].count = r->logs[1].capacity;
    for (uint32_t i = 0; i < r->logs[1].count; i++)
        r->slots[60 + i] = (emqxi_slot){.release_ms = value, .id = i, .state = EMQXI_SLOT_LOST};
}

static void edit_throttle(emqxi_file_record *r, int64_t value)
{
    r->logs[1].throttle = (emqxi_throttle){
        .refused = 1, .refused_ms = value, .shut_ms = value, .probe_ms = value, .k = UINT32_MAX};
}

static void edit_passed(emqxi_file_record *r, int64_t value)
{
    r->logs[1].passed = (uint32_t)value | 2;
}

static void edit_first(emqxi_file_record *r, int64_t value)
{
    r->logs[1].first = (uint32_t)value;
    r->logs[1].count = (uint32_t)value;
}

/* A sum of such numbers overflows: the file is damaged, and no quota comes of it. */
static void numbers_that_can_not_be_are_damage_however_good_the_checksum(void **state)
{
    (void)state;
    static const int64_t values[] = {INT64_MIN,     INT64_MIN + 1, -INT64_MAX / 4,
                                     INT64_MAX / 4, INT64_MAX - 1, INT64_MAX};
    void (*const edits[])(emqxi_file_record *, int64_t) = {edit_seen,     edit_wall,   edit_release,
                                                           edit_throttle, edit_passed, edit_first};
    for (size_t e = 0; e < sizeof edits / sizeof edits[0]; e++)
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            if (edits[e] == edit_wall && values[v] == EMQXI_NO_WALL)
                continue; /* it was not trusted */
            emqx_tls_limiter *limiter = file_open(NULL);
            use(limiter, WRITE);
            edit_newest(edits[e], values[v]);
            assert_unusable(limiter);
            emqx_tls_limiter_unref(limiter);
            unlink(path);
        }
}

/* -- records that are lost together ------------------------------------------------------------ */

static uint64_t pick(uint64_t n)
{
    static uint64_t seed = 7;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

/* Whatever was used before: without any of its records, a file shows as many writes as are held, or
 * is refused. */
static void no_loss_of_records_shows_a_write_more(void **state)
{
    (void)state;
    static char sound[5 * EMQXI_FILE_BLOCK];
    static const char zeros[EMQXI_FILE_BLOCK];
    unsigned usable = 0;
    for (int run = 0; run < 200; run++) {
        emqx_tls_limiter *limiter = file_open(NULL);
        for (uint64_t steps = pick(8); steps > 0; steps--) {
            emqxi_reserve r;
            bool write = pick(2) && used(limiter, WRITE) < 6;
            if (pick(2)) /* stays in flight */
                assert_int_equal(reserve(limiter, write ? WRITE : READ, "d1", &r, &error), 0);
            else
                use(limiter, write ? WRITE : READ);
        }
        uint32_t held = used(limiter, WRITE);
        file_contents(sound, sizeof sound);
        for (unsigned lost = 1; lost < 1 << EMQXI_RECORDS; lost++) {
            for (int i = 0; i < EMQXI_RECORDS; i++)
                write_at((i + 1) * EMQXI_FILE_BLOCK,
                         lost & 1u << i ? zeros : sound + (i + 1) * EMQXI_FILE_BLOCK,
                         EMQXI_FILE_BLOCK);
            emqx_tls_quota quota;
            emqx_tls_quota_init(&quota);
            if (emqx_tls_limiter_query(limiter, WRITE, NULL, &quota, NULL) == EMQX_TLS_OK) {
                assert_true(quota.used >= held);
                usable++;
            }
        }
        emqx_tls_limiter_unref(limiter);
        unlink(path);
    }
    assert_true(usable > 200); /* most that lose one go on */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(every_flipped_byte_of_the_newest_record_is_made_up_for_by_another),
        file_test(a_file_without_a_good_record_is_never_an_empty_quota),
        file_test(every_flipped_byte_of_the_header_is_noticed),
        file_test(a_header_with_a_number_of_cells_that_can_not_be_is_refused),
        file_test(a_file_of_an_older_format_is_told_with_its_mend),
        file_test(numbers_that_can_not_be_are_damage_however_good_the_checksum),
        file_test(no_loss_of_records_shows_a_write_more),
        file_test(a_file_that_is_cut_or_empty_is_refused),
        file_test(a_damaged_file_works_again_once_it_is_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
