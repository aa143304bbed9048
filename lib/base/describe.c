/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What the library tells of itself.
 */
#include "base/base.h"

#include <string.h>

#include <emqxtls/emqxtls.h>

#include "base/features.h"

const char *emqx_tls_version(void)
{
    return EMQXI_VERSION;
}

uint32_t emqx_tls_version_number(void)
{
    return EMQX_TLS_VERSION_NUMBER;
}

uint32_t emqx_tls_features(void)
{
    return EMQXI_FEATURES;
}

#define SIZE(X) #X, sizeof(struct emqx_tls_##X)

size_t emqx_tls_struct_size(const char *name)
{
    static const struct {
        const char *name;
        size_t size;
    } sizes[] = {
        {SIZE(allocator)},      {SIZE(ask)},           {SIZE(clock)},          {SIZE(config)},
        {SIZE(ensure_options)}, {SIZE(ensure_result)}, {SIZE(error)},          {SIZE(exchange)},
        {SIZE(finding)},        {SIZE(grant)},         {SIZE(limiter_config)}, {SIZE(policy)},
        {SIZE(probe_result)},   {SIZE(quota)},         {SIZE(reply)},          {SIZE(request)},
        {SIZE(status)},         {SIZE(store)},         {SIZE(transport)},
    };
    static const char prefix[] = "emqx_tls_";
    if (name && strncmp(name, prefix, sizeof prefix - 1) == 0)
        name += sizeof prefix - 1;
    for (size_t i = 0; name && i < sizeof sizes / sizeof sizes[0]; i++)
        if (strcmp(name, sizes[i].name) == 0)
            return sizes[i].size;
    return 0;
}

/* -- names ------------------------------------------------------------------------------------- */

#define NAMES(what, type, unknown, ...)                                                            \
    const char *emqx_tls_##what##_name(type value)                                                 \
    {                                                                                              \
        static const char *const names[] = {__VA_ARGS__};                                          \
        return (uint32_t)value < sizeof names / sizeof names[0] ? names[value] : unknown;          \
    }

NAMES(code, emqx_tls_code, "UNKNOWN", "OK", "INVALID", "NO_MEMORY", "CHECK", "RATE_LIMITED",
      "TRANSPORT", "TIMEOUT", "CANCELLED", "UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND",
      "UNPROCESSABLE", "HTTP", "PROTOCOL", "STORE", "FAILED")
NAMES(state, uint32_t, "unknown", "unknown", "absent", "pending", "running", "failed", "terminated",
      "other")
NAMES(type, uint32_t, "unknown", "unknown", "one-way", "two-way")
NAMES(action, uint32_t, "unknown", "none", "unchanged", "created", "updated")
NAMES(delivery, uint32_t, "unknown", "maybe", "not-sent", "answered")
NAMES(severity, uint32_t, "unknown", "off", "warn", "refuse")
