/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The transport, and the store of the program's own. The fate of an exchange is a letter:
 *
 *   .        it is answered; so are all behind the end
 *   D 0-9    the same, after 10 ms, 1 s, 5 s, 14 s, 20 s ...
 *   n s S    not sent; `start` fails for want of memory; or with TRANSPORT
 *   b a      no answer, not carried out; or it was
 *   L 0-9    no answer, and it arrives so many times 6.5 s later
 *   N Q      never an answer: it was carried out; or nothing ever left
 *   4 0-9    refused: 400 401 403 404 409 413 422 429 405 410
 *   9 0-9    429, and how long to wait
 *   5 6 0-5  500 502 503 504 408 425: not carried out; or it was
 *   p h e    carried out, and the answer is too long; HTML; empty
 *   G 0-9    the same, and the answer is the bytes that follow, up to a line end
 *   x        the reply's code is none */
#include "call_world.h"

typedef struct fate {
    emqx_tls_code code, start_code;
    uint32_t delivery, cancelled;
    int32_t status;
    bool arrives, refused;
    int64_t delay_ms, stray_ms; /* INT64_MAX: never; 0: none */
    const char *retry_after;
    char body[512];
} fate;

typedef struct flight {
    const emqx_tls_exchange *exchange; /* NULL: none */
    int64_t due_ms;
    int d;
    uint32_t op;
    enum cert cert;
    fate fate;
} flight;

static flight flights[FLIGHTS_MAX];
static bool woken;

/* -- fates --------------------------------------------------------------------------------------- */

static void lost(fate *f, bool arrives)
{
    f->code = EMQX_TLS_E_TRANSPORT;
    f->delivery = EMQX_TLS_DELIVERY_MAYBE;
    f->arrives = arrives;
}

static void refused(fate *f, int32_t status)
{
    f->status = status;
    f->refused = true;
    f->arrives = false;
    snprintf(f->body, sizeof f->body, "{\"code\":\"FUZZED\"}");
}

static void not_sent(fate *f)
{
    lost(f, false);
    f->delivery = EMQX_TLS_DELIVERY_NOT_SENT;
}

static void told_wrongly(fate *f, char letter)
{
    f->refused = true;
    if (letter == 'p') {
        f->code = EMQX_TLS_E_PROTOCOL;
    } else if (letter == 'G') {
        w.lied = true;
        fuzz_input line = fuzz_line(&w.fates);
        size_t n = (size_t)(line.end - line.at);
        snprintf(f->body, sizeof f->body, "%.*s", (int)(n < 500 ? n : 500), (const char *)line.at);
    } else if (letter == 'h') {
        snprintf(f->body, sizeof f->body, "<html>");
    } else {
        w.lied = true; /* empty is "no certificate" */
    }
}

static void fate_by_status(fate *f, char letter)
{
    static const int32_t clients[] = {400, 401, 403, 404, 409, 413, 422, 429, 405, 410};
    static const int32_t servers[] = {500, 502, 503, 504, 408, 425};
    static const char *const waits[] = {NULL,   "0",
                                        "1",    "60",
                                        "3600", "99999999999999999999",
                                        "-1",   "x",
                                        "",     "Sun, 06 Nov 1994 08:49:37 GMT"};
    uint8_t digit = fuzz_digit(&w.fates);
    bool arrives = letter == '6';
    if (letter == '4')
        refused(f, clients[digit % 10]);
    else
        refused(f, letter == '9' ? 429 : servers[digit % 6]);
    f->arrives = arrives;
    f->retry_after = letter == '9' ? waits[digit % 10] : NULL;
}

static void fate_by_loss(fate *f, char letter)
{
    switch (letter) {
    case 'n':
        not_sent(f);
        break;
    case 's':
    case 'S':
        not_sent(f);
        f->start_code = letter == 's' ? EMQX_TLS_E_NO_MEMORY : EMQX_TLS_E_TRANSPORT;
        break;
    case 'b':
    case 'a':
        lost(f, letter == 'a');
        break;
    case 'L':
        lost(f, false);
        f->stray_ms = 1 + fuzz_digit(&w.fates) % 10 * 6500;
        break;
    case 'Q':
    case 'N':
        f->delay_ms = INT64_MAX;
        f->arrives = letter == 'N';
        f->cancelled = letter == 'Q' ? EMQX_TLS_DELIVERY_NOT_SENT : EMQX_TLS_DELIVERY_MAYBE;
        break;
    default: /* 'x' */
        lost(f, true);
        f->code = 77;
        break;
    }
}

static fate next_fate(void)
{
    static const int64_t delays[] = {10, 1000, 5000, 14000, 20000, 29999, 30001, 100, 60000, 1};
    fate f = {
        .delivery = EMQX_TLS_DELIVERY_ANSWERED, .arrives = true, .status = 200, .delay_ms = 20};
    char letter = w.well || !fuzz_more(&w.fates) ? '.' : (char)fuzz_byte(&w.fates);
    if (letter == 'D')
        f.delay_ms = delays[fuzz_digit(&w.fates) % 10];
    else if (letter && strchr("4569", letter))
        fate_by_status(&f, letter);
    else if (letter && strchr("pheG", letter))
        told_wrongly(&f, letter);
    else if (letter && strchr("nsSbaLNQx", letter))
        fate_by_loss(&f, letter);
    return f;
}

/* -- exchanges ----------------------------------------------------------------------------------- */

static uint32_t op_of(const char *method)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    for (uint32_t i = 0; i < 4; i++)
        if (strcmp(methods[i], method) == 0)
            return EMQX_TLS_OP_GET + i;
    HOLDS(!"a method");
    return 0;
}

static int deployment_of(const char *url)
{
    const char *at = strstr(url, "/deployments/d");
    HOLDS(at && at[14] >= '0' && at[14] < '0' + DEPLOYMENTS);
    return at[14] - '0';
}

/* Whose line of base64 is in the body? */
static enum cert cert_in(const emqx_tls_exchange *x)
{
    if (x->body_len == 0)
        return CERT_NONE;
    for (int c = CERT_WANTED; c < CERTS; c++)
        if (memmem(x->body, x->body_len, cert_pem[c] + 28 + 65 * 3, 60))
            return (enum cert)c;
    HOLDS(!"a certificate of the story");
    return CERT_NONE;
}

/* It reaches the platform, if it does, as soon as it leaves. */
static void depart(flight *f)
{
    fate *its = &f->fate;
    act *a = &w.deployments[f->d].act;
    bool late = its->delay_ms > (int64_t)f->exchange->timeout_ms;
    bool leaves =
        its->delivery != EMQX_TLS_DELIVERY_NOT_SENT && its->cancelled != EMQX_TLS_DELIVERY_NOT_SENT;
    a->started++;
    a->answered = false;
    a->may_have_left = leaves;
    a->http_status = 0;
    if (!leaves)
        return;
    if (f->op != EMQX_TLS_OP_GET) {
        held_by_departure(f->d, f->op);
        a->writes++;
    }
    if (its->stray_ms > 0) {
        platform_stray(f->d, f->op, f->cert, its->stray_ms);
        return;
    }
    held_by_arrival(f->op);
    w.lied |= f->op == EMQX_TLS_OP_GET && its->status == 404; /* "there is none" */
    if (f->op == EMQX_TLS_OP_GET || !its->arrives)
        return;
    int status = platform_take(f->d, f->op, f->cert, true);
    if (!its->refused && its->code == EMQX_TLS_OK && !late)
        its->status = status;
}

static void answer(const flight *given)
{
    flight f = *given;
    fate *its = &f.fate;
    act *a = &w.deployments[f.d].act;
    emqx_tls_reply r = {.size = sizeof r, .code = its->code, .delivery = its->delivery};
    if (its->delay_ms > (int64_t)f.exchange->timeout_ms) {
        r.code = EMQX_TLS_E_TIMEOUT;
        r.delivery = EMQX_TLS_DELIVERY_MAYBE;
    } else if (r.delivery == EMQX_TLS_DELIVERY_ANSWERED) {
        if (f.op != EMQX_TLS_OP_GET && !its->refused && its->status < 300)
            platform_lags(f.d);
        if (!its->refused && its->status == 200)
            platform_tell(f.d, its->body, sizeof its->body);
        r.http_status = its->status;
        r.retry_after = its->retry_after;
        r.body = its->body;
        r.body_len = r.code == EMQX_TLS_OK ? strlen(its->body) : 0;
        a->answered = true;
    }
    a->http_status = r.http_status;
    f.exchange->done(f.exchange->done_user, &r);
}

static flight *free_flight(void)
{
    for (size_t i = 0; i < FLIGHTS_MAX; i++)
        if (!flights[i].exchange)
            return &flights[i];
    HOLDS(!"room for a flight");
    return NULL;
}

static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **handle)
{
    (void)context;
    platform_goes_on();
    flight *f = free_flight(), it;
    *f = (flight){.exchange = x, .d = deployment_of(x->url), .op = op_of(x->method)};
    HOLDS(w.deployments[f->d].act.active);
    HOLDS(x->timeout_ms > 0 && x->connect_timeout_ms > 0 && x->timeout_ms <= TIMEOUT_MS);
    f->cert = cert_in(x);
    f->fate = next_fate();
    if (w.blocking && f->fate.delay_ms == INT64_MAX)
        f->fate.cancelled = 0;
    int64_t delay = f->fate.delay_ms;
    f->due_ms =
        delay == INT64_MAX ? delay : now_ms() + (delay < x->timeout_ms ? delay : x->timeout_ms);
    depart(f);
    it = *f;
    *handle = f;
    if (it.fate.start_code || w.blocking)
        f->exchange = NULL;
    if (it.fate.start_code)
        return it.fate.start_code;
    if (w.blocking) {
        emqx_tls_test_clock_advance(w.clock, delay < x->timeout_ms ? delay : x->timeout_ms);
        platform_goes_on();
        answer(&it);
    }
    return EMQX_TLS_OK;
}

static int64_t next_due(void)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < FLIGHTS_MAX; i++)
        if (flights[i].exchange && flights[i].due_ms < due)
            due = flights[i].due_ms;
    return due;
}

static bool deliver(void)
{
    bool any = false;
    platform_goes_on();
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        flight f = flights[i];
        if (!f.exchange || f.due_ms > now_ms())
            continue;
        flights[i].exchange = NULL;
        answer(&f);
        any = true;
    }
    return any;
}

static emqx_tls_code poll_flights(void *context, int timeout_ms)
{
    (void)context;
    if (deliver() || woken || timeout_ms == 0) {
        woken = false;
        return EMQX_TLS_OK;
    }
    int64_t due = next_due(), end = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
    int64_t until = due < end ? due : end;
    HOLDS(until < INT64_MAX); /* else it would hang */
    emqx_tls_test_clock_advance(w.clock, until - now_ms());
    deliver();
    woken = false;
    return EMQX_TLS_OK;
}

static int64_t next_ms(void *context)
{
    (void)context;
    int64_t due = next_due();
    return due == INT64_MAX ? -1 : due > now_ms() ? due - now_ms() : 0;
}

static void wake(void *context)
{
    (void)context;
    woken = true;
}

static uint32_t cancel(void *context, void *handle)
{
    (void)context;
    flight *f = handle;
    HOLDS(f->exchange);
    f->exchange = NULL;
    return f->fate.delay_ms == INT64_MAX ? f->fate.cancelled : EMQX_TLS_DELIVERY_MAYBE;
}

void network_begin(emqx_tls_transport *t)
{
    emqx_tls_transport_init(t);
    woken = false;
    t->start = start;
    if (w.blocking)
        return;
    t->poll = poll_flights;
    t->next_ms = next_ms;
    t->wake = wake;
    t->cancel = cancel;
}

void network_end(void)
{
    for (size_t i = 0; i < FLIGHTS_MAX; i++)
        HOLDS(!flights[i].exchange);
    for (size_t i = 0; i < STRAYS_MAX; i++)
        w.strays[i].own = false;
}

/* -- a store of the program's own: a letter for each step
 *   .  as it should be     b e  busy; an error     f F  no slot; and when there will be one is odd */

static char quota_letter(void)
{
    return w.well || !fuzz_more(&w.quota) ? '.' : (char)fuzz_byte(&w.quota);
}

static emqx_tls_code store_fails(char letter, emqx_tls_error *error)
{
    snprintf(error->message, sizeof error->message, "the store is %s",
             letter == 'b' ? "busy" : "broken");
    if (letter == 'b')
        error->retry_after_ms = 50;
    return EMQX_TLS_E_STORE;
}

static emqx_tls_code reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                             emqx_tls_error *error)
{
    (void)context;
    char letter = quota_letter();
    HOLDS(*ask->deployment_id && ask->lease_ms >= 0 && ask->op >= EMQX_TLS_OP_GET);
    if (letter == 'b' || letter == 'e')
        return store_fails(letter, error);
    grant->granted = letter != 'f' && letter != 'F';
    grant->early_ms = letter == 'F' ? INT64_MIN : letter == 'f' ? 1000 : 0;
    grant->late_ms = letter == 'F' ? INT64_MAX : letter == 'f' ? 2000 : 0;
    grant->ticket[0] = w.slots += grant->granted;
    return EMQX_TLS_OK;
}

static emqx_tls_code settle(void *context, const uint64_t ticket[EMQX_TLS_TICKET_WORDS],
                            uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    (void)context, (void)retry_after_ms;
    char letter = quota_letter();
    HOLDS(ticket[0] >= 1 && ticket[0] <= w.slots && outcome <= EMQX_TLS_OUTCOME_REFUSED);
    if (letter == 'b' || letter == 'e')
        return store_fails(letter, error);
    w.settled++;
    HOLDS(w.settled <= w.slots);
    return EMQX_TLS_OK;
}

static emqx_tls_code query(void *context, uint32_t op, const char *deployment_id,
                           emqx_tls_quota *quota, emqx_tls_error *error)
{
    (void)context, (void)op, (void)deployment_id;
    char letter = quota_letter();
    if (letter == 'b' || letter == 'e')
        return store_fails(letter, error);
    quota->limit = 60;
    quota->used = letter == 'f' ? 60 : letter == 'F' ? UINT32_MAX : 0;
    quota->remaining = 60 - (letter == 'f' ? 60 : 0);
    quota->next_ms = letter == 'F' ? INT64_MAX : 0;
    return EMQX_TLS_OK;
}

static void destroy(void *context)
{
    (void)context;
}

void quota_begin(emqx_tls_store *s)
{
    emqx_tls_store_init(s);
    s->reserve = reserve;
    s->settle = settle;
    s->query = query;
    s->destroy = destroy;
}
