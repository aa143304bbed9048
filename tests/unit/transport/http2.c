/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The libcurl transport over HTTP/2, against frames made by hand: answers of every size and shape,
 * and streams that do not end as they should.
 */
#include "support/http2_server.h"
#include "support/loopback_transport.h"
#include "support/tls_server.h"

#include <curl/curl.h>
#include <unistd.h>

#define MANY        64
#define HEAD_RECORD 14 /* a record that ends with the head of an answer that has a status alone */

static tls_server server;
static outcome many[MANY];

static int setup_http2(void **state)
{
    tls_server_make(&server, "IP:127.0.0.1");
    tls_server_offer_http2(&server);
    return loopback_set_up(state);
}

static int teardown_http2(void **state)
{
    int result = loopback_tear_down(state);
    tls_server_free(&server);
    return result;
}

static void serve_http2(fixture *f)
{
    f->options.ca_file = server.ca_path;
    serve_with(f, &(loopback_options){.serve = http2_serve, .tls = server.tls});
}

static void stop(fixture *f)
{
    loopback_stop(f->server);
    f->server = NULL;
    f->transport.destroy(f->transport.context);
    f->transport.context = NULL;
}

/* As on_done, and every byte of the body is looked at. */
static void on_body_done(void *user, const emqx_tls_reply *r)
{
    for (size_t i = 0; i < r->body_len; i++)
        if (r->body[i] != http2_body(i))
            fail_msg("byte %zu of the body is wrong", i);
    on_done(user, r);
}

/* `count` reads at once, each answered so. What does not come at once runs into its deadline. */
static void read_at_once(fixture *f, int count, const http2_answer *a)
{
    http2_answer_with(a);
    for (int i = 0; i < count; i++) {
        exchange(&many[i], f, "GET", NULL)->exchange.done = on_body_done;
        begin(f, &many[i]);
    }
    for (int i = 0; i < count; i++) {
        finish(f, &many[i]);
        assert_answered(many[i], a->status);
        assert_int_equal(many[i].body_len, a->body);
    }
}

static outcome read_one(fixture *f, const http2_answer *a)
{
    http2_answer_with(a);
    return run(f, "GET", NULL);
}

/* -- sizes and shapes -------------------------------------------------------------------------- */

static const size_t sizes[] = {0,    1,    900,   1023,  1024,  1025, 2000,
                               4096, 8192, 12288, 16000, 16383, 16384};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void read_every_size(fixture *f, http2_answer a)
{
    serve_http2(f);
    for (size_t i = 0; i < SIZES; i++) {
        a.body = sizes[i];
        a.sized = a.body == 0;
        a.gather = 1;
        read_at_once(f, 1, &a);
        read_at_once(f, MANY, &a);
        a.gather = MANY;
        read_at_once(f, MANY, &a);
    }
}

static void answers_in_as_few_records_as_possible_end_at_once(void **state)
{
    read_every_size(*state, (http2_answer){.status = 200});
}

static void answers_in_many_records_end_at_once(void **state)
{
    read_every_size(*state, (http2_answer){.status = 200, .frame = 700, .record = 500});
}

static void answers_in_frames_of_one_byte_end_at_once(void **state)
{
    read_every_size(*state, (http2_answer){.status = 200, .frame = 1});
}

static void answers_that_end_with_an_empty_frame_end_at_once(void **state)
{
    read_every_size(*state, (http2_answer){.status = 200, .end = HTTP2_EMPTY_DATA});
}

static void answers_behind_hundreds_of_interim_ones_end_at_once(void **state)
{
    read_every_size(*state, (http2_answer){.status = 200, .interim = 500});
}

static void error_pages_with_a_long_head_end_at_once(void **state)
{
    read_every_size(*state, (http2_answer){.status = 502, .field = "x-long: ", .field_len = 7000});
}

static void an_answer_that_is_too_long_does_not_hold_up_the_others(void **state)
{
    static const http2_answer a = {
        .status = 200, .body = 9000, .first_body = 40000, .frame = 5000, .gather = MANY};
    fixture *f = *state;
    serve_http2(f);
    read_at_once(f, 1, &(http2_answer){.status = 200, .body = 2}); /* one connection for all */
    http2_answer_with(&a);
    for (int i = 0; i < MANY; i++)
        begin(f, exchange(&many[i], f, "GET", NULL));
    int whole = 0;
    for (int i = 0; i < MANY; i++) {
        finish(f, &many[i]);
        whole += many[i].code == EMQX_TLS_OK && many[i].body_len == 9000;
    }
    assert_int_equal(whole, MANY - 1);
}

/* -- the end of an answer ---------------------------------------------------------------------- */

static void an_empty_answer_whose_end_was_told_is_one(void **state)
{
    static const http2_answer told[] = {
        {.status = 200, .sized = true},
        {.status = 200, .sized = true, .end = HTTP2_EMPTY_DATA},
        {.status = 200, .sized = true, .end = HTTP2_EMPTY_DATA, .record = HEAD_RECORD},
        {.status = 204},
        {.status = 404, .end = HTTP2_EMPTY_DATA},
    };
    fixture *f = *state;
    serve_http2(f);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        outcome o = read_one(f, &told[i]);
        assert_answered(o, told[i].status);
        assert_int_equal(o.body_len, 0);
    }
}

/* Few libcurls let it be known. */
static void an_empty_answer_that_ends_with_its_head_is_one_or_unusable(void **state)
{
    unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
    bool known = version >= 0x075800 && version < 0x080300;
    fixture *f = *state;
    serve_http2(f);
    for (http2_end end = HTTP2_END_STREAM; end <= HTTP2_EMPTY_DATA; end++) {
        outcome o = read_one(f, &(http2_answer){.status = 200, .end = end});
        assert_string_equal(emqx_tls_code_name(o.code), known ? "OK" : "PROTOCOL");
    }
}

/* Where libcurl does not pass on the head, the connection was lost. */
static void an_answer_cut_behind_its_head_is_none(void **state)
{
    static const http2_end ends[] = {HTTP2_RST_STREAM, HTTP2_GOODBYE, HTTP2_CLOSE};
    static const size_t records[] = {0, HEAD_RECORD}; /* all in one; the head alone */
    fixture *f = *state;
    for (size_t i = 0; i < 6; i++) {
        serve_http2(f);
        outcome o = read_one(
            f, &(http2_answer){.status = 200, .end = ends[i / 2], .record = records[i % 2]});
        if (o.status == 0 && i % 2 == 0) {
            assert_failed(o, TRANSPORT, MAYBE);
        } else {
            assert_failed(o, PROTOCOL, ANSWERED);
            assert_int_equal(o.status, 200);
        }
        stop(f);
    }
}

/* -- one connection, and streams that are not answered ------------------------------------------ */

static void reads_that_begin_together_share_one_connection(void **state)
{
    fixture *f = *state;
    serve_http2(f);
    read_at_once(f, MANY, &(http2_answer){.status = 200, .body = 2});
    assert_int_equal(loopback_requests(f->server), MANY);
    assert_int_equal(loopback_connections(f->server), 1);
}

static void a_refused_stream_is_not_sent_again(void **state)
{
    fixture *f = *state;
    serve_http2(f);
    outcome o = read_one(f, &(http2_answer){.end = HTTP2_RST_STREAM, .error = 7});
    assert_failed(o, TRANSPORT, MAYBE);
    assert_non_null(strstr(o.detail, "REFUSED_STREAM"));
    assert_int_equal(o.flags, 0);
    assert_int_equal(loopback_requests(f->server), 1);
}

static void a_connection_that_says_goodbye_is_not_asked_again(void **state)
{
    fixture *f = *state;
    serve_http2(f);
    outcome o = read_one(f, &(http2_answer){.status = 200, .body = 2});
    assert_answered(o, 200);
    o = read_one(f, &(http2_answer){.end = HTTP2_GOODBYE});
    assert_failed(o, TRANSPORT, MAYBE);
    assert_int_equal(loopback_requests(f->server), 2);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_http2, teardown_http2)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_in_as_few_records_as_possible_end_at_once),
        TEST(answers_in_many_records_end_at_once),
        TEST(answers_in_frames_of_one_byte_end_at_once),
        TEST(answers_that_end_with_an_empty_frame_end_at_once),
        TEST(answers_behind_hundreds_of_interim_ones_end_at_once),
        TEST(error_pages_with_a_long_head_end_at_once),
        TEST(an_answer_that_is_too_long_does_not_hold_up_the_others),
        TEST(an_empty_answer_whose_end_was_told_is_one),
        TEST(an_empty_answer_that_ends_with_its_head_is_one_or_unusable),
        TEST(an_answer_cut_behind_its_head_is_none),
        TEST(reads_that_begin_together_share_one_connection),
        TEST(a_refused_stream_is_not_sent_again),
        TEST(a_connection_that_says_goodbye_is_not_asked_again),
    };
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2)) {
        puts("this libcurl has no HTTP/2");
        return 77; /* skipped */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
