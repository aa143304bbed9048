/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <emqxtls/limiter.h>

EMQXI_INIT_SIZE(limiter_config, .reads = 60, .writes = 6, .window_ms = 3600000)
EMQXI_INIT_SIZE(quota, )
EMQXI_INIT_SIZE(store, )
