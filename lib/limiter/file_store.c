/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The quota store in a file: the store's vtable on a locked file.
 */
#include "limiter/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* a file that is used says at least so often when it was last seen */
#define FRESH_MS 60000

_Static_assert(sizeof(emqxi_ticket) <= (EMQX_TLS_TICKET_WORDS - 1) * sizeof(uint64_t),
               "a ticket must hold it");

/* What a cell is found by: all groups of a deployment are in one. */
static uint64_t key_of(const emqxi_file *f, const char *deployment_id)
{
    return emqxi_scope(f->settings.flags, f->disk.hash_key, EMQX_TLS_OP_GET, deployment_id);
}

/* Writes what has to be written although no slot was taken or given back. */
static bool keep_fresh(emqxi_file *f)
{
    bool stale = f->here.seen_ms - f->now->timebase.seen_ms >= FRESH_MS;
    return (!f->changed && !stale) || emqxi_cell_write(f, false);
}

static bool file_take_slot(emqxi_file *f, const emqx_tls_ask *ask, emqx_tls_grant *grant)
{
    emqxi_ticket ticket = {.scope = key_of(f, ask->deployment_id),
                           .flight.group = emqxi_group(f->settings.flags, ask->op),
                           .epoch = f->disk.hash_key[0]};
    if (!emqxi_cell_claim(f, ticket.scope))
        return false;
    const emqxi_view v = emqxi_cell_view(f, ticket.flight.group);
    emqxi_log_reserve(&v, ask, grant, &ticket.flight);
    if (!grant->granted)
        return keep_fresh(f);
    bool sync = ticket.flight.group != 0 || f->now->unsynced_reads == 0;
    f->now->unsynced_reads -= !sync;
    memcpy(grant->ticket, &ticket, sizeof ticket);
    return emqxi_cell_write(f, sync);
}

static bool file_settle_slot(emqxi_file *f, const uint64_t words[EMQX_TLS_TICKET_WORDS],
                             uint32_t outcome, int64_t retry_after_ms)
{
    bool found, refused = outcome == EMQX_TLS_OUTCOME_REFUSED;
    emqxi_ticket ticket;
    memcpy(&ticket, words, sizeof ticket);
    if (ticket.epoch != f->disk.hash_key[0] || ticket.flight.group >= f->disk.groups)
        return true;
    if (!emqxi_cell_find(f, ticket.scope, &found) || !found)
        return !found;
    const emqxi_view v = emqxi_cell_view(f, ticket.flight.group);
    emqxi_log_settle(&v, &ticket.flight, outcome, retry_after_ms, refused ? emqxi_random() : 0);
    return emqxi_cell_write(f, refused);
}

static bool look_at(emqxi_file *f, uint32_t op, const char *deployment_id, emqx_tls_quota *quota)
{
    bool found;
    if (!emqxi_cell_find(f, key_of(f, deployment_id), &found) || (found && !keep_fresh(f)))
        return false;
    if (!found)
        emqxi_cell_begin(f, 0);
    const emqxi_view v = emqxi_cell_view(f, emqxi_group(f->settings.flags, op));
    emqxi_log_query(&v, quota);
    return true;
}

/* -- the vtable -------------------------------------------------------------------------------- */

static emqx_tls_code end_step(const emqxi_file *f, bool done, emqx_tls_error *error)
{
    emqxi_file_unlock(f);
    return done ? EMQX_TLS_OK : emqxi_error_out(error, &f->disk.error);
}

static emqx_tls_code file_reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                                  emqx_tls_error *error)
{
    emqxi_file *f = context;
    if (!emqxi_file_lock(f))
        return emqxi_grant_none(grant, &f->disk.error, error);
    return end_step(f, file_take_slot(f, ask, grant), error);
}

static emqx_tls_code file_settle(void *context, const uint64_t words[EMQX_TLS_TICKET_WORDS],
                                 uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    emqxi_file *f = context;
    if (!emqxi_file_lock(f))
        return emqxi_error_out(error, &f->disk.error);
    return end_step(f, file_settle_slot(f, words, outcome, retry_after_ms), error);
}

static emqx_tls_code file_query(void *context, uint32_t op, const char *deployment_id,
                                emqx_tls_quota *quota, emqx_tls_error *error)
{
    emqxi_file *f = context;
    if (!emqxi_file_lock(f))
        return emqxi_error_out(error, &f->disk.error);
    return end_step(f, look_at(f, op, deployment_id, quota), error);
}

static void file_destroy(void *context)
{
    emqxi_file *f = context;
    const emqx_tls_allocator allocator = f->settings.allocator;
    emqxi_file_detach(f);
    emqxi_file_free(f);
    emqxi_free(&allocator, f->disk.path);
    emqxi_free(&allocator, f);
}

/* -- open -------------------------------------------------------------------------------------- */

/* Makes the path absolute, so that a later chdir does not lead to another file. */
static bool take_path(emqxi_file *f, const char *path)
{
    const emqx_tls_allocator *a = &f->settings.allocator;
    size_t here = *path == '/' ? 0 : PATH_MAX;
    f->disk.path = emqxi_zalloc(a, here + 1 + strlen(path) + 1);
    if (!f->disk.path)
        return emqxi_file_no_memory(f);
    if (here && !getcwd(f->disk.path, here))
        return !emqxi_fail(&f->disk.error, EMQX_TLS_E_STORE,
                           "the quota file's path can't be made absolute: %s", strerror(errno));
    strcat(strcat(f->disk.path, here ? "/" : ""), path);
    char *cut = here ? emqxi_resize(a, f->disk.path, strlen(f->disk.path) + 1) : NULL;
    f->disk.path = cut ? cut : f->disk.path;
    return true;
}

emqx_tls_code emqxi_file_open(const char *path, const emqx_tls_limiter_config *config,
                              const emqxi_host *host, emqx_tls_store *store,
                              emqxi_settings *settings, emqx_tls_error *error)
{
    if (!path || !*path)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "path is NULL or empty; it names the quota file");
    emqx_tls_code code = emqxi_settings_take(settings, config, 0, error);
    if (code != EMQX_TLS_OK)
        return code;
    emqxi_file *f = emqxi_zalloc(&settings->allocator, sizeof *f);
    if (!f)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a limiter");
    f->host = host ? host : &emqxi_system_host;
    f->settings = *settings;
    f->disk.fd = -1;
    f->wall_checked_ms = INT64_MAX;
    emqxi_error_clear(&f->disk.error);
    emqxi_timebase_identify(&f->here, &f->settings.clock, f->host);
    bool ok = take_path(f, path) && emqxi_file_attach(f, !config);
    code = emqxi_error_out(error, &f->disk.error);
    if (!ok) {
        file_destroy(f);
        return code;
    }
    *settings = f->settings;
    *store = (emqx_tls_store){.size = sizeof *store,
                              .flags = settings->flags,
                              .shared = 1,
                              .context = f,
                              .reserve = file_reserve,
                              .settle = file_settle,
                              .query = file_query,
                              .destroy = file_destroy};
    return EMQX_TLS_OK;
}

emqx_tls_code emqx_tls_limiter_open_file(const char *path, const emqx_tls_limiter_config *config,
                                         emqx_tls_limiter **limiter, emqx_tls_error *error)
{
    emqxi_settings settings;
    emqx_tls_store store;
    emqx_tls_code code = emqxi_file_open(path, config, NULL, &store, &settings, error);
    return emqxi_limiter_over(code, &store, &settings, limiter, error);
}
