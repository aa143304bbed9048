/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * One connection, in a thread of its own: requests in turn, each with the fault that is meant for
 * it.
 */
#include "emulator.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#define IDLE_MS 60000
#define STACK   (256 * 1024)

struct connection {
    struct emulator *emulator;
    struct stream stream;
    uint64_t number, nr;
    bool control;
};

static struct fault *take(struct connection *c, enum fault_place place)
{
    struct emulator *e = c->emulator;
    pthread_mutex_lock(&e->lock);
    struct fault *f = faults_take(e->faults, place, c->nr, NULL, NULL);
    pthread_mutex_unlock(&e->lock);
    return f;
}

/* Logs a request that was not read whole. */
static void log_unread(struct connection *c, const char *fault)
{
    struct emulator *e = c->emulator;
    struct arrival a = {.connection = c->number, .nr = c->nr, .fault = fault};
    pthread_mutex_lock(&e->lock);
    log_write(e->log, platform_ms(e->platform), &a);
    pthread_mutex_unlock(&e->lock);
}

/* A fault before the request was read whole. */
static enum stream_end break_early(struct connection *c, struct fault *f)
{
    int64_t until = real_ms() + IDLE_MS;
    for (int64_t n = 0; n < f->read && stream_getc(&c->stream, until) >= 0; n++)
        ;
    log_unread(c, f->name);
    stream_sleep(&c->stream, f->latency + (f->end == END_STALL ? f->stall : 0));
    enum stream_end end = f->end;
    fault_free(f);
    return end;
}

/* A body that gives the whole request back, as an unhappy server might. */
static void echo(const struct request *r, struct answer *a)
{
    json_t *body =
        json_pack("{s:s, s:s+}", "code", "ECHO", "message", r->head, r->body ? r->body : "");
    char *text = body ? json_dumps(body, 0) : NULL;
    answer_text(a, a->status, "%s", text ? text : r->head);
    free(text);
    json_decref(body);
}

static void replace(const struct fault *f, const struct request *r, struct answer *a)
{
    if (f->status) {
        a->status = f->status;
        a->headers[0] = '\0';
        answer_text(a, f->status, "{\"code\":\"%d\",\"message\":\"as asked\"}", f->status);
    }
    answer_header(a, "%s", f->headers);
    if (f->echo)
        echo(r, a);
    if (f->body) {
        free(a->body);
        a->body = malloc(f->body_len + 1);
        a->body_len = a->body ? f->body_len : 0;
        if (a->body)
            memcpy(a->body, f->body, f->body_len);
    }
}

/* Sends the answer, or as much of it as the fault lets. False: the connection is of no more use. */
static bool send_answer(struct connection *c, const struct fault *f, const struct answer *a,
                        bool keep, time_t date)
{
    size_t len, head_len;
    char *text = http_format(a, keep, date, &len, &head_len);
    const char *from = f && f->raw ? f->raw : text;
    if (!text)
        return false;
    if (f && f->raw)
        len = head_len = f->raw_len;
    if (f && f->cut >= 0 && (size_t)f->cut < len)
        len = (size_t)f->cut;
    if (f && f->cut_body >= 0 && head_len + (size_t)f->cut_body < len)
        len = head_len + (size_t)f->cut_body;
    size_t piece = f && f->piece > 0 ? (size_t)f->piece : len;
    bool sent = true;
    for (size_t done = 0; sent && done < len; done += piece) {
        sent = stream_write(&c->stream, from + done, done + piece < len ? piece : len - done,
                            real_ms() + IDLE_MS);
        if (piece < len)
            stream_sleep(&c->stream, f->piece_ms);
    }
    free(text);
    return sent;
}

/* Until an answer is released that was held when there had been so many releases. */
static void hold(struct emulator *e, uint64_t releases)
{
    pthread_mutex_lock(&e->lock);
    while (e->releases == releases && !e->stopped)
        pthread_cond_wait(&e->released, &e->lock);
    pthread_mutex_unlock(&e->lock);
}

static void count_answered(struct emulator *e)
{
    pthread_mutex_lock(&e->lock);
    e->answered++;
    pthread_mutex_unlock(&e->lock);
}

/* Answers a request that was read whole (`refusal` 0), or can't be understood. */
static enum stream_end answer(struct connection *c, const struct request *r, int refusal)
{
    struct emulator *e = c->emulator;
    const struct settings *s = &e->settings;
    struct answer a = {0};
    struct arrival arrival = {.connection = c->number, .nr = c->nr, .read = !refusal, .request = r};
    struct fault *f = NULL;
    bool keep = !refusal && r->keep_alive;

    pthread_mutex_lock(&e->lock);
    if (refusal) {
        answer_text(&a, refusal,
                    "{\"code\":\"BAD_REQUEST\",\"message\":\"not a request of this API\"}");
    } else {
        char *id = platform_deployment(e->platform, r->path);
        f = faults_take(e->faults, FAULT_AT_REQUEST, c->nr, r->method, id);
        free(id);
        bool replaced = f && (f->status || f->raw);
        platform_answer(e->platform, r, f && f->carry_out >= 0 ? f->carry_out : !replaced, &a,
                        &arrival);
        if (f)
            replace(f, r, &a);
    }
    arrival.status = f && (f->raw || f->cut == 0) ? 0 : a.status;
    arrival.fault = f ? f->name : NULL;
    log_write(e->log, platform_ms(e->platform), &arrival);
    time_t date = platform_wall(e->platform);
    uint64_t releases = e->releases;
    bool last =
        s->max_requests && platform_counts(e->platform).requests >= (uint64_t)s->max_requests;
    pthread_mutex_unlock(&e->lock);

    stream_sleep(&c->stream, s->latency + (f ? f->latency : 0));
    if (f && f->hold)
        hold(e, releases);
    bool sent = send_answer(c, f, &a, keep, date);
    if (sent)
        count_answered(e);
    enum stream_end end = !sent || !keep || last ? END_CLOSE : END_KEEP;
    if (f && f->end != END_KEEP)
        end = f->end;
    if (end == END_STALL)
        stream_sleep(&c->stream, f->stall);
    fault_free(f);
    answer_free(&a);
    if (last)
        emulator_stop(e);
    return end;
}

static enum stream_end serve(struct connection *c)
{
    enum stream_end end = END_KEEP;
    while (end == END_KEEP) {
        struct request r = {0};
        c->nr++;
        if (!stream_waiting(&c->stream, real_ms() + IDLE_MS))
            return END_CLOSE;
        struct fault *f = take(c, FAULT_AT_FIRST_BYTE);
        if (f)
            return break_early(c, f);
        int got = http_read(&c->stream, &r, real_ms() + IDLE_MS);
        if (got >= 0)
            end = answer(c, &r, got);
        else
            end = END_CLOSE;
        if (got == HTTP_CUT)
            log_unread(c, NULL);
        http_request_free(&r);
    }
    return end;
}

static enum stream_end serve_platform(struct connection *c)
{
    struct fault *f = take(c, FAULT_AT_CONNECT);
    if (f)
        return break_early(c, f);
    if (c->emulator->tls && !stream_handshake(&c->stream, c->emulator->tls, real_ms() + IDLE_MS))
        return END_CLOSE;
    return serve(c);
}

static void *run(void *p)
{
    struct connection *c = p;
    struct emulator *e = c->emulator;
    enum stream_end end = END_CLOSE;
    if (c->control)
        control_serve(e, &c->stream);
    else
        end = serve_platform(c);
    stream_close(&c->stream, end);
    free(c);
    /* else the program may end before the thread's own memory is given back: a leak is told */
    OPENSSL_thread_stop();
    pthread_mutex_lock(&e->lock);
    if (--e->open == 0)
        pthread_cond_signal(&e->idle);
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

void connection_start(struct emulator *e, int fd, bool control)
{
    int on = 1;
    pthread_t thread;
    pthread_attr_t attributes;
    struct connection *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->emulator = e;
    c->control = control;
    c->stream.fd = fd;
    c->stream.stop_fd = e->stop_fd;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_mutex_lock(&e->lock);
    c->number = control ? 0 : ++e->connections;
    e->open++;
    if (pthread_create(&thread, &attributes, run, c)) {
        fprintf(stderr, "emqxtls-emulator: too many connections\n");
        e->open--;
        close(fd);
        free(c);
    }
    pthread_mutex_unlock(&e->lock);
    pthread_attr_destroy(&attributes);
}
