/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Whole calls by the public interface, on a platform, a network, a clock, memory and a quota store
 * that are played (call_world.h). The first line sets them up, the second is what the program does,
 * the third what a store of its own does, the rest the fates of exchanges (call_network.c).
 *
 *   R B S     with receipts; a transport of `start` alone; a store of the program's own
 *   q 0-5     quota_wait_ms: 0, 1 s, 20 s, 61 s, 10 min, 2 h     Q  a quota of 8 reads and 2 writes
 *   0-2 C     that deployment holds, and runs: w t o, the wanted one, its twin, another
 *
 * What is done on a deployment, by its digit D and a certificate's C; capitals do not wait:
 *   e E D C F W   ensure; F the flags, W how long: 0, 1 s, 50 s, 130 s, 10 min, 40 min
 *   w V D W       wait          r X D W   remove
 *   g G D, c C D C, u U D C, d H D        the four calls
 *   . + W         one turn; turns for so long         x D     cancel
 *   i W  m 0-9    an interrupt then; an allocation fails
 *   n             the program is killed, and another one starts
 *   t W  z W      time passes; the wall clock steps back
 *   l f           reads lag, or do not any more; what is pending will fail, or will not
 *   o D C         somebody else puts that in place
 *
 * In the end all is well, and two calls at most reach what was last wanted.
 */
#include "call_world.h"

#include <unistd.h>

#include "folder.h"

call_world w;
static char folder[FOLDER_SIZE];
static emqx_tls_limiter *limiter;
static emqx_tls_client *client;
static enum cert last_wanted[DEPLOYMENTS];

/* The disk has no part in this. */
int fsync(int fd)
{
    (void)fd;
    return 0;
}

static const char *name_of(int d)
{
    static const char *const names[DEPLOYMENTS] = {"d0", "d1", "d2"};
    return names[d];
}

static uint32_t take_time(fuzz_input *in)
{
    static const uint32_t times[] = {0, 1000, 50000, 130000, 600000, 2400000};
    return times[fuzz_digit(in) % 6];
}

/* -- the program ----------------------------------------------------------------------------------- */

static void open_client(void)
{
    emqx_tls_config config;
    emqx_tls_transport transport;
    emqx_tls_config_init(&config);
    network_begin(&transport);
    config.endpoint = "https://api.example/v1";
    config.api_key = "the-key";
    config.api_secret = "the-secret-of-the-key";
    config.timeout_ms = TIMEOUT_MS;
    config.quota_wait_ms = w.quota_wait_ms;
    config.limiter = limiter;
    config.transport = &transport;
    config.clock = emqx_tls_test_clock_vtable(w.clock);
    config.allocator = emqx_tls_test_allocator_vtable(w.allocator);
    emqx_tls_test_allocator_fail(w.allocator, 0, 0);
    HOLDS(emqx_tls_client_new(&config, &client, NULL) == EMQX_TLS_OK);
}

static void close_client(void)
{
    emqx_tls_client_free(client);
    client = NULL;
    network_end();
    for (int d = 0; d < DEPLOYMENTS; d++)
        HOLDS(!w.deployments[d].act.active);
}

static void open_limiter(void)
{
    emqx_tls_limiter_config config;
    emqx_tls_store store;
    emqx_tls_limiter_config_init(&config);
    config.reads = w.reads;
    config.writes = w.writes;
    config.clock = emqx_tls_test_clock_vtable(w.clock);
    quota_begin(&store);
    emqx_tls_code code =
        w.own_store ? emqx_tls_limiter_open_store(&store, config.clock, NULL, &limiter, NULL)
                    : emqx_tls_limiter_new(&config, &limiter, NULL);
    HOLDS(code == EMQX_TLS_OK);
}

static emqx_tls_request request_for(enum cert cert)
{
    emqx_tls_request r;
    emqx_tls_request_init(&r);
    r.type = EMQX_TLS_TYPE_ONE_WAY;
    r.cert = cert_pem[cert];
    r.cert_len = strlen(r.cert);
    r.key = key_pem[cert];
    r.key_len = strlen(r.key);
    return r;
}

static emqx_tls_ensure_options options_of(const act *a)
{
    emqx_tls_ensure_options o;
    emqx_tls_ensure_options_init(&o);
    o.flags = a->flags;
    o.wait_ms = a->wait_ms;
    o.receipt_dir = w.receipts ? folder : NULL;
    return o;
}

static void on_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    act *a = user;
    emqx_tls_status status;
    emqx_tls_error error;
    emqx_tls_ensure_result result;
    emqx_tls_status_init(&status);
    emqx_tls_error_init(&error);
    emqx_tls_ensure_result_init(&result);
    emqx_tls_call_result(call, &status, &error);
    emqx_tls_call_ensure_result(call, &result);
    HOLDS(call == a->call && ++a->count == 1);
    for (int d = 0; d < DEPLOYMENTS; d++)
        if (&w.deployments[d].act == a)
            held_by_end(d, code, &error, &status, &result);
}

/* Began; false: it was refused at once, and nothing was done. */
static void submit(int d, act *a, const emqx_tls_request *r)
{
    emqx_tls_ensure_options o = options_of(a);
    const char *id = name_of(d);
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    emqx_tls_code code =
        a->op        ? emqx_tls_submit(client, a->op, id, r, on_done, a, &a->call, &error)
        : a->ensures ? emqx_tls_submit_ensure(client, id, r, &o, on_done, a, &a->call, &error)
        : a->removes
            ? emqx_tls_submit_remove(client, id, a->wait_ms, on_done, a, &a->call, &error)
            : emqx_tls_submit_wait(client, id, NULL, a->wait_ms, on_done, a, &a->call, &error);
    HOLDS(code == EMQX_TLS_OK || a->started == 0 || a->count == 1);
    if (code != EMQX_TLS_OK)
        a->active = false;
}

static void run_blocking(int d, act *a, const emqx_tls_request *r)
{
    emqx_tls_ensure_options o = options_of(a);
    const char *id = name_of(d);
    emqx_tls_status status;
    emqx_tls_error error;
    emqx_tls_ensure_result result;
    emqx_tls_code code;
    emqx_tls_status_init(&status);
    emqx_tls_error_init(&error);
    emqx_tls_ensure_result_init(&result);
    if (a->ensures)
        code = emqx_tls_ensure(client, id, r, &o, &result, &status, &error);
    else if (a->removes)
        code = emqx_tls_remove(client, id, a->wait_ms, &error);
    else if (!a->op)
        code = emqx_tls_wait(client, id, NULL, a->wait_ms, &status, &error);
    else if (a->op == EMQX_TLS_OP_GET)
        code = emqx_tls_get(client, id, &status, &error);
    else if (a->op == EMQX_TLS_OP_CREATE)
        code = emqx_tls_create(client, id, r, &status, &error);
    else if (a->op == EMQX_TLS_OP_UPDATE)
        code = emqx_tls_update(client, id, r, &status, &error);
    else
        code = emqx_tls_delete(client, id, &error);
    held_by_end(d, code, &error, &status, &result);
}

/* A call as `a` says; `waits`: the blocking form. One at a time on a deployment. */
static void do_call(int d, act a, bool waits)
{
    deployment *p = &w.deployments[d];
    emqx_tls_request r = request_for(a.cert ? a.cert : CERT_WANTED);
    if (p->act.active)
        return;
    bool wrote = a.ensures || a.removes || a.op > EMQX_TLS_OP_GET;
    if (a.ensures) {
        p->mixed |= (last_wanted[d] && last_wanted[d] != a.cert) || (a.flags & EMQX_TLS_FORCE);
        last_wanted[d] = a.cert;
    } else if (wrote) {
        p->mixed = true; /* without receipts */
        p->others = p->others || w.receipts;
    }
    a.active = true;
    a.begun_ms = now_ms();
    p->act = a;
    if (waits)
        run_blocking(d, &p->act, &r);
    else
        submit(d, &p->act, &r);
}

/* -- steps ----------------------------------------------------------------------------------------- */

static int take_deployment(fuzz_input *in)
{
    return fuzz_digit(in) % DEPLOYMENTS;
}

static enum cert take_cert(fuzz_input *in)
{
    char letter = (char)fuzz_byte(in);
    return letter == 't' ? CERT_TWIN : letter == 'o' ? CERT_OTHER : CERT_WANTED;
}

static bool call_step(char letter, fuzz_input *in)
{
    static const char letters[] = "ewrgcudEVXGCUH";
    const char *at = letter ? strchr(letters, letter) : NULL;
    if (!at)
        return false;
    size_t which = (size_t)(at - letters) % 7;
    act a = {.ensures = which == 0, .removes = which == 2};
    int d = take_deployment(in);
    if (which == 0 || which == 4 || which == 5)
        a.cert = take_cert(in);
    if (which == 0)
        a.flags = fuzz_digit(in) % 8;
    if (which < 3)
        a.wait_ms = take_time(in);
    else
        a.op = EMQX_TLS_OP_GET + (uint32_t)which - 3;
    do_call(d, a, at - letters < 7);
    return true;
}

static void put(int d, enum cert cert)
{
    deployment *p = &w.deployments[d];
    p->before = p->now = (holding){.cert = cert, .runs = cert, .state = EMQX_TLS_STATE_RUNNING};
    p->ready_ms = INT64_MAX;
}

static void interrupt(void *context)
{
    (void)context;
    if (client)
        emqx_tls_client_interrupt(client);
}

static void run_for(int64_t ms)
{
    int64_t end = now_ms() + ms;
    for (int turns = 0; turns < 200 && emqx_tls_client_pending(client) > 0; turns++) {
        int64_t left = end - now_ms();
        emqx_tls_client_run(client, left > 0 ? (int)left : 0, NULL);
        if (left <= 0)
            return;
    }
}

static void outside_step(char letter, fuzz_input *in)
{
    int d;
    switch (letter) {
    case 'o':
        d = take_deployment(in);
        put(d, take_cert(in));
        w.deployments[d].others = true;
        break;
    case 'l':
        w.lags = !w.lags;
        break;
    case 'f':
        w.fails = !w.fails;
        break;
    case 't':
        emqx_tls_test_clock_advance(w.clock, take_time(in));
        break;
    case 'z':
        emqx_tls_test_clock_set_wall(w.clock, 1767225600000 - take_time(in));
        break;
    default:
        break;
    }
}

static void step(char letter, fuzz_input *in)
{
    act *a;
    if (call_step(letter, in))
        return;
    switch (letter) {
    case '.':
        emqx_tls_client_run(client, 0, NULL);
        break;
    case '+':
        run_for(take_time(in));
        break;
    case 'x':
        a = &w.deployments[take_deployment(in)].act;
        if (a->active)
            emqx_tls_cancel(client, a->call);
        break;
    case 'i':
        emqx_tls_test_clock_at(w.clock, now_ms() + take_time(in), interrupt, NULL);
        break;
    case 'm':
        emqx_tls_test_allocator_fail(w.allocator, fuzz_digit(in) + 1u, 0);
        break;
    case 'n':
        close_client();
        open_client();
        break;
    default:
        outside_step(letter, in);
        break;
    }
}

/* -- beginning and end ------------------------------------------------------------------------------- */

static void set_up(fuzz_input *line)
{
    static const uint32_t waits[] = {0, 1000, 20000, 61000, 600000, 7200000};
    w.reads = 60;
    w.writes = 6;
    while (fuzz_more(line)) {
        char letter = (char)fuzz_byte(line);
        w.receipts |= letter == 'R';
        w.blocking |= letter == 'B';
        w.own_store |= letter == 'S';
        if (letter == 'Q')
            w.reads = 8, w.writes = 2;
        else if (letter == 'q')
            w.quota_wait_ms = waits[fuzz_digit(line) % 6];
        else if (letter >= '0' && letter < '0' + DEPLOYMENTS)
            put(letter - '0', take_cert(line));
    }
}

static void goes_well(void)
{
    w.well = true;
    w.fails = false;
    emqx_tls_test_clock_advance(w.clock, 3 * WINDOW_MS);
    platform_goes_on();
    open_client();
    for (int d = 0; d < DEPLOYMENTS; d++) {
        deployment *p = &w.deployments[d];
        if (!last_wanted[d] || w.lied)
            continue;
        for (int calls = 0;; calls++) {
            emqx_tls_ensure_result result;
            emqx_tls_error error;
            emqx_tls_ensure_result_init(&result);
            emqx_tls_error_init(&error);
            emqx_tls_request r = request_for(last_wanted[d]);
            act a = {.ensures = true,
                     .cert = last_wanted[d],
                     .active = true,
                     .wait_ms = 2400000,
                     .flags = EMQX_TLS_ALLOW_EARLIER,
                     .begun_ms = now_ms()};
            p->act = a;
            emqx_tls_ensure_options o = options_of(&a);
            emqx_tls_code code = emqx_tls_ensure(client, name_of(d), &r, &o, &result, NULL, &error);
            held_by_end(d, code, &error, NULL, &result);
            if (code == EMQX_TLS_OK)
                break;
            if (calls == 1)
                fprintf(stderr, "%s: %s\n", name_of(d), error.message);
            HOLDS(calls < 1);
            emqx_tls_test_clock_advance(w.clock, 2 * WINDOW_MS);
        }
        HOLDS(p->now.state == EMQX_TLS_STATE_RUNNING);
    }
    close_client();
}

static void remove_folder(void)
{
    folder_remove(folder);
    for (int c = CERT_WANTED; c < CERTS; c++) {
        free(cert_pem[c]);
        free(key_pem[c]);
    }
}

static void begin(void)
{
    if (!*folder) {
        HOLDS(folder_make_in_memory(folder, "fuzz"));
        certs_make();
        atexit(remove_folder);
    }
    memset(&w, 0, sizeof w);
    memset(last_wanted, 0, sizeof last_wanted);
    w.clock = emqx_tls_test_clock_new(1000000, 1767225600000);
    w.allocator = emqx_tls_test_allocator_new();
    HOLDS(w.clock && w.allocator);
    emqx_tls_test_allocator_watch(w.allocator, "the-secret-of-the-key", 21);
    emqx_tls_test_allocator_watch(w.allocator, key_pem[CERT_WANTED] + 60, 40);
    for (int d = 0; d < DEPLOYMENTS; d++)
        w.deployments[d] = (deployment){.now.state = EMQX_TLS_STATE_ABSENT,
                                        .before.state = EMQX_TLS_STATE_ABSENT,
                                        .ready_ms = INT64_MAX};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, data + size}, line = fuzz_line(&in), story = fuzz_line(&in);
    begin();
    set_up(&line);
    w.quota = fuzz_line(&in);
    w.fates = in;
    open_limiter();
    open_client();
    for (int steps = 0; steps < 24 && fuzz_more(&story); steps++)
        step((char)fuzz_byte(&story), &story);
    close_client();
    goes_well();
    HOLDS(!w.own_store || w.settled <= w.slots);
    emqx_tls_limiter_unref(limiter);
    const char *problem = emqx_tls_test_allocator_problem(w.allocator);
    if (problem)
        fprintf(stderr, "%s\n", problem);
    HOLDS(!problem);
    emqx_tls_test_allocator_free(w.allocator);
    emqx_tls_test_clock_free(w.clock);
    if (w.receipts)
        folder_empty(folder);
    return 0;
}
