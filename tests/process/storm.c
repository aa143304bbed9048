/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * storm [ROUNDS] - 32 processes share one quota file and use all they get, while others of them are
 * killed (SIGKILL) or stopped (SIGSTOP) at random instants: in each round some of them once, and
 * each is then replaced or goes on later. Time is virtual, the same for all, and runs a hundred
 * thousand times as fast as the real one, so that the quota of an hour is used up every 36 ms.
 *
 * A request's arrival is counted at the instant at which its process last looked whether it may
 * leave. At the end no window of an hour may have more than the limit; and at no time may a crash
 * cost more than the slots that were in flight.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "real_clock.h"
#include "limiter/limiter.h"

#define PROCESSES 32
#define ROUNDS    200
#define FAULTS    32   /* in a round */
#define FAULT_US  4000 /* at most so long after the one before */
/* rounds: all end, and what is held is compared with what arrived */
#define CHECK_EACH   10
#define SPEED        100000
#define WINDOW_MS    3600000
#define LEASE_MS     600000
#define STRAY_MS     60000
#define HELD_MS      (WINDOW_MS + 1000 + WINDOW_MS / 2000)
#define READS        60
#define WRITES       20
#define DEPLOYMENTS  100 /* with PER_DEPLOYMENT */
#define ARRIVALS_MAX (4 << 20)

typedef struct arrival {
    int64_t at_ms; /* 0: the process was killed before it could tell: it never left */
    uint32_t scope;
} arrival;

/* Shared by all processes. */
typedef struct world {
    int64_t began_ns;
    atomic_uint count;
    atomic_uint late;    /* whose lease was over before they could leave */
    atomic_int draining; /* processes end when their call has */
    atomic_int broken;   /* a process has met something that may not be */
    arrival arrivals[ARRIVALS_MAX];
} world;

static world *w;
static char folder[64], path[80];
static uint32_t flags, limits[2] = {READS, WRITES};

/* -- time -------------------------------------------------------------------------------------- */

static int64_t now_ms(void *context)
{
    (void)context;
    return 1 + (clock_ns(CLOCK_MONOTONIC) - w->began_ns) / (1000000 / SPEED);
}

static void boot_id(void *context, unsigned char id[16])
{
    (void)context;
    memset(id, 7, 16);
}

static void pause_us(long us)
{
    struct timespec t = {.tv_nsec = us * 1000};
    nanosleep(&t, NULL);
}

static uint64_t seed;

static uint64_t pick(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

/* -- a process that uses all that it gets ------------------------------------------------------ */

static emqx_tls_limiter *open_quota(void)
{
    emqx_tls_limiter_config config;
    emqx_tls_clock clock;
    emqx_tls_limiter *limiter;
    emqx_tls_error error;
    emqx_tls_clock_init(&clock);
    clock.now_ms = now_ms;
    clock.boot_id = boot_id;
    emqx_tls_limiter_config_init(&config);
    emqx_tls_error_init(&error);
    config.flags = flags;
    config.reads = limits[0];
    config.writes = limits[1];
    config.window_ms = WINDOW_MS;
    config.clock = &clock;
    if (emqx_tls_limiter_open_file(path, &config, &limiter, &error) != EMQX_TLS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return NULL;
    }
    return limiter;
}

static void name_of(char name[24], unsigned deployment)
{
    snprintf(name, 24, "deployment-%u", deployment);
}

/* One call: reserve, leave if there is still time, settle. */
static void call(emqx_tls_limiter *limiter)
{
    uint32_t class = pick(3) == 0, deployment = (uint32_t)pick(flags ? DEPLOYMENTS : 1);
    uint32_t outcome = EMQX_TLS_OUTCOME_ANSWERED;
    char name[24];
    emqxi_waiter waiter = {0};
    emqxi_error error;
    name_of(name, deployment);
    emqxi_reserve r = {.op = class ? EMQX_TLS_OP_UPDATE : EMQX_TLS_OP_GET,
                       .deployment_id = name,
                       .lease_ms = LEASE_MS};
    emqxi_error_clear(&error);
    int64_t lease_end = now_ms(NULL) + LEASE_MS;
    emqx_tls_code code = emqxi_limiter_reserve(limiter, &r, &waiter, &error);
    if (code != EMQX_TLS_OK && code != EMQX_TLS_E_RATE_LIMITED) {
        fprintf(stderr, "%s\n", error.message);
        w->broken = 1;
    }
    if (!r.granted) {
        pause_us(code == EMQX_TLS_OK ? 200 : 1000);
        return;
    }
    int64_t now = now_ms(NULL);
    if (now >= lease_end) {
        w->late++;
        outcome = EMQX_TLS_OUTCOME_NOT_SENT;
    } else if (pick(20) == 0) {
        outcome = EMQX_TLS_OUTCOME_NOT_SENT;
    } else {
        uint32_t i = atomic_fetch_add(&w->count, 1);
        if (i < ARRIVALS_MAX) {
            w->arrivals[i].scope = 2 * deployment + class;
            w->arrivals[i].at_ms = now;
        }
        if (pick(20) == 0)
            outcome = EMQX_TLS_OUTCOME_LOST;
    }
    emqxi_limiter_settle(limiter, r.ticket, outcome, -1, LEASE_MS, &error);
}

static void work(emqx_tls_limiter *inherited, uint64_t own_seed)
{
    seed = own_seed;
    emqx_tls_limiter *limiter = pick(2) ? inherited : open_quota();
    while (limiter && !w->draining && getppid() != 1)
        call(limiter);
    _exit(limiter ? 0 : 1);
}

/* -- the storm --------------------------------------------------------------------------------- */

typedef struct process {
    pid_t pid;
    bool stopped;
} process;

static process processes[PROCESSES];
static emqx_tls_limiter *own;
static int64_t killed_ms[1 << 20];
static unsigned kills;

static void start(process *p)
{
    uint64_t s = pick(UINT32_MAX);
    p->stopped = false;
    p->pid = fork();
    if (p->pid == 0)
        work(own, s);
}

static void start_all(void)
{
    w->draining = 0;
    for (int i = 0; i < PROCESSES; i++)
        start(&processes[i]);
}

static void drain_all(void)
{
    w->draining = 1;
    for (int i = 0; i < PROCESSES; i++)
        kill(processes[i].pid, SIGCONT);
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        waitpid(processes[i].pid, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            w->broken = 1;
    }
}

static void fault(process *p)
{
    pause_us((long)pick(FAULT_US));
    if (pick(2)) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
        killed_ms[kills++ % (sizeof killed_ms / sizeof *killed_ms)] = now_ms(NULL);
        start(p);
    } else {
        kill(p->pid, p->stopped ? SIGCONT : SIGSTOP);
        p->stopped = !p->stopped;
    }
}

static int by_scope_and_time(const void *a, const void *b)
{
    const arrival *x = a, *y = b;
    if (x->scope != y->scope)
        return x->scope < y->scope ? -1 : 1;
    return (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

/* The most that arrived in any window beyond the limit; 0 is what must be. */
static uint32_t excess(arrival *a, uint32_t n)
{
    uint32_t worst = 0;
    qsort(a, n, sizeof *a, by_scope_and_time);
    for (uint32_t i = 0, first = 0; i < n; i++) {
        while (a[first].at_ms == 0 || a[first].scope != a[i].scope ||
               a[i].at_ms - a[first].at_ms >= WINDOW_MS)
            if (first++ == i)
                break;
        if (first <= i && i - first + 1 > limits[a[i].scope % 2])
            worst = EMQXI_MAX(worst, i - first + 1 - limits[a[i].scope % 2]);
    }
    return worst;
}

static uint32_t used(uint32_t class)
{
    emqx_tls_quota quota;
    emqx_tls_error error;
    emqx_tls_quota_init(&quota);
    emqx_tls_error_init(&error);
    if (emqx_tls_limiter_query(own, class ? EMQX_TLS_OP_UPDATE : EMQX_TLS_OP_GET, "deployment-0",
                               &quota, &error) == EMQX_TLS_OK)
        return quota.used;
    printf("%s\n", error.message);
    return UINT32_MAX;
}

/* No process is left. Held must be what has arrived within the window, and may be one slot for each
 * process that was killed. */
static bool held_is_right(uint32_t class)
{
    const int64_t longest = HELD_MS + LEASE_MS + STRAY_MS;
    uint32_t least = 0, most = 0;
    int64_t before = now_ms(NULL);
    uint32_t held = used(class);
    int64_t after = now_ms(NULL);
    for (uint32_t i = 0; i < w->count; i++) {
        const arrival *a = &w->arrivals[i];
        if (a->at_ms == 0 || a->scope != class)
            continue;
        least += a->at_ms + WINDOW_MS > after;
        most += a->at_ms + longest > before;
    }
    for (unsigned i = 0; i < kills; i++)
        most += killed_ms[i] + longest > before;
    if (held >= least && held <= most)
        return true;
    printf("class %u: %u slots used, at least %u and at most %u should be\n", class, held, least,
           most);
    return false;
}

static bool storm(uint32_t storm_flags, int rounds)
{
    bool right = true;
    flags = storm_flags;
    memset(w, 0, sizeof *w);
    w->began_ns = clock_ns(CLOCK_MONOTONIC);
    kills = 0;
    unlink(path);
    own = open_quota();
    if (!own)
        return false;
    start_all();
    for (int round = 1; round <= rounds && right && !w->broken; round++) {
        for (int i = 0; i < FAULTS; i++)
            fault(&processes[pick(PROCESSES)]);
        if (round % CHECK_EACH == 0) {
            drain_all();
            right = held_is_right(0) && held_is_right(1);
            start_all();
        }
    }
    drain_all();
    int64_t end = now_ms(NULL) + HELD_MS + LEASE_MS + STRAY_MS, hours = now_ms(NULL) / WINDOW_MS;
    while (now_ms(NULL) < end)
        pause_us(1000);
    if (used(0) != 0 || used(1) != 0) {
        printf("slots are held after all must be free\n");
        right = false;
    }
    uint32_t count = EMQXI_MIN(w->count, ARRIVALS_MAX), over = excess(w->arrivals, count);
    printf("%s: %d rounds, %u kills, %lld virtual hours, %u requests, %u not sent since their "
           "lease was over, %u too "
           "many\n",
           flags ? "a quota for each deployment" : "one quota", rounds, kills, (long long)hours,
           count, w->late, over);
    emqx_tls_limiter_unref(own);
    unlink(path);
    return right && !w->broken && over == 0 && count > (uint32_t)rounds;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)clock_ns(CLOCK_MONOTONIC);
    printf("seed %llu\n", (unsigned long long)seed);
    w = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w == MAP_FAILED || !folder_make_in_memory(folder, "storm"))
        return 1;
    snprintf(path, sizeof path, "%s/quota", folder);
    bool right = storm(0, rounds);
    limits[0] = limits[1] = 3;
    right = storm(EMQX_TLS_PER_DEPLOYMENT, rounds / 4) && right;
    folder_remove(folder); /* with what a killed process has left half made */
    return !right;
}
