/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "loopback_transport.h"

#include <poll.h>

static void copy(char *to, size_t room, const char *text)
{
    snprintf(to, room, "%s", text ? text : "(null)");
}

void on_done(void *user, const emqx_tls_reply *r)
{
    outcome *o = user;
    o->done++;
    o->code = r->code;
    o->delivery = r->delivery;
    o->flags = r->flags;
    o->status = r->http_status;
    o->body_len = r->body_len;
    snprintf(o->body, sizeof o->body, "%.*s", (int)r->body_len, r->body ? r->body : "");
    copy(o->date, sizeof o->date, r->date);
    copy(o->retry_after, sizeof o->retry_after, r->retry_after);
    copy(o->detail, sizeof o->detail, r->detail);
}

void open_transport(fixture *f)
{
    emqxi_error error;
    emqxi_error_clear(&error);
    if (emqxi_curl_transport(&f->options, &f->transport, &error) != EMQX_TLS_OK)
        fail_msg("transport: %s", error.message);
}

void serve_with(fixture *f, const loopback_options *options)
{
    f->server = loopback_start(options);
    snprintf(f->url, sizeof f->url, "%s://127.0.0.1:%d/public_api/v1/deployments/d1/tls",
             options->tls ? "https" : "http", loopback_port(f->server));
    open_transport(f);
}

outcome *exchange(outcome *o, fixture *f, const char *method, const char *body)
{
    static const char *const headers[] = {"Content-Type: application/json", LOGIN, NULL};
    memset(o, 0, sizeof *o);
    o->exchange = (emqx_tls_exchange){
        .size = sizeof o->exchange,
        .flags = *method == 'G' ? 0 : EMQX_TLS_FRESH_CONNECTION | EMQX_TLS_NEVER_REPEAT,
        .method = method,
        .url = f->url,
        .headers = headers + (body ? 0 : 1),
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .connect_timeout_ms = 10 * PATIENCE_MS,
        .timeout_ms = 10 * PATIENCE_MS,
        .reply_max = 16384,
        .done = on_done,
        .done_user = o};
    return o;
}

void begin(fixture *f, outcome *o)
{
    assert_int_equal(f->transport.start(f->transport.context, &o->exchange, &o->handle),
                     EMQX_TLS_OK);
}

void finish(fixture *f, outcome *o)
{
    for (int64_t end = real_ms() + PATIENCE_MS; !o->done && real_ms() < end;)
        assert_int_equal(f->transport.poll(f->transport.context, 1000), EMQX_TLS_OK);
    assert_int_equal(o->done, 1);
}

outcome run(fixture *f, const char *method, const char *body)
{
    outcome o;
    begin(f, exchange(&o, f, method, body));
    finish(f, &o);
    return o;
}

uint32_t cancel(fixture *f, outcome *o)
{
    return f->transport.cancel(f->transport.context, o->handle);
}

void poll_once(fixture *f, int timeout_ms)
{
    assert_int_equal(f->transport.poll(f->transport.context, timeout_ms), EMQX_TLS_OK);
}

bool readable(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout_ms) == 1;
}

void drive_by_descriptor(fixture *f, int fd, const outcome *o)
{
    for (int64_t end = real_ms() + PATIENCE_MS; !o->done && real_ms() < end;) {
        assert_true(readable(fd, PATIENCE_MS));
        poll_once(f, 0);
    }
    assert_int_equal(o->done, 1);
}

int loopback_set_up(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    f.allocator = emqx_tls_test_allocator_new();
    emqx_tls_test_allocator_watch(f.allocator, SECRET, strlen(SECRET));
    f.options.allocator = emqx_tls_test_allocator_vtable(f.allocator);
    f.options.clock = &emqxi_system_clock;
    f.options.proxy = "";
    *state = &f;
    return 0;
}

int loopback_tear_down(void **state)
{
    fixture *f = *state;
    if (f->transport.context)
        f->transport.destroy(f->transport.context);
    if (f->server)
        loopback_stop(f->server);
    const char *problem = emqx_tls_test_allocator_problem(f->allocator);
    if (problem)
        print_error("%s\n", problem);
    emqx_tls_test_allocator_free(f->allocator);
    return problem ? -1 : 0;
}
