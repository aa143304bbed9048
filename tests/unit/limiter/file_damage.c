/* SPDX-License-Identifier: MIT
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
    file_contents(sound, sizeof sound);
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
    file_contents(sound, sizeof sound);
    for (off_t i = 0; i < 64; i++) {
        char wrong = (char)(sound[i] ^ 4);
        write_at(i, &wrong, 1);
        assert_refused(NULL, i < 8 || i >= 12 ? "delete it" : "newer library");
        write_at(i, &sound[i], 1);
    }
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
        size_t cell = EMQXI_RECORDS *
                      ((sizeof(emqxi_record) + (60 + 6) * sizeof(emqxi_slot) + 511) / 512 * 512);
        h.cells = impossible[i];
        h.checksum = emqxi_header_checksum(&h);
        write_at(0, &h, sizeof h);
        assert_int_equal(
            truncate(path, (off_t)(EMQXI_FILE_BLOCK + (h.cells < 4 ? h.cells * cell : 0))), 0);
        assert_refused(&config, "damaged");
        unlink(path);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(checksums_are_those_of_xxhsum),
        file_test(every_flipped_byte_of_the_newest_record_is_made_up_for_by_another),
        file_test(a_file_without_a_good_record_is_never_an_empty_quota),
        file_test(every_flipped_byte_of_the_header_is_noticed),
        file_test(a_header_with_a_number_of_cells_that_can_not_be_is_refused),
        file_test(a_file_that_is_cut_or_empty_is_refused),
        file_test(a_damaged_file_works_again_once_it_is_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
