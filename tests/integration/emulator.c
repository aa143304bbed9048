/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "emulator.h"

#include "real_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "emulator: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    abort();
}

/* -- folders: also those of a test that failed go away ----------------------------------------- */

#define FOLDERS 64

static char folders[FOLDERS][64];
static pid_t owner; /* a child's exit leaves them alone */

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

static void remove_folder(char *folder)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
}

static void remove_all(void)
{
    for (size_t i = 0; i < FOLDERS && getpid() == owner; i++)
        if (folders[i][0])
            remove_folder(folders[i]);
}

static void make_folder(char to[64])
{
    strcpy(to, "/tmp/emqxtls-emulator.XXXXXX");
    if (!mkdtemp(to))
        die("can't make a folder: %s", strerror(errno));
    if (!owner)
        atexit(remove_all);
    if (owner != getpid())
        memset(folders, 0, sizeof folders);
    owner = getpid();
    for (size_t i = 0; i < FOLDERS; i++) {
        if (!folders[i][0]) {
            strcpy(folders[i], to);
            return;
        }
    }
}

/* -- the process ------------------------------------------------------------------------------- */

static bool has(const char *const *options, const char *name)
{
    for (; options && *options; options++)
        if (!strcmp(*options, name))
            return true;
    return false;
}

static void run_child(const emulator_run *e, const char *const *options, int out, pid_t parent)
{
    const char *argv[64] = {EMULATOR_PROGRAM, "--log", e->log, "--lifetime", "3600"};
    /* for example one that was built with a sanitizer */
    const char *other = getenv("EMQXTLS_EMULATOR");
    int n = 5;
    if (*e->ca_file) {
        argv[n++] = "--tls-dir";
        argv[n++] = e->folder;
    }
    for (; options && *options && n < 63; options++)
        argv[n++] = *options;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    setenv("EMQXCLOUD_PLATFORM_API_KEY", EMULATOR_KEY, 1);
    setenv("EMQXCLOUD_PLATFORM_API_SECRET", EMULATOR_SECRET, 1);
    dup2(out, STDOUT_FILENO);
    execv(other ? other : argv[0], (char *const *)(uintptr_t)argv);
    fprintf(stderr, "emulator: can't run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* Reads the two lines that tell the addresses. */
static void read_addresses(emulator_run *e, int from)
{
    char text[1024] = "";
    size_t len = 0;
    struct pollfd p = {.fd = from, .events = POLLIN};
    while (sscanf(text, "listening %255s control %127s", e->endpoint, e->control) != 2 ||
           text[len - 1] != '\n') {
        ssize_t n =
            poll(&p, 1, PATIENCE_MS) > 0 ? read(from, text + len, sizeof text - 1 - len) : 0;
        if (n <= 0)
            die("it does not start");
        len += (size_t)n;
        text[len] = '\0';
    }
}

void emulator_start(emulator_run *e, const char *const *options)
{
    int out[2];
    pid_t parent = getpid();
    memset(e, 0, sizeof *e);
    make_folder(e->folder);
    if (pipe2(out, O_CLOEXEC))
        die("can't make a pipe: %s", strerror(errno));
    snprintf(e->log, sizeof e->log, "%s/log", e->folder);
    if (!has(options, "--http") && !has(options, "--tls-cert"))
        snprintf(e->ca_file, sizeof e->ca_file, "%s/ca.pem", e->folder);
    e->pid = fork();
    if (e->pid == 0)
        run_child(e, options, out[1], parent);
    close(out[1]);
    if (e->pid < 0)
        die("can't fork: %s", strerror(errno));
    read_addresses(e, out[0]);
    close(out[0]);
}

void emulator_end(emulator_run *e)
{
    int status;
    kill(e->pid, SIGTERM);
    if (waitpid(e->pid, &status, 0) != e->pid || !WIFEXITED(status) || WEXITSTATUS(status))
        die("it did not end well");
    for (size_t i = 0; i < FOLDERS; i++)
        if (!strcmp(folders[i], e->folder))
            remove_folder(folders[i]);
    memset(e, 0, sizeof *e);
}

void emulator_environment(const emulator_run *e)
{
    setenv("EMQXCLOUD_PLATFORM_ENDPOINT", e->endpoint, 1);
    setenv("EMQXCLOUD_PLATFORM_API_KEY", EMULATOR_KEY, 1);
    setenv("EMQXCLOUD_PLATFORM_API_SECRET", EMULATOR_SECRET, 1);
}

/* -- the control channel ----------------------------------------------------------------------- */

static size_t collect(char *data, size_t size, size_t n, void *user)
{
    FILE *to = user;
    return fwrite(data, size, n, to);
}

/* The body of the answer, to be freed; any answer but a success ends the test. */
static char *control(const emulator_run *e, const char *method, const char *path, const char *body)
{
    char url[256], *answer = NULL;
    size_t len = 0;
    long status = 0;
    FILE *to = open_memstream(&answer, &len);
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "%s%s", e->control, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, to);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    fclose(to);
    if (code != CURLE_OK || status < 200 || status > 299)
        die("%s %s: %s, %ld %s", method, path, curl_easy_strerror(code), status, answer);
    return answer;
}

void emulator_fault(const emulator_run *e, const char *json)
{
    char *body = strdup(json);
    for (char *c = body; *c; c++)
        if (*c == '\'')
            *c = '"';
    free(control(e, "POST", "/faults", body));
    free(body);
}

void emulator_release(const emulator_run *e)
{
    free(control(e, "POST", "/release", ""));
}

void emulator_clear_faults(const emulator_run *e)
{
    free(control(e, "DELETE", "/faults", NULL));
}

void emulator_advance(const emulator_run *e, int64_t ms)
{
    char body[64];
    snprintf(body, sizeof body, "{\"ms\":%lld}", (long long)ms);
    free(control(e, "POST", "/advance", body));
}

void emulator_set_status(const emulator_run *e, const char *deployment, const char *status)
{
    json_t *json = json_pack("{s:s, s:s}", "deployment", deployment, "status", status);
    char *body = json_dumps(json, 0);
    free(control(e, "POST", "/status", body));
    free(body);
    json_decref(json);
}

int64_t emulator_count(const emulator_run *e, const char *name)
{
    char *text = control(e, "GET", "/counts", NULL);
    json_t *counts = json_loads(text, 0, NULL), *count = json_object_get(counts, name);
    if (!json_is_integer(count))
        die("there is no count %s", name);
    int64_t value = json_integer_value(count);
    json_decref(counts);
    free(text);
    return value;
}

/* -- the log ----------------------------------------------------------------------------------- */

json_t *emulator_log(const emulator_run *e)
{
    json_t *all = json_array();
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    FILE *file = fopen(e->log, "r");
    if (!file)
        die("can't read %s: %s", e->log, strerror(errno));
    while ((len = getline(&line, &room, file)) > 0 && line[len - 1] == '\n') {
        json_t *one = json_loads(line, 0, NULL);
        if (!one)
            die("its log has a line that is no JSON: %s", line);
        json_array_append_new(all, one);
    }
    free(line);
    fclose(file);
    return all;
}

/* Does the request's path name this deployment? */
static bool is_for(const json_t *one, const char *deployment)
{
    char end[512];
    const char *path = json_string_value(json_object_get(one, "path"));
    snprintf(end, sizeof end, "/deployments/%s/tls", deployment);
    size_t len = path ? strlen(path) : 0, tail = strlen(end);
    return len >= tail && !strcmp(path + len - tail, end);
}

size_t emulator_arrivals(const emulator_run *e, const char *method, const char *deployment)
{
    json_t *all = emulator_log(e), *one;
    size_t i, n = 0;
    json_array_foreach(all, i, one)
    {
        const char *own = json_string_value(json_object_get(one, "method"));
        n += own && (!method || !strcmp(own, method)) && (!deployment || is_for(one, deployment));
    }
    json_decref(all);
    return n;
}

size_t emulator_carried_out(const emulator_run *e, const char *deployment)
{
    json_t *all = emulator_log(e), *one;
    size_t i, n = 0;
    json_array_foreach(all, i, one)
    {
        n += json_is_true(json_object_get(one, "carried_out")) && is_for(one, deployment);
    }
    json_decref(all);
    return n;
}
