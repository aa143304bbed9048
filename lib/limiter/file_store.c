/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The quota store in a file: the store's vtable on a locked file.
 */
#include "limiter/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* a file that is used says at least so often when it was last seen */
#define FRESH_MS 60000

_Static_assert(sizeof(emqxi_ticket) <= (EMQX_TLS_TICKET_WORDS - 1) * sizeof(uint64_t),
               "a ticket must hold it");

/* What a cell is found by: all groups of a deployment are in one. */
static uint64_t key_of(const emqxi_cells *c, const char *deployment_id)
{
    return emqxi_scope(c->settings.flags, c->disk.hash_key, EMQX_TLS_OP_GET, deployment_id);
}

/* Tells a file that has replaced the one that a ticket is of. */
static uint32_t epoch_of(const emqxi_cells *c)
{
    uint32_t epoch;
    memcpy(&epoch, c->disk.hash_key, sizeof epoch);
    return epoch;
}

/* Writes what has to be written although no slot was taken or given back. */
static bool keep_fresh(emqxi_cells *c)
{
    bool stale = c->here.seen_ms - c->now->timebase.seen_ms >= FRESH_MS;
    return (!c->changed && !stale) || emqxi_cell_write(c, false);
}

static bool file_take_slot(emqxi_cells *c, const emqx_tls_ask *ask, emqx_tls_grant *grant)
{
    emqxi_ticket ticket = {.scope = key_of(c, ask->deployment_id),
                           .flight.group = emqxi_group(c->settings.flags, ask->op),
                           .epoch = epoch_of(c)};
    if (!emqxi_cells_claim(c, ticket.scope))
        return false;
    const emqxi_view v = emqxi_cell_view(c, ticket.flight.group);
    emqxi_log_reserve(&v, ask, grant, &ticket.flight);
    if (!grant->granted)
        return keep_fresh(c);
    bool sync = ticket.flight.group != 0 || c->now->unsynced_reads == 0;
    c->now->unsynced_reads -= !sync;
    memcpy(grant->ticket, &ticket, sizeof ticket);
    return emqxi_cell_write(c, sync);
}

static bool file_settle_slot(emqxi_cells *c, const emqxi_ticket *ticket, uint32_t outcome,
                             int64_t retry_after_ms)
{
    bool found, refused = outcome == EMQX_TLS_OUTCOME_REFUSED;
    if (ticket->epoch != epoch_of(c) || ticket->flight.group >= c->disk.groups)
        return true;
    if (!emqxi_cells_find(c, ticket->scope, &found) || !found)
        return !found;
    const emqxi_view v = emqxi_cell_view(c, ticket->flight.group);
    emqxi_log_settle(&v, &ticket->flight, outcome, retry_after_ms, refused ? emqxi_random() : 0);
    return emqxi_cell_write(c, refused);
}

static bool look_at(emqxi_cells *c, uint32_t op, const char *deployment_id, emqx_tls_quota *quota)
{
    bool found;
    if (!emqxi_cells_find(c, key_of(c, deployment_id), &found) || (found && !keep_fresh(c)))
        return false;
    if (!found)
        emqxi_cell_begin(c, 0);
    const emqxi_view v = emqxi_cell_view(c, emqxi_group(c->settings.flags, op));
    emqxi_log_query(&v, quota);
    return true;
}

/* -- the vtable -------------------------------------------------------------------------------- */

/* Ends a step, and the lock if it was had. */
static emqx_tls_code end_step(const emqxi_file *f, bool locked, bool done, emqx_tls_error *error)
{
    if (locked)
        emqxi_file_unlock(f);
    return done ? EMQX_TLS_OK : emqxi_error_out(error, &f->cells.disk.error);
}

static emqx_tls_code file_reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                                  emqx_tls_error *error)
{
    emqxi_file *f = context;
    bool locked = emqxi_file_lock(f), done = locked && file_take_slot(&f->cells, ask, grant);
    emqx_tls_code code = end_step(f, locked, done, error);
    if (locked || f->cells.disk.error.retry_after_ms < 0)
        return code;
    grant->granted = grant->reason = 0;
    grant->busy = 1;
    grant->early_ms = grant->late_ms = f->cells.disk.error.retry_after_ms;
    return EMQX_TLS_OK;
}

static emqx_tls_code file_settle(void *context, const uint64_t words[EMQX_TLS_TICKET_WORDS],
                                 uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    emqxi_file *f = context;
    emqxi_ticket ticket;
    memcpy(&ticket, words, sizeof ticket);
    bool locked = emqxi_file_lock(f);
    bool done = locked && file_settle_slot(&f->cells, &ticket, outcome, retry_after_ms);
    return end_step(f, locked, done, error);
}

static emqx_tls_code file_query(void *context, uint32_t op, const char *deployment_id,
                                emqx_tls_quota *quota, emqx_tls_error *error)
{
    emqxi_file *f = context;
    bool locked = emqxi_file_lock(f), done = locked && look_at(&f->cells, op, deployment_id, quota);
    return end_step(f, locked, done, error);
}

static void file_destroy(void *context)
{
    emqxi_file *f = context;
    const emqx_tls_allocator allocator = f->cells.settings.allocator;
    emqxi_file_detach(f);
    emqxi_cells_free(&f->cells);
    emqxi_free(&allocator, f->cells.disk.path);
    emqxi_free(&allocator, f);
}

/* -- open -------------------------------------------------------------------------------------- */

/* Absolute, so that a later chdir does not lead to another file. NULL: errno tells. */
static char *absolute(const emqx_tls_allocator *a, const char *path)
{
    char here[4096];
    errno = ENOMEM;
    if (*path == '/')
        return emqxi_strdup(a, path);
    if (!getcwd(here, sizeof here))
        return NULL;
    size_t n = strlen(here) + strlen(path) + 2;
    errno = ENOMEM;
    char *whole = emqxi_alloc(a, n);
    if (whole)
        snprintf(whole, n, "%s/%s", here, path);
    return whole;
}

static bool file_set_up(emqxi_file *f, const char *path, bool take)
{
    emqxi_cells *c = &f->cells;
    emqxi_error_clear(&c->disk.error);
    c->disk.fd = -1;
    c->wall_checked_ms = INT64_MIN;
    c->disk.path = absolute(&c->settings.allocator, path);
    if (!c->disk.path)
        return !emqxi_fail(&c->disk.error,
                           errno == ENOMEM ? EMQX_TLS_E_NO_MEMORY : EMQX_TLS_E_STORE,
                           "the quota file's path can't be made absolute: %s", strerror(errno));
    emqxi_timebase_identify(&c->here, &c->settings.clock, c->host);
    return emqxi_file_attach(f, take);
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
    bool systems = settings->clock.now_ms == emqxi_system_clock.now_ms;
    f->cells.host = host ? host : systems ? &emqxi_system_host : &emqxi_custom_host;
    f->cells.settings = *settings;
    bool ok = file_set_up(f, path, !config);
    code = emqxi_error_out(error, &f->cells.disk.error);
    if (!ok) {
        file_destroy(f);
        return code;
    }
    *settings = f->cells.settings;
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
    emqx_tls_code code = emqxi_limiter_begin(limiter, error);
    if (code == EMQX_TLS_OK)
        code = emqxi_file_open(path, config, NULL, &store, &settings, error);
    return emqxi_limiter_end(code, &store, &settings, limiter, error);
}
