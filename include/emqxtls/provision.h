/* SPDX-License-Identifier: MIT
 *
 * provision.h - "this deployment shall serve this certificate", with the fewest writes.
 *
 *     emqx_tls_ensure_options options;
 *     emqx_tls_ensure_options_init(&options);
 *     options.wait_ms = 10 * 60 * 1000;
 *     options.receipt_dir = "/var/lib/renew/receipts";
 *     code = emqx_tls_ensure(client, "ge6a1a75", &request, &options, &result, &status, &error);
 */
#ifndef EMQXTLS_PROVISION_H
#define EMQXTLS_PROVISION_H

#include <emqxtls/check.h>
#include <emqxtls/client.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EMQX_TLS_FORCE         0x1u /* ensure_options.flags: write even if it looks unchanged */
#define EMQX_TLS_ALLOW_EARLIER 0x2u /* accept an earlier expiry than the one in place */
#define EMQX_TLS_DRY_RUN       0x4u /* say what would be done, write nothing */

enum {
    EMQX_TLS_ACTION_NONE = 0,
    EMQX_TLS_ACTION_UNCHANGED = 1,
    EMQX_TLS_ACTION_CREATED = 2,
    EMQX_TLS_ACTION_UPDATED = 3
};

typedef struct emqx_tls_ensure_options {
    uint32_t size;
    uint32_t flags;   /* EMQX_TLS_FORCE | EMQX_TLS_ALLOW_EARLIER | EMQX_TLS_DRY_RUN */
    uint32_t wait_ms; /* bounds the whole of it, quota waits included; 0: do not wait for running */
    uint32_t reserved;
    const emqx_tls_policy *policy; /* NULL: defaults */
    const char *receipt_dir;       /* NULL: no receipts */
    int32_t expire_offset_s;       /* zone of the platform's `expire`, seconds east of UTC */
    uint32_t probe_port;           /* usually 8883 */
    const char *probe_host;        /* NULL: no probe */
} emqx_tls_ensure_options;
EMQX_TLS_INIT_(ensure_options)

typedef struct emqx_tls_ensure_result {
    uint32_t size;
    uint32_t action; /* EMQX_TLS_ACTION_*; with DRY_RUN what would have been done */
    uint32_t reads;  /* quota spent */
    uint32_t writes;
    uint32_t certain;        /* 1: by receipt or probe, 0: by what the status tells */
    int32_t expire_offset_s; /* zone of `expire` as seen in the reply to our own write */
} emqx_tls_ensure_result;
EMQX_TLS_INIT_(ensure_result)

#ifdef __cplusplus
}
#endif
#endif
