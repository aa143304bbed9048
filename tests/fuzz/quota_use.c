/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "quota_use.h"

static const struct {
    char letter;
    uint32_t op;
} takes[] = {{'g', EMQX_TLS_OP_GET},
             {'c', EMQX_TLS_OP_CREATE},
             {'p', EMQX_TLS_OP_UPDATE},
             {'d', EMQX_TLS_OP_DELETE}};

void quota_use_begin(quota_use *u, uint8_t flags)
{
    memset(u, 0, sizeof *u);
    u->clock = emqx_tls_test_clock_new(USE_DAY_MS, WALL_MS);
    u->allocator = emqx_tls_test_allocator_new();
    HOLDS(u->clock && u->allocator);
    emqx_tls_limiter_config_init(&u->config);
    u->config.flags = flags & (EMQX_TLS_PER_METHOD | EMQX_TLS_PER_DEPLOYMENT);
    u->config.reads = USE_READS;
    u->config.writes = USE_WRITES;
    u->config.window_ms = USE_WINDOW_MS;
    u->config.clock = emqx_tls_test_clock_vtable(u->clock);
    u->config.allocator = emqx_tls_test_allocator_vtable(u->allocator);
}

void quota_use_close(quota_use *u)
{
    if (u->open)
        u->store.destroy(u->store.context);
    u->open = false;
}

void quota_use_end(quota_use *u)
{
    quota_use_close(u);
    const char *problem = emqx_tls_test_allocator_problem(u->allocator);
    if (problem)
        fprintf(stderr, "%s\n", problem);
    HOLDS(!problem);
    emqx_tls_test_allocator_free(u->allocator);
    emqx_tls_test_clock_free(u->clock);
}

void quota_use_ended(const quota_use *u, emqx_tls_code code, const emqx_tls_error *error)
{
    const char *text = error->message;
    if (code == EMQX_TLS_OK)
        return;
    HOLDS(code == EMQX_TLS_E_STORE || code == EMQX_TLS_E_NO_MEMORY);
    HOLDS(memchr(text, '\0', sizeof error->message) && *text && emqxi_utf8_ok(text, strlen(text)));
    HOLDS(error->retry_after_ms >= -1);
    HOLDS(code != EMQX_TLS_E_STORE || !u->where || strstr(text, u->where));
    HOLDS(!u->secret || !strstr(text, u->secret));
}

static bool one_group(const quota_use *u, uint32_t a, uint32_t b)
{
    return emqxi_group(u->config.flags, a) == emqxi_group(u->config.flags, b);
}

/* No request too many in the platform's window, that of this slot included. */
static void is_within_the_limit(const quota_use *u, uint32_t op)
{
    uint32_t n = 0;
    for (size_t i = 0; i < u->count; i++)
        n +=
            one_group(u, u->slots[i].op, op) && u->passed_ms - u->slots[i].taken_ms < USE_WINDOW_MS;
    HOLDS(n <= (op == EMQX_TLS_OP_GET ? USE_READS : USE_WRITES));
}

static void take(quota_use *u, uint32_t op)
{
    emqx_tls_error error;
    emqx_tls_grant grant = {.size = sizeof grant};
    emqx_tls_ask ask = {.size = sizeof ask, .op = op, .deployment_id = "d1", .lease_ms = 15000};
    emqx_tls_error_init(&error);
    emqx_tls_code code = u->store.reserve(u->store.context, &ask, &grant, &error);
    quota_use_ended(u, code, &error);
    HOLDS(code != EMQX_TLS_OK || (grant.early_ms >= 0 && grant.late_ms >= 0));
    HOLDS(code != EMQX_TLS_OK || grant.reason <= EMQX_TLS_QUOTA_IN_FLIGHT);
    if (code != EMQX_TLS_OK || !grant.granted || u->count == USE_SLOTS)
        return;
    memcpy(u->slots[u->count].ticket, grant.ticket, sizeof grant.ticket);
    u->slots[u->count].op = op;
    u->slots[u->count].taken_ms = u->passed_ms;
    u->slots[u->count++].in_flight = true;
    is_within_the_limit(u, op);
}

static void settle(quota_use *u, uint32_t outcome, int64_t retry_after_ms)
{
    size_t i = 0;
    while (i < u->count && !u->slots[i].in_flight)
        i++;
    if (i == u->count)
        return;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    quota_use_ended(
        u, u->store.settle(u->store.context, u->slots[i].ticket, outcome, retry_after_ms, &error),
        &error);
    u->slots[i].in_flight = false;
    if (outcome == EMQX_TLS_OUTCOME_NOT_SENT)
        u->slots[i] = u->slots[--u->count];
}

static void ask(quota_use *u)
{
    for (uint32_t op = EMQX_TLS_OP_GET; op <= EMQX_TLS_OP_DELETE; op++) {
        emqx_tls_error error;
        emqx_tls_quota q = {.size = sizeof q};
        emqx_tls_error_init(&error);
        emqx_tls_code code = u->store.query(u->store.context, op, "d1", &q, &error);
        quota_use_ended(u, code, &error);
        if (code != EMQX_TLS_OK)
            continue;
        HOLDS(q.limit == (op == EMQX_TLS_OP_GET ? USE_READS : USE_WRITES));
        HOLDS(q.used <= q.limit && q.remaining <= q.limit && q.next_ms >= 0);
        HOLDS(q.reason <= EMQX_TLS_QUOTA_IN_FLIGHT);
    }
}

static void let_time_pass(quota_use *u, uint8_t digit)
{
    static const int64_t times[] = {1,       1000,    20000,   61000,      600000,
                                    3600000, 3603000, 7800000, USE_DAY_MS, 32LL * USE_DAY_MS};
    int64_t ms = times[digit % 10];
    emqx_tls_test_clock_advance(u->clock, ms);
    u->passed_ms += ms;
}

static bool settle_step(quota_use *u, char letter, fuzz_input *in)
{
    static const int64_t waits[] = {-1,      0,          1000,      60000,     3600000,
                                    7200000, 2678400000, INT64_MAX, INT64_MIN, -2};
    switch (letter) {
    case 'a':
        settle(u, EMQX_TLS_OUTCOME_ANSWERED, -1);
        return true;
    case 'n':
        settle(u, EMQX_TLS_OUTCOME_NOT_SENT, -1);
        return true;
    case 'l':
        settle(u, EMQX_TLS_OUTCOME_LOST, -1);
        return true;
    case 'r':
        settle(u, EMQX_TLS_OUTCOME_REFUSED, waits[fuzz_digit(in) % 10]);
        return true;
    default:
        return false;
    }
}

bool quota_use_step(quota_use *u, char letter, fuzz_input *in)
{
    for (size_t i = 0; i < sizeof takes / sizeof takes[0]; i++)
        if (takes[i].letter == letter)
            return take(u, takes[i].op), true;
    if (letter == 'q')
        ask(u);
    else if (letter == 't')
        let_time_pass(u, fuzz_digit(in));
    else if (letter == 'm')
        emqx_tls_test_allocator_fail(u->allocator, fuzz_digit(in) % 10 + 1, 0);
    else
        return settle_step(u, letter, in);
    return true;
}
