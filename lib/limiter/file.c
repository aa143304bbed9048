/* SPDX-License-Identifier: MIT */
#include "limiter/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_SHOWN 96 /* bytes of a path in a message, from its end */
/* a file that is used says at least so often when it was last seen */
#define FRESH_MS 60000

/* What a ticket holds. `file` tells a file that has replaced the one that it is of. */
typedef struct file_ticket {
    uint64_t key;
    emqxi_flight flight;
    uint32_t class, file;
} file_ticket;
_Static_assert(sizeof(file_ticket) <= (EMQX_TLS_TICKET_WORDS - 1) * sizeof(uint64_t),
               "a ticket must hold it");

emqx_tls_code emqxi_file_fail(const emqxi_file *f, emqxi_error *error, const char *format, ...)
{
    char text[sizeof error->message];
    size_t n = strlen(f->path);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return emqxi_fail(error, EMQX_TLS_E_STORE, "quota file %s%s %s", n > PATH_SHOWN ? "..." : "",
                      n > PATH_SHOWN ? f->path + n - PATH_SHOWN : f->path, text);
}

static uint64_t key_of(const emqxi_file *f, const char *deployment_id)
{
    uint64_t out[2];
    if (!(f->settings.flags & EMQX_TLS_PER_DEPLOYMENT))
        return 0;
    emqxi_siphash(f->hash_key, deployment_id, strlen(deployment_id), (uint8_t *)out);
    return out[0];
}

static uint32_t file_tag(const emqxi_file *f)
{
    uint32_t tag;
    memcpy(&tag, f->hash_key, sizeof tag);
    return tag;
}

/* Writes what has to be written although no slot was taken or given back. */
static emqx_tls_code keep_fresh(emqxi_file *f, emqxi_error *error)
{
    if (f->changed || f->here.seen_ms - f->now->origin.seen_ms >= FRESH_MS)
        return emqxi_cell_write(f, false, error);
    return EMQX_TLS_OK;
}

static emqx_tls_code take(emqxi_file *f, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                          emqxi_error *error)
{
    uint32_t class = emqxi_class(f->settings.flags, ask->op);
    uint64_t key = key_of(f, ask->deployment_id);
    emqxi_reservation reservation;
    bool found;
    emqx_tls_code code = emqxi_file_find(f, key, true, &found, error);
    if (code != EMQX_TLS_OK)
        return code;
    emqxi_log_reserve(&f->now->logs[class], emqxi_cell_slots(f, class), &f->limits[class],
                      f->here.seen_ms, ask->lease_ms, ask->ahead, &reservation);
    if (!reservation.granted) {
        code = keep_fresh(f, error);
    } else {
        bool sync = class != 0 || f->now->unsynced_reads == 0;
        f->now->unsynced_reads -= !sync;
        code = emqxi_cell_write(f, sync, error);
    }
    if (code != EMQX_TLS_OK)
        return code;
    grant->granted = reservation.granted;
    grant->reason = reservation.reason;
    grant->busy = 0;
    grant->early_ms = reservation.early_ms;
    grant->late_ms = reservation.late_ms;
    const file_ticket ticket = {
        .key = key, .flight = reservation.flight, .class = class, .file = file_tag(f)};
    if (reservation.granted)
        memcpy(grant->ticket, &ticket, sizeof ticket);
    return EMQX_TLS_OK;
}

static emqx_tls_code reserve(void *context, const emqx_tls_ask *ask, emqx_tls_grant *grant,
                             emqx_tls_error *error)
{
    emqxi_error e;
    emqxi_error_clear(&e);
    emqxi_file *f = context;
    grant->granted = 0;
    emqx_tls_code code = emqxi_file_lock(f, &e);
    if (code == EMQX_TLS_E_STORE && e.retry_after_ms >= 0) {
        grant->busy = 1;
        grant->reason = 0;
        grant->early_ms = grant->late_ms = e.retry_after_ms;
        return EMQX_TLS_OK;
    }
    if (code == EMQX_TLS_OK) {
        code = take(f, ask, grant, &e);
        emqxi_file_unlock(f);
    }
    return code == EMQX_TLS_OK ? code : emqxi_error_out(error, &e);
}

static emqx_tls_code settle(void *context, const uint64_t words[EMQX_TLS_TICKET_WORDS],
                            uint32_t outcome, int64_t retry_after_ms, emqx_tls_error *error)
{
    emqxi_error e;
    emqxi_error_clear(&e);
    emqxi_file *f = context;
    file_ticket ticket;
    bool found;
    memcpy(&ticket, words, sizeof ticket);
    emqx_tls_code code = emqxi_file_lock(f, &e);
    if (code != EMQX_TLS_OK)
        return emqxi_error_out(error, &e);
    if (ticket.file == file_tag(f) && ticket.class < f->classes) {
        code = emqxi_file_find(f, ticket.key, false, &found, &e);
        if (code == EMQX_TLS_OK && found) {
            bool refused = outcome == EMQX_TLS_OUTCOME_REFUSED;
            emqxi_log_settle(&f->now->logs[ticket.class], emqxi_cell_slots(f, ticket.class),
                             &f->limits[ticket.class], f->here.seen_ms, &ticket.flight, outcome,
                             retry_after_ms, refused ? emqxi_random() : 0);
            code = emqxi_cell_write(f, refused, &e);
        }
    }
    emqxi_file_unlock(f);
    return code == EMQX_TLS_OK ? code : emqxi_error_out(error, &e);
}

static emqx_tls_code query(void *context, uint32_t op, const char *deployment_id,
                           emqx_tls_quota *quota, emqx_tls_error *error)
{
    emqxi_error e;
    emqxi_error_clear(&e);
    emqxi_file *f = context;
    uint32_t class = emqxi_class(f->settings.flags, op);
    bool found;
    emqx_tls_code code = emqxi_file_lock(f, &e);
    if (code != EMQX_TLS_OK)
        return emqxi_error_out(error, &e);
    code = emqxi_file_find(f, key_of(f, deployment_id), false, &found, &e);
    if (code == EMQX_TLS_OK && found)
        code = keep_fresh(f, &e);
    if (code == EMQX_TLS_OK && !found)
        emqxi_cell_begin(f, 0);
    if (code == EMQX_TLS_OK)
        emqxi_log_query(&f->now->logs[class], emqxi_cell_slots(f, class), &f->limits[class],
                        f->here.seen_ms, quota);
    emqxi_file_unlock(f);
    return code == EMQX_TLS_OK ? code : emqxi_error_out(error, &e);
}

static void destroy(void *context)
{
    emqxi_file *f = context;
    const emqx_tls_allocator allocator = f->settings.allocator;
    emqxi_file_detach(f);
    emqxi_free(&allocator, f->records);
    emqxi_free(&allocator, f->now);
    emqxi_free(&allocator, f->path);
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

emqx_tls_code emqxi_file_open(const char *path, const emqx_tls_limiter_config *config,
                              const emqxi_host *host, emqx_tls_store *store,
                              emqxi_settings *settings, emqx_tls_error *error)
{
    emqxi_error own;
    emqxi_error_clear(&own);
    if (!path || !*path)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "path is NULL or empty; it names the quota file");
    emqx_tls_code code = emqxi_settings_take(settings, config, error);
    if (code != EMQX_TLS_OK)
        return code;
    emqxi_file *f = emqxi_zalloc(&settings->allocator, sizeof *f);
    if (!f)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "no memory for a limiter");
    f->fd = -1;
    f->wall_checked_ms = INT64_MIN;
    f->settings = *settings;
    f->host = host;
    if (!host)
        f->host = settings->clock.now_ms == emqxi_system_clock.now_ms ? &emqxi_system_host
                                                                      : &emqxi_custom_host;
    f->path = absolute(&settings->allocator, path);
    if (!f->path) {
        code = errno == ENOMEM ? EMQX_TLS_E_NO_MEMORY : EMQX_TLS_E_STORE;
        emqxi_fail(&own, code, "the quota file's path can't be made absolute: %s", strerror(errno));
    } else {
        emqxi_origin_identify(&f->here, &settings->clock, f->host);
        code = emqxi_file_attach(f, !config, &own);
    }
    if (code != EMQX_TLS_OK) {
        destroy(f);
        own.retry_after_ms = -1;
        return emqxi_error_out(error, &own);
    }
    *settings = f->settings;
    *store = (emqx_tls_store){.size = sizeof *store,
                              .flags = f->settings.flags,
                              .shared = 1,
                              .context = f,
                              .reserve = reserve,
                              .settle = settle,
                              .query = query,
                              .destroy = destroy};
    return emqxi_error_out(error, &own);
}

emqx_tls_code emqx_tls_limiter_open_file(const char *path, const emqx_tls_limiter_config *config,
                                         emqx_tls_limiter **limiter, emqx_tls_error *error)
{
    emqxi_settings settings;
    emqx_tls_store store;
    if (!limiter)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "limiter is NULL; it is where the new limiter goes");
    *limiter = NULL;
    emqx_tls_code code = emqxi_file_open(path, config, NULL, &store, &settings, error);
    if (code != EMQX_TLS_OK)
        return code;
    code =
        emqx_tls_limiter_open_store(&store, &settings.clock, &settings.allocator, limiter, error);
    if (code != EMQX_TLS_OK)
        store.destroy(store.context);
    return code;
}
