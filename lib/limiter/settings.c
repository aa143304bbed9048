/* SPDX-License-Identifier: MIT */
#include "limiter/store.h"

#include <string.h>

#define SLOTS_MAX     100000u
#define WINDOW_MIN_MS 1000u
#define WINDOW_MAX_MS (31ull * 24 * 3600 * 1000)
#define FLAGS         (EMQX_TLS_PER_METHOD | EMQX_TLS_PER_DEPLOYMENT)

static const emqx_tls_limiter_config defaults = {
    .size = sizeof defaults, .reads = 60, .writes = 6, .window_ms = 3600000};

void emqx_tls_limiter_config_init_size(emqx_tls_limiter_config *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
    emqxi_output(p, &defaults, sizeof defaults);
}

void emqx_tls_quota_init_size(emqx_tls_quota *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
}

void emqx_tls_store_init_size(emqx_tls_store *p, size_t caller_size)
{
    emqxi_init(p, caller_size);
}

emqx_tls_code emqxi_settings_take(emqxi_settings *settings, const emqx_tls_limiter_config *config,
                                  emqx_tls_error *error)
{
    emqx_tls_limiter_config c = defaults;
    if (config) {
        if (!emqxi_input_ok(config, sizeof *config, sizeof c))
            return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                                "limiter_config has a size that can't be; set it up with "
                                "emqx_tls_limiter_config_init");
        emqxi_input_copy(&c, config, sizeof c);
    }
    if (c.flags & ~FLAGS)
        return emqxi_refuse(
            error, EMQX_TLS_E_INVALID,
            "limiter_config.flags is 0x%x; only PER_METHOD and PER_DEPLOYMENT are known", c.flags);
    if (c.reads < 1 || c.reads > SLOTS_MAX)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "limiter_config.reads is %u; it must be 1 to %u", c.reads, SLOTS_MAX);
    if (c.writes < 1 || c.writes > SLOTS_MAX)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "limiter_config.writes is %u; it must be 1 to %u", c.writes, SLOTS_MAX);
    if (c.window_ms < WINDOW_MIN_MS || c.window_ms > WINDOW_MAX_MS)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "limiter_config.window_ms is %llu; it must be %u to %llu (31 days)",
                            (unsigned long long)c.window_ms, WINDOW_MIN_MS, WINDOW_MAX_MS);
    if (!emqxi_clock_take(&settings->clock, c.clock))
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "limiter_config.clock can't be used; it needs now_ms");
    if (!emqxi_allocator_take(&settings->allocator, c.allocator))
        return emqxi_refuse(
            error, EMQX_TLS_E_INVALID,
            "limiter_config.allocator can't be used; it needs allocate, resize and release");
    settings->flags = c.flags;
    settings->reads = c.reads;
    settings->writes = c.writes;
    settings->window_ms = c.window_ms;
    return EMQX_TLS_OK;
}

uint32_t emqxi_class(uint32_t flags, uint32_t op)
{
    if (op == EMQX_TLS_OP_GET)
        return 0;
    return flags & EMQX_TLS_PER_METHOD ? op - EMQX_TLS_OP_GET : 1;
}

void emqxi_class_limits(const emqxi_settings *settings, uint32_t class, emqxi_limits *limits)
{
    emqxi_limits_set(limits, class == 0 ? settings->reads : settings->writes, settings->window_ms);
}

uint64_t emqxi_scope(uint32_t flags, const uint8_t hash_key[16], uint32_t op,
                     const char *deployment_id)
{
    uint32_t class = emqxi_class(flags, op);
    uint8_t key[16], hash[16];
    uint64_t scope;
    if (!(flags & EMQX_TLS_PER_DEPLOYMENT))
        return class;
    memcpy(key, hash_key, sizeof key);
    key[0] ^= (uint8_t) class;
    emqxi_siphash(key, deployment_id, strlen(deployment_id), hash);
    memcpy(&scope, hash, sizeof scope);
    return scope;
}

void emqxi_random_key(uint8_t key[16])
{
    const uint64_t random[2] = {emqxi_random(), emqxi_random()};
    memcpy(key, random, sizeof random);
}
