/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "played_host.h"

#include <string.h>

uint8_t machine;
bool wall_trusted;

static void machine_id(uint8_t id[16])
{
    memset(id, 0, 16);
    id[0] = machine;
}

static bool is_wall_trusted(const emqx_tls_clock *clock)
{
    (void)clock;
    return wall_trusted;
}

const emqxi_host played_host = {machine_id, is_wall_trusted};
