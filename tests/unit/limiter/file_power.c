/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Loss of power: every write and sync of a quota file is recorded, and at each of them the power
 * goes. What is then on the disk is what was synced, and of each later write any of its sectors of
 * 512 bytes, in any combination. Opened after the reboot, the file must be readable and hold every
 * slot that was given to a request which may have left. The same where a process is killed in the
 * middle of a write; what was written before is there then.
 *
 * The library's own file_disk.c is compiled in here, with its writes and syncs led through the
 * recorder.
 */
#include "support/file_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static ssize_t recorded_write(int fd, const void *data, size_t len, off_t offset);
static int recorded_sync(int fd);

#define pwrite    recorded_write
#define fdatasync recorded_sync
#include "../../../lib/limiter/file_disk.c"
#undef pwrite
#undef fdatasync

#define SECTOR   512
#define DISK_MAX (1 << 20)
#define LATER    1024

/* -- the disk ---------------------------------------------------------------------------------- */

typedef struct later_write {
    size_t offset, len;
    bool dropped; /* a sync has failed: the kernel takes it for written */
    char data[4096];
} later_write;

static char disk[DISK_MAX], image[DISK_MAX];
static size_t disk_size;
static later_write later[LATER];
static size_t later_count;
static bool recording, syncs_fail;
static void lose_power(bool writing);

static ssize_t recorded_write(int fd, const void *data, size_t len, off_t offset)
{
    if (recording) {
        assert_true(later_count < LATER && len <= sizeof later->data);
        later_write *w = &later[later_count++];
        *w = (later_write){.offset = (size_t)offset, .len = len};
        memcpy(w->data, data, len);
        lose_power(true);
    }
    return pwrite(fd, data, len, offset);
}

static bool written_again(size_t i)
{
    for (size_t j = i + 1; j < later_count; j++)
        if (later[j].offset == later[i].offset && !later[j].dropped)
            return true;
    return false;
}

static int recorded_sync(int fd)
{
    size_t kept = 0;
    if (!recording)
        return fdatasync(fd);
    if (syncs_fail) {
        for (size_t i = 0; i < later_count; i++)
            later[i].dropped = true;
        errno = EIO;
        return -1;
    }
    for (size_t i = 0; i < later_count; i++) {
        if (!later[i].dropped)
            memcpy(disk + later[i].offset, later[i].data, later[i].len);
        else if (!written_again(i))
            later[kept++] = later[i];
    }
    later_count = kept;
    lose_power(false);
    return 0;
}

static uint64_t seed = 1;

static uint64_t pick(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

/* The first `sectors` sectors of a write; UINT64_MAX: any of them. */
static void apply(const later_write *w, uint64_t sectors)
{
    for (size_t at = 0; at < w->len; at += SECTOR)
        if (sectors == UINT64_MAX ? pick(2) : at / SECTOR < sectors)
            memcpy(image + w->offset + at, w->data + at, EMQXI_MIN(SECTOR, w->len - at));
}

/* -- what must be held ------------------------------------------------------------------------- */

enum { HELD_MAX = 4096 };

/* Of one class. */
typedef struct truth {
    int64_t held_from[HELD_MAX]; /* when the answer came, or INT64_MAX */
    size_t count;
    uint32_t most; /* ever held at a time, what is being reserved included */
} truth;

static emqx_tls_limiter_config config;
static truth truths[2];
static uint64_t cuts;

static uint32_t held(const truth *t, int64_t for_ms)
{
    uint32_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += t->held_from[i] == INT64_MAX ||
             t->held_from[i] + for_ms > emqx_tls_test_clock_now(timer);
    return n;
}

/* The file is `image`; the power has gone and come back, or just this process was killed. */
static void look_at_image(bool killed)
{
    char sound[sizeof path];
    emqx_tls_test_clock *clock = timer;
    strcpy(sound, path);
    strcat(path, "-after");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, image, disk_size), disk_size);
    close(fd);
    uint32_t must[2] = {held(&truths[0], HOUR_MS), held(&truths[1], HOUR_MS)};
    if (!killed) {
        timer = emqx_tls_test_clock_new(0, 0);
        emqx_tls_test_clock_reboot(timer, 0, 0);
    }
    emqx_tls_limiter *limiter = file_open(&config);
    for (uint32_t class = 0; class < 2; class ++) {
        uint32_t n = used(limiter, class ? WRITE : READ);
        if (n < must[class] || (class == 1 && n > truths[1].most))
            fail_msg("class %u after cut %llu: %u slots used, %u must be, %u may be", class,
                     (unsigned long long)cuts, n, must[class], truths[class].most);
    }
    emqx_tls_limiter_unref(limiter);
    if (!killed)
        emqx_tls_test_clock_free(timer);
    timer = clock;
    unlink(path);
    strcpy(path, sound);
    cuts++;
}

/* `writing`: in the middle of the last write. */
static void lose_power(bool writing)
{
    recording = false;
    size_t last = later_count;
    /* Every torn state of the last write, what was before it written or not. */
    for (uint64_t sectors = 0; last > 0 && sectors <= (later[last - 1].len + SECTOR - 1) / SECTOR;
         sectors++)
        for (int before = 0; before < 2; before++) {
            memcpy(image, disk, disk_size);
            for (size_t i = 0; i + 1 < last; i++)
                apply(&later[i], before ? SECTOR : 0);
            apply(&later[last - 1], sectors);
            look_at_image(false);
            if (writing && before)
                look_at_image(true);
        }
    for (int i = 0; i < 4; i++) {
        memcpy(image, disk, disk_size);
        for (size_t j = 0; j < last; j++)
            apply(&later[j], UINT64_MAX);
        look_at_image(false);
    }
    recording = true;
}

/* -- a long run -------------------------------------------------------------------------------- */

static void load_disk(void)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, disk, sizeof disk);
    close(fd);
    assert_true(n > 0 && n < DISK_MAX);
    disk_size = (size_t)n;
    later_count = 0;
}

static void step(emqx_tls_limiter *limiter)
{
    uint32_t class = pick(3) == 0;
    truth *t = &truths[class];
    emqxi_reserve r;
    emqxi_error error;
    t->most = EMQXI_MAX(t->most, held(t, HELD_MS) + 1);
    recording = true;
    emqx_tls_code code = reserve(limiter, class ? WRITE : READ, "d1", &r, &error);
    if (code != EMQX_TLS_OK) {
        recording = false;
        assert_int_equal(code,
                         syncs_fail && code == EMQX_TLS_E_STORE ? code : EMQX_TLS_E_RATE_LIMITED);
        return;
    }
    size_t mine = t->count++;
    t->held_from[mine] = INT64_MAX;
    lose_power(false); /* now it may leave */
    uint32_t outcome = pick(8) == 0 ? EMQX_TLS_OUTCOME_NOT_SENT : EMQX_TLS_OUTCOME_ANSWERED;
    emqx_tls_test_clock_advance(timer, (int64_t)pick(1000));
    if (outcome == EMQX_TLS_OUTCOME_NOT_SENT)
        t->count--;
    else
        t->held_from[mine] = emqx_tls_test_clock_now(timer);
    code = emqxi_limiter_settle(limiter, r.ticket, outcome, -1, 0, &error);
    assert_true(code == EMQX_TLS_OK || (code == EMQX_TLS_E_STORE && syncs_fail));
    recording = false;
}

/* The other deployments' slots are not looked at, but their records lie around and between. */
static void use_another(emqx_tls_limiter *limiter, uint32_t op)
{
    char name[16];
    emqxi_reserve r;
    emqxi_error error;
    snprintf(name, sizeof name, "x%u", (unsigned)pick(200));
    recording = true;
    syncs_fail = false;
    assert_int_equal(reserve(limiter, op, name, &r, &error), EMQX_TLS_OK);
    assert_int_equal(
        emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 0, &error),
        EMQX_TLS_OK);
    recording = false;
}

static void run(uint32_t flags, bool errors)
{
    emqx_tls_limiter_config_init(&config);
    config.reads = 40;
    config.writes = 6;
    config.flags = flags;
    memset(truths, 0, sizeof truths);
    truths[1].most = errors ? UINT32_MAX : 0; /* what a failed sync leaves is not counted here */
    cuts = 0;
    emqx_tls_limiter *one = file_open(&config), *two = file_open(&config);
    load_disk();
    for (int i = 0; flags & EMQX_TLS_PER_DEPLOYMENT && i < 50; i++)
        /* the one that counts may stand behind one of these, which may get lost */
        use_another(one, READ);
    for (int i = 0; i < 150; i++) {
        syncs_fail = errors && (i < 6 || pick(3) == 0);
        step(pick(4) ? one : two);
        if (flags & EMQX_TLS_PER_DEPLOYMENT && pick(4) == 0)
            use_another(one, pick(2) ? READ : WRITE);
        if (pick(4) == 0)
            emqx_tls_test_clock_advance(timer, (int64_t)pick(10 * MINUTE_MS));
        if (later_count > LATER / 2)
            break;
    }
    assert_true(cuts > 1500 && truths[1].count > (errors ? 5 : 10));
    emqx_tls_limiter_unref(one);
    emqx_tls_limiter_unref(two);
}

static void no_loss_of_power_frees_a_slot(void **state)
{
    (void)state;
    run(0, false);
}

static void nor_does_one_after_a_sync_has_failed(void **state)
{
    (void)state;
    run(0, true);
}

static void nor_with_a_quota_for_each_deployment(void **state)
{
    (void)state;
    run(EMQX_TLS_PER_DEPLOYMENT, false);
}

static void nor_one_that_takes_another_deployment_away(void **state)
{
    (void)state;
    run(EMQX_TLS_PER_DEPLOYMENT, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(no_loss_of_power_frees_a_slot),
        file_test(nor_does_one_after_a_sync_has_failed),
        file_test(nor_with_a_quota_for_each_deployment),
        file_test(nor_one_that_takes_another_deployment_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
