/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <emqxtls/provision.h>

EMQXI_INIT_SIZE(ensure_options, .probe_port = 8883)
EMQXI_INIT_SIZE(ensure_result, )
EMQXI_INIT_SIZE(probe_result, )
