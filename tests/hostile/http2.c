/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * HTTP/2 over TLS, frame for frame. Reads meet it; writes go by HTTP/1.1, and meet a server that
 * speaks HTTP/2 all the same. http2_script.h has the letters.
 */
#include "http1.h"
#include "http2_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define FRAME_MAX   16384
#define NO_SETTINGS 8 /* of behaviour.how */

/* -- rows -------------------------------------------------------------------------------------- */

static const behaviour rows[] = {
    /* good answers, however odd */
    {"plain", TEXT("H:200 D!"), KEEP, IS(taken)},
    {"a-length", TEXT("H:200;content-length=20 D!"), KEEP, IS(taken)},
    {"an-end-of-its-own", TEXT("H:200 D D:!"), KEEP, IS(taken)},
    {"data-in-pieces", TEXT("H:200 D:{\"status D:\":\"pend D:ing\"}!"), KEEP, IS(taken)},
    {"data-with-padding", TEXT("H:200 F:0,052020202020200000000000+8 D!"), KEEP, IS(taken)},
    {"trailers", TEXT("H:200 D T:x=1!"), KEEP, IS(taken)},
    {"103-before", TEXT("H:103;link=x H:103 H:200 D!"), KEEP, IS(taken)},
    {"103-a-hundred-times", TEXT("*100H:103 H:200 D!"), KEEP, IS(taken)},
    {"a-head-in-pieces", TEXT("B:08- F:9,03323030+4 D!"), KEEP, IS(taken)},
    {"priorities", TEXT("F:2,0000000010 H:200 F:2,0000000001 D!"), KEEP, IS(careless)},
    {"frames-nobody-knows", TEXT("F:99,00 @0F:200,0102 H:200 F:77, D!"), KEEP, IS(taken)},
    {"ping", TEXT("P H:200 P D!"), KEEP, IS(taken)},
    {"an-answer-to-no-ping", TEXT("P+1 H:200 D!"), KEEP, IS(taken)},
    {"settings-again", TEXT("S S S:3=1 H:200 S D!"), KEEP, IS(taken)},
    {"settings-nobody-knows", TEXT("S:9999=1 H:200 D!"), KEEP, IS(taken)},
    {"a-window-of-0", TEXT("S:4=0 H:200 D!"), KEEP, IS(taken)},
    {"windows-that-grow", TEXT("@0W:1000 W:1000 H:200 D!"), KEEP, IS(taken)},
    {"no-streams-from-now-on", TEXT("S:3=0 H:200 D!"), CLOSE, IS(careless)},
    {"an-empty-answer", TEXT("H:200!"), KEEP, IS(empty_stream)},
    {"an-empty-answer-of-length-0", TEXT("H:200;content-length=0!"), KEEP, IS(taken_empty)},
    {"204", TEXT("H:204!"), KEEP, IS(taken_empty)},
    {"goodbye-behind-the-answer", TEXT("H:200 D! G:0,1"), KEEP, IS(taken)},
    {"goodbye-before-the-answer", TEXT("G:0,2147483647 H:200 D!"), CLOSE, IS(careless)},
    {"a-reset-behind-the-answer", TEXT("H:200 D! R:0"), KEEP, IS(taken)},
    {"401", TEXT("H:401;www-authenticate=Basic!"), KEEP, IS(unauthorized)},
    {"429", TEXT("H:429;retry-after=5!"), KEEP, IS(rate_limited)},
    {"503", TEXT("H:503!"), KEEP, IS(passing)},
    {"a-refusal-that-is-reset", TEXT("H:403 R:2"), KEEP, IS(forbidden_or_lost)},
    /* resets */
    {"reset-0-without-a-head", TEXT("R:0"), KEEP, IS(no_stream)},
    {"reset-1", TEXT("R:1"), KEEP, IS(no_stream)},
    {"reset-2", TEXT("R:2"), KEEP, IS(no_stream)},
    {"reset-3", TEXT("R:3"), KEEP, IS(no_stream)},
    {"reset-5", TEXT("R:5"), KEEP, IS(no_stream)},
    {"reset-refused", TEXT("R:7"), KEEP, IS(no_stream)},
    {"reset-cancel", TEXT("R:8"), KEEP, IS(no_stream)},
    {"reset-enhance-your-calm", TEXT("R:11"), KEEP, IS(no_stream)},
    {"reset-inadequate-security", TEXT("R:12"), KEEP, IS(no_stream)},
    {"reset-http-1.1-required", TEXT("R:13"), KEEP, IS(no_stream)},
    {"reset-4294967295", TEXT("R:4294967295"), KEEP, IS(no_stream)},
    {"reset-0-behind-the-head", TEXT("H:200 R:0"), KEEP, IS(cut_stream)},
    {"reset-2-behind-the-head", TEXT("H:200 R:2"), KEEP, IS(cut_stream)},
    {"reset-0-in-the-body", TEXT("H:200 D:{\"status R:0"), KEEP, IS(cut_stream)},
    {"reset-8-in-the-body", TEXT("H:200 D:{\"status R:8"), KEEP, IS(cut_stream)},
    {"reset-of-another-stream", TEXT("@99R:2 H:200 D!"), CLOSE, IS(careless)},
    /* goodbyes */
    {"goodbye-instead", TEXT("G:0,0"), CLOSE, IS(no_stream)},
    {"goodbye-with-an-error", TEXT("G:2,0"), CLOSE, IS(no_stream)},
    {"goodbye-of-http-1.1-required", TEXT("G:13,0"), CLOSE, IS(no_stream)},
    {"goodbye-before-the-request", TEXT("G:0,0"), CLOSE, IS(early_goodbye), .how = EARLY},
    {"goodbye-behind-the-head", TEXT("H:200 G:0,1"), CLOSE, IS(cut_stream)},
    {"goodbye-in-the-body", TEXT("H:200 D:{\"st G:2,1"), CLOSE, IS(cut_stream)},
    {"goodbye-twice", TEXT("G:0,5 G:0,9"), CLOSE, IS(no_stream)},
    /* ends that are missing */
    {"no-end-of-the-stream", TEXT("H:200 D"), KEEP, IS(hung_answered)},
    {"no-end-and-closed", TEXT("H:200 D"), CLOSE_NOTIFY, IS(cut_stream)},
    {"no-end-behind-the-head-and-closed", TEXT("H:200"), CLOSE, IS(cut_stream)},
    {"a-length-that-is-too-large", TEXT("H:200;content-length=21 D!"), KEEP, IS(cut_stream)},
    {"a-length-that-is-too-small", TEXT("H:200;content-length=19 D!"), KEEP, IS(cut_stream)},
    {"a-length-that-is-none", TEXT("H:200;content-length=x D!"), KEEP, IS(no_success)},
    {"an-interim-answer-that-ends", TEXT("H:103!"), KEEP, IS(no_stream)},
    {"nothing-and-closed", TEXT(""), CLOSE_NOTIFY, IS(no_stream)},
    {"nothing", TEXT(""), KEEP, IS(hung)},
    {"no-settings", TEXT("H:200 D!"), CLOSE, IS(careless), .how = NO_SETTINGS},
    {"http-1.1-instead", TEXT("X:485454502f312e3120323030204f4b0d0a0d0a"), CLOSE, IS(no_stream),
     .how = NO_SETTINGS},
    /* frames where none may be */
    {"data-without-a-head", TEXT("D!"), CLOSE, IS(no_stream)},
    {"data-behind-the-end", TEXT("H:200 D! D!"), CLOSE, IS(careless)},
    {"a-head-behind-the-end", TEXT("H:200 D! H:200 D!"), CLOSE, IS(careless)},
    {"data-of-another-stream", TEXT("@3D!"), CLOSE, IS(no_stream)},
    {"data-of-no-stream", TEXT("@0D!"), CLOSE, IS(no_stream)},
    {"a-head-of-no-stream", TEXT("@0H:200!"), CLOSE, IS(no_stream)},
    {"a-head-of-another-stream", TEXT("@7H:200!"), CLOSE, IS(no_stream)},
    {"a-head-of-a-stream-of-the-server", TEXT("@2H:200!"), CLOSE, IS(no_stream)},
    {"two-heads", TEXT("H:200 H:200 D!"), CLOSE, IS(careless)},
    {"a-promise",
     TEXT("F:5,00000002"
          "880404+4"),
     CLOSE, IS(no_stream)},
    {"a-continuation-of-nothing", TEXT("C:10+4"), CLOSE, IS(no_stream)},
    {"a-head-that-is-not-continued", TEXT("H:200- D!"), CLOSE, IS(no_success)},
    {"a-ping-in-the-middle-of-a-head", TEXT("H:200- P F:9,+4 D!"), CLOSE, IS(no_success)},
    /* sizes */
    {"a-ping-of-7-bytes", TEXT("F:6,00000000000000"), CLOSE, IS(no_stream)},
    {"settings-of-5-bytes", TEXT("@0F:4,0000000000"), CLOSE, IS(no_stream)},
    {"an-answer-to-settings-with-bytes", TEXT("@0F:4,000100000001+1"), CLOSE, IS(no_stream)},
    {"a-reset-of-3-bytes", TEXT("F:3,000000"), CLOSE, IS(no_stream)},
    {"a-window-of-3-bytes", TEXT("F:8,000000"), CLOSE, IS(no_stream)},
    {"a-goodbye-of-4-bytes", TEXT("@0F:7,00000000"), CLOSE, IS(no_stream)},
    {"a-priority-of-4-bytes", TEXT("F:2,00000000"), CLOSE, IS(no_stream)},
    {"padding-longer-than-the-data", TEXT("H:200 F:0,ff2020+8"), CLOSE, IS(cut_stream)},
    {"a-head-and-bad-padding", TEXT("H:200 F:0,ff2020+8"), KEEP, IS(cut_stream)},
    {"a-head-and-data-of-no-stream", TEXT("H:200 @0D"), KEEP, IS(cut_stream)},
    {"a-head-and-a-ping-of-1-byte", TEXT("H:200 F:6,00"), KEEP, IS(cut_stream)},
    {"a-head-and-bad-settings", TEXT("H:200 S:5=1"), KEEP, IS(cut_stream)},
    {"a-head-and-a-bad-head", TEXT("H:200 @3B:80!"), KEEP, IS(cut_stream)},
    {"a-head-and-a-promise", TEXT("H:200 F:5,00000002880404+4"), KEEP, IS(cut_stream)},
    {"a-head-and-a-window-of-4-gb", TEXT("H:200 @0W:2147483647 @0W:2147483647"), KEEP,
     IS(cut_stream)},
    {"a-head-and-a-window-of-4-gb-for-it", TEXT("H:200 W:2147483647 W:2147483647"), KEEP,
     IS(cut_stream)},
    {"a-head-and-a-continuation", TEXT("H:200 C:10+4"), KEEP, IS(cut_stream)},
    {"a-head-and-bad-trailers", TEXT("H:200 T::path=x!"), KEEP, IS(cut_stream)},
    {"a-head-and-a-head", TEXT("H:200 H:200!"), KEEP, IS(careless)},
    {"a-head-and-goodbye", TEXT("H:200 G:0,1"), KEEP, IS(hung_answered)},
    {"a-head-and-goodbye-to-it", TEXT("H:200 G:0,0"), KEEP, IS(cut_stream)},
    {"a-frame-of-16-mb", TEXT("X:ffffff0000000000012020"), CLOSE, IS(no_stream)},
    {"half-a-frame", TEXT("X:000010010400000001"), CLOSE, IS(no_stream)},
    {"a-body-of-20-kib",
     TEXT("H:200 D *100D:----------------------------------------------------------"
          "---------------------------------------------------------------------------------------"
          "------------------------------------------------------------ D!"),
     KEEP, IS(too_long)},
    {"a-window-that-grows-by-0", TEXT("W:0 H:200 D!"), CLOSE, IS(careless)},
    {"a-window-of-more-than-2-gb", TEXT("@0W:2147483647 @0W:2147483647"), CLOSE, IS(no_stream)},
    {"settings-with-a-window-of-4-gb", TEXT("S:4=4294967295"), CLOSE, IS(no_stream)},
    {"settings-with-frames-of-1-byte", TEXT("S:5=1"), CLOSE, IS(no_stream)},
    {"settings-that-allow-promises", TEXT("S:2=1 H:200 D!"), CLOSE, IS(careless)},
    {"settings-of-a-stream", TEXT("F:4,"), CLOSE, IS(no_stream)},
    /* heads that are none */
    {"a-head-of-nothing", TEXT("B:!"), CLOSE, IS(no_stream)},
    {"an-index-of-0", TEXT("B:80!"), CLOSE, IS(no_stream)},
    {"an-index-of-nothing", TEXT("B:fe!"), CLOSE, IS(no_stream)},
    {"an-index-without-end", TEXT("B:ffffffffffffffffffff!"), CLOSE, IS(no_stream)},
    {"a-string-without-end", TEXT("B:087f!"), CLOSE, IS(no_stream)},
    {"a-huffman-code-that-is-none", TEXT("B:0884ffffffff!"), CLOSE, IS(no_stream)},
    {"a-table-that-grows-too-large", TEXT("B:3fffff7f0803323030!"), CLOSE, IS(no_stream)},
    {"no-status", TEXT("T:x=1!"), CLOSE, IS(no_stream)},
    {"a-status-twice", TEXT("B:08033230300803323030!"), CLOSE, IS(no_success)},
    {"a-status-of-letters", TEXT("H:abc!"), CLOSE, IS(no_stream)},
    {"a-status-of-four-digits", TEXT("H:2000!"), CLOSE, IS(no_success)},
    {"a-status-of-101", TEXT("H:101 H:200 D!"), CLOSE, IS(careless)},
    {"a-status-behind-a-field", TEXT("B:00017801610803323030!"), CLOSE, IS(no_stream)},
    {"a-field-of-a-request", TEXT("B:08033230308482!"), CLOSE, IS(no_success)},
    {"a-name-in-upper-case", TEXT("H:200;X-Hostile=1 D!"), CLOSE, IS(careless)},
    {"a-field-of-the-connection", TEXT("H:200;connection=close;transfer-encoding=chunked D!"),
     CLOSE, IS(careless)},
    {"a-name-that-is-empty",
     TEXT("B:0803323030"
          "00000131 D!"),
     CLOSE, IS(careless)},
    {"a-value-with-nul",
     TEXT("B:0803323030"
          "00017803610062 D!"),
     CLOSE, IS(careless)},
    {"a-value-with-lines",
     TEXT("B:0803323030"
          "00017804610d0a62 D!"),
     CLOSE, IS(careless)},
    {"a-field-of-60-kb",
     TEXT("B:0803323030"
          "0001787fe1d303- *3C:15000 C:15000+4 D!"),
     CLOSE, IS(careless)},
    /* floods */
    {"pings-without-end", TEXT("*20000P"), CLOSE, IS(no_stream)},
    {"settings-without-end", TEXT("*20000S:3=100"), CLOSE, IS(no_stream)},
    {"a-head-without-end",
     TEXT("B:0803323030"
          "0001787fffffff7f- *200C:15000"),
     CLOSE, IS(no_success)},
    {"empty-continuations", TEXT("B:0803323030- *20000C:0"), CLOSE, IS(no_success)},
    {"empty-data", TEXT("H:200 *20000D: D!"), CLOSE, IS(careless)},
    {"interim-answers-without-end", TEXT("*20000H:103"), CLOSE, IS(no_success)},
    {"resets-of-other-streams", TEXT("*20000@9R:8"), CLOSE, IS(no_stream)},
    {"windows-without-end", TEXT("*20000W:1 H:200 D!"), CLOSE, IS(careless)},
    {"frames-nobody-knows-without-end", TEXT("*20000F:99,00 H:200 D!"), CLOSE, IS(careless)},
};

/* -- the server -------------------------------------------------------------------------------- */

static bool send_script(loopback_connection *c, const char *script, uint32_t stream)
{
    frames f = {NULL, 0, 0};
    http2_script(&f, script, stream);
    bool ok = loopback_write(c, f.bytes, f.len);
    free(f.bytes);
    return ok;
}

/* A write, by HTTP/1.1: it gets the same frames. */
static void serve_write(loopback_connection *c, const behaviour *row, const char begun[3])
{
    char head[HTTP1_HEAD_MAX];
    if (!http1_read_head(c, head) || !http1_read_body(c, head))
        return;
    memmove(head + 3, head, 8); /* the method alone is of use */
    memcpy(head, begun, 3);
    http1_note(c, head);
    if (send_script(c, "S", 0) && send_script(c, row->bytes, 1))
        loopback_end(c, STALL);
}

typedef struct frame {
    size_t len;
    unsigned type, flags;
    uint32_t stream;
} frame;

static bool read_frame(loopback_connection *c, frame *f)
{
    unsigned char head[9], payload[FRAME_MAX];
    if (!loopback_read(c, head, sizeof head))
        return false;
    *f = (frame){(size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2], head[3], head[4],
                 (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 |
                     head[8]};
    return f->len <= sizeof payload && loopback_read(c, payload, f->len);
}

/* False: the connection is over. */
static bool answer(loopback_connection *c, const peer *p, uint32_t stream)
{
    loopback_note(c, "GET");
    if (atomic_load(&p->good))
        return send_script(c, "H:200 D:{\"status\":\"running\",\"cn\":\"good\"}!", stream);
    if (!(p->row->how & EARLY) && !send_script(c, p->row->bytes, stream))
        return false;
    loopback_end(c, p->row->end);
    return p->row->end == KEEP;
}

static void serve(loopback_connection *c)
{
    peer *p = loopback_user(c);
    const behaviour *b = p->row;
    char begun[3], preface[21];
    frame f;
    if (!loopback_read(c, begun, sizeof begun))
        return;
    if (memcmp(begun, "PRI", 3) != 0) {
        serve_write(c, b, begun);
        return;
    }
    bool behaves = atomic_load(&p->good);
    bool more = loopback_read(c, preface, sizeof preface) &&
                ((b->how & NO_SETTINGS && !behaves) || send_script(c, "S", 0)) &&
                (!(b->how & EARLY) || behaves || send_script(c, b->bytes, 1));
    while (more && read_frame(c, &f)) {
        if (f.type == 4 && !(f.flags & 1))
            more = send_script(c, "S+1", 0);
        else if (f.type == 1)
            more = answer(c, p, f.stream);
    }
}

int main(void)
{
    tls_server server;
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2)) {
        puts("this libcurl has no HTTP/2");
        return 77; /* skipped */
    }
    tls_server_make(&server, "IP:127.0.0.1");
    tls_server_offer_http2(&server);
    hostile_suite suite = {"HTTP/2",   rows,    sizeof rows / sizeof rows[0], serve, server.ca_path,
                           server.tls, &no_http};
    int failed = hostile_run(&suite);
    tls_server_free(&server);
    return failed;
}
