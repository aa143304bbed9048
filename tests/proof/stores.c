/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The stores in memory and in a file, by their vtable: every story of so many events in a row of
 * twelve, of which the others are that time goes by. A process may die before each system call that
 * it makes on the file, and in the middle of a write. proof-stores [EVENTS]
 */
#include "story.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <emqxtls/test.h>

#include "folder.h"
#include "limiter/file.h"

#define TICK_MS     20000
#define WINDOW_MS   (2 * TICK_MS)
#define LEASE_MS    TICK_MS
#define EVENTS      12
#define SLOTS_MAX   (EVENTS + 1)
#define DESCRIPTORS 16

/* A slot that was given, or may have been. */
typedef struct slot {
    uint64_t ticket[EMQX_TLS_TICKET_WORDS];
    bool known; /* its ticket is */
    bool gone;
    /* Times of the world: until then it must be held, and may be; INT64_MAX: as long after the
     * store is looked at next as a slot of a lost request. */
    int64_t must_ms, may_ms, lease_ms;
} slot;

static struct {
    int64_t now_ms, clock_ms; /* of the world, of the machine */
    uint8_t boot;
    slot slots[SLOTS_MAX];
    unsigned count;
    bool refused;    /* there was a 429 */
    int64_t shut_ms; /* nothing is to be given until then */
    bool open;
    emqx_tls_store store;
} w;

static uint32_t limit;
static emqxi_limits limits;
static bool in_file;
static char folder[FOLDER_SIZE], path[FOLDER_SIZE + 8];
static emqx_tls_test_allocator *memory;
static int first_descriptor;
static jmp_buf crash;
static unsigned crash_in; /* in so many system calls; 0: not */
static bool torn;         /* and in the middle of it, where it writes */

/* -- system calls -------------------------------------------------------------------------------- */

uint64_t __wrap_emqxi_random(void);
uint64_t __wrap_emqxi_random(void)
{
    return story_random();
}

static bool dies_now(void)
{
    return crash_in > 0 && --crash_in == 0;
}

ssize_t __real_pwrite64(int fd, const void *data, size_t len, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off_t offset)
{
    if (dies_now()) {
        if (torn && __real_pwrite64(fd, data, len / 2, offset) < 0)
            abort();
        longjmp(crash, 1);
    }
    return __real_pwrite64(fd, data, len, offset);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    if (dies_now())
        longjmp(crash, 1);
    return __real_fdatasync(fd);
}

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
int __wrap_flock(int fd, int operation)
{
    if (dies_now())
        longjmp(crash, 1);
    return __real_flock(fd, operation);
}

/* -- the machine --------------------------------------------------------------------------------- */

static int64_t now_ms(void *context)
{
    (void)context;
    return w.clock_ms;
}

static void boot_id(void *context, unsigned char id[16])
{
    (void)context;
    memset(id, w.boot, 16);
}

static void machine_id(uint8_t id[16])
{
    memset(id, 7, 16);
}

static bool not_trusted(const emqx_tls_clock *clock)
{
    (void)clock;
    return false;
}

static void open_store(void)
{
    static const emqx_tls_clock clock = {
        .size = sizeof clock, .now_ms = now_ms, .boot_id = boot_id};
    static const emqxi_host host = {machine_id, not_trusted};
    emqxi_settings settings;
    emqx_tls_error error;
    emqx_tls_limiter_config config;
    emqx_tls_limiter_config_init(&config);
    emqx_tls_error_init(&error);
    config.writes = config.reads = limit;
    config.window_ms = WINDOW_MS;
    config.clock = &clock;
    config.allocator = emqx_tls_test_allocator_vtable(memory);
    emqx_tls_code code = in_file
                             ? emqxi_file_open(path, &config, &host, &w.store, &settings, &error)
                             : emqxi_settings_take(&settings, &config, 0, &error);
    if (code == EMQX_TLS_OK && !in_file)
        code = emqxi_memory_open(&w.store, &settings, NULL, &error);
    w.open = code == EMQX_TLS_OK;
    if (!w.open)
        story_broken("the store can't be opened");
}

static void dies(void)
{
    crash_in = 0;
    w.open = false;
    for (int fd = first_descriptor; fd < first_descriptor + DESCRIPTORS; fd++)
        close(fd);
    emqx_tls_test_allocator_free(memory);
    memory = emqx_tls_test_allocator_new();
    for (unsigned i = 0; i < w.count; i++)
        w.slots[i].known = false; /* what it had in flight nobody ends */
}

/* -- what must be held ---------------------------------------------------------------------------- */

static unsigned count_held(bool may)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w.count; i++)
        n += (may ? w.slots[i].may_ms : w.slots[i].must_ms) > w.now_ms;
    return n;
}

/* The store is looked at: from now on it measures by this clock. */
static void is_seen(void)
{
    for (unsigned i = 0; i < w.count; i++)
        if (w.slots[i].may_ms == INT64_MAX)
            w.slots[i].may_ms = w.now_ms + LEASE_MS + EMQXI_STRAY_MS + limits.held_ms;
}

/* The store has written what it holds: what is over now is gone for good. Else another clock tells
 * no more than that it was held when that was last written. */
static void is_written(void)
{
    for (unsigned i = 0; i < w.count; i++)
        w.slots[i].gone |= w.slots[i].may_ms <= w.now_ms;
}

static void adds(const emqx_tls_grant *grant)
{
    slot *h = &w.slots[w.count++];
    h->lease_ms = w.now_ms + LEASE_MS;
    h->may_ms = h->lease_ms + EMQXI_STRAY_MS + limits.held_ms;
    h->must_ms = grant ? h->may_ms : 0;
    h->known = grant != NULL;
    if (grant)
        memcpy(h->ticket, grant->ticket, sizeof h->ticket);
}

/* -- events -------------------------------------------------------------------------------------- */

static void asks(void)
{
    emqx_tls_ask ask = {
        .size = sizeof ask, .op = EMQX_TLS_OP_UPDATE, .deployment_id = "d1", .lease_ms = LEASE_MS};
    emqx_tls_grant grant = {.size = sizeof grant};
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    if (setjmp(crash)) {
        dies();
        adds(NULL); /* it was taken, or not; nothing was sent */
        return;
    }
    if (!w.open)
        open_store();
    if (!w.open)
        return;
    unsigned must = count_held(false), may = count_held(true);
    if (w.store.reserve(w.store.context, &ask, &grant, &error) != EMQX_TLS_OK || grant.busy) {
        story_note("(%s)", error.message);
        story_broken("the store can't be used");
        return;
    }
    is_seen();
    if (grant.granted && must >= limit)
        story_broken("a slot that is held is given");
    if (grant.granted && w.now_ms < w.shut_ms)
        story_broken("a slot is given though a 429 shuts the group");
    if (!grant.granted && may < limit && !w.refused)
        story_broken("a slot that could be given is not");
    story_note("(%s)", grant.granted ? "it gets one" : "it gets none");
    if (grant.granted) {
        is_written();
        adds(&grant);
    }
    crash_in = 0;
}

/* When it has ended so. */
static int64_t until(const slot *h, uint32_t outcome)
{
    if (outcome == EMQX_TLS_OUTCOME_NOT_SENT)
        return 0;
    int64_t stray = outcome == EMQX_TLS_OUTCOME_LOST ? EMQXI_STRAY_MS : 0;
    return EMQXI_MIN(w.now_ms + stray + limits.held_ms, h->must_ms);
}

static void ends(uint32_t outcome)
{
    slot *h = NULL;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    for (unsigned i = 0; i < w.count && !h; i++)
        if (w.slots[i].known)
            h = &w.slots[i];
    if (!h || !w.open)
        return;
    h->known = false;
    h->must_ms = until(h, outcome); /* killed meanwhile it is held as it was, or so */
    if (setjmp(crash)) {
        dies();
        return;
    }
    if (w.store.settle(w.store.context, h->ticket, outcome, -1, &error) != EMQX_TLS_OK)
        story_broken("the store can't be used");
    is_seen();
    h->may_ms = h->may_ms == INT64_MAX ? INT64_MAX : h->must_ms;
    if (outcome == EMQX_TLS_OUTCOME_REFUSED) {
        w.refused = true;
        w.shut_ms = w.now_ms + WINDOW_MS / limit;
    }
    crash_in = 0;
}

static void time_passes(void)
{
    w.now_ms += TICK_MS;
    w.clock_ms += TICK_MS;
    for (unsigned i = 0; i < w.count; i++) /* an exchange ends with its lease */
        if (w.slots[i].known && w.slots[i].lease_ms < w.now_ms)
            w.slots[i].known = false;
}

/* Everybody is gone. A store measures no more than it has seen. */
static void clock_changes(bool reboot)
{
    int64_t most = w.now_ms + EMQXI_STRAY_MS + limits.held_ms;
    if (reboot)
        dies();
    for (unsigned i = 0; i < w.count; i++) {
        slot *h = &w.slots[i];
        if (reboot)
            h->must_ms = EMQXI_MIN(h->must_ms, most);
        if (!h->gone)
            h->may_ms = INT64_MAX;
        h->known = false;
    }
    if (reboot)
        w.shut_ms = 0; /* it is shut for no longer than it would be, and may be for less */
    w.boot = (uint8_t)(w.boot + reboot);
    w.clock_ms = reboot ? 0 : w.clock_ms - TICK_MS;
}

static void is_cut_short(void)
{
    static const char *const places[] = {"(before its first system call)",
                                         "(before its second)",
                                         "(before its third)",
                                         "(before its fourth)",
                                         "(before its fifth)",
                                         "(in its second)",
                                         "(in its third)",
                                         "(in its fourth)",
                                         NULL};
    unsigned place = story_choose(places);
    torn = place > 4;
    crash_in = torn ? place - 3 : place + 1;
}

static void event(void)
{
    static const char *const events[] = {"20 s go by",
                                         "somebody asks for a slot",
                                         "it is answered",
                                         "it is given up",
                                         "it was certainly not sent",
                                         "it is answered by a 429",
                                         "its process dies",
                                         "a reboot",
                                         "the clock steps back by 20 s",
                                         "a process that asks for a slot is killed",
                                         "a process that has an answer is killed",
                                         NULL};
    static const char *const in_memory[] = {"20 s go by",
                                            "somebody asks for a slot",
                                            "it is answered",
                                            "it is given up",
                                            "it was certainly not sent",
                                            "it is answered by a 429",
                                            NULL};
    static const uint32_t outcomes[] = {EMQX_TLS_OUTCOME_ANSWERED, EMQX_TLS_OUTCOME_LOST,
                                        EMQX_TLS_OUTCOME_NOT_SENT, EMQX_TLS_OUTCOME_REFUSED};
    unsigned way = story_choose(in_file ? events : in_memory);
    if (way > 8)
        is_cut_short();
    if (way == 0)
        time_passes();
    else if (way == 1 || way == 9)
        asks();
    else if (way <= 5)
        ends(outcomes[way - 2]);
    else if (way == 6)
        dies();
    else if (way <= 8)
        clock_changes(way == 7);
    else
        ends(EMQX_TLS_OUTCOME_ANSWERED);
}

static void program(void)
{
    memset(&w, 0, sizeof w);
    w.now_ms = w.clock_ms = 1000000;
    w.boot = 1;
    memory = emqx_tls_test_allocator_new();
    if (in_file)
        folder_empty(folder);
    open_store();
    for (unsigned i = 0; i < EVENTS && !story_is_broken(); i++)
        event();
    crash_in = 0;
    if (!story_is_broken())
        asks(); /* in the end it is looked at */
    if (w.open)
        w.store.destroy(w.store.context);
    if (emqx_tls_test_allocator_problem(memory))
        story_broken("memory is lost");
    emqx_tls_test_allocator_free(memory);
}

int main(int argc, char **argv)
{
    unsigned most = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2;
    bool held = true;
    if (!folder_make_in_memory(folder, "stores"))
        return 1;
    snprintf(path, sizeof path, "%s/quota", folder);
    first_descriptor = dup(STDIN_FILENO);
    close(first_descriptor);
    for (int file = 0; file < 2; file++)
        for (limit = 1; limit <= 2; limit++) {
            char name[64];
            uint64_t stories = story_count, choices = story_choices;
            in_file = file;
            emqxi_limits_set(&limits, limit, WINDOW_MS);
            snprintf(name, sizeof name, "%s, %u in 2 ticks", file ? "in a file" : "in memory",
                     limit);
            held &= story_play(program, file ? most : 4, 1000, name);
            printf("%8llu stories %10llu events: %s\n", (unsigned long long)(story_count - stories),
                   (unsigned long long)(story_choices - choices), name);
            fflush(stdout);
        }
    folder_remove(folder);
    return !held;
}
