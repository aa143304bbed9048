/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * One row, one behaviour: its name, its bytes, what the server does with the connection then, and
 * what has to come of it. To add one, add a row.
 */
#include "http1.h"

#define OK     "HTTP/1.1 200 OK\r\n"
#define LENGTH "Content-Length: 20\r\n"
#define CHUNKS "Transfer-Encoding: chunked\r\n"
#define BODY   "{\"status\":\"pending\"}"
#define END    "\r\n"

const behaviour http1_rows[] = {
    /* heads */
    {"plain", TEXT(OK LENGTH END BODY), KEEP, IS(taken)},
    {"names-in-lower-case", TEXT("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n" BODY), KEEP,
     IS(taken)},
    {"no-blank-behind-the-colon", TEXT(OK "Content-Length:20\r\n\r\n" BODY), KEEP, IS(taken)},
    {"blanks-and-tabs-around-a-value", TEXT(OK "Content-Length:\t \t20 \t\r\n\r\n" BODY), KEEP,
     IS(taken)},
    {"no-reason", TEXT("HTTP/1.1 200\r\n" LENGTH END BODY), KEEP, IS(taken)},
    {"lines-end-with-lf-alone", TEXT("HTTP/1.1 200 OK\nContent-Length: 20\n\n" BODY), KEEP,
     IS(taken)},
    /* lengths */
    {"no-length-and-closed", TEXT(OK END BODY), CLOSE_NOTIFY, IS(taken)},
    {"no-length-no-body-and-closed", TEXT(OK END), CLOSE_NOTIFY, IS(taken_empty)},
    {"no-length-no-body-and-dropped", TEXT(OK END), CLOSE, IS(cut_head)},
    {"length-0", TEXT(OK "Content-Length: 0\r\n\r\n"), KEEP, IS(taken_empty)},
    {"length-one-too-small", TEXT(OK "Content-Length: 19\r\n\r\n" BODY), KEEP, IS(not_json)},
    {"length-one-too-large", TEXT(OK "Content-Length: 21\r\n\r\n" BODY), CLOSE, IS(broken)},
    {"length-one-too-large-and-nothing-more", TEXT(OK "Content-Length: 21\r\n\r\n" BODY), STALL,
     IS(hung_answered)},
    {"length-negative", TEXT(OK "Content-Length: -5\r\n\r\n" BODY), CLOSE, IS(broken_head)},
    /* chunks */
    {"chunks", TEXT(OK CHUNKS END "14\r\n" BODY "\r\n0\r\n\r\n"), KEEP, IS(taken)},
    {"chunk-size-is-none", TEXT(OK CHUNKS END "zz\r\n" BODY "\r\n0\r\n\r\n"), CLOSE,
     IS(broken_chunks)},
    {"chunks-without-the-last", TEXT(OK CHUNKS END "14\r\n" BODY "\r\n"), CLOSE, IS(broken)},
    /* interim answers */
    {"100-before", TEXT("HTTP/1.1 100 Continue\r\n\r\n" OK LENGTH END BODY), KEEP, IS(taken)},
    /* drips and stalls */
    {"drip", TEXT(OK LENGTH END BODY), KEEP, IS(taken), .how = DRIP},
    {"nothing", TEXT(""), STALL, IS(hung)},
    {"nothing-and-closed", TEXT(""), CLOSE_NOTIFY, IS(lost)},
    /* other protocols */
    {"ssh", TEXT("SSH-2.0-OpenSSH_9.2\r\n"), STALL, IS(no_http)},
};
const size_t http1_row_count = sizeof http1_rows / sizeof http1_rows[0];
