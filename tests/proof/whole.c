/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * ensure, wait and remove whole, by the public API, blocking and asynchronous: every story of two
 * calls in which so many things do not go well, and drawn ones beyond.
 *
 * proof-whole [FAULTS DRAWN [all]] - with `all` in every setting.
 */
#include "whole.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <emqxtls/test.h>

#include "base/base.h"
#include "folder.h"
#include "unit/support/self_signed.h"

#define WALL_MS      1800000000000
#define WANTED_END   1931913600 /* as platform.c knows it */
#define DESCRIPTORS  16
#define STARTS       (sizeof starts / sizeof starts[0])
#define STARTS_SHORT 5 /* the first of them */

const setting *the_setting;
const char *wanted_pem;
char receipts[FOLDER_SIZE];
static char *key_pem;
static emqx_tls_client *client;

/* -- a call -------------------------------------------------------------------------------------- */

typedef struct ended {
    int count;
    emqx_tls_code code;
    emqx_tls_error error;
    emqx_tls_ensure_result result;
} ended;
static ended over;

static int64_t now_ms(void *context)
{
    (void)context;
    return w.now_ms;
}

static int64_t wall_ms(void *context)
{
    (void)context;
    return WALL_MS + w.now_ms;
}

static void sleep_ms(void *context, int64_t ms)
{
    (void)context;
    time_passes(ms);
}

static void gives_up(void)
{
    emqx_tls_client_interrupt(client);
}

static void note_end(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    ended *e = user;
    emqx_tls_status status;
    emqx_tls_status_init(&status);
    e->count++;
    e->code = code;
    emqx_tls_call_result(call, &status, &e->error);
    emqx_tls_call_ensure_result(call, &e->result);
}

static void set_options(emqx_tls_ensure_options *o)
{
    emqx_tls_ensure_options_init(o);
    o->flags = the_setting->flags;
    o->wait_ms = the_setting->wait_ms;
    o->receipt_dir = the_setting->receipts ? receipts : NULL;
}

static emqx_tls_code block(const emqx_tls_request *request)
{
    emqx_tls_status status;
    emqx_tls_ensure_options options;
    emqx_tls_status_init(&status);
    set_options(&options);
    over.count = 1;
    switch (the_setting->kind) {
    case ENSURE:
        return emqx_tls_ensure(client, "d1", request, &options, &over.result, &status, &over.error);
    case WAIT:
        return emqx_tls_wait(client, "d1", request, the_setting->wait_ms, &status, &over.error);
    default:
        return emqx_tls_remove(client, "d1", the_setting->wait_ms, &over.error);
    }
}

static emqx_tls_code submit(const emqx_tls_request *request, emqx_tls_call **call)
{
    emqx_tls_ensure_options options;
    set_options(&options);
    switch (the_setting->kind) {
    case ENSURE:
        return emqx_tls_submit_ensure(client, "d1", request, &options, note_end, &over, call,
                                      &over.error);
    case WAIT:
        return emqx_tls_submit_wait(client, "d1", request, the_setting->wait_ms, note_end, &over,
                                    call, &over.error);
    default:
        return emqx_tls_submit_remove(client, "d1", the_setting->wait_ms, note_end, &over, call,
                                      &over.error);
    }
}

static emqx_tls_code run_loop(const emqx_tls_request *request)
{
    emqx_tls_call *call = NULL;
    emqx_tls_code code = submit(request, &call);
    if (code != EMQX_TLS_OK) {
        over.count = 1;
        return code;
    }
    while (emqx_tls_client_pending(client) > 0)
        if (emqx_tls_client_run(client, -1, NULL) == EMQX_TLS_E_CANCELLED)
            emqx_tls_cancel(client, call);
    return over.code;
}

static void open_client(const emqx_tls_allocator *allocator)
{
    static const emqx_tls_clock clock = {
        .size = sizeof clock, .now_ms = now_ms, .wall_ms = wall_ms, .sleep_ms = sleep_ms};
    emqx_tls_config config;
    emqx_tls_config_init(&config);
    config.endpoint = "https://api.example/public_api/v1";
    config.api_key = "key";
    config.api_secret = "the secret";
    config.flags = EMQX_TLS_SKIP_CHECK;
    config.clock = &clock;
    config.transport = exchange_transport();
    config.allocator = allocator;
    emqx_tls_error_init(&over.error);
    if (emqx_tls_client_new(&config, &client, &over.error) != EMQX_TLS_OK) {
        fprintf(stderr, "%s\n", over.error.message);
        exit(1);
    }
}

static void set_request(emqx_tls_request *request)
{
    emqx_tls_request_init(request);
    request->type = EMQX_TLS_TYPE_ONE_WAY;
    request->cert = wanted_pem;
    request->cert_len = strlen(wanted_pem);
    request->key = key_pem;
    request->key_len = strlen(key_pem);
}

/* In a process of its own, as far as memory and descriptors go. False: it was killed. */
static bool call(emqx_tls_test_allocator *memory)
{
    emqx_tls_request request;
    memset(&over, 0, sizeof over);
    open_client(emqx_tls_test_allocator_vtable(memory));
    emqx_tls_error_init(&over.error);
    emqx_tls_ensure_result_init(&over.result);
    set_request(&request);
    if (setjmp(crash))
        return false;
    over.code = the_setting->async ? run_loop(&request) : block(&request);
    crash_in = 0;
    if (over.count != 1)
        story_broken("done does not come once");
    held_at_end(over.code, &over.error, &over.result);
    emqx_tls_client_free(client);
    if (emqx_tls_test_allocator_problem(memory))
        story_broken("memory is lost, or has a secret");
    story_note("it ended with %s (%s)", emqx_tls_code_name(over.code), over.error.message);
    return true;
}

static bool call_alone(void)
{
    emqx_tls_test_allocator *memory = emqx_tls_test_allocator_new();
    emqx_tls_test_allocator_watch(memory, "the secret", 10);
    int first = dup(STDIN_FILENO);
    close(first);
    exchange_reset();
    exchange_cancel = gives_up;
    w.begun_ms = w.now_ms;
    w.exchanges = w.writes = w.carried_out = w.seen = 0;
    w.in_doubt = w.cancelled = false;
    memset(&w.shown, 0, sizeof w.shown);
    for (int i = 0; i < STRAYS; i++)
        w.strays[i].own = false;
    story_note("a call begins");
    bool alive = call(memory);
    for (int fd = first; !alive && fd < first + DESCRIPTORS; fd++)
        close(fd);
    int after = dup(STDIN_FILENO);
    close(after);
    if (after != first)
        story_broken("a descriptor is lost");
    emqx_tls_test_allocator_free(memory);
    return alive;
}

/* -- stories ------------------------------------------------------------------------------------- */

/* Two calls at most reach what is wanted. */
static void goes_well(void)
{
    w.well = true;
    w.lag_until_ms = 0;
    memset(w.strays, 0, sizeof w.strays);
    for (int i = 0; i < 2; i++) {
        time_passes(240000);
        call_alone();
        bool good = over.code == EMQX_TLS_OK || over.code == EMQX_TLS_E_CHECK ||
                    over.code == EMQX_TLS_E_INVALID;
        if (good || the_setting->kind == WAIT)
            return;
        if (over.error.retry_after_ms > 0)
            time_passes(over.error.retry_after_ms);
    }
    story_broken("two calls do not reach it, though all is well");
}

static void program(void)
{
    static const char *const pauses[] = {"65 s later", "5 s later", "35 min later", NULL};
    static const int64_t lengths[] = {65000, 5000, 2100000};
    if (the_setting->receipts)
        folder_empty(receipts);
    memset(&w, 0, sizeof w);
    w.now_ms = 1000000;
    w.platform.now = the_setting->start;
    w.platform.telling = (uint8_t)the_setting->telling;
    call_alone();
    if (story_is_broken())
        return;
    time_passes(lengths[story_choose(pauses)]);
    call_alone();
    if (!story_is_broken() && !w.others)
        goes_well();
}

static const struct {
    holding holding;
    const char *name;
} starts[] = {
    {{CERT_NONE, EMQX_TLS_STATE_ABSENT, CERT_NONE, 0}, "nothing"},
    {{CERT_SHORTER, EMQX_TLS_STATE_RUNNING, CERT_SHORTER, 0}, "a shorter one"},
    {{CERT_TWIN, EMQX_TLS_STATE_RUNNING, CERT_TWIN, 0}, "a twin"},
    {{CERT_WANTED, EMQX_TLS_STATE_RUNNING, CERT_WANTED, 1}, "the wanted one"},
    {{CERT_SHORTER, EMQX_TLS_STATE_TERMINATED, CERT_SHORTER, 0}, "one that leaves"},
    {{CERT_SHORTER, EMQX_TLS_STATE_FAILED, CERT_NONE, 0}, "a failed one"},
    {{CERT_LONGER, EMQX_TLS_STATE_RUNNING, CERT_LONGER, 0}, "a longer one"},
    {{CERT_TWIN, EMQX_TLS_STATE_PENDING, CERT_SHORTER, 0}, "a pending twin"},
};
static const char *const kinds[] = {"ensure", "wait", "remove"};
static unsigned faults = 1;
static uint64_t drawn = 20;
static bool every;

static void name_setting(const setting *s, char name[256])
{
    snprintf(name, 256, "%s, %s, %u s%s%s%s%s%s, it tells %d", kinds[s->kind],
             s->async ? "asynchronous" : "blocking", s->wait_ms / 1000,
             s->flags & EMQX_TLS_FORCE ? ", by force" : "",
             s->flags & EMQX_TLS_DRY_RUN ? ", dry run" : "", s->receipts ? ", receipts" : "",
             s->lags ? ", late" : "", s->outsider ? "; somebody else writes" : "", (int)s->telling);
}

/* A pending one that looks the same behind another one's end is not told apart. */
static bool is_hidden(enum telling telling, const holding *h)
{
    return telling == TELLS_END_WHEN_RUNNING && h->cert != h->runs;
}

static bool play(setting *s)
{
    char name[256], on[300];
    bool held = true;
    uint64_t stories = story_count, chosen = story_choices;
    name_setting(s, name);
    the_setting = s;
    for (size_t i = 0; i < (every ? STARTS : STARTS_SHORT); i++) {
        s->start = starts[i].holding;
        snprintf(on, sizeof on, "%s: on %s", name, starts[i].name);
        held &= is_hidden(s->telling, &s->start) || story_play(program, faults, drawn, on);
    }
    printf("%8llu stories %10llu choices: %s\n", (unsigned long long)(story_count - stories),
           (unsigned long long)(story_choices - chosen), name);
    fflush(stdout);
    return held;
}

/* Both forms of the call; where not every setting is played, each setting in one of them. */
static bool play_forms(setting s)
{
    static bool async;
    bool held = true;
    async = !async;
    for (int form = 0; form < (every ? 2 : 1); form++) {
        s.async = async ^ form;
        held &= play(&s);
    }
    return held;
}

static bool play_ensure(uint32_t flags, enum telling telling, bool outsider)
{
    bool held = true;
    for (unsigned i = 0; i < 4; i++)
        held &= play_forms((setting){.kind = ENSURE,
                                     .wait_ms = i & 1 ? 100000 : 0,
                                     .flags = flags,
                                     .receipts = i & 2,
                                     .telling = telling,
                                     .lags = !outsider && telling != TELLS_END_WHEN_RUNNING,
                                     .outsider = outsider});
    return held;
}

static bool play_watch(enum kind kind)
{
    bool held = true;
    for (unsigned i = 0; i < 4; i++)
        held &= play_forms((setting){
            .kind = kind, .wait_ms = i & 1 ? 100000 : 0, .lags = i & 2, .outsider = !(i & 2)});
    return held;
}

static bool play_all(void)
{
    bool held = true;
    for (enum telling telling = 0; telling < TELLINGS; telling++)
        if (every || telling == TELLS_ALL || telling == TELLS_NO_END)
            held &= play_ensure(0, telling, false);
    held &= play_ensure(EMQX_TLS_FORCE | EMQX_TLS_ALLOW_EARLIER, TELLS_ALL, false);
    held &= play_ensure(EMQX_TLS_DRY_RUN, TELLS_ALL, false);
    held &= play_ensure(0, TELLS_ALL, true);
    held &= play_watch(WAIT);
    return play_watch(REMOVE) && held;
}

int main(int argc, char **argv)
{
    made m = make("mqtt.example", WANTED_END, 0);
    char *pem = made_pem(&m);
    wanted_pem = pem;
    key_pem = made_key_pem(&m);
    if (argc > 2) {
        faults = (unsigned)strtoul(argv[1], NULL, 10);
        drawn = strtoull(argv[2], NULL, 10);
        every = argc > 3;
    }
    certs_set_up();
    if (!folder_make_in_memory(receipts, "whole"))
        return 1;
    bool held = play_all();
    printf("%llu stories, %llu choices\n", (unsigned long long)story_count,
           (unsigned long long)story_choices);
    folder_remove(receipts);
    free(pem);
    free(key_pem);
    made_free(&m);
    return !held;
}
