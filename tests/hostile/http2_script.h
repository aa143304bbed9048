/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Frames of HTTP/2 from a few letters. A script has one frame a word:
 *
 *   H:200;a=b  HEADERS with this status and these fields
 *   T:a=b      HEADERS with these fields and no status: trailers
 *   B:hex      HEADERS with these bytes
 *   D          DATA with a status of the platform; D:text with this text
 *   R:code     RST_STREAM
 *   G:code,id  GOAWAY, with the last stream that it takes
 *   S:id=n     SETTINGS; S without any
 *   P          PING (+1: its answer, as for SETTINGS)
 *   W:n        WINDOW_UPDATE
 *   C:n        CONTINUATION, with n bytes of a field that does not end
 *   F:type,hex any frame
 *   X:hex      bytes that are no frame
 *
 * In front of it may stand *n (so often) and @id (on this stream, not the request's); behind it !
 * (END_STREAM), - (without END_HEADERS) or +flags in hex.
 */
#ifndef HOSTILE_HTTP2_SCRIPT_H
#define HOSTILE_HTTP2_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

typedef struct frames {
    unsigned char *bytes;
    size_t len, room;
} frames;

/* Adds them, for the request of this stream. */
void http2_script(frames *to, const char *script, uint32_t stream);

#endif
