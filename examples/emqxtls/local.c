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
                     json_of_message(f->text));
}

static void show_finding(FILE *to, const emqx_tls_finding *f)
{
    fprintf(to, "%s: %s: ", severity_name(f), parts[f->part % 4]);
    put_message(to, f->text); /* it names the block, from 0 */
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

void show_warnings(struct fleet *fleet, const struct material *m)
{
    const struct options *o = fleet->options;
    emqx_tls_report *report = NULL;
    emqx_tls_finding f;
    fleet->warnings = json_array();
    fleet->refusals = json_array();
    check(o, m, &report, NULL);
    for (size_t i = 0; next_finding(report, &i, &f);) {
        bool refused = f.severity == EMQX_TLS_REFUSE;
        json_array_append_new(refused ? fleet->refusals : fleet->warnings, json_of_finding(&f));
        if (!refused && !o->json && !o->quiet)
            show_finding(stderr, &f);
    }
    emqx_tls_report_free(report);
}

/* Shows all findings, or those that are refused. */
static void show_findings(const struct options *o, const emqx_tls_report *report)
{
    emqx_tls_finding f;
    for (size_t i = 0; next_finding(report, &i, &f);)
        if (!o->quiet || f.severity == EMQX_TLS_REFUSE)
            show_finding(stdout, &f);
    if (emqx_tls_report_count(report) == 0 && !o->quiet)
        puts("nothing found that the platform would refuse");
}

static json_t *json_of_check(const struct options *o, const emqx_tls_report *report,
                             const emqx_tls_error *error)
{
    json_t *j = json_outcome(o, NULL, emqx_tls_code_name(error->code), exit_of(error));
    json_t *findings = json_array();
    emqx_tls_finding f;
    for (size_t i = 0; next_finding(report, &i, &f);)
        json_array_append_new(findings, json_of_finding(&f));
    json_object_set_new(j, "findings", findings);
    return j;
}

int run_check(const struct options *o)
{
    struct material m;
    emqx_tls_report *report = NULL;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    int code = material_load(&m, o);
    if (code == EXIT_DONE) {
        emqx_tls_code checked = check(o, &m, &report, &error);
        if (checked != EMQX_TLS_OK && checked != EMQX_TLS_E_CHECK)
            show_failure(o, &error);
        else if (o->json)
            show_object(json_of_check(o, report, &error), stdout);
        else
            show_findings(o, report);
        code = exit_of(&error);
    }
    emqx_tls_report_free(report);
    material_free(&m);
    return code;
}

static void show_probe(const struct options *o, const emqx_tls_probe_result *r, bool compared)
{
    char until[64] = "";
    time_t end = (time_t)r->not_after;
    struct tm utc;
    if (gmtime_r(&end, &utc))
        strftime(until, sizeof until, "%Y-%m-%d %H:%M:%S", &utc);
    if (o->json) {
        json_t *j = json_outcome(o, NULL, "OK", !compared || r->matches ? EXIT_DONE : EXIT_LATER);
        json_object_set_new(j, "cn", json_of(r->common_name));
        json_end(j, until, r->not_after);
        json_object_set_new(j, "sha256", json_string(r->sha256));
        if (compared)
            json_object_set_new(j, "matches", json_boolean(r->matches));
        show_object(j, stdout);
    } else if (!o->quiet) {
        printf("%s:%d serves%s", o->probe_host, o->probe_port,
               *r->common_name ? " cn " : " a certificate");
        put_text(stdout, r->common_name);
        printf(", until %s UTC, sha256 %s\n", until, r->sha256);
    }
}

int run_probe(const struct options *o)
{
    struct material m = {0};
    emqx_tls_probe_result result;
    emqx_tls_error error;
    emqx_tls_probe_result_init(&result);
    emqx_tls_error_init(&error);
    int code = material_load(&m, o);
    const emqx_tls_request *expected = o->cert_file ? &m.request : NULL;
    if (code == EXIT_DONE &&
        emqx_tls_probe(o->probe_host, (uint32_t)o->probe_port, o->host, expected,
                       o->wait_ms ? o->wait_ms : 10000, &result, &error) != EMQX_TLS_OK) {
        show_failure(o, &error);
        code = exit_of(&error);
    }
    material_free(&m);
    if (code != EXIT_DONE)
        return code;
    show_probe(o, &result, expected != NULL);
    if (!expected || result.matches)
        return EXIT_DONE;
    if (!o->json)
        say("that is not the certificate of %s", o->cert_file);
    return EXIT_LATER; /* it may yet come: after a write it takes a while */
}
