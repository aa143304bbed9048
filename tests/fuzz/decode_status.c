/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The body of a success: read or refused, and what is read can be printed and agrees with itself.
 */
#include "fuzz.h"

static void text_holds(const char *text, size_t size)
{
    const char *end = memchr(text, '\0', size);
    HOLDS(end);
    HOLDS(emqxi_utf8_ok(text, (size_t)(end - text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    emqx_tls_status s;
    emqxi_error e;
    int64_t seconds;
    emqxi_error_clear(&e);
    emqx_tls_code code = emqxi_decode_status((const char *)data, size, &s, &e);
    HOLDS(code == EMQX_TLS_OK || code == EMQX_TLS_E_PROTOCOL);
    HOLDS(e.code == code && (code == EMQX_TLS_OK) == (e.message[0] == '\0'));
    text_holds(s.state_text, sizeof s.state_text);
    text_holds(s.type_text, sizeof s.type_text);
    text_holds(s.expire_text, sizeof s.expire_text);
    text_holds(s.common_name, sizeof s.common_name);
    HOLDS(code == EMQX_TLS_OK || (s.state == EMQX_TLS_STATE_UNKNOWN && s.state_text[0] == '\0'));
    HOLDS((s.state == EMQX_TLS_STATE_RUNNING) == (strcmp(s.state_text, "running") == 0));
    HOLDS((s.type == EMQX_TLS_TYPE_TWO_WAY) == (strcmp(s.type_text, "two-way") == 0));
    HOLDS(s.expire == INT64_MIN ||
          (emqxi_expire_parse(s.expire_text, &seconds) && seconds == s.expire));
    return 0;
}
