/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What an outcome is worth as an exit status.
 */
#include "run.h"

#include <time.h>

int exit_of(const emqx_tls_error *e)
{
    static const unsigned char codes[] = {[EMQX_TLS_OK] = EXIT_DONE,
                                          [EMQX_TLS_E_INVALID] = EXIT_USAGE,
                                          [EMQX_TLS_E_NO_MEMORY] = EXIT_OTHER,
                                          [EMQX_TLS_E_CHECK] = EXIT_CHECK,
                                          [EMQX_TLS_E_RATE_LIMITED] = EXIT_LATER,
                                          [EMQX_TLS_E_TRANSPORT] = EXIT_LATER,
                                          [EMQX_TLS_E_TIMEOUT] = EXIT_LATER,
                                          [EMQX_TLS_E_CANCELLED] = EXIT_LATER,
                                          [EMQX_TLS_E_UNAUTHORIZED] = EXIT_PLATFORM,
                                          [EMQX_TLS_E_FORBIDDEN] = EXIT_PLATFORM,
                                          [EMQX_TLS_E_NOT_FOUND] = EXIT_PLATFORM,
                                          [EMQX_TLS_E_UNPROCESSABLE] = EXIT_PLATFORM,
                                          [EMQX_TLS_E_HTTP] = EXIT_PLATFORM,
                                          [EMQX_TLS_E_PROTOCOL] = EXIT_PLATFORM,
                                          [EMQX_TLS_E_STORE] = EXIT_OTHER,
                                          [EMQX_TLS_E_FAILED] = EXIT_PLATFORM};
    if (e->code == EMQX_TLS_E_HTTP && e->http_status >= 500)
        return EXIT_LATER;
    /* a certificate that does not verify, a file of CAs that can't be used */
    if (e->code == EMQX_TLS_E_TRANSPORT && e->permanent &&
        e->delivery == EMQX_TLS_DELIVERY_NOT_SENT)
        return EXIT_USAGE;
    return e->code < (emqx_tls_code)sizeof codes ? codes[e->code] : EXIT_OTHER;
}

/* An answer, or none, that does not tell whether a write was carried out. */
static bool is_odd(const emqx_tls_error *e)
{
    switch (e->code) {
    case EMQX_TLS_E_TRANSPORT:
    case EMQX_TLS_E_TIMEOUT:
    case EMQX_TLS_E_CANCELLED:
        return e->delivery != EMQX_TLS_DELIVERY_NOT_SENT;
    case EMQX_TLS_E_PROTOCOL:
        return true;
    case EMQX_TLS_E_HTTP:
        return e->http_status >= 500 || e->http_status < 300;
    default:
        return false;
    }
}

/* Whether a write was sent of which it is not known if it was carried out. */
static bool in_doubt(const struct options *o, const struct job *job)
{
    const emqx_tls_error *e = &job->error;
    switch (o->info->command) {
    case CREATE:
    case UPDATE:
    case DELETE:
        return is_odd(e);
    case ENSURE:
        return is_odd(e) && job->result.writes > 0 && job->result.action == EMQX_TLS_ACTION_NONE;
    case REMOVE:
        return e->code != EMQX_TLS_OK && job->result.writes > 0 &&
               e->delivery == EMQX_TLS_DELIVERY_MAYBE;
    default:
        return false;
    }
}

bool ends_soon(const struct options *o, const struct job *job)
{
    return o->info->command == STATUS && o->min_days_left >= 0 && job->error.code == EMQX_TLS_OK &&
           (job->status.expire == INT64_MIN ||
            job->status.expire - time(NULL) < o->min_days_left * (int64_t)86400);
}

int exit_of_job(const struct options *o, const struct job *job)
{
    if (ends_soon(o, job))
        return EXIT_CHECK;
    return in_doubt(o, job) ? EXIT_UNKNOWN : exit_of(&job->error);
}

/* Of many deployments the exit code tells the most pressing: unknown outcome, refusals, try
 * later. */
int worse(int a, int b)
{
    static const int rank[] = {
        [EXIT_DONE] = 0,  [EXIT_LATER] = 1, [EXIT_CHECK] = 2,  [EXIT_PLATFORM] = 3,
        [EXIT_OTHER] = 4, [EXIT_USAGE] = 5, [EXIT_UNKNOWN] = 6};
    return rank[b] > rank[a] ? b : a;
}
