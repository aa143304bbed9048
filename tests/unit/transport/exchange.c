/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * One exchange over HTTP/1.1: what goes out, what comes back, and what is said of it when it fails.
 */
#include "support/loopback_transport.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define RUNNING OK_JSON("{\"status\":\"running\"}", 20)

/* -- what goes out ----------------------------------------------------------------------------- */

static void reads_share_a_connection(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING});
    for (int i = 0; i < 3; i++) {
        outcome o = run(f, "GET", NULL);
        assert_answered(o, 200);
        assert_string_equal(o.body, "{\"status\":\"running\"}");
    }
    assert_int_equal(loopback_connections(f->server), 1);
}

static void a_read_carries_login_and_agent_and_no_body(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING});
    run(f, "GET", NULL);
    const char *request = loopback_request(f->server, 0);
    assert_begins(request, "GET /public_api/v1/deployments/d1/tls HTTP/1.1\r\n");
    assert_non_null(strstr(request, "\r\n" LOGIN "\r\n"));
    assert_non_null(strstr(request, "\r\nUser-Agent: libemqxtls/" EMQXI_VERSION "\r\n"));
    assert_null(strstr(request, "Content-Length"));
    assert_null(strstr(request, "Accept-Encoding"));
}

static void the_path_goes_out_as_it_is(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING});
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d/a/../b//c%%2Fd/./e",
             loopback_port(f->server));
    run(f, "GET", NULL);
    assert_begins(loopback_request(f->server, 0), "GET /a/../b//c%2Fd/./e HTTP/1.1\r\n");
}

static void each_exchange_goes_to_its_own_path_and_host(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING});
    run(f, "GET", NULL);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d/second", loopback_port(f->server));
    run(f, "GET", NULL);
    snprintf(f->url, sizeof f->url, "http://localhost:%d/third", loopback_port(f->server));
    run(f, "GET", NULL);
    assert_non_null(
        strstr(loopback_request(f->server, 1), "GET /second HTTP/1.1\r\nHost: 127.0.0.1:"));
    assert_non_null(
        strstr(loopback_request(f->server, 2), "GET /third HTTP/1.1\r\nHost: localhost:"));
}

static void a_write_goes_out_on_a_connection_of_its_own(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING});
    run(f, "GET", NULL);
    for (size_t i = 0; i < 2; i++) {
        outcome o = run(f, i ? "PUT" : "POST", "{\"key\":\"k\"}");
        assert_answered(o, 200);
        assert_int_equal(loopback_connections(f->server), i + 2);
        loopback_wait_open(f->server, 1); /* the read's alone: that of a write is not kept */
    }
    run(f, "GET", NULL);
    assert_int_equal(loopback_connections(f->server), 3);
    const char *request = loopback_request(f->server, 1);
    assert_begins(request, "POST /public_api/v1/deployments/d1/tls HTTP/1.1\r\n");
    assert_non_null(strstr(request, "\r\nContent-Length: 11\r\n"));
    assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(request, "\r\n\r\n{\"key\":\"k\"}"));
    assert_null(strstr(request, "Expect"));
    assert_null(strstr(request, "Transfer-Encoding"));
    assert_begins(loopback_request(f->server, 2), "PUT ");
}

static void nothing_of_a_write_is_left_for_the_next_exchange(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING});
    run(f, "PUT", "{\"key\":\"k\"}");
    run(f, "DELETE", NULL);
    run(f, "GET", NULL);
    run(f, "PUT", "{}");
    assert_begins(loopback_request(f->server, 1), "DELETE /public_api");
    assert_begins(loopback_request(f->server, 2), "GET /public_api");
    for (size_t i = 1; i <= 2; i++) {
        assert_null(strstr(loopback_request(f->server, i), "Content-"));
        assert_null(strstr(loopback_request(f->server, i), "Transfer-Encoding"));
    }
    assert_non_null(strstr(loopback_request(f->server, 3), "\r\nContent-Length: 2\r\n"));
}

static void a_large_body_arrives_whole(void **state)
{
    fixture *f = *state;
    static char body[100001];
    for (size_t i = 0; i + 1 < sizeof body; i++)
        body[i] = (char)('a' + i % 23);
    SERVE(f, {.text = RUNNING});
    outcome o = run(f, "PUT", body);
    assert_answered(o, 200);
    assert_string_equal(strstr(loopback_request(f->server, 0), "\r\n\r\n") + 4, body);
}

static void a_child_does_not_inherit_the_connection(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING});
    run(f, "GET", NULL);
    int found = 0;
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 || peer.sin_family != AF_INET ||
            ntohs(peer.sin_port) != loopback_port(f->server))
            continue;
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        found++;
    }
    assert_int_equal(found, 1);
}

/* -- what comes back --------------------------------------------------------------------------- */

static void retry_after_and_date_are_passed_on(void **state)
{
    fixture *f = *state;
    SERVE(f,
          {.text = "HTTP/1.1 429 Too Many Requests\r\nretry-after:  120 \r\nDate: Thu, 01 Jan 2026 "
                   "00:00:00 GMT\r\n"
                   "Content-Length: 0\r\n\r\n"},
          {.text = RUNNING});
    outcome o = run(f, "GET", NULL);
    assert_answered(o, 429);
    assert_string_equal(o.retry_after, "120");
    assert_string_equal(o.date, "Thu, 01 Jan 2026 00:00:00 GMT");
    o = run(f, "GET", NULL);
    assert_string_equal(o.retry_after, "(null)");
    assert_string_equal(o.date, "(null)");
}

static void interim_answers_and_redirects_are_not_followed(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                      "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: "
                      "a=b\r\nContent-Length: 0\r\n\r\n"});
    outcome o = run(f, "GET", NULL);
    assert_answered(o, 302);
    run(f, "GET", NULL);
    assert_int_equal(loopback_requests(f->server), 2);
    assert_null(strstr(loopback_request(f->server, 1), "Cookie"));
}

/* Fills `text` with an answer whose body has n bytes. */
static const char *answer_of(char *text, size_t room, size_t n)
{
    int head = snprintf(text, room, "HTTP/1.1 422 No\r\nContent-Length: %zu\r\n\r\n" SECRET, n);
    size_t body_at = (size_t)head - strlen(SECRET);
    memset(text + head, 'x', n - strlen(SECRET));
    text[body_at + n] = '\0';
    return text;
}

/* The bodies begin with a secret: loopback_tear_down looks for it in what is given back, while the buffer
 * grows and after. */
static void an_answer_of_reply_max_is_taken_and_one_byte_more_is_not(void **state)
{
    fixture *f = *state;
    static char whole[17000], too_long[17000];
    const loopback_answer answers[] = {{.text = answer_of(whole, sizeof whole, 16384)},
                                       {.text = answer_of(too_long, sizeof too_long, 16385)}};
    serve_with(f, &(loopback_options){.answers = answers, .count = 2});
    outcome o = run(f, "GET", NULL);
    assert_answered(o, 422);
    assert_int_equal(o.body_len, 16384);
    o = run(f, "GET", NULL);
    assert_failed(o, PROTOCOL, ANSWERED);
    assert_int_equal(o.status, 422);
}

static void an_answer_without_end_is_cut_off(void **state)
{
    fixture *f = *state;
    static char endless[60000];
    int head = snprintf(endless, sizeof endless, "HTTP/1.1 200 OK\r\n\r\n");
    memset(endless + head, '{', sizeof endless - (size_t)head - 1);
    const loopback_answer answers[] = {{.text = endless, .then = STALL}};
    serve_with(f, &(loopback_options){.answers = answers, .count = 1});
    outcome o = run(f, "GET", NULL);
    assert_failed(o, PROTOCOL, ANSWERED);
}

/* libcurl keeps a line of at most 100 KB. */
static void a_head_that_is_too_long_is_no_lack_of_memory(void **state)
{
    fixture *f = *state;
    static char line[200000], lines[200000];
    int n = snprintf(line, sizeof line, "HTTP/1.1 200 OK\r\nX: ");
    memset(line + n, 'x', 150000);
    strcpy(line + n + 150000, "\r\n\r\n");
    n = snprintf(lines, sizeof lines, "HTTP/1.1 200 OK\r\n");
    while (n < 150000)
        n += snprintf(lines + n, sizeof lines - (size_t)n, "X-%d: x\r\n", n);
    const loopback_answer answers[] = {{.text = line, .then = CLOSE},
                                       {.text = lines, .then = STALL}};
    serve_with(f, &(loopback_options){.answers = answers, .count = 2});
    outcome o = run(f, "GET", NULL);
    assert_string_equal(emqx_tls_code_name(o.code), "PROTOCOL");
    o = run(f, "GET", NULL);
    assert_string_equal(o.detail, "the answer's head is too long");
    assert_true(o.code == EMQX_TLS_E_PROTOCOL || o.flags == EMQX_TLS_REPLY_PERMANENT);
}

static void broken_answers_are_no_answers(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"sta", .then = CLOSE},
          {.text = "HTTP/1.1 200 OK\r\nContent-Le", .then = CLOSE},
          {.text = "no HTTP at all\r\n\r\n", .then = CLOSE},
          {.text = "HTTP/1.1 999 Strange\r\nContent-Length: 0\r\n\r\n", .then = CLOSE},
          {.text = NULL, .then = RESET});
    outcome o = run(f, "GET", NULL);
    assert_failed(o, TRANSPORT, ANSWERED);
    assert_string_equal(o.detail, "the connection was closed in the middle of the answer");
    o = run(f, "GET", NULL);
    assert_failed(o, TRANSPORT, ANSWERED);
    for (int i = 0; i < 3; i++) {
        o = run(f, "PUT", "{}");
        assert_failed(o, TRANSPORT, MAYBE);
    }
}

/* -- when nothing comes back ------------------------------------------------------------------- */

/* libcurl by itself would ask again on a new connection. */
static void a_request_lost_on_a_reused_connection_arrives_once(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING}, {.text = NULL, .then = CLOSE}, {.text = RUNNING},
          {.text = NULL, .then = RESET}, {.text = RUNNING});
    for (size_t i = 1; i <= 3; i += 2) {
        assert_int_equal(run(f, "GET", NULL).code, EMQX_TLS_OK);
        outcome o = run(f, "GET", NULL);
        assert_failed(o, TRANSPORT, MAYBE);
        assert_string_equal(o.detail, "the reused connection was closed before an answer came");
        assert_int_equal(loopback_requests(f->server), i + 1);
    }
}

static void a_connection_closed_while_idle_costs_nothing(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING, .then = CLOSE});
    for (size_t i = 1; i <= 3; i++) {
        outcome o = run(f, "GET", NULL);
        assert_answered(o, 200);
        assert_int_equal(loopback_requests(f->server), i);
        loopback_wait_open(f->server, 0);
    }
}

static void a_refused_connection_is_certain_not_to_have_sent(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = RUNNING});
    loopback_stop(f->server);
    f->server = NULL;
    outcome o = run(f, "PUT", "{}");
    assert_failed(o, TRANSPORT, NOT_SENT);
    assert_int_equal(o.flags, 0);
    assert_string_equal(o.detail,
                        "the host (or its proxy) refused the connection or can't be reached");
}

/* Runs into its deadline, with so much time that it comes so far. */
static outcome run_out_of_time(fixture *f, const char *method, uint32_t delivery)
{
    outcome o;
    uint32_t timeout_ms = 150;
    do {
        exchange(&o, f, method, *method == 'P' ? "{}" : NULL)->exchange.timeout_ms = timeout_ms;
        int64_t began = real_ms();
        begin(f, &o);
        finish(f, &o);
        assert_in_range(real_ms() - began, timeout_ms - 1, timeout_ms + PATIENCE_MS);
        timeout_ms *= 2;
    } while (o.delivery != delivery && timeout_ms < PATIENCE_MS);
    return o;
}

static void an_answer_that_does_not_come_in_time_may_have_been_carried_out(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = NULL, .then = STALL});
    outcome o = run_out_of_time(f, "PUT", EMQX_TLS_DELIVERY_MAYBE);
    assert_failed(o, TIMEOUT, MAYBE);
}

static void an_answer_that_does_not_end_in_time_was_one(void **state)
{
    fixture *f = *state;
    SERVE(f, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", .then = STALL});
    outcome o = run_out_of_time(f, "GET", EMQX_TLS_DELIVERY_ANSWERED);
    assert_failed(o, TIMEOUT, ANSWERED);
}

/* The client's clock runs on while libcurl's stands still, as over a suspend. */
static int64_t late_now;
static int64_t late_clock(void *context)
{
    (void)context;
    return late_now += 1000;
}

static void nothing_departs_after_the_deadline(void **state)
{
    fixture *f = *state;
    const emqx_tls_clock clock = {.size = sizeof clock, .now_ms = late_clock};
    outcome o;
    f->options.clock = &clock;
    SERVE(f, {.text = RUNNING});
    exchange(&o, f, "PUT", "{}")->exchange.timeout_ms = 999;
    begin(f, &o);
    finish(f, &o);
    assert_failed(o, TIMEOUT, NOT_SENT);
    assert_int_equal(loopback_requests(f->server), 0);
}

static void a_connection_reset_while_sending_raises_no_signal(void **state)
{
    fixture *f = *state;
    static char body[200001];
    memset(body, 'x', sizeof body - 1);
    signal(SIGPIPE, SIG_DFL);
    SERVE(f, {.text = NULL, .then = RESET, .head_only = true});
    for (int i = 0; i < 5; i++) {
        outcome o = run(f, "PUT", body);
        assert_failed(o, TRANSPORT, MAYBE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_share_a_connection),
        TEST(a_read_carries_login_and_agent_and_no_body),
        TEST(the_path_goes_out_as_it_is),
        TEST(each_exchange_goes_to_its_own_path_and_host),
        TEST(a_write_goes_out_on_a_connection_of_its_own),
        TEST(nothing_of_a_write_is_left_for_the_next_exchange),
        TEST(a_large_body_arrives_whole),
        TEST(a_child_does_not_inherit_the_connection),
        TEST(retry_after_and_date_are_passed_on),
        TEST(interim_answers_and_redirects_are_not_followed),
        TEST(an_answer_of_reply_max_is_taken_and_one_byte_more_is_not),
        TEST(an_answer_without_end_is_cut_off),
        TEST(a_head_that_is_too_long_is_no_lack_of_memory),
        TEST(broken_answers_are_no_answers),
        TEST(a_request_lost_on_a_reused_connection_arrives_once),
        TEST(a_connection_closed_while_idle_costs_nothing),
        TEST(a_refused_connection_is_certain_not_to_have_sent),
        TEST(an_answer_that_does_not_come_in_time_may_have_been_carried_out),
        TEST(an_answer_that_does_not_end_in_time_was_one),
        TEST(nothing_departs_after_the_deadline),
        TEST(a_connection_reset_while_sending_raises_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
