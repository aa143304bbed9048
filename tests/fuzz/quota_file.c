/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A quota file as somebody else left it, and a limiter that works with it. The first line says what
 * it was and how it was changed, the second what is then done. Or "RAW" and a file.
 *
 *   f 0-3    it counts in one group, by method, by deployment, by both; first of all
 *   h X V    a member of the header (a letter, see below) gets a value (a digit, see `value_of`)
 *   0 1 2    the same in the record of that place
 *   b X Y V  the byte at XY, two raw bytes, gets the value of the raw third
 *   k X Y    the file ends there
 *   H S      checksums are made right again: of the header, of the records
 *
 * Besides what quota_use does:
 *   o  another process goes on      R  the machine starts again    W  the wall clock is trusted
 *   M  it is another machine        F  the next sync fails         X  the wall clock steps
 */
#include "quota_use.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "folder.h"
#include "limiter/file.h"
#include "played_host.h"

static char folder[FOLDER_SIZE], path[FOLDER_SIZE + 8];
static bool sync_fails;

/* The disk has no part in this: its syncs are played. */
int fdatasync(int fd)
{
    bool fails = sync_fails && fd >= 0;
    sync_fails = false;
    errno = fails ? EIO : 0;
    return fails ? -1 : 0;
}

int fsync(int fd)
{
    return fdatasync(fd);
}

/* -- the file ---------------------------------------------------------------------------------- */

enum { KINDS = 4, IMAGE_MAX = 512 * 1024 };

typedef struct image {
    uint8_t *data;
    size_t len;
} image;

static image good[KINDS];

static void open_store(quota_use *u)
{
    emqx_tls_error error;
    emqxi_settings settings;
    emqx_tls_error_init(&error);
    emqx_tls_code code =
        emqxi_file_open(path, &u->config, &played_host, &u->store, &settings, &error);
    quota_use_ended(u, code, &error);
    u->open = code == EMQX_TLS_OK;
}

static image read_file(void)
{
    image i = {malloc(IMAGE_MAX), 0};
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 && i.data ? read(fd, i.data, IMAGE_MAX) : -1;
    HOLDS(n > 0 && n < IMAGE_MAX && close(fd) == 0);
    i.len = (size_t)n;
    return i;
}

/* A file of each kind, in which all three records have been written. */
static void make_good(void)
{
    static const char story[] = "pagaggaglpr1q";
    for (uint8_t kind = 0; kind < KINDS; kind++) {
        quota_use u;
        fuzz_input in = {(const uint8_t *)story, (const uint8_t *)story + strlen(story)};
        quota_use_begin(&u, kind);
        open_store(&u);
        HOLDS(u.open);
        while (fuzz_more(&in))
            HOLDS(quota_use_step(&u, (char)fuzz_byte(&in), &in));
        quota_use_end(&u);
        good[kind] = read_file();
        unlink(path);
    }
}

static void remove_folder(void)
{
    folder_remove(folder);
}

static void set_up(void)
{
    if (*folder)
        return;
    HOLDS(folder_make_in_memory(folder, "fuzz"));
    atexit(remove_folder);
    snprintf(path, sizeof path, "%s/quota", folder);
    machine = 1;
    make_good();
}

/* -- changes ----------------------------------------------------------------------------------- */

typedef struct member {
    size_t offset, size;
} member;

#define OF(type, name)                                                                             \
    {                                                                                              \
        offsetof(type, name), sizeof(((type *)NULL)->name)                                         \
    }
#define SLOT(i, name)                                                                              \
    {                                                                                              \
        sizeof(emqxi_file_record) + (i) * sizeof(emqxi_slot) + offsetof(emqxi_slot, name),         \
            sizeof(((emqxi_slot *)NULL)->name)                                                     \
    }

static const member in_header[] = {
    OF(emqxi_file_header, magic),        OF(emqxi_file_header, version),
    OF(emqxi_file_header, flags),        OF(emqxi_file_header, reads),
    OF(emqxi_file_header, writes),       OF(emqxi_file_header, window_ms),
    OF(emqxi_file_header, cells),        OF(emqxi_file_header, hash_key[0]),
    OF(emqxi_file_header, born.boot[0]), OF(emqxi_file_header, born.machine[0]),
    OF(emqxi_file_header, born.seen_ms), OF(emqxi_file_header, born.wall_ms),
    OF(emqxi_file_header, checksum),
};

#define THROTTLE(name) OF(emqxi_file_record, logs[0].throttle.name)
static const member in_record[] = {
    OF(emqxi_file_record, checksum),
    OF(emqxi_file_record, sequence),
    OF(emqxi_file_record, synced),
    OF(emqxi_file_record, key),
    OF(emqxi_file_record, used),
    OF(emqxi_file_record, unsynced_reads),
    OF(emqxi_file_record, timebase.boot[0]),
    OF(emqxi_file_record, timebase.machine[0]),
    OF(emqxi_file_record, timebase.seen_ms),
    OF(emqxi_file_record, timebase.wall_ms),
    THROTTLE(refused_ms),
    THROTTLE(shut_ms),
    THROTTLE(probe_ms),
    THROTTLE(probe_end_ms),
    THROTTLE(probe_id),
    THROTTLE(share),
    THROTTLE(k),
    THROTTLE(refused),
    OF(emqxi_file_record, logs[0].capacity),
    OF(emqxi_file_record, logs[0].first),
    OF(emqxi_file_record, logs[0].count),
    OF(emqxi_file_record, logs[0].passed),
    OF(emqxi_file_record, logs[0].refused),
    OF(emqxi_file_record, logs[0].last_id),
    OF(emqxi_file_record, logs[1].first),
    OF(emqxi_file_record, logs[1].count),
    SLOT(0, release_ms),
    SLOT(0, id),
    SLOT(0, state),
    SLOT(1, release_ms),
    SLOT(1, state),
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static uint64_t value_of(uint8_t digit, uint64_t was)
{
    switch (digit) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return UINT64_MAX;
    case 3:
        return INT64_MAX;
    case 4:
        return (uint64_t)INT64_MIN;
    case 5:
        return was + 1;
    case 6:
        return was - 1;
    case 7:
        return (uint64_t)EMQXI_TIME_MAX;
    case 8:
        return USE_DAY_MS;
    case 9:
        return was + USE_WINDOW_MS;
    default:
        return was ^ (uint64_t)1 << digit % 64;
    }
}

static void change(image *i, size_t base, const member *members, size_t count, fuzz_input *in)
{
    const member *m = &members[(uint8_t)(fuzz_byte(in) - 'a') % count];
    uint64_t value = 0;
    if (base + m->offset + m->size > i->len)
        return;
    uint8_t *at = i->data + base + m->offset;
    memcpy(&value, at, m->size); /* on a little-endian machine */
    value = value_of(fuzz_digit(in), value);
    memcpy(at, &value, m->size);
}

/* What the first line says, in memory. Bits: 1 the header is to be sealed, 2 the records. */
static unsigned apply(const emqxi_disk *d, image *i, fuzz_input *line)
{
    unsigned seals = 0;
    while (fuzz_more(line)) {
        char letter = (char)fuzz_byte(line);
        if (letter == 'h') {
            change(i, 0, in_header, COUNT(in_header), line);
        } else if (letter >= '0' && letter < '0' + EMQXI_RECORDS) {
            change(i, EMQXI_FILE_BLOCK + (size_t)(letter - '0') * d->record_size, in_record,
                   COUNT(in_record), line);
        } else if (letter == 'b' || letter == 'k') {
            size_t at = (size_t)fuzz_byte(line) << 8;
            at |= fuzz_byte(line);
            if (letter == 'k')
                i->len = EMQXI_MIN(i->len, at);
            else if (at < i->len)
                i->data[at] = fuzz_byte(line);
        }
        seals |= (letter == 'H') | (letter == 'S') << 1;
    }
    return seals;
}

static void put_file(const uint8_t *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    HOLDS(fd >= 0 && write(fd, data, len) == (ssize_t)len && close(fd) == 0);
}

/* The records once more, with the checksums that they have by this header. */
static void seal_records(emqxi_disk *d, const image *i)
{
    d->fd = open(path, O_WRONLY | O_CLOEXEC);
    memcpy(d->hash_key, i->data + offsetof(emqxi_file_header, hash_key), sizeof d->hash_key);
    for (uint32_t n = 0; n < EMQXI_RECORDS; n++) {
        size_t at = EMQXI_FILE_BLOCK + n * d->record_size;
        if (at + d->record_size <= i->len)
            HOLDS(emqxi_disk_write(d, 0, n, (emqxi_file_record *)(void *)(i->data + at), false));
    }
    close(d->fd);
}

static void put_changed(const quota_use *u, fuzz_input *line)
{
    const image *from = &good[u->config.flags % KINDS];
    image i = {malloc(from->len), from->len};
    emqxi_settings settings;
    emqxi_disk d = {0};
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    HOLDS(i.data && emqxi_settings_take(&settings, &u->config, 0, &error) == EMQX_TLS_OK);
    memcpy(i.data, from->data, i.len);
    emqxi_disk_layout(&d, &settings);
    unsigned seals = apply(&d, &i, line);
    emqxi_file_header *h = (emqxi_file_header *)(void *)i.data;
    if (seals & 1)
        h->checksum = emqxi_header_checksum(h);
    put_file(i.data, i.len);
    if (seals & 2)
        seal_records(&d, &i);
    free(i.data);
}

/* -- what is done with it ---------------------------------------------------------------------- */

static void step(quota_use *u, char letter, fuzz_input *in)
{
    int64_t now = emqx_tls_test_clock_now(u->clock);
    if (letter == 'R') {
        emqx_tls_test_clock_reboot(u->clock, 0, 1000);
        u->passed_ms += 1000;
    } else if (letter == 'X' && !wall_trusted) { /* one that is synchronised is right */
        emqx_tls_test_clock_set_wall(u->clock, now * (1 + fuzz_digit(in)));
    } else if (letter == 'W') {
        wall_trusted = !wall_trusted;
        emqx_tls_test_clock_set_wall(u->clock, WALL_MS + u->passed_ms);
    } else if (letter == 'M') {
        machine++;
    } else if (letter == 'F') {
        sync_fails = true;
    } else if (letter != 'o') {
        if (u->open)
            quota_use_step(u, letter, in);
        return;
    }
    if (strchr("RWMo", letter)) {
        quota_use_close(u);
        open_store(u);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    quota_use u;
    fuzz_input in = {data, data + size}, line;
    set_up();
    machine = 1;
    wall_trusted = sync_fails = false;
    line = fuzz_line(&in);
    bool raw = line.end - line.at == 3 && memcmp(line.at, "RAW", 3) == 0;
    uint8_t kind = fuzz_more(&line) && *line.at == 'f' ? (line.at++, fuzz_digit(&line)) : 0;
    quota_use_begin(&u, kind);
    u.where = path;
    if (raw)
        put_file(in.at, (size_t)(in.end - in.at));
    else
        put_changed(&u, &line);
    open_store(&u);
    for (int steps = 0; !raw && fuzz_more(&in) && steps < 64; steps++)
        step(&u, (char)fuzz_byte(&in), &in);
    if (raw && u.open)
        quota_use_step(&u, 'q', &in);
    quota_use_end(&u);
    unlink(path);
    return 0;
}
