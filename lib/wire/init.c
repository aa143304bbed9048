/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <emqxtls/values.h>

EMQXI_INIT_SIZE(request, )
EMQXI_INIT_SIZE(status, .expire = INT64_MIN)
