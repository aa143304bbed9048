/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * status --openmetrics: for a collector's text file. Only gauges, without timestamps, so that
 * readers of the older Prometheus format understand it, too.
 */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXPIRY, STATE, READ, QUOTA_LEFT, FAMILIES };
static const struct {
    const char *name, *unit, *help;
} families[FAMILIES] = {
    [EXPIRY] = {"emqxtls_certificate_expiry_timestamp_seconds", "seconds",
                "End of validity of the certificate in place, in seconds since 1970."},
    [STATE] = {"emqxtls_certificate_state", "", "1 for the state that the platform tells, else 0."},
    [READ] = {"emqxtls_read_success", "", "Whether the deployment's status could be read."},
    [QUOTA_LEFT] = {"emqxtls_quota_remaining", "", "Requests that the quota has left."},
};

/* `"` and `\` are escaped; of what is no UTF-8 a '?' is made. */
static void put_label(FILE *to, const char *name, const char *value)
{
    json_t *text = json_of(value);
    fprintf(to, "%s=\"", name);
    for (const char *p = json_string_value(text); p && *p; p++)
        fprintf(to, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
    fputc('"', to);
    json_decref(text);
}

/* Either label may be missing. */
static void put_sample(FILE *to, int family, const char *deployment, const char *name,
                       const char *value, int64_t number)
{
    fprintf(to, "%s{", families[family].name);
    if (deployment)
        put_label(to, "deployment", deployment);
    fputs(deployment && name ? "," : "", to);
    if (name)
        put_label(to, name, value);
    fprintf(to, "} %" PRId64 "\n", number);
}

static void put_readings(FILE *to, int family, const struct fleet *f)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];
        const char *id = f->deployments[i];
        if (family == READ)
            put_sample(to, family, id, NULL, NULL, r->good);
        else if (family == EXPIRY && r->good && r->expire != INT64_MIN)
            put_sample(to, family, id, NULL, NULL, r->expire);
        for (uint32_t s = 0; family == STATE && r->good && s <= EMQX_TLS_STATE_OTHER; s++)
            put_sample(to, family, id, "state", emqx_tls_state_name(s), s == r->state);
    }
}

static void put_quota(FILE *to, const struct fleet *f)
{
    bool each = f->options->per_deployment;
    emqx_tls_quota q;
    emqx_tls_quota_init(&q);
    for (size_t i = 0; i < (each ? f->count : 1); i++)
        for (uint32_t op = EMQX_TLS_OP_GET; op <= EMQX_TLS_OP_CREATE; op++)
            if (quota_of(f, op, f->deployments[i], &q))
                put_sample(to, QUOTA_LEFT, each ? f->deployments[i] : NULL, "class",
                           op == EMQX_TLS_OP_GET ? "reads" : "writes", q.remaining);
}

static void put_metrics(FILE *to, const struct fleet *f)
{
    for (int i = 0; i < FAMILIES; i++) {
        fprintf(to, "# TYPE %s gauge\n", families[i].name);
        if (*families[i].unit)
            fprintf(to, "# UNIT %s %s\n", families[i].name, families[i].unit);
        fprintf(to, "# HELP %s %s\n", families[i].name, families[i].help);
        i == QUOTA_LEFT ? put_quota(to, f) : put_readings(to, i, f);
    }
    fputs("# EOF\n", to);
}

int write_metrics(const struct fleet *f)
{
    const char *path = f->options->output;
    char *beside = NULL;
    if (!path) {
        put_metrics(stdout, f);
        return EXIT_DONE;
    }
    FILE *to = asprintf(&beside, "%s.%ld", path, (long)getpid()) > 0 ? fopen(beside, "we") : NULL;
    if (to)
        put_metrics(to, f);
    bool good = to && !ferror(to);
    good = to && fclose(to) == 0 && good && rename(beside, path) == 0;
    if (!good) {
        say("can't write --output %s: %s", path, strerror(errno));
        if (to)
            unlink(beside);
    }
    free(beside);
    return good ? EXIT_DONE : EXIT_OTHER;
}
