/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Every log line comes by here, from operation.c and the jobs of provision. What may be in one is
 * an allow-list: method, host, path, status, attempt, quota, durations; how a job ended, and what
 * is wrong with a receipt.
 */
#include "call/client.h"

#include <stdio.h>

void emqxi_log(emqx_tls_client *client, int32_t level, const char *format, ...)
{
    char line[512];
    if (!client->log)
        return;
    EMQXI_FORMAT(line, format);
    emqxi_text_clean(line);
    client->log(client->log_user, level, line);
}
