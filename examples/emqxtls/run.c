/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_REDIS
#include <emqxtls/redis.h>
#endif

/* -- the quota ---------------------------------------------------------------------------------------------------- */

/* Makes what is missing of the folders before the last '/'. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!ok)
            return false;
    }
    return true;
}

/* STATE/emqxtls/quota-KEY: one file a key, whose name is not told (FNV-1a; two keys in one file would only be slower). */
static char *default_quota_file(const char *api_key)
{
    char *path = NULL, *folder = NULL;
    const char *state = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    uint64_t hash = 14695981039346656037u;
    for (const char *p = api_key; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    int n = -1;
    if (state && *state == '/')
        n = asprintf(&folder, "%.*s", (int)strcspn(state, ":"), state);
    else if (xdg && *xdg == '/')
        n = asprintf(&folder, "%s/emqxtls", xdg);
    else if (home && *home == '/')
        n = asprintf(&folder, "%s/.local/state/emqxtls", home);
    if (n >= 0 && asprintf(&path, "%s/quota-%016llx", folder, (unsigned long long)hash) < 0)
        path = NULL;
    free(folder);
    if (path && !make_folders(path)) {
        fprintf(stderr, "emqxtls: can't make the folders of %s: %s; choose one with --quota-file\n", path,
                strerror(errno));
        free(path);
        return NULL;
    }
    if (!path)
        fputs("emqxtls: no HOME and no STATE_DIRECTORY to keep the quota in: give --quota-file\n", stderr);
    return path;
}

int open_limiter(const struct options *o, const struct credentials *c, emqx_tls_limiter **limiter)
{
    emqx_tls_limiter_config config;
    emqx_tls_error error;
    emqx_tls_code code;
    emqx_tls_limiter_config_init(&config);
    emqx_tls_error_init(&error);
    if (o->per_deployment)
        config.flags = EMQX_TLS_PER_DEPLOYMENT;
    if (o->quota && strcmp(o->quota, "memory") == 0) {
        code = emqx_tls_limiter_new(&config, limiter, &error);
    } else if (o->quota && strstr(o->quota, "://")) {
#ifdef HAVE_REDIS
        code = emqx_tls_limiter_open_redis(o->quota, NULL, &config, limiter, &error);
#else
        (void)c;
        fputs("emqxtls: this build has no Redis store: give a file for --quota-file\n", stderr);
        return EXIT_USAGE;
#endif
    } else {
        char *path = o->quota ? strdup(o->quota) : default_quota_file(c->api_key);
        if (!path)
            return EXIT_USAGE;
        code = emqx_tls_limiter_open_file(path, &config, limiter, &error);
        free(path);
    }
    if (code == EMQX_TLS_OK)
        return EXIT_DONE;
    show_failure(o, &error);
    return exit_of(o, &error);
}

/* -- the fleet ---------------------------------------------------------------------------------------------------- */

static emqx_tls_client *interrupted_client; /* what a signal interrupts */

static void on_signal(int number)
{
    (void)number;
    emqx_tls_client_interrupt(interrupted_client);
}

static void finish_job(struct job *job)
{
    struct fleet *fleet = job->fleet;
    hide_progress(fleet);
    show_job(fleet->options, job);
    fleet->exit_code = worse(fleet->exit_code, exit_of(fleet->options, &job->error));
    fleet->done++;
}

static void on_done(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    struct job *job = user;
    job->code = code;
    job->call = NULL;
    job->fleet->active--;
    emqx_tls_call_result(call, &job->status, &job->error);
    if (job->fleet->options->info->command == ENSURE)
        emqx_tls_call_ensure_result(call, &job->result);
    finish_job(job);
}

static emqx_tls_code submit_ensure(struct job *job)
{
    const struct options *o = job->fleet->options;
    emqx_tls_ensure_options options;
    emqx_tls_policy policy;
    emqx_tls_ensure_options_init(&options);
    emqx_tls_policy_init(&policy);
    if (o->min_days_left)
        policy.min_days_left = o->min_days_left;
    policy.host = o->host;
    options.policy = &policy;
    options.flags = (o->force ? EMQX_TLS_FORCE : 0) | (o->allow_earlier ? EMQX_TLS_ALLOW_EARLIER : 0) |
                    (o->dry_run ? EMQX_TLS_DRY_RUN : 0);
    options.wait_ms = o->wait_ms;
    options.receipt_dir = o->receipt_dir;
    options.probe_host = o->probe_host;
    options.probe_port = o->probe_port;
    return emqx_tls_submit_ensure(job->fleet->client, job->deployment, job->fleet->request, &options, on_done, job,
                                  &job->call, &job->error);
}

static emqx_tls_code submit(struct job *job)
{
    struct fleet *f = job->fleet;
    uint32_t wait_ms = f->options->wait_ms;
    switch (f->options->info->command) {
    case ENSURE:
        return submit_ensure(job);
    case WAIT:
        return emqx_tls_submit_wait(f->client, job->deployment, f->request, wait_ms ? wait_ms : 30 * 60 * 1000, on_done,
                                    job, &job->call, &job->error);
    case REMOVE:
        return emqx_tls_submit_remove(f->client, job->deployment, wait_ms ? wait_ms : 10 * 60 * 1000, on_done, job,
                                      &job->call, &job->error);
    case CREATE:
        return emqx_tls_submit(f->client, EMQX_TLS_OP_CREATE, job->deployment, f->request, on_done, job, &job->call,
                               &job->error);
    case UPDATE:
        return emqx_tls_submit(f->client, EMQX_TLS_OP_UPDATE, job->deployment, f->request, on_done, job, &job->call,
                               &job->error);
    case DELETE:
        return emqx_tls_submit(f->client, EMQX_TLS_OP_DELETE, job->deployment, NULL, on_done, job, &job->call,
                               &job->error);
    default:
        return emqx_tls_submit(f->client, EMQX_TLS_OP_GET, job->deployment, NULL, on_done, job, &job->call,
                               &job->error);
    }
}

static void start_job(struct fleet *f, struct job *job)
{
    job->fleet = f;
    job->deployment = f->options->deployments[f->submitted++];
    job->since_ms = monotonic_ms();
    emqx_tls_status_init(&job->status);
    emqx_tls_error_init(&job->error);
    emqx_tls_ensure_result_init(&job->result);
    job->code = submit(job);
    if (job->code == EMQX_TLS_OK)
        f->active++;
    else
        finish_job(job);
}

static void cancel_all(struct fleet *f)
{
    for (size_t i = 0; i < f->submitted; i++)
        if (f->jobs[i].call)
            emqx_tls_cancel(f->client, f->jobs[i].call);
    f->count = f->submitted; /* what was not begun is left */
}

static int drive(struct fleet *f)
{
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    while (f->done < f->count) {
        while (f->submitted < f->count && f->active < f->options->concurrency)
            start_job(f, &f->jobs[f->submitted]);
        if (f->active == 0)
            continue;
        emqx_tls_code code = emqx_tls_client_run(f->client, f->progress ? 500 : -1, &error);
        if (code == EMQX_TLS_E_CANCELLED) {
            cancel_all(f);
            f->exit_code = worse(f->exit_code, EXIT_LATER);
        } else if (code != EMQX_TLS_OK) {
            show_failure(f->options, &error);
            return EXIT_OTHER;
        }
        if (f->progress && f->done < f->count)
            show_progress(f);
    }
    hide_progress(f);
    return f->exit_code;
}

/* emqx_tls_ensure wants the folder of the receipts to be there. */
static int make_receipt_dir(const char *folder)
{
    char *path = NULL;
    if (!folder)
        return EXIT_DONE;
    bool ok = asprintf(&path, "%s/", folder) > 0 && make_folders(path);
    if (!ok)
        fprintf(stderr, "emqxtls: can't make --receipt %s: %s\n", folder, strerror(errno));
    free(path);
    return ok ? EXIT_DONE : EXIT_USAGE;
}

/* -- the command -------------------------------------------------------------------------------------------------- */

static int with_client(const struct options *o, const struct credentials *c, emqx_tls_limiter *limiter,
                       const emqx_tls_request *request)
{
    emqx_tls_config config;
    emqx_tls_error error;
    struct fleet f = {.options = o, .request = request, .count = o->deployment_count};
    emqx_tls_config_init(&config);
    emqx_tls_error_init(&error);
    config.endpoint = c->endpoint;
    config.api_key = c->api_key;
    config.api_secret = c->api_secret;
    config.ca_file = o->ca_file;
    config.limiter = limiter;
    config.quota_wait_ms = o->wait_ms;
    config.flags = o->allow_http ? EMQX_TLS_ALLOW_HTTP_LOOPBACK : 0;
    config.log = o->verbose ? show_log : NULL;
    if (emqx_tls_client_new(&config, &f.client, &error) != EMQX_TLS_OK) {
        show_failure(o, &error);
        return exit_of(o, &error);
    }
    f.jobs = calloc(f.count, sizeof *f.jobs);
    f.progress = !o->json && !o->quiet && !o->verbose && isatty(STDERR_FILENO);
    f.began_ms = monotonic_ms();
    int code = EXIT_OTHER;
    if (f.jobs) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
        interrupted_client = f.client;
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        code = drive(&f);
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
    }
    emqx_tls_client_free(f.client);
    free(f.jobs);
    return code;
}

int run_platform_command(const struct options *o)
{
    struct credentials c;
    struct material m = {0};
    emqx_tls_limiter *limiter = NULL;
    int code = credentials_load(&c, o);
    bool with_material = o->info->needs_certificate || (o->info->command == WAIT && o->cert_file);
    if (code == EXIT_DONE && with_material)
        code = material_load(&m, o);
    if (code == EXIT_DONE && o->info->command == ENSURE)
        code = make_receipt_dir(o->receipt_dir);
    if (code == EXIT_DONE)
        code = open_limiter(o, &c, &limiter);
    if (code == EXIT_DONE)
        code = o->info->command == QUOTA ? show_quota(o, limiter)
                                         : with_client(o, &c, limiter, with_material ? &m.request : NULL);
    emqx_tls_limiter_unref(limiter);
    material_free(&m);
    credentials_free(&c);
    return code;
}
