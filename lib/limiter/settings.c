/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "limiter/store.h"

#include <string.h>

#define SLOTS_MAX     100000u
#define WINDOW_MIN_MS 1000u
#define WINDOW_MAX_MS (31ull * 24 * 3600 * 1000)
#define FLAGS         (EMQX_TLS_PER_METHOD | EMQX_TLS_PER_DEPLOYMENT)

static bool in_range(const char *member, unsigned long long value, unsigned long long least,
                     unsigned long long most, emqx_tls_error *error)
{
    if (value >= least && value <= most)
        return true;
    emqxi_refuse(error, EMQX_TLS_E_INVALID, "limiter_config.%s is %llu; it must be %llu to %llu",
                 member, value, least, most);
    return false;
}

emqx_tls_code emqxi_settings_take(emqxi_settings *settings, const emqx_tls_limiter_config *config,
                                  uint32_t own_flags, emqx_tls_error *error)
{
    emqx_tls_limiter_config c;
    memset(settings, 0, sizeof *settings); /* the padding too: it is copied as a whole */
    emqx_tls_limiter_config_init(&c);
    if (config && !emqxi_input_take(&c, config, sizeof c, sizeof c))
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "limiter_config has a size that can't be; set it up with "
                            "emqx_tls_limiter_config_init");
    if (c.flags & ~(FLAGS | own_flags))
        return emqxi_refuse(
            error, EMQX_TLS_E_INVALID,
            "limiter_config.flags is 0x%x; only PER_METHOD and PER_DEPLOYMENT are known", c.flags);
    if (!in_range("reads", c.reads, 1, SLOTS_MAX, error) ||
        !in_range("writes", c.writes, 1, SLOTS_MAX, error) ||
        !in_range("window_ms", c.window_ms, WINDOW_MIN_MS, WINDOW_MAX_MS, error))
        return EMQX_TLS_E_INVALID;
    if (!emqxi_clock_take(&settings->clock, c.clock))
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "limiter_config.clock can't be used; it needs now_ms");
    if (!emqxi_allocator_take(&settings->allocator, c.allocator))
        return emqxi_refuse(
            error, EMQX_TLS_E_INVALID,
            "limiter_config.allocator can't be used; it needs allocate, resize and release");
    settings->flags = c.flags;
    emqxi_limits_set(&settings->limits[0], c.reads, c.window_ms);
    emqxi_limits_set(&settings->limits[1], c.writes, c.window_ms);
    return EMQX_TLS_OK;
}

uint32_t emqxi_group(uint32_t flags, uint32_t op)
{
    if (op == EMQX_TLS_OP_GET)
        return 0;
    return flags & EMQX_TLS_PER_METHOD ? op - EMQX_TLS_OP_GET : 1;
}

uint64_t emqxi_scope(uint32_t flags, const uint64_t hash_key[2], uint32_t op,
                     const char *deployment_id)
{
    uint32_t group = emqxi_group(flags, op);
    if (!(flags & EMQX_TLS_PER_DEPLOYMENT))
        return group;
    const uint64_t key[2] = {hash_key[0] ^ group, hash_key[1]};
    return emqxi_hash(key, deployment_id, strlen(deployment_id));
}

void emqxi_random_key(uint64_t key[2])
{
    key[0] = emqxi_random();
    key[1] = emqxi_random();
}

emqx_tls_code emqxi_grant_none(emqx_tls_grant *grant, const emqxi_error *why, emqx_tls_error *error)
{
    emqx_tls_code code = emqxi_error_out(error, why);
    grant->granted = grant->reason = 0;
    grant->busy = why->retry_after_ms >= 0;
    grant->early_ms = grant->late_ms = why->retry_after_ms;
    return grant->busy ? EMQX_TLS_OK : code;
}

emqx_tls_code emqxi_limiter_over(emqx_tls_code opened, const emqx_tls_store *store,
                                 const emqxi_settings *settings, emqx_tls_limiter **limiter,
                                 emqx_tls_error *error)
{
    if (limiter)
        *limiter = NULL;
    if (opened != EMQX_TLS_OK)
        return opened;
    emqx_tls_code code =
        emqx_tls_limiter_open_store(store, &settings->clock, &settings->allocator, limiter, error);
    if (code != EMQX_TLS_OK)
        store->destroy(store->context);
    return code;
}
