/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "whole.h"

#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "base/base.h"

#define FINISHES_MS 8000 /* so long the platform takes */

world w;
jmp_buf crash;
unsigned crash_in;
void (*exchange_cancel)(void);

/* The exchange in flight, and how it will end. */
static struct {
    const emqx_tls_exchange *x;
    emqx_tls_reply reply;
    int64_t due_ms;
    bool cancels; /* its caller gives up before */
} flight;
static char body[256];

/* -- time and the platform ----------------------------------------------------------------------- */

/* Where nothing tells the new one from that before, what runs counts as it after a minute. */
static void taken(int64_t lag_ms)
{
    if (w.platform.now.unclear)
        lag_ms = EMQXI_MIN(lag_ms, STRAY_MS);
    w.taken_ms = w.now_ms;
    w.lag_until_ms = the_setting->lags && !w.well ? w.now_ms + lag_ms : 0;
}

/* A read that begins 60 s after a write was given up tells the truth of it. */
static void stray_arrives(stray *s, int64_t until_ms)
{
    int status = platform_take(&w.platform, s->op, CERT_WANTED);
    story_note("(the request that was given up arrives: %d)", status);
    if (status < 300)
        taken(until_ms - w.now_ms);
    w.carried_out += s->own && status < 300;
    memset(s, 0, sizeof *s);
}

void time_passes(int64_t ms)
{
    int64_t end = w.now_ms + ms;
    for (int i = 0; i < STRAYS; i++)
        if (w.strays[i].due_ms && w.strays[i].due_ms <= end) {
            w.now_ms = EMQXI_MAX(w.strays[i].due_ms, w.now_ms);
            stray_arrives(&w.strays[i], w.now_ms + STRAY_MS / 2);
        }
    w.now_ms = end;
}

static void leaves_stray(uint32_t op, int64_t ended_ms)
{
    static const char *const when[] = {"it arrives a second later", "it arrives 59 s later", NULL};
    int64_t later = story_choose(when) ? STRAY_MS - 1000 : 1000;
    for (int i = 0; i < STRAYS; i++)
        if (!w.strays[i].due_ms) {
            w.strays[i] = (stray){op, ended_ms + later, true};
            return;
        }
}

static const char *state_json(const holding *h)
{
    const emqx_tls_status *s = platform_tells(&w.platform, h);
    const char *cn = w.platform.telling == TELLS_OTHER_ZONE ? "CN=MQTT.example." : "mqtt.example";
    if (s->state == EMQX_TLS_STATE_ABSENT)
        return "{}";
    snprintf(body, sizeof body, "{\"tlsType\":\"one-way\",\"status\":\"%s\",%s%s%s\"cn\":\"%s\"}",
             s->state_text, s->expire_text[0] ? "\"expire\":\"" : "", s->expire_text,
             s->expire_text[0] ? "\"," : "", cn);
    return body;
}

/* -- replies ------------------------------------------------------------------------------------- */

static void answers(int status, const char *text, int64_t after_ms)
{
    flight.reply = (emqx_tls_reply){.size = sizeof flight.reply,
                                    .delivery = EMQX_TLS_DELIVERY_ANSWERED,
                                    .http_status = status,
                                    .body = text,
                                    .body_len = strlen(text),
                                    .retry_after = status == 429 ? "40" : NULL};
    flight.due_ms = w.now_ms + EMQXI_MIN(after_ms, (int64_t)flight.x->timeout_ms - 1);
}

static void fails(emqx_tls_code code, uint32_t delivery)
{
    bool late = code == EMQX_TLS_E_TIMEOUT;
    flight.reply =
        (emqx_tls_reply){.size = sizeof flight.reply, .code = code, .delivery = delivery};
    flight.due_ms = w.now_ms + (late ? flight.x->timeout_ms : 0);
    w.seen |= 1u << code;
}

/* By what a status or a broken body ends a call. */
static void answers_badly(int status, const char *text)
{
    static const struct {
        int status;
        emqx_tls_code code;
    } codes[] = {{403, EMQX_TLS_E_FORBIDDEN},    {404, EMQX_TLS_E_NOT_FOUND},
                 {409, EMQX_TLS_E_HTTP},         {422, EMQX_TLS_E_UNPROCESSABLE},
                 {429, EMQX_TLS_E_RATE_LIMITED}, {500, EMQX_TLS_E_HTTP},
                 {503, EMQX_TLS_E_HTTP},         {200, EMQX_TLS_E_PROTOCOL}};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].status == status)
            w.seen |= 1u << codes[i].code;
    answers(status, text, 0);
}

/* -- reads --------------------------------------------------------------------------------------- */

static void platform_goes_on(void)
{
    static const char *const ways[] = {"a read shows what is there", "it is not finished yet",
                                       "it has failed", NULL};
    bool open = w.platform.now.state == EMQX_TLS_STATE_PENDING ||
                w.platform.now.state == EMQX_TLS_STATE_TERMINATED;
    if (!open || w.now_ms - w.taken_ms < FINISHES_MS)
        return;
    unsigned way = w.well ? 0 : story_choose(ways);
    if (way != 1)
        platform_finish(&w.platform, way == 2);
}

static void outsider_writes(void)
{
    static const char *const ways[] = {"nobody else writes", "somebody writes a shorter one",
                                       "somebody deletes it", NULL};
    if (!the_setting->outsider || w.others || w.well)
        return;
    unsigned way = story_choose(ways);
    bool there = w.platform.now.state != EMQX_TLS_STATE_ABSENT;
    uint32_t op = way == 2 ? EMQX_TLS_OP_DELETE : there ? EMQX_TLS_OP_UPDATE : EMQX_TLS_OP_CREATE;
    if (way && platform_take(&w.platform, op, CERT_SHORTER) < 300) {
        w.others = true;
        w.taken_ms = w.now_ms;
        w.lag_until_ms = 0;
    }
}

static void read_fails(unsigned way)
{
    switch (way) {
    case 4:
        fails(EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_NOT_SENT);
        break;
    case 5:
        fails(EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_MAYBE);
        break;
    case 6:
        fails(EMQX_TLS_E_TIMEOUT, EMQX_TLS_DELIVERY_MAYBE);
        break;
    case 7:
        answers_badly(403, "{}");
        break;
    case 8:
        answers_badly(429, "{}");
        break;
    case 9:
        answers_badly(503, "{}");
        break;
    case 10:
        answers_badly(200, "{\"status\":");
        break;
    default:
        answers_badly(404, "<html>not found</html>");
        w.seen |= 1u << EMQX_TLS_E_PROTOCOL | 1u << EMQX_TLS_E_HTTP;
    }
}

static void reads(void)
{
    static const char *const ways[] = {"the read is answered",
                                       "it is answered 25 s later",
                                       "the program is killed",
                                       "its caller gives up",
                                       "the read can't connect",
                                       "its connection is lost",
                                       "it is not answered in time",
                                       "the read: 403",
                                       "the read: 429",
                                       "the read: 503",
                                       "the read: a broken body",
                                       "the read: somebody else's 404",
                                       NULL};
    static const char *const lagging[] = {"it shows what is there", "it shows what was there",
                                          NULL};
    platform_goes_on();
    outsider_writes();
    unsigned way = w.well ? 0 : story_choose(ways);
    if (way == 2)
        longjmp(crash, 1);
    if (way > 3) {
        read_fails(way);
        return;
    }
    flight.cancels = way == 3;
    bool old = !w.well && w.now_ms < w.lag_until_ms && story_choose(lagging);
    w.shown = old ? w.platform.before : w.platform.now;
    if (!old && w.shown.unclear) /* nor do reads go back, where nothing could tell */
        w.lag_until_ms = 0;
    if (the_setting->kind == REMOVE && w.shown.state == EMQX_TLS_STATE_TERMINATED)
        w.in_doubt = false;
    answers(200, state_json(&w.shown), way ? 25000 : 100);
}

/* -- writes -------------------------------------------------------------------------------------- */

enum write_way {
    TAKEN,
    TAKEN_EMPTY,
    TAKEN_RUNS,
    TAKEN_LOST,
    TAKEN_LATE,
    TAKEN_500,
    TAKEN_BROKEN,
    TAKEN_KILLED,
    TAKEN_KILLED_KEEPING,
    TAKEN_CANCELLED,
    GONE_LOST,
    GONE_LATE,
    GONE_503,
    LATER_LOST,
    LATER_KILLED,
    LATER_CANCELLED,
    IS_403,
    IS_404,
    IS_409,
    IS_422,
    IS_429,
    NOT_SENT,
    KILLED
};
static const char *const write_ways[] = {"the write is answered",
                                         "the write is answered with {}",
                                         "the write is answered: running",
                                         "the write is carried out, its connection lost",
                                         "the write is carried out, not answered in time",
                                         "the write is carried out: 500",
                                         "the write is carried out: a broken body",
                                         "the write is carried out, the program killed",
                                         "the write is carried out, the program killed while it "
                                         "keeps that",
                                         "the write is carried out, its caller gives up",
                                         "the write is lost: connection lost",
                                         "the write is lost: no answer in time",
                                         "the write is not carried out: 503",
                                         "the write is given up",
                                         "the write is on its way, the program killed",
                                         "the write is on its way, its caller gives up",
                                         "the write: 403",
                                         "the write: 404",
                                         "the write: 409",
                                         "the write: 422",
                                         "the write: 429",
                                         "the write can't connect",
                                         "the program is killed before the write leaves",
                                         NULL};

static void keeping_is_cut(void)
{
    static const char *const steps[] = {"before the first step", "before the second",
                                        "before the third", "before the fourth", NULL};
    crash_in = 1 + story_choose(steps);
}

/* It has been carried out. */
static void write_taken(enum write_way way)
{
    bool any_body = the_setting->kind == REMOVE && way == TAKEN_BROKEN; /* is good for a DELETE */
    bool known = way <= TAKEN_RUNS || way == TAKEN_KILLED_KEEPING || any_body;
    w.carried_out++;
    taken(known ? LAG_MS : STRAY_MS / 2);
    w.in_doubt = !known;
    if (way == TAKEN_RUNS)
        platform_finish(&w.platform, false);
    if (way == TAKEN_KILLED_KEEPING)
        keeping_is_cut();
    switch (way) {
    case TAKEN_KILLED:
        longjmp(crash, 1);
    case TAKEN_LOST:
        fails(EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_MAYBE);
        break;
    case TAKEN_LATE:
        fails(EMQX_TLS_E_TIMEOUT, EMQX_TLS_DELIVERY_MAYBE);
        break;
    case TAKEN_500:
        answers_badly(500, "{}");
        break;
    case TAKEN_BROKEN:
        answers_badly(200, "{\"status\":");
        break;
    default:
        flight.cancels = way == TAKEN_CANCELLED;
        answers(200, way == TAKEN_EMPTY ? "{}" : state_json(&w.platform.now), 100);
    }
}

/* It has left, and is not carried out, at least not yet. */
static void write_lost(uint32_t op, enum write_way way)
{
    w.in_doubt = true;
    if (way == LATER_KILLED) {
        leaves_stray(op, w.now_ms);
        longjmp(crash, 1);
    }
    fails(way == GONE_LATE ? EMQX_TLS_E_TIMEOUT : EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_MAYBE);
    if (way == GONE_503)
        answers_badly(503, "{}");
    flight.cancels = way == LATER_CANCELLED;
    if (flight.cancels)
        flight.due_ms = w.now_ms + 100;
    if (way == LATER_LOST || way == LATER_CANCELLED)
        leaves_stray(op, flight.due_ms);
}

static void write_refused(enum write_way way)
{
    static const int statuses[] = {403, 404, 409, 422, 429};
    if (way == KILLED)
        longjmp(crash, 1);
    if (way == NOT_SENT)
        fails(EMQX_TLS_E_TRANSPORT, EMQX_TLS_DELIVERY_NOT_SENT);
    else
        answers_badly(statuses[way - IS_403], "{\"code\":\"X\"}");
}

static void writes(uint32_t op)
{
    enum write_way way = w.well ? TAKEN : story_choose(write_ways);
    if (way < NOT_SENT) {
        held_at_write(op);
        w.writes++;
    }
    if (way >= IS_403) {
        write_refused(way);
    } else if (way >= GONE_LOST) {
        write_lost(op, way);
    } else {
        int status = platform_take(&w.platform, op, CERT_WANTED);
        w.in_doubt = false;
        if (status < 300)
            write_taken(way);
        else
            answers_badly(status, "{\"code\":\"X\"}");
    }
}

/* -- the transport ------------------------------------------------------------------------------- */

static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **handle)
{
    (void)context;
    *handle = &flight;
    memset(&flight, 0, sizeof flight);
    flight.x = x;
    if (++w.exchanges > 200)
        story_broken("a call sends without end");
    if (x->method[0] == 'G')
        reads();
    else
        writes(x->method[0] == 'D'   ? EMQX_TLS_OP_DELETE
               : x->method[1] == 'O' ? EMQX_TLS_OP_CREATE
                                     : EMQX_TLS_OP_UPDATE);
    return EMQX_TLS_OK;
}

static emqx_tls_code poll_(void *context, int timeout_ms)
{
    (void)context;
    if (!flight.x && timeout_ms < 0) {
        story_broken("a call waits for nothing");
        longjmp(crash, 1);
    }
    if (flight.x && flight.cancels) {
        flight.cancels = false;
        w.cancelled = true;
        exchange_cancel();
        return EMQX_TLS_OK;
    }
    if (!flight.x || (timeout_ms >= 0 && flight.due_ms - w.now_ms > timeout_ms)) {
        time_passes(timeout_ms);
        return EMQX_TLS_OK;
    }
    const emqx_tls_exchange *x = flight.x;
    time_passes(EMQXI_MAX(flight.due_ms - w.now_ms, 0));
    flight.x = NULL;
    x->done(x->done_user, &flight.reply);
    return EMQX_TLS_OK;
}

static uint32_t cancel(void *context, void *handle)
{
    (void)context;
    (void)handle;
    w.seen |= 1u << EMQX_TLS_E_TIMEOUT;
    flight.x = NULL;
    return flight.reply.code ? flight.reply.delivery : EMQX_TLS_DELIVERY_MAYBE;
}

static void wake(void *context)
{
    (void)context;
}

static void destroy(void *context)
{
    (void)context;
}

const emqx_tls_transport *exchange_transport(void)
{
    static const emqx_tls_transport transport = {.size = sizeof transport,
                                                 .start = start,
                                                 .poll = poll_,
                                                 .wake = wake,
                                                 .cancel = cancel,
                                                 .destroy = destroy};
    return &transport;
}

void exchange_reset(void)
{
    memset(&flight, 0, sizeof flight);
    crash_in = 0;
}

/* -- system calls that keep a receipt ------------------------------------------------------------ */

uint64_t __wrap_emqxi_random(void);
uint64_t __wrap_emqxi_random(void)
{
    return story_random();
}

static void may_die(void)
{
    if (crash_in > 0 && --crash_in == 0)
        longjmp(crash, 1);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    may_die();
    return __real_fsync(fd);
}

int __real_renameat(int from, const char *name, int to, const char *new_name);
int __wrap_renameat(int from, const char *name, int to, const char *new_name);
int __wrap_renameat(int from, const char *name, int to, const char *new_name)
{
    may_die();
    return __real_renameat(from, name, to, new_name);
}

int __real_unlinkat(int folder, const char *name, int flags);
int __wrap_unlinkat(int folder, const char *name, int flags);
int __wrap_unlinkat(int folder, const char *name, int flags)
{
    may_die();
    return __real_unlinkat(folder, name, flags);
}
