/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "run.h"

#include <stdio.h>
#include <time.h>

#include <jansson.h>

static const char *const parts[] = {"request", "cert", "key", "cacert"};

static const char *severity_name(const emqx_tls_finding *f)
{
    return f->severity == EMQX_TLS_REFUSE ? "refused" : "warning";
}

static json_t *json_of_finding(const emqx_tls_finding *f)
{
    return json_pack("{ss si ss ss si so}", "finding", f->name, "id", (int)f->id, "severity",
                     severity_name(f), "part", parts[f->part % 4], "index", (int)f->index, "text",
                     json_of(f->text));
}

static void show_finding(FILE *to, const emqx_tls_finding *f)
{
    fprintf(to, "%s: %s: ", severity_name(f), parts[f->part % 4]);
    put_text(to, f->text); /* it names the block, from 0 */
    fprintf(to, " (%s)\n", f->name);
}

/* The check as all commands make it. */
static emqx_tls_code check(const struct options *o, const struct material *m,
                           emqx_tls_report **report, emqx_tls_error *error)
{
    emqx_tls_policy policy;
    emqx_tls_policy_init(&policy);
    policy.host = o->host;
    if (o->min_days_left >= 0)
        policy.min_days_left = (uint32_t)o->min_days_left;
    return emqx_tls_check(&m->request, &policy, time(NULL), report, error);
}

/* The next finding; false: there is none. */
static bool next_finding(const emqx_tls_report *report, size_t *i, emqx_tls_finding *f)
{
    emqx_tls_finding_init(f);
    return emqx_tls_report_get(report, (*i)++, f) == EMQX_TLS_OK;
}

json_t *show_warnings(const struct options *o, const struct material *m)
{
    emqx_tls_report *report = NULL;
    emqx_tls_finding f;
    json_t *warnings = json_array();
    check(o, m, &report, NULL); /* what it refuses is told by the write, or is in place already */
    for (size_t i = 0; next_finding(report, &i, &f);) {
        if (f.severity != EMQX_TLS_WARN)
            continue;
        json_array_append_new(warnings, json_of_finding(&f));
        if (!o->json && !o->quiet)
            show_finding(stderr, &f);
    }
    emqx_tls_report_free(report);
    return warnings;
}

int run_check(const struct options *o)
{
    struct material m;
    emqx_tls_report *report = NULL;
    emqx_tls_error error;
    emqx_tls_finding f;
    emqx_tls_error_init(&error);
    int code = material_load(&m, o);
    if (code != EXIT_DONE) {
        material_free(&m);
        return code;
    }
    emqx_tls_code checked = check(o, &m, &report, &error);
    if (checked != EMQX_TLS_OK && checked != EMQX_TLS_E_CHECK)
        show_failure(o, &error);
    for (size_t i = 0; next_finding(report, &i, &f);) {
        if (o->quiet && f.severity != EMQX_TLS_REFUSE)
            continue;
        if (o->json)
            show_object(json_of_finding(&f));
        else
            show_finding(stdout, &f);
    }
    if (checked == EMQX_TLS_OK && emqx_tls_report_count(report) == 0 && !o->quiet && !o->json)
        puts("nothing found that the platform would refuse");
    emqx_tls_report_free(report);
    material_free(&m);
    return exit_of(&error);
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Own arithmetic, not gmtime(): time_t ends in 2038 on some machines of 32 bits, and certificates
 * reach beyond. */
static void utc_text(int64_t seconds, char to[64])
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = seconds / 86400 - (seconds % 86400 < 0);
    int rest = (int)(seconds - day * 86400), year = 1970, month = 0;
    for (; day < 0; day += 365 + leap(year))
        year--;
    for (; day >= 365 + leap(year); year++)
        day -= 365 + leap(year);
    for (; day >= days[month] + (month == 1 && leap(year)); month++)
        day -= days[month] + (month == 1 && leap(year));
    snprintf(to, 64, "%04d-%02d-%02d %02d:%02d:%02d", year, month + 1, (int)day + 1, rest / 3600,
             rest / 60 % 60, rest % 60);
}

int run_probe(const struct options *o)
{
    struct material m = {0};
    emqx_tls_probe_result result;
    emqx_tls_error error;
    char until[64] = "";
    emqx_tls_probe_result_init(&result);
    emqx_tls_error_init(&error);
    int code = material_load(&m, o);
    const emqx_tls_request *expected = o->cert_file ? &m.request : NULL;
    if (code == EXIT_DONE &&
        emqx_tls_probe(o->probe_host, o->probe_port, o->host, expected,
                       o->wait_ms ? o->wait_ms : 10000, &result, &error) != EMQX_TLS_OK) {
        show_failure(o, &error);
        code = exit_of(&error);
    }
    material_free(&m);
    if (code != EXIT_DONE)
        return code;
    utc_text(result.not_after, until);
    if (o->json) {
        json_t *j =
            json_pack("{ss so ss ss}", "command", "probe", "cn", json_of(result.common_name),
                      "expire", until, "sha256", result.sha256);
        if (expected)
            json_object_set_new(j, "matches", json_boolean(result.matches));
        show_object(j);
    } else if (!o->quiet) {
        printf("%s:%u serves%s", o->probe_host, (unsigned)o->probe_port,
               *result.common_name ? " cn " : " a certificate");
        put_text(stdout, result.common_name);
        printf(", until %s UTC, sha256 %s\n", until, result.sha256);
    }
    if (!expected || result.matches)
        return EXIT_DONE;
    if (!o->json)
        fprintf(stderr, "emqxtls: that is not the certificate of %s\n", o->cert_file);
    return EXIT_LATER; /* it may yet come: after a write it takes a while */
}
