/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file provision.h
 * @brief "This deployment shall serve this certificate", with the fewest writes.
 *
 * A write is one of six in an hour, and a wrong one costs as much as a right one. So ensure, wait
 * and remove read first, write at most once, and can be called again whenever they ended early:
 * they read what is there and go on from it.
 *
 * @code
 * emqx_tls_ensure_options options;
 * emqx_tls_ensure_options_init(&options);
 * options.wait_ms = 10 * 60 * 1000;
 * options.receipt_dir = "/var/lib/renew/receipts";
 * emqx_tls_ensure_result result;
 * emqx_tls_ensure_result_init(&result);
 * code = emqx_tls_ensure(client, "ge6a1a75", &request, &options, &result, &status, &error);
 * @endcode
 */
#ifndef EMQXTLS_PROVISION_H
#define EMQXTLS_PROVISION_H

#include <emqxtls/check.h>
#include <emqxtls/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Of ensure_options.flags. */
enum emqx_tls_ensure_flag {
    /** Write even if it looks unchanged. */
    EMQX_TLS_FORCE = 0x1,
    /** Accept an earlier expiry than the one in place. */
    EMQX_TLS_ALLOW_EARLIER = 0x2,
    /** Say what would be done, write nothing. */
    EMQX_TLS_DRY_RUN = 0x4
};
/** @cond */
#define EMQX_TLS_FORCE         0x1u
#define EMQX_TLS_ALLOW_EARLIER 0x2u
#define EMQX_TLS_DRY_RUN       0x4u
/** @endcond */

/** What ensure did. */
enum emqx_tls_action {
    /** Nothing was done, and it is not known that nothing had to be. */
    EMQX_TLS_ACTION_NONE = 0,
    /** What was wanted was there already, or was on its way. */
    EMQX_TLS_ACTION_UNCHANGED = 1,
    EMQX_TLS_ACTION_CREATED = 2, /**< There was none: POST. */
    EMQX_TLS_ACTION_UPDATED = 3  /**< Another one was in place: PUT. */
};

/**
 * The name of an action: "none", "unchanged", "created", "updated".
 *
 * @param action  Any number.
 * @return A static text, never NULL; "unknown" for a number that is none.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API const char *emqx_tls_action_name(uint32_t action);

/** How to ensure. All strings and the policy are copied by the call that takes them. */
typedef struct emqx_tls_ensure_options {
    uint32_t size;  /**< Set by the init. */
    uint32_t flags; /**< #EMQX_TLS_FORCE | #EMQX_TLS_ALLOW_EARLIER | #EMQX_TLS_DRY_RUN. */
    /** Bounds the whole of it, quota waits included; 0: do not wait until it runs. */
    uint32_t wait_ms;
    uint32_t reserved;             /**< 0. */
    const emqx_tls_policy *policy; /**< Of the local check; NULL: the defaults. */
    /** A folder of the user's own, on a local file system; NULL: no receipts. */
    const char *receipt_dir;
    /** Zone of the platform's `expire`: seconds east of UTC, at most 14 h; 0: UTC. One that the
     * receipt has learned goes before it. */
    int32_t expire_offset_s;
    uint32_t probe_port; /**< 8883; 0 is 8883 too. */
    /** Connect there when it runs, and see that it is served; NULL: no probe. */
    const char *probe_host;
} emqx_tls_ensure_options;
EMQX_TLS_INIT_(ensure_options)

/** What ensure came to. Filled where the call fails too. */
typedef struct emqx_tls_ensure_result {
    uint32_t size;    /**< Set by the init. */
    uint32_t action;  /**< EMQX_TLS_ACTION_*; with DRY_RUN what would have been done. */
    uint32_t reads;   /**< Quota spent: GETs. */
    uint32_t writes;  /**< Quota spent: POSTs and PUTs. 0: nothing can have been written. */
    uint32_t certain; /**< 1: by receipt or probe, 0: by what the status tells. */
    /** Zone of `expire` as seen in the reply to our own write, or else as it was taken. */
    int32_t expire_offset_s;
    /** 1: the write changes `tlsType`, such as one-way to two-way; with DRY_RUN it would. */
    uint32_t type_changes;
    uint32_t warnings; /**< What the local check found, and did not refuse for. */
    char warning[256]; /**< The first of it, as a sentence; "": nothing. */
} emqx_tls_ensure_result;
EMQX_TLS_INIT_(ensure_result)

/**
 * Makes a deployment serve a certificate: checks it, reads the status, writes only if something
 * else is in place, and waits until it runs.
 *
 * It compares before it applies the policy: what is in place already is unchanged, whatever the
 * policy says, and what was found comes back as result.warnings. What is refused whatever the
 * policy says (emqx_tls_policy) is refused at once.
 *
 * It compares `tlsType`, `expire` and, where it is told, `cn`: any name of the leaf, however it is
 * spelled. What the platform told as `cn` after our own write is kept in the receipt. What is
 * wanted and running: nothing is written. Wanted and pending: it is waited for. Anything else in place, `failed` too: PUT.
 * Nothing: POST. `terminated`: POST when it is gone. Never DELETE.
 *
 * At most one write. One more only after a read has shown that a lost one was not carried out, or
 * that POST and PUT were told apart wrongly. Before such a read proves anything 60 s must pass,
 * since a request given up may still arrive. With a wait_ms that does not cover it the lost write's
 * own error is returned, and the next call goes on. Nor does "pending" with the `expire` of before
 * prove anything: it is waited out, up to 30 minutes. A 429 for a write ends the call; the next one
 * goes on.
 *
 * Reads may lag behind writes. For 2 minutes after a write that the platform took, this call's or
 * the receipt's, "no certificate" and what was there before are waited for, and no reason to write.
 * Where it ends well all the same, since wait_ms is 0, *status is pending and not what was read.
 *
 * Where what runs tells no `expire`, and neither receipt nor probe can tell, nothing is written:
 * #EMQX_TLS_E_INVALID. It would be written at each call.
 *
 * `expire` names no zone. It is read as UTC, or in the zone of expire_offset_s. The zone seen in
 * the reply to a write, or in the status that shows it (whole quarter hours from the leaf's own
 * end, within 14 h), is told in the result and kept in the receipt. With the next write it may move
 * by an hour, since summer time does. A bare date is compared by day, and shows of the zone only
 * what moves the day.
 *
 * Receipts (receipt_dir, in builds with OpenSSL). The platform tells no fingerprint, so a new key
 * with the same end, or a new client CA, looks unchanged. A file for each deployment holds SHA-256
 * fingerprints of what was last written, never the key. It makes "unchanged" exact as long as every
 * writer uses the folder. A write that the platform took less than 30 minutes ago is waited for and
 * not repeated, though the status still shows what was there before. A lock beside it keeps a
 * second ensure out, so two at once spend one write; one that was stopped is waited for until
 * wait_ms is over (timeout_ms where wait_ms is 0): STORE. A damaged receipt counts as none, and is
 * logged. Without OpenSSL nothing can be compared: only #EMQX_TLS_FORCE writes over what runs.
 *
 * Probe (probe_host). When the platform says that it runs, the leaf that is served there is
 * compared, again and again until wait_ms is over. If nothing was written yet, and another leaf
 * with the same end is served, that is one more reason to write. It does not show the client CA, so
 * for two-way only a receipt makes `certain` 1.
 *
 * `certain` says that the receipt, or the port, knows this certificate. By a receipt it is worth
 * as much as the rule that every writer uses the folder: it does not see what somebody else writes
 * with the same end, type and name. By a probe it is what was served at that moment.
 *
 * #EMQX_TLS_FORCE writes at each call. With a wait_ms that is over before the certificate runs, a
 * job that calls again until it succeeds spends a write each time: force once, then go on without.
 *
 * wait_ms bounds it all, quota waits included; each exchange is bounded by the client's timeout_ms
 * too. What may pass (the platform or the quota's store can't be reached, 5xx, 408, 425) is tried
 * again until it is over, right before which there is a last look; a write only where nothing of it
 * was sent. With 0 it does not wait: OK then also means that the write was accepted and is
 * pending, and quota is waited for as the client is set up to.
 *
 * @param client         Borrowed.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param request        The certificate. Borrowed during the call.
 * @param options        NULL: the defaults. Borrowed during the call.
 * @param[out] result    What was done; filled where the call fails too. May be NULL.
 * @param[out] status    The last one seen, also where the call fails; all zero with expire
 *                       INT64_MIN if none was. May be NULL.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK               It runs; or, with wait_ms 0, it was accepted.
 * @retval EMQX_TLS_E_INVALID        An argument, or not now: inside `done`, after a fork. Receipts
 *                                   or a probe in a build without OpenSSL, or for a leaf that can't
 *                                   be read: nothing was sent. Also, after a read, where what runs
 *                                   can't be compared: set what the message names, or FORCE.
 * @retval EMQX_TLS_E_CHECK          The local check refuses it: nothing was sent, or, where only
 *                                   the policy refuses, nothing was written. Or it would end before
 *                                   what is in place.
 * @retval EMQX_TLS_E_TIMEOUT        wait_ms is over, or the state needs waiting and wait_ms is 0:
 *                                   the message says what is there and what to do. Or a deadline of
 *                                   an exchange passed.
 * @retval EMQX_TLS_E_FAILED         The platform put it into "failed".
 * @retval EMQX_TLS_E_NOT_FOUND      No such deployment, or somebody deleted it after it was
 *                                   written.
 * @retval EMQX_TLS_E_RATE_LIMITED   error.retry_after_ms tells when to call again; it goes on from
 *                                   there.
 * @retval EMQX_TLS_E_STORE          The quota's store or the receipt can't be used, or another
 *                                   ensure holds it. Where a receipt can't be written nothing is
 *                                   sent.
 * @retval EMQX_TLS_E_NO_MEMORY      Out of memory; error.delivery tells whether a request was sent.
 * @retval EMQX_TLS_E_TRANSPORT      Name, connection or TLS; or probe_host could not be reached.
 *                                   With every error, error.delivery is MAYBE where it is not known
 *                                   whether a write was carried out, else that of the last
 *                                   exchange.
 * @retval EMQX_TLS_E_CANCELLED      emqx_tls_client_interrupt.
 * @retval EMQX_TLS_E_UNAUTHORIZED   401: API key or secret wrong.
 * @retval EMQX_TLS_E_FORBIDDEN      403: the key has no access to the deployment.
 * @retval EMQX_TLS_E_UNPROCESSABLE  422: the platform refuses what was sent.
 * @retval EMQX_TLS_E_HTTP           Any other status that is no success.
 * @retval EMQX_TLS_E_PROTOCOL       A success whose body is not what it should be.
 * @par Threads
 * One thread at a time in a client. Not inside `done`.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code
emqx_tls_ensure(emqx_tls_client *client, const char *deployment_id, const emqx_tls_request *request,
                const emqx_tls_ensure_options *options, emqx_tls_ensure_result *result,
                emqx_tls_status *status, emqx_tls_error *error);

/**
 * Waits until a deployment's certificate runs; writes nothing.
 *
 * It reads at once, then after 5, 10, 20 and 40 s, then every 60 s (and up to 10 % later), less
 * often where the read quota would not reach to the end, and once more 2 s before it. A read that
 * fails is repeated with the next poll, but for what a repeat can't mend.
 *
 * @param client         Borrowed.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param expected       NULL: any certificate. Else its `type` and the leaf in its `cert` (nothing
 *                       more of it is read) must be what the status shows, `expire` read as UTC and
 *                       what it does not tell taken for right. The earlier certificate that still
 *                       runs is no success. Borrowed during the call.
 * @param wait_ms        Bounds it all, quota waits included; 0: one look.
 * @param[out] status    The last one seen, also where the call fails; all zero with expire
 *                       INT64_MIN if none was. May be NULL.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK               It runs.
 * @retval EMQX_TLS_E_INVALID        An argument, or not now. Also: `expected` can't be read, or the
 *                                   build has no OpenSSL for it.
 * @retval EMQX_TLS_E_FAILED         At once: the platform put it into "failed".
 * @retval EMQX_TLS_E_NOT_FOUND      There is no certificate, or no such deployment: for 45 s, since
 *                                   reads may lag behind a write. With wait_ms 0 at once.
 * @retval EMQX_TLS_E_TIMEOUT        wait_ms is over.
 * @retval EMQX_TLS_E_RATE_LIMITED   No quota for the first read within wait_ms;
 *                                   error.retry_after_ms tells how long.
 * @retval EMQX_TLS_E_STORE          The quota's store can't be used.
 * @retval EMQX_TLS_E_NO_MEMORY      Out of memory; error.delivery tells whether a request was sent.
 * @retval EMQX_TLS_E_TRANSPORT      Name, connection or TLS; error.delivery is that of the last
 *                                   exchange.
 * @retval EMQX_TLS_E_CANCELLED      emqx_tls_client_interrupt.
 * @retval EMQX_TLS_E_UNAUTHORIZED   401: API key or secret wrong.
 * @retval EMQX_TLS_E_FORBIDDEN      403: the key has no access to the deployment.
 * @retval EMQX_TLS_E_HTTP           Any other status that is no success.
 * @retval EMQX_TLS_E_PROTOCOL       A success whose body is not what it should be.
 * @par Threads
 * One thread at a time in a client. Not inside `done`.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code
emqx_tls_wait(emqx_tls_client *client, const char *deployment_id, const emqx_tls_request *expected,
              uint32_t wait_ms, emqx_tls_status *status, emqx_tls_error *error);

/**
 * Deletes a deployment's certificate and waits until it is gone. That disconnects every client on
 * the ports 8883 and 8084.
 *
 * It reads first. Where nothing is there, or it is being deleted already, nothing is written. At
 * most one DELETE. One that was answered with 404 or got lost is checked by reads.
 *
 * @param client         Borrowed.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param wait_ms        Bounds it all, quota waits included; 0: does not wait until it is gone.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK               It is gone; or, with wait_ms 0, it is being deleted.
 * @retval EMQX_TLS_E_INVALID        An argument, or not now: inside `done`, after a fork.
 * @retval EMQX_TLS_E_TIMEOUT        wait_ms is over and it is not gone. With this and every other
 *                                   error, error.delivery is MAYBE where it is not known whether
 *                                   the DELETE was carried out.
 * @retval EMQX_TLS_E_NOT_FOUND      No such deployment.
 * @retval EMQX_TLS_E_RATE_LIMITED   error.retry_after_ms tells when to call again.
 * @retval EMQX_TLS_E_STORE          The quota's store can't be used.
 * @retval EMQX_TLS_E_NO_MEMORY      Out of memory; error.delivery tells whether a request was sent.
 * @retval EMQX_TLS_E_TRANSPORT      Name, connection or TLS; error.delivery is that of the last
 *                                   exchange.
 * @retval EMQX_TLS_E_CANCELLED      emqx_tls_client_interrupt.
 * @retval EMQX_TLS_E_UNAUTHORIZED   401: API key or secret wrong.
 * @retval EMQX_TLS_E_FORBIDDEN      403: the key has no access to the deployment.
 * @retval EMQX_TLS_E_UNPROCESSABLE  422: the platform refuses what was sent.
 * @retval EMQX_TLS_E_HTTP           Any other status that is no success.
 * @retval EMQX_TLS_E_PROTOCOL       A success whose body is not what it should be.
 * @par Threads
 * One thread at a time in a client. Not inside `done`.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_remove(emqx_tls_client *client,
                                                              const char *deployment_id,
                                                              uint32_t wait_ms,
                                                              emqx_tls_error *error);

/* -- asynchronous: on the pattern of emqx_tls_submit ------------------------------------------- */

/**
 * Starts an emqx_tls_ensure. What is wrong with an argument, and what the local check refuses
 * whatever the policy says, is returned here, and `done` never follows. All else comes by `done`,
 * inside which emqx_tls_call_result gives status and error, and emqx_tls_call_ensure_result the result.
 *
 * Everything is copied, the private key too; it is wiped as soon as no write can follow. A cancel
 * does not take back what has left; with a receipt the next ensure knows of it. Reading a receipt
 * and putting it on the disk block shortly.
 *
 * @param client         Borrowed.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param request        The certificate. Copied.
 * @param options        NULL: the defaults. Copied.
 * @param done           Told how it ended.
 * @param user           For done.
 * @param[out] call      For emqx_tls_cancel, valid until done returns; may be NULL.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK               It was started: done will come.
 * @retval EMQX_TLS_E_INVALID        An argument, or after a fork.
 * @retval EMQX_TLS_E_CHECK          The local check refuses the certificate.
 * @retval EMQX_TLS_E_NO_MEMORY      Out of memory.
 * @par Threads
 * One thread at a time in a client. Inside `done` too.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_submit_ensure(
    emqx_tls_client *client, const char *deployment_id, const emqx_tls_request *request,
    const emqx_tls_ensure_options *options, emqx_tls_done_fn done, void *user, emqx_tls_call **call,
    emqx_tls_error *error);

/**
 * Starts an emqx_tls_wait. What is wrong with an argument is returned here, and `done` never
 * follows. All else comes by `done`.
 *
 * @param client         Borrowed.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param expected       NULL: any certificate; else as for emqx_tls_wait. Copied.
 * @param wait_ms        As for emqx_tls_wait.
 * @param done           Told how it ended.
 * @param user           For done.
 * @param[out] call      For emqx_tls_cancel, valid until done returns; may be NULL.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK               It was started: done will come.
 * @retval EMQX_TLS_E_INVALID        An argument, or after a fork.
 * @retval EMQX_TLS_E_NO_MEMORY      Out of memory.
 * @par Threads
 * One thread at a time in a client. Inside `done` too.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code
emqx_tls_submit_wait(emqx_tls_client *client, const char *deployment_id,
                     const emqx_tls_request *expected, uint32_t wait_ms, emqx_tls_done_fn done,
                     void *user, emqx_tls_call **call, emqx_tls_error *error);

/**
 * Starts an emqx_tls_remove. What is wrong with an argument is returned here, and `done` never
 * follows. All else comes by `done`.
 *
 * @param client         Borrowed.
 * @param deployment_id  1 to 128 bytes: the ID such as "ge6a1a75", not the name. It is
 *                       percent-encoded as one segment of the path. Empty, ".", ".." and control
 *                       characters are refused.
 * @param wait_ms        As for emqx_tls_remove.
 * @param done           Told how it ended.
 * @param user           For done.
 * @param[out] call      For emqx_tls_cancel, valid until done returns; may be NULL.
 * @param[out] error     How it ended; may be NULL.
 * @retval EMQX_TLS_OK               It was started: done will come.
 * @retval EMQX_TLS_E_INVALID        An argument, or after a fork.
 * @retval EMQX_TLS_E_NO_MEMORY      Out of memory.
 * @par Threads
 * One thread at a time in a client. Inside `done` too.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_submit_remove(
    emqx_tls_client *client, const char *deployment_id, uint32_t wait_ms, emqx_tls_done_fn done,
    void *user, emqx_tls_call **call, emqx_tls_error *error);

/**
 * Copies the result of an ensure, inside its `done`. Of wait and remove it has reads and writes; of
 * any other call it is all zero.
 *
 * @param call         Borrowed.
 * @param[out] result  Set up by its init.
 * @par Threads
 * The one that is in the client.
 * @since 0.1
 */
EMQX_TLS_API void emqx_tls_call_ensure_result(const emqx_tls_call *call,
                                              emqx_tls_ensure_result *result);

/* -- probe ------------------------------------------------------------------------------------- */

/** The leaf that a TLS port serves. */
typedef struct emqx_tls_probe_result {
    uint32_t size;         /**< Set by the init. */
    uint32_t matches;      /**< 1: the leaf is that of `expected`. */
    int64_t not_after;     /**< The end of its validity: seconds since 1970. */
    char common_name[256]; /**< UTF-8, cut at a character, '?' for control characters; "": none. */
    char sha256[72];       /**< Of its DER, in small hexadecimal digits. */
} emqx_tls_probe_result;
EMQX_TLS_INIT_(probe_result)

/**
 * Connects to a TLS port (MQTT over TLS, or wss), reads the leaf that is served, and goes. Needs no
 * client and no quota.
 *
 * Which leaf is served is all that it tells. Trust is not judged, expired and self-signed ones are
 * read too, and a port that asks for a client certificate (two-way) has shown its own before it
 * does. A name is resolved on a thread of its own, since the system's resolver keeps no deadline;
 * that thread may outlive the call.
 *
 * @param host         A name or an address, at most 255 bytes.
 * @param port         1 to 65535.
 * @param server_name  Sent as SNI, 1 to 255 bytes; NULL: host, if it is a name.
 * @param expected     Its `cert` is compared, and nothing more of it is read; NULL: nothing is
 *                     compared. Borrowed during the call.
 * @param timeout_ms   1 or more; bounds all of it.
 * @param[out] result  Set up by its init; all zero unless OK. May be NULL.
 * @param[out] error   How it ended; may be NULL.
 * @retval EMQX_TLS_OK           It was read. A leaf that does not match is OK with matches 0.
 * @retval EMQX_TLS_E_INVALID    An argument, or a build without OpenSSL.
 * @retval EMQX_TLS_E_TRANSPORT  Name, connection, or no TLS there.
 * @retval EMQX_TLS_E_TIMEOUT    timeout_ms is over.
 * @retval EMQX_TLS_E_NO_MEMORY  Out of memory, or of threads.
 * @par Threads
 * Any thread.
 * @since 0.1
 */
EMQX_TLS_API EMQX_TLS_NODISCARD emqx_tls_code emqx_tls_probe(
    const char *host, uint32_t port, const char *server_name, const emqx_tls_request *expected,
    uint32_t timeout_ms, emqx_tls_probe_result *result, emqx_tls_error *error);

#ifdef __cplusplus
}
#endif
#endif
