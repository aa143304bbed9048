/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_REDIS
#include <emqxtls/redis.h>
#endif

/* -- the quota --------------------------------------------------------------------------------- */

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

/* Stands for the API key where that is not to be told (FNV-1a; two keys with one name would only be
 * slower). */
static unsigned long long name_of_key(const char *api_key)
{
    uint64_t hash = 14695981039346656037u;
    for (const char *p = api_key; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    return hash;
}

/* STATE/emqxtls/quota-KEY: one file for each key and each way to count. */
static char *default_quota_file(const struct options *o, const struct credentials *c)
{
    char *path = NULL, *folder = NULL;
    const char *state = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"),
               *home = getenv("HOME");
    int n = -1;
    if (state && *state == '/')
        n = asprintf(&folder, "%.*s", (int)strcspn(state, ":"), state);
    else if (xdg && *xdg == '/')
        n = asprintf(&folder, "%s/emqxtls", xdg);
    else if (home && *home == '/')
        n = asprintf(&folder, "%s/.local/state/emqxtls", home);
    if (n >= 0 && asprintf(&path, "%s/quota-%016llx%s", folder, name_of_key(c->api_key),
                           o->per_deployment ? "-per-deployment" : "") < 0)
        path = NULL;
    free(folder);
    if (path && !make_folders(path)) {
        say("can't make the folders of %s: %s; choose one with --quota-file", path,
            strerror(errno));
        free(path);
        return NULL;
    }
    if (!path)
        say("no HOME and no STATE_DIRECTORY to keep the quota in: give --quota-file");
    return path;
}

#ifdef HAVE_REDIS
/* With a prefix for each key, in braces for the sake of Redis Cluster. */
static emqx_tls_code open_redis(const struct options *o, const char *url,
                                const struct credentials *c, const emqx_tls_limiter_config *config,
                                emqx_tls_limiter **limiter, emqx_tls_error *error)
{
    char prefix[48];
    snprintf(prefix, sizeof prefix, "{emqxtls-%016llx}", name_of_key(c->api_key));
    return emqx_tls_limiter_open_redis(url, o->quota_prefix ? o->quota_prefix : prefix, config,
                                       limiter, error);
}
#endif

int open_limiter(const struct options *o, const struct credentials *c, emqx_tls_limiter **limiter)
{
    emqx_tls_limiter_config config;
    emqx_tls_error error;
    emqx_tls_code code;
    const char *quota = o->quota ? o->quota : c->quota;
    emqx_tls_limiter_config_init(&config);
    emqx_tls_error_init(&error);
    if (o->per_deployment)
        config.flags = EMQX_TLS_PER_DEPLOYMENT;
    if (quota && strcmp(quota, "memory") == 0) {
        code = emqx_tls_limiter_new(&config, limiter, &error);
    } else if (quota && strstr(quota, "://")) {
#ifdef HAVE_REDIS
        code = open_redis(o, quota, c, &config, limiter, &error);
#else
        say("this build has no Redis store: give a file for --quota-file");
        return EXIT_USAGE;
#endif
    } else {
        char *path = quota ? strdup(quota) : default_quota_file(o, c);
        if (!path)
            return EXIT_USAGE;
        code = emqx_tls_limiter_open_file(path, &config, limiter, &error);
        free(path);
    }
    if (code == EMQX_TLS_OK)
        return EXIT_DONE;
    show_failure(o, &error);
    return exit_of(&error);
}

/* emqx_tls_ensure wants the folder of the receipts to be there. */
static int make_receipt_dir(const char *folder)
{
    char *path = NULL;
    if (!folder)
        return EXIT_DONE;
    bool ok = asprintf(&path, "%s/", folder) > 0 && make_folders(path);
    if (!ok)
        say("can't make --receipt %s: %s", folder, strerror(errno));
    free(path);
    return ok ? EXIT_DONE : EXIT_USAGE;
}

/* -- the command ------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void keep(void *id)
{
    (void)id;
}

/* Each deployment once, in the order they were given, without those that are done already. False:
 * no memory. */
static bool choose(struct fleet *f)
{
    const struct options *o = f->options;
    void *seen = NULL;
    f->deployments = calloc(o->deployment_count, sizeof *f->deployments);
    f->readings = o->openmetrics ? calloc(o->deployment_count, sizeof *f->readings) : NULL;
    bool ok = f->deployments && (f->readings || !o->openmetrics);
    for (size_t i = 0; ok && i < o->deployment_count; i++) {
        const char *id = o->deployments[i];
        const char *const *first = tsearch(id, &seen, by_id);
        ok = first != NULL;
        if (ok && *first == id && !journal_has(f->journal, id))
            f->deployments[f->count++] = id;
    }
    tdestroy(seen, keep);
    return ok;
}

static int with_client(struct fleet *f, const struct credentials *c, emqx_tls_limiter *limiter)
{
    const struct options *o = f->options;
    emqx_tls_config config;
    emqx_tls_error error;
    emqx_tls_config_init(&config);
    emqx_tls_error_init(&error);
    config.endpoint = c->endpoint;
    config.api_key = c->api_key;
    config.api_secret = c->api_secret;
    const char *ca_file = getenv("EMQXTLS_CA_FILE"); /* as the examples and the emulator have it */
    config.ca_file = o->ca_file ? o->ca_file : ca_file && *ca_file ? ca_file : NULL;
    config.limiter = limiter;
    config.quota_wait_ms = o->wait_ms;
    config.flags = o->allow_http ? EMQX_TLS_ALLOW_HTTP_LOOPBACK : 0;
    config.log = o->verbose ? show_log : NULL;
    if (emqx_tls_client_new(&config, &f->client, &error) != EMQX_TLS_OK) {
        show_failure(o, &error);
        return exit_of(&error);
    }
    const char *term = getenv("TERM"); /* one that is dumb can't write over a line */
    f->progress = !o->json && !o->quiet && !o->verbose && isatty(STDERR_FILENO) && term && *term &&
                  strcmp(term, "dumb") != 0;
    int code = choose(f) ? run_fleet(f) : EXIT_OTHER;
    emqx_tls_client_free(f->client); /* ends what is still under way */
    free(f->jobs);
    free(f->deployments);
    free(f->readings);
    return code;
}

static int talk(const struct options *o, const struct credentials *c, const struct material *m,
                emqx_tls_limiter *limiter)
{
    struct fleet f = {.options = o, .request = m->request.cert ? &m->request : NULL};
    int code = o->resume_file ? journal_open(&f.journal, o, m) : EXIT_DONE;
    if (code == EXIT_DONE && o->info->needs_certificate)
        show_warnings(&f, m);
    if (code == EXIT_DONE)
        code = with_client(&f, c, limiter);
    json_decref(f.warnings);
    json_decref(f.refusals);
    journal_close(f.journal, code == EXIT_DONE);
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
        code = o->info->command == QUOTA ? show_quota(o, limiter) : talk(o, &c, &m, limiter);
    emqx_tls_limiter_unref(limiter);
    material_free(&m);
    credentials_free(&c);
    return code;
}
