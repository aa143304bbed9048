/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Eight processes on one quota in a real Redis, half by unix socket and half by TCP or TLS, with a
 * password. While they take all that they can get, Redis is killed and started again, and so are
 * they. Whatever happens, no window has more arrivals than the limit. processes.c [SECONDS]
 */
#include "server.h"

#include "limiter/limiter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <emqxtls/redis.h>

#define CLIENTS   8
#define SLOTS     60
#define WINDOW_MS 1000
#define STAMPS    100000

static int64_t now_ms(void)
{
    return emqxi_now(&emqxi_system_clock);
}

static void pause_ms(int64_t ms)
{
    emqxi_system_clock.sleep_ms(NULL, ms);
}

/* Takes slots until it is killed, and tells each arrival: the time goes into the pipe between
 * reservation and settlement. */
static void client(const server *s, int number, int out)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter *limiter = NULL;
    emqxi_error error;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    emqx_tls_limiter_config_init(&config);
    emqxi_error_clear(&error);
    config.reads = SLOTS;
    config.window_ms = WINDOW_MS;
    while (emqx_tls_limiter_open_redis(number % 2 ? s->socket_url : s->tcp_url, NULL, &config,
                                       &limiter, NULL) != EMQX_TLS_OK)
        pause_ms(20);
    for (;;) {
        emqxi_waiter waiter = {0};
        emqxi_reserve r = {.op = EMQX_TLS_OP_GET, .deployment_id = "d", .lease_ms = 1000};
        if (emqxi_limiter_reserve(limiter, &r, &waiter, &error) != EMQX_TLS_OK || !r.granted) {
            pause_ms(5);
            continue;
        }
        int64_t arrival = now_ms();
        if (write(out, &arrival, sizeof arrival) != sizeof arrival)
            _exit(1);
        pause_ms((int64_t)(emqxi_random() % 4));
        emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 500, &error);
    }
}

static pid_t start_client(const server *s, int number, int out)
{
    pid_t pid = fork();
    if (pid == 0)
        client(s, number, out);
    if (pid < 0)
        exit(1);
    return pid;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t collect(int in, int64_t *stamps, size_t count)
{
    ssize_t n;
    while (count < STAMPS && (n = read(in, &stamps[count], (STAMPS - count) * sizeof *stamps)) > 0)
        count += (size_t)n / sizeof *stamps;
    return count;
}

/* Runs clients for so long, and until there are so many arrivals, killing Redis every server_ms and
 * a client every client_ms (0: none). */
static void run(int64_t duration_ms, size_t arrivals, int64_t server_ms, int64_t client_ms)
{
    static int64_t stamps[STAMPS];
    server s;
    int pipes[2], most = 0;
    pid_t pids[CLIENTS];
    server_new(&s, true);
    if (pipe(pipes) != 0 || fcntl(pipes[0], F_SETFL, O_NONBLOCK) != 0)
        exit(1);
    for (int i = 0; i < CLIENTS; i++)
        pids[i] = start_client(&s, i, pipes[1]);
    int64_t end = now_ms() + duration_ms, next_server = now_ms() + server_ms,
            next_client = now_ms() + client_ms;
    size_t count = 0;
    while (now_ms() < end || count < arrivals) {
        size_t before = count;
        pause_ms(1);
        count = collect(pipes[0], stamps, count);
        if (count == before)
            continue; /* kills hit where something goes on */
        if (server_ms && now_ms() >= next_server) {
            server_kill(&s);
            pause_ms((int64_t)(emqxi_random() % 100));
            server_start(&s);
            next_server = now_ms() + server_ms;
        }
        if (client_ms && now_ms() >= next_client) {
            size_t i = emqxi_random() % CLIENTS;
            kill(pids[i], SIGKILL);
            waitpid(pids[i], NULL, 0);
            pids[i] = start_client(&s, (int)i, pipes[1]);
            next_client = now_ms() + client_ms;
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    count = collect(pipes[0], stamps, count);
    server_free(&s);
    qsort(stamps, count, sizeof *stamps, by_time);
    for (size_t first = 0, i = 0; i < count; i++) {
        while (stamps[i] - stamps[first] >= WINDOW_MS)
            first++;
        if ((int)(i - first + 1) > most)
            most = (int)(i - first + 1);
    }
    printf("%zu arrivals in %" PRId64 " s, at most %d in a window of %d\n", count,
           duration_ms / 1000, most, SLOTS);
    fflush(stdout);
    if (most > SLOTS) {
        puts("over the limit");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    int64_t duration_ms = (argc > 1 ? strtoll(argv[1], NULL, 10) : 8) * 1000;
    /* Undisturbed, SLOTS come through in each W' of 2 s; on a slow machine it takes longer. */
    size_t best = (size_t)(duration_ms / 2001 + 1) * SLOTS;
    run(duration_ms, best * 3 / 4, 0, 0);
    /* A kill may cost the slots in flight, at most one a client, each for lease, 60 s and W'; the
     * rest goes on. */
    run(duration_ms, best / 3, 2000, 0);
    run(duration_ms, 0, 0, 300);
    run(duration_ms, 0, 1500, 400);
    return 0;
}
