/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The whole of it: 32 processes call the platform (the emulator, over HTTP on loopback) with one
 * quota file and a window of two seconds, while some are killed and others stopped in the middle.
 * The platform's own count must never be exceeded, and what is left of the quota must be used.
 * storm.c has the numbers; this has the real client, the real clock and the real arrivals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <emqxtls/emqxtls.h>

#include "emulator.h"

#define PROCESSES 32
#define READS     60
#define WRITES    20
#define WINDOW_S  2
#define KILLS     16 /* each may hold a slot of reads or writes until after the end */
/* of the whole quota, with so many slots lost: what must arrive, however long it takes */
#define MUST_READ  (2 * (READS - KILLS))
#define MUST_WRITE WRITES
#define STOP_MS    300

static emulator_run platform;
static char quota_file[128];
static atomic_bool *enough; /* shared with the processes */

static emqx_tls_limiter *open_quota(void)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter *limiter;
    emqx_tls_error error;
    emqx_tls_limiter_config_init(&config);
    emqx_tls_error_init(&error);
    config.reads = READS;
    config.writes = WRITES;
    config.window_ms = WINDOW_S * 1000;
    if (emqx_tls_limiter_open_file(quota_file, &config, &limiter, &error) == EMQX_TLS_OK)
        return limiter;
    fprintf(stderr, "%s\n", error.message);
    return NULL;
}

/* A 429 ends the process with 1, anything else that may not be with 2. */
static void work(emqx_tls_limiter *limiter, unsigned number)
{
    emqx_tls_config config;
    emqx_tls_client *client;
    emqx_tls_error error;
    emqx_tls_config_init(&config);
    emqx_tls_error_init(&error);
    config.endpoint = platform.endpoint;
    config.api_key = EMULATOR_KEY;
    config.api_secret = EMULATOR_SECRET;
    config.flags = EMQX_TLS_ALLOW_HTTP_LOOPBACK;
    config.proxy = "";
    config.quota_wait_ms = 10000;
    config.limiter = limiter;
    if (!limiter || emqx_tls_client_new(&config, &client, &error) != EMQX_TLS_OK)
        _exit(2);
    for (unsigned i = number; !atomic_load(enough); i++) {
        emqx_tls_code code = i % 4 == 0 ? emqx_tls_delete(client, "ge6a1a75", &error)
                                        : emqx_tls_get(client, "ge6a1a75", NULL, &error);
        if (code == EMQX_TLS_OK || code == EMQX_TLS_E_NOT_FOUND ||
            (code == EMQX_TLS_E_RATE_LIMITED && error.http_status == 0))
            continue;
        fprintf(stderr, "%s: %s\n", emqx_tls_code_name(code), error.message);
        _exit(error.http_status == 429 ? 1 : 2);
    }
    _exit(0);
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void killed_and_stopped_processes_stay_inside_the_platforms_quota(void **state)
{
    (void)state;
    char reads[8], writes[8], window[8];
    pid_t pids[PROCESSES];
    snprintf(reads, sizeof reads, "%d", READS);
    snprintf(writes, sizeof writes, "%d", WRITES);
    snprintf(window, sizeof window, "%d", WINDOW_S);
    emulator_start(&platform, (const char *[]){"--http", "--reads", reads, "--writes", writes,
                                               "--window", window, "--count-rejected", NULL});
    snprintf(quota_file, sizeof quota_file, "%s/quota", platform.folder);
    enough = mmap(NULL, sizeof *enough, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(enough, MAP_FAILED);
    emqx_tls_limiter *inherited = open_quota();
    assert_non_null(inherited);
    for (unsigned i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            work(i % 2 ? inherited : open_quota(), i);
    }
    srand((unsigned)time(NULL));
    for (int i = 0; i < KILLS;
         i++) { /* the first half is killed, one after the other, the rest is stopped and goes on */
        pid_t stopped = pids[KILLS + rand() % (PROCESSES - KILLS)];
        pause_ms(rand() % 300);
        kill(pids[i], SIGKILL);
        kill(stopped, SIGSTOP);
        pause_ms(rand() % STOP_MS);
        kill(stopped, SIGCONT);
    }
    while (emulator_count(&platform, "reads") < MUST_READ ||
           emulator_count(&platform, "writes") < MUST_WRITE)
        pause_ms(50);
    atomic_store(enough, true);
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        if (i >= KILLS)
            assert_int_equal(status, 0);
    }
    emqx_tls_limiter_unref(inherited);
    print_message("%lld reads and %lld writes arrived\n",
                  (long long)emulator_count(&platform, "reads"),
                  (long long)emulator_count(&platform, "writes"));
    assert_int_equal(emulator_count(&platform, "over_quota"), 0);
    emulator_end(&platform);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_and_stopped_processes_stay_inside_the_platforms_quota)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
