/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

void emqx_tls_error_init_size(emqx_tls_error *p, size_t caller_size)
{
    emqxi_error e;
    if (!emqxi_init(p, caller_size))
        return;
    emqxi_error_clear(&e);
    emqxi_error_out(p, &e);
}

void emqxi_error_clear(emqxi_error *e)
{
    memset(e, 0, sizeof *e);
    e->delivery = EMQX_TLS_DELIVERY_NOT_SENT;
    e->retry_after_ms = -1;
}

__attribute__((format(printf, 3, 0))) static emqx_tls_code
vfail(emqxi_error *e, emqx_tls_code code, const char *format, va_list arguments)
{
    char text[2 * sizeof e->message];
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    emqxi_text_clean(text); /* an ID or a path may be anything */
    e->code = code;
    emqxi_text_copy(e->message, sizeof e->message, text, strlen(text));
    return code;
}

emqx_tls_code emqxi_fail(emqxi_error *e, emqx_tls_code code, const char *format, ...)
{
    va_list arguments;
    if (!e)
        return code;
    va_start(arguments, format);
    vfail(e, code, format, arguments);
    va_end(arguments);
    return code;
}

emqx_tls_code emqxi_error_out(emqx_tls_error *to, const emqxi_error *from)
{
    emqx_tls_error own = {
        .code = from->code,
        .http_status = from->http_status,
        .attempts = from->attempts,
        .delivery = from->delivery,
        .permanent = from->permanent,
        .retry_after_ms = from->retry_after_ms,
    };
    memcpy(own.api_code, from->api_code, sizeof own.api_code);
    memcpy(own.message, from->message, sizeof own.message);
    if (to && to->size == 0)
        to->size = EMQXI_ERROR_FIRST; /* zeroed and never set up: so much every caller has */
    emqxi_output(to, &own, sizeof own);
    return from->code;
}

emqx_tls_code emqxi_refuse(emqx_tls_error *to, emqx_tls_code code, const char *format, ...)
{
    emqxi_error e;
    va_list arguments;
    emqxi_error_clear(&e);
    va_start(arguments, format);
    vfail(&e, code, format, arguments);
    va_end(arguments);
    return emqxi_error_out(to, &e);
}
