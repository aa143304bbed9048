/* SPDX-License-Identifier: MIT
 *
 * provision.h - "this deployment shall serve this certificate", with the fewest writes.
 *
 *     emqx_tls_ensure_options options;
 *     emqx_tls_ensure_options_init(&options);
 *     options.wait_ms = 10 * 60 * 1000;
 *     options.receipt_dir = "/var/lib/renew/receipts";
 *     emqx_tls_ensure_result result;
 *     emqx_tls_ensure_result_init(&result);
 *     code = emqx_tls_ensure(client, "ge6a1a75", &request, &options, &result, &status, &error);
 *
 * A write is one of six in an hour, and a wrong one costs as much as a right one. So ensure, wait
 * and remove read first, write at most once, and can be called again whenever they ended early:
 * they read what is there and go on from it.
 */
#ifndef EMQXTLS_PROVISION_H
#define EMQXTLS_PROVISION_H

#include <emqxtls/check.h>
#include <emqxtls/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ensure_options.flags: write even if it looks unchanged */
#define EMQX_TLS_FORCE         0x1u
#define EMQX_TLS_ALLOW_EARLIER 0x2u /* accept an earlier expiry than the one in place */
#define EMQX_TLS_DRY_RUN       0x4u /* say what would be done, write nothing */

enum {
    /* nothing was done, and it is not known that nothing had to be */
    EMQX_TLS_ACTION_NONE = 0,
    EMQX_TLS_ACTION_UNCHANGED = 1, /* what was wanted was there already, or was on its way */
    EMQX_TLS_ACTION_CREATED = 2,
    EMQX_TLS_ACTION_UPDATED = 3
};

/* All strings and the policy are copied by the call that takes them. */
typedef struct emqx_tls_ensure_options {
    uint32_t size;
    uint32_t flags;   /* EMQX_TLS_FORCE | EMQX_TLS_ALLOW_EARLIER | EMQX_TLS_DRY_RUN */
    uint32_t wait_ms; /* bounds the whole of it, quota waits included; 0: do not wait for running */
    uint32_t reserved;
    const emqx_tls_policy *policy; /* of the local check; NULL: defaults */
    /* a folder of the user's own, on a local file system; NULL: no receipts */
    const char *receipt_dir;
    /* zone of the platform's `expire`, seconds east of UTC, at most 14 h; 0: UTC. One that the
     * receipt has learned goes before it */
    int32_t expire_offset_s;
    uint32_t probe_port; /* 8883; 0 is 8883 too */
    /* connect there when it runs, and see that it is served; NULL: no probe */
    const char *probe_host;
} emqx_tls_ensure_options;
EMQX_TLS_INIT_(ensure_options)

typedef struct emqx_tls_ensure_result {
    uint32_t size;
    uint32_t action;  /* EMQX_TLS_ACTION_*; with DRY_RUN what would have been done */
    uint32_t reads;   /* quota spent: GETs */
    uint32_t writes;  /* quota spent: POSTs and PUTs */
    uint32_t certain; /* 1: by receipt or probe, 0: by what the status tells */
    /* zone of `expire` as seen in the reply to our own write, or else as it was taken */
    int32_t expire_offset_s;
} emqx_tls_ensure_result;
EMQX_TLS_INIT_(ensure_result)

/* Makes a deployment serve a certificate.
 *
 * It checks the material, reads the status and compares `tlsType`, `expire` and, where it is told,
 * `cn`. What is wanted and running: nothing is written. Wanted and pending: it is waited for.
 * Anything else in place, `failed` too: PUT; nothing: POST; `terminated`: POST when it is gone.
 * Never DELETE. At most one write, and one more only after a read has shown that a lost one was not
 * carried out, or that POST and PUT were told apart wrongly. Before such a read proves anything 60
 * s must pass, since a request given up may still arrive: with a wait_ms that does not cover it the
 * lost write's own error is returned, and the next call goes on. Nor does "pending" with the
 * `expire` of before prove anything: it is waited out, up to 30 minutes. A 429 for a write ends the
 * call; the next one goes on.
 *
 * `expire` names no zone. It is read as UTC, or in the zone of expire_offset_s; the zone seen in
 * the reply to a write, or in the status that shows it (whole quarter hours from the leaf's own
 * end, within 14 h), is told in the result and kept in the receipt; with the next write it may move
 * by an hour, since summer time does. A bare date is compared by day, and shows of the zone only
 * what moves the day.
 *
 * Receipts (receipt_dir, in builds with OpenSSL): the platform tells no fingerprint, so a new key
 * with the same end, or a new client CA, looks unchanged. A file for each deployment holds SHA-256
 * fingerprints of what was last written (never the key), and makes "unchanged" exact as long as
 * every writer uses the folder. A write that the platform took less than 30 minutes ago is waited
 * for and not repeated, though the status still shows what was there before. A lock beside it keeps
 * a second ensure out, so two at once spend one write; one that was stopped is waited for until
 * wait_ms is over (timeout_ms where wait_ms is 0): STORE. A damaged receipt counts as none, and is
 * logged. Without OpenSSL nothing can be compared: only FORCE writes over what runs.
 *
 * Probe (probe_host): when the platform says that it runs, the leaf that is served there is
 * compared, again and again until wait_ms is over. If nothing was written yet, and another leaf
 * with the same end is served, that is one more reason to write. It does not show the client CA, so
 * for two-way only a receipt makes `certain` 1.
 *
 * wait_ms bounds it all, quota waits included; each exchange is bounded by the client's timeout_ms
 * too. With 0 it does not wait: OK then also means that the write was accepted and is pending, and
 * quota is waited for as the client is set up to.
 *
 * options NULL: defaults. result, status, error: NULL allowed. *status is the last one seen, also
 * where the call fails (all zero, expire INT64_MIN: none was). *result is filled where the call
 * fails too.
 *
 * Errors, besides those of the four calls in client.h:
 *   INVALID       an argument; receipts or probe in a build without OpenSSL, or for a leaf that
 *                 can't be read: nothing was sent. Also, after a read, where what runs can't be
 *                 compared with a leaf that can't be read: set FORCE
 *   CHECK         the local check refuses the material (nothing was sent), or it would end before
 *                 what is in place
 *   TIMEOUT       wait_ms is over, or the state needs waiting and wait_ms is 0: the message says
 *                 what is there and what to do
 *   FAILED        the platform put it into "failed"
 *   NOT_FOUND     no such deployment, or somebody deleted it after it was written
 *   RATE_LIMITED  error.retry_after_ms tells when to call again; it goes on from there
 *   STORE         also: the receipt can't be used, or another ensure holds it. Where it can't be
 *                 written nothing is sent
 *   TRANSPORT     also: probe_host could not be reached
 * result.writes tells whether anything may have been written; error.delivery is that of the last
 * exchange. */
EMQX_TLS_API emqx_tls_code emqx_tls_ensure(emqx_tls_client *client, const char *deployment_id,
                                           const emqx_tls_request *request,
                                           const emqx_tls_ensure_options *options,
                                           emqx_tls_ensure_result *result, emqx_tls_status *status,
                                           emqx_tls_error *error);

/* Waits until a deployment's certificate runs; writes nothing. `expected` NULL: any certificate.
 * Else its `type` and the leaf in its `cert` (nothing more of it is read) must be what the status
 * shows, `expire` read as UTC and what it does not tell taken for right; the earlier certificate
 * that still runs is no success. It reads at once, then after 5, 10, 20, 40 s, then every 60 s (and
 * up to 10 % later), less often where the read quota would not reach to the end. wait_ms bounds it
 * all, quota waits included; 0: one look.
 * *status is the last one seen, also where the call fails.
 * Errors, besides those of a read in client.h: FAILED at once, NOT_FOUND at once (there is no
 * certificate), TIMEOUT (wait_ms is over), INVALID (also: `expected` can't be read, or the build
 * has no OpenSSL for it). A read that fails is repeated with the next poll, but for what a repeat
 * can't mend and, unless it was a 429, for the first one. */
EMQX_TLS_API emqx_tls_code emqx_tls_wait(emqx_tls_client *client, const char *deployment_id,
                                         const emqx_tls_request *expected, uint32_t wait_ms,
                                         emqx_tls_status *status, emqx_tls_error *error);

/* Deletes a deployment's certificate, which disconnects every client on the ports 8883 and 8084,
 * and waits until it is gone. Reads first; where nothing is there, or it is being deleted already,
 * nothing is written. At most one DELETE. One that was answered with 404 or got lost is checked by
 * reads. wait_ms as for wait; 0: does not wait until it is gone. Errors, besides those of the four
 * calls in client.h: TIMEOUT (wait_ms is over and it is not gone; error.delivery is MAYBE where it
 * is not known whether the DELETE was carried out). */
EMQX_TLS_API emqx_tls_code emqx_tls_remove(emqx_tls_client *client, const char *deployment_id,
                                           uint32_t wait_ms, emqx_tls_error *error);

/* -- asynchronous: on the pattern of emqx_tls_submit
 * ------------------------------------------------------------------
 *
 * What is wrong with an argument, and a refusal of the local check, is returned here, and `done`
 * never follows: INVALID, CHECK, NO_MEMORY. All else comes by `done`. Everything is copied, the
 * private key too; it is wiped as soon as no write can follow. Inside `done` emqx_tls_call_result
 * gives status and error. emqx_tls_cancel ends the call: what has left is not taken back
 * (error.delivery), and with a receipt the next ensure knows of it. Reading a receipt and putting
 * it on the disk block shortly. */
EMQX_TLS_API emqx_tls_code emqx_tls_submit_ensure(emqx_tls_client *client,
                                                  const char *deployment_id,
                                                  const emqx_tls_request *request,
                                                  const emqx_tls_ensure_options *options,
                                                  emqx_tls_done_fn done, void *user,
                                                  emqx_tls_call **call, emqx_tls_error *error);
EMQX_TLS_API emqx_tls_code emqx_tls_submit_wait(emqx_tls_client *client, const char *deployment_id,
                                                const emqx_tls_request *expected, uint32_t wait_ms,
                                                emqx_tls_done_fn done, void *user,
                                                emqx_tls_call **call, emqx_tls_error *error);
EMQX_TLS_API emqx_tls_code emqx_tls_submit_remove(emqx_tls_client *client,
                                                  const char *deployment_id, uint32_t wait_ms,
                                                  emqx_tls_done_fn done, void *user,
                                                  emqx_tls_call **call, emqx_tls_error *error);

/* Inside the `done` of an ensure: its result. Of any other call: all zero. */
EMQX_TLS_API void emqx_tls_call_ensure_result(const emqx_tls_call *call,
                                              emqx_tls_ensure_result *result);

/* -- probe ------------------------------------------------------------------------------------- */

typedef struct emqx_tls_probe_result {
    uint32_t size;
    uint32_t matches;      /* 1: the leaf is that of `expected` */
    int64_t not_after;     /* of the leaf that is served: seconds since 1970 */
    char common_name[256]; /* UTF-8, cut at a character, '?' for control characters; "": none */
    char sha256[72];       /* of its DER, in small hexadecimal digits */
} emqx_tls_probe_result;
EMQX_TLS_INIT_(probe_result)

/* Connects to a TLS port (MQTT over TLS, or wss), reads the leaf that is served, and goes. Needs no
 * client and no quota. Which leaf is served is all that it tells: trust is not judged, expired and
 * self-signed ones are read too, and a port that asks for a client certificate (two-way) has shown
 * its own before it does.
 *
 * host: a name or an address, at most 255 bytes. port: 1 to 65535. server_name: sent as SNI, of 1
 * to 255 bytes; NULL: `host`, if it is a name. expected NULL:
 * nothing is compared; else its `cert` is, and nothing more of it is read. timeout_ms: 1 or more,
 * bounds all of it. A name is resolved on a thread of its own, since the system's resolver keeps no
 * deadline; that thread may outlive the call. Any thread. *result is all zero unless the call
 * returns OK. A leaf that does not match is OK with matches 0. Errors: INVALID (an argument; a
 * build without OpenSSL), TRANSPORT (name, connect, no TLS there), TIMEOUT, NO_MEMORY (or no
 * thread). */
EMQX_TLS_API emqx_tls_code emqx_tls_probe(const char *host, uint32_t port, const char *server_name,
                                          const emqx_tls_request *expected, uint32_t timeout_ms,
                                          emqx_tls_probe_result *result, emqx_tls_error *error);

#ifdef __cplusplus
}
#endif
#endif
