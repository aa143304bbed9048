/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Without OpenSSL nothing is known of how a connection ended.
 */
#include "transport/curl.h"

void emqxi_closure_look(CURL *easy, emqxi_closure *closure)
{
    (void)easy;
    (void)closure;
}

bool emqxi_closure_pending(CURL *easy)
{
    (void)easy;
    return false;
}
