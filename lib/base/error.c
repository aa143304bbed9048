/* SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    "OK",      "INVALID",   "NO_MEMORY",    "CHECK",     "RATE_LIMITED", "TRANSPORT",
    "TIMEOUT", "CANCELLED", "UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND",    "UNPROCESSABLE",
    "HTTP",    "PROTOCOL",  "STORE",        "FAILED",
};

const char *emqx_tls_code_name(emqx_tls_code code)
{
    if (code < 0 || (size_t)code >= sizeof names / sizeof names[0])
        return "UNKNOWN";
    return names[code];
}

const char *emqx_tls_version(void)
{
    return EMQXI_VERSION;
}

void emqx_tls_error_init_size(emqx_tls_error *p, size_t caller_size)
{
    emqx_tls_error e;
    if (!emqxi_init(p, caller_size))
        return;
    emqxi_error_clear(&e);
    emqxi_output(p, &e, sizeof e);
}

void emqxi_error_clear(emqx_tls_error *e)
{
    memset(e, 0, sizeof *e);
    e->size = sizeof *e;
    e->delivery = EMQX_TLS_DELIVERY_NOT_SENT;
    e->retry_after_ms = -1;
}

emqx_tls_code emqxi_vfail(emqx_tls_error *e, emqx_tls_code code, const char *format,
                          va_list arguments)
{
    char text[2 * sizeof e->message];
    int n = vsnprintf(text, sizeof text, format, arguments);
    e->code = code;
    emqxi_text_copy(e->message, sizeof e->message, text,
                    n < 0 ? 0 : EMQXI_MIN((size_t)n, sizeof text - 1));
    return code;
}

emqx_tls_code emqxi_fail(emqx_tls_error *e, emqx_tls_code code, const char *format, ...)
{
    va_list arguments;
    if (!e)
        return code;
    va_start(arguments, format);
    emqxi_vfail(e, code, format, arguments);
    va_end(arguments);
    return code;
}

emqx_tls_code emqxi_error_out(emqx_tls_error *to, const emqx_tls_error *from)
{
    emqxi_output(to, from, sizeof *from);
    return from->code;
}

emqx_tls_code emqxi_refuse(emqx_tls_error *to, emqx_tls_code code, const char *format, ...)
{
    emqx_tls_error e;
    va_list arguments;
    emqxi_error_clear(&e);
    va_start(arguments, format);
    emqxi_vfail(&e, code, format, arguments);
    va_end(arguments);
    return emqxi_error_out(to, &e);
}
