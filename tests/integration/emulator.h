/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * emqxtls-emulator for tests: started, told what to break, asked what arrived. Link
 * `emulator_client_dep` (meson).
 *
 *     emulator_run e;
 *     emulator_start(&e, (const char *[]){"--pending", "0", "--writes", "2", NULL});
 *     config.endpoint = e.endpoint;
 *     config.ca_file = e.ca_file;
 *     config.api_key = EMULATOR_KEY;
 *     config.api_secret = EMULATOR_SECRET;
 *     config.proxy = "";
 *     ...
 *     emulator_fault(&e, "{'method': 'PUT', 'cut': 0, 'end': 'drop'}");
 *     assert_int_equal(emqx_tls_update(...), EMQX_TLS_E_TRANSPORT);
 *     assert_int_equal(emulator_arrivals(&e, "PUT", "ge6a1a75"), 1);
 *     emulator_end(&e);
 *
 * docs/emulator.md has all faults. For a shell or a program as a child:
 * emulator_environment(&e) sets the three EMQXCLOUD_PLATFORM_ names. Where the emulator can't do
 * what it should, the test program says so and aborts. No call is for two threads at once, and the
 * thread that starts it has to outlive it.
 */
#ifndef EMULATOR_RUN_H
#define EMULATOR_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#define EMULATOR_KEY    "test-key"
#define EMULATOR_SECRET "test-secret-kept-out-of-sight"

typedef struct emulator_run {
    pid_t pid;
    /* its own, mode 0700: room for files of the test too; removed with all that is in it */
    char folder[64];
    char endpoint[256], control[128];
    char ca_file[128]; /* "" with --http */
    char log[128];
} emulator_run;

/* Starts the emulator and waits until it listens. `options`: further ones, NULL-terminated, or
 * NULL. It ends with the test program whatever happens, and after an hour (--lifetime). */
void emulator_start(emulator_run *e, const char *const *options);

/* Ends it, checks that it ended well, removes its folder. */
void emulator_end(emulator_run *e);

/* Sets EMQXCLOUD_PLATFORM_ENDPOINT, _API_KEY and _API_SECRET for this process and its children. */
void emulator_environment(const emulator_run *e);

/* Queues a fault, or an array of them. ' may stand for ". */
void emulator_fault(const emulator_run *e, const char *json);

/* Sends the answers that a fault holds. */
void emulator_release(const emulator_run *e);

/* Drops the faults that are left. */
void emulator_clear_faults(const emulator_run *e);

/* Moves the emulator's time on. */
void emulator_advance(const emulator_run *e, int64_t ms);

/* GET tells this status from now on, until the next write. */
void emulator_set_status(const emulator_run *e, const char *deployment, const char *status);

/* One of the counts: requests, reads, writes, unauthorized, over_quota, refused, connections,
 * answered, faults_left. */
int64_t emulator_count(const emulator_run *e, const char *name);

/* The log as an array, one object for each request (docs/emulator.md, "The log"); to be given
 * back with json_decref. */
json_t *emulator_log(const emulator_run *e);

/* Requests that arrived whole, whatever became of them. NULL: any method, any deployment. */
size_t emulator_arrivals(const emulator_run *e, const char *method, const char *deployment);

/* Writes that changed the deployment. */
size_t emulator_carried_out(const emulator_run *e, const char *deployment);

#endif
