/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "emulator.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER, SECONDS, CHOICE, FLAG, ZONE, SCOPE, FAULT, HELP, VERSION, GROUP };

struct row {
    const char *name, *argument;
    enum kind kind;
    size_t offset;
    const char *help;
};

#define AT(member) offsetof(struct settings, member)

/* A CHOICE's argument lists its words in the order of their numbers. */
static const struct row rows[] = {
    {"", NULL, GROUP, 0, "Where it listens:"},
    {"address", "ADDRESS", TEXT, AT(address), "a loopback address (127.0.0.1)"},
    {"port", "PORT", NUMBER, AT(port), "of the API; 0: any free one (0)"},
    {"control-port", "PORT", NUMBER, AT(control_port), "of the control channel, plain HTTP (0)"},
    {"base-path", "PATH", TEXT, AT(base_path), "before /deployments (/public_api/v1)"},
    {"tls-dir", "DIR", TEXT, AT(tls_dir),
     "make a CA and a certificate, write DIR/ca.pem for clients"},
    {"tls-cert", "FILE", TEXT, AT(tls_cert), "serve with this certificate (chain), with --tls-key"},
    {"tls-key", "FILE", TEXT, AT(tls_key), "its key, PEM without a passphrase"},
    {"http", NULL, FLAG, AT(http), "plain HTTP instead of TLS"},
    {"credentials-file", "FILE", TEXT, AT(credentials_file),
     "lines KEY:SECRET, instead of the environment"},
    {"", NULL, GROUP, 0, "When it ends:"},
    {"lifetime", "SECONDS", SECONDS, AT(lifetime),
     "by itself after this time (300; with a command: no limit)"},
    {"max-requests", "N", NUMBER, AT(max_requests), "after so many requests; 0: no limit (0)"},
    {"", NULL, GROUP, 0, "What it plays:"},
    {"deployments", "LIST", TEXT, AT(deployments),
     "IDs that exist, such as a,b,test-*; default: all"},
    {"forbidden", "LIST", TEXT, AT(forbidden), "IDs that answer 403"},
    {"absent", "empty|404", CHOICE, AT(absent), "GET without a certificate: {} or 404 (empty)"},
    {"pending", "SECONDS", SECONDS, AT(pending), "from a write to the outcome (2)"},
    {"stale", "SECONDS", SECONDS, AT(stale),
     "after a PUT, GET first tells the old certificate (0)"},
    {"lag", "SECONDS", SECONDS, AT(lag),
     "after a write that was carried out, GET tells what was there before (0)"},
    {"terminated", "SECONDS", SECONDS, AT(terminated),
     "from DELETE until the certificate is gone (2)"},
    {"outcome", "running|failed", CHOICE, AT(outcome), "what becomes of pending (running)"},
    {"expire-format", "time|date|iso", CHOICE, AT(expire_format),
     "2034-05-22 02:43:21, 2034-05-22 or 2034-05-22T02:43:21Z (time)"},
    {"expire-zone", "+HH:MM", ZONE, AT(expire_zone_s), "zone in which expire is told (+00:00)"},
    {"cn", "TEXT", TEXT, AT(cn), "how cn is told; {} is the name: CN={} or such ({})"},
    {"omit", "LIST", TEXT, AT(omit), "members that GET, POST and PUT do not tell: expire,cn"},
    {"min-days", "N", NUMBER, AT(min_days), "days a certificate must have left (60)"},
    {"", NULL, GROUP, 0, "Its quota:"},
    {"reads", "N", NUMBER, AT(reads), "GETs in a window (60)"},
    {"writes", "N", NUMBER, AT(writes), "POST, PUT and DELETE in a window (6)"},
    {"window", "SECONDS", SECONDS, AT(window), "(3600)"},
    {"window-kind", "sliding|fixed", CHOICE, AT(window_kind), "(sliding)"},
    {"window-offset", "SECONDS", SECONDS, AT(window_offset),
     "from start to the first fixed window (0)"},
    {"scope", "key|method|deployment", SCOPE, 0,
     "what is counted apart, beside the key; may be given twice (key)"},
    {"count-rejected", NULL, FLAG, AT(count_rejected), "a request over the limit counts too"},
    {"retry-after", "none|seconds|date", CHOICE, AT(retry_after), "in a 429 (none)"},
    {"", NULL, GROUP, 0, "What goes wrong:"},
    {"latency", "SECONDS", SECONDS, AT(latency), "before each answer (0)"},
    {"fault", "JSON", FAULT, 0, "queue a fault; may be given again"},
    {"", NULL, GROUP, 0, "What it tells:"},
    {"log", "FILE", TEXT, AT(log), "a JSON line for each request that arrived; never a secret"},
    {"ready-file", "FILE", TEXT, AT(ready_file),
     "written when it listens: NAME=VALUE lines for a shell"},
    {"serve-dir", "DIR", TEXT, AT(serve_dir),
     "ID.cert.pem, ID.key.pem, ID.cacert.pem of what is running"},
    {"help", NULL, HELP, 0, "this text"},
    {"version", NULL, VERSION, 0, "of libemqxtls that it belongs to"},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static const char head[] =
    "emqxtls-emulator - plays the TLS part of the EMQX Platform API on loopback, for tests and "
    "try-outs\n"
    "\n"
    "  emqxtls-emulator [OPTION...] COMMAND [ARGUMENT...]\n"
    "\n"
    "runs a command against it. Endpoint, key, secret and CA (EMQXTLS_CA_FILE) are in its "
    "environment. The emulator\n"
    "ends with it, and with its exit status. Without a command it runs until it is stopped:\n"
    "\n"
    "  EMQXCLOUD_PLATFORM_API_KEY=key EMQXCLOUD_PLATFORM_API_SECRET=secret \\\n"
    "      emqxtls-emulator --tls-dir /tmp/emulator --log /tmp/emulator/log\n"
    "  curl --cacert /tmp/emulator/ca.pem -u key:secret "
    "https://127.0.0.1:PORT/public_api/v1/deployments/ge6a1a75/tls\n"
    "\n"
    "It prints its addresses when it listens. Use test keys only: it takes no care of them beyond "
    "its log.\n"
    "The key and secret come from the environment or a file, since arguments can be seen by other "
    "users.\n";

static const char tail[] =
    "\n"
    "The control channel queues faults, moves the time on and sets states while it runs, for "
    "example\n"
    "  curl -d '{\"method\": \"PUT\", \"status\": 503}' http://127.0.0.1:CONTROL/faults\n"
    "  curl -d '{\"ms\": 3600000}' http://127.0.0.1:CONTROL/advance\n"
    "emulator.md, beside the guide, has them all. SIGTERM ends it. Exit code: 0, 1 it can't run, 2 "
    "wrong "
    "usage.\n";

static void help(void)
{
    fputs(head, stdout);
    for (size_t i = 0; i < ROWS; i++) {
        char option[64];
        if (rows[i].kind == GROUP) {
            printf("\n%s\n", rows[i].help);
            continue;
        }
        snprintf(option, sizeof option, "--%s %s", rows[i].name,
                 rows[i].argument ? rows[i].argument : "");
        printf("  %-32s %s\n", option, rows[i].help);
    }
    fputs(tail, stdout);
}

static void usage(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "emqxtls-emulator: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry emqxtls-emulator --help\n");
    va_end(arguments);
    exit(2);
}

static double number(const struct row *row, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0) || value > 1e9)
        usage("--%s takes a number from 0 to a thousand million, not %s", row->name, text);
    return value;
}

static int64_t choice(const struct row *row, const char *text)
{
    int64_t at = 0;
    for (const char *word = row->argument; *word; at++) {
        size_t len = strcspn(word, "|");
        if (strlen(text) == len && !strncmp(word, text, len))
            return at;
        word += len + (word[len] == '|');
    }
    usage("--%s is %s, not %s", row->name, row->argument, text);
}

static int64_t zone(const char *text)
{
    int hours, minutes, used = 0;
    if (sscanf(text, "%3d:%2d%n", &hours, &minutes, &used) != 2 || text[used] ||
        !strchr("+-", *text) || !*text)
        usage("--expire-zone is such as +08:00, not %s", text);
    return hours * 3600 + (*text == '-' ? -1 : 1) * minutes * 60;
}

static void append(char ***list, const char *text)
{
    size_t n = 0;
    while (*list && (*list)[n])
        n++;
    *list = realloc(*list, (n + 2) * sizeof **list);
    (*list)[n] = strdup(text);
    (*list)[n + 1] = NULL;
}

static void set(struct settings *s, const struct row *row, const char *text)
{
    void *member = (char *)s + row->offset;
    switch (row->kind) {
    case TEXT:
        free(*(char **)member);
        *(char **)member = strdup(text);
        break;
    case NUMBER:
        *(int64_t *)member = (int64_t)number(row, text);
        break;
    case SECONDS:
        *(int64_t *)member = (int64_t)(number(row, text) * 1000 + 0.5);
        break;
    case CHOICE:
        *(int64_t *)member = choice(row, text);
        break;
    case FLAG:
        *(bool *)member = true;
        break;
    case ZONE:
        *(int64_t *)member = zone(text);
        break;
    case SCOPE:
        s->per_method |= choice(row, text) == 1;
        s->per_deployment |= choice(row, text) == 2;
        break;
    case FAULT:
        append(&s->faults, text);
        break;
    case HELP:
        help();
        exit(0);
    case VERSION:
        printf("emqxtls-emulator %s\n", EMQXI_VERSION);
        exit(0);
    case GROUP:
        break;
    }
}

static void read_credentials(struct settings *s)
{
    const char *key = getenv("EMQXCLOUD_PLATFORM_API_KEY"),
               *secret = getenv("EMQXCLOUD_PLATFORM_API_SECRET");
    char line[1024];
    if (s->credentials_file) {
        FILE *file = fopen(s->credentials_file, "r");
        if (!file)
            usage("can't read %s: %s", s->credentials_file, strerror(errno));
        while (fgets(line, sizeof line, file)) {
            line[strcspn(line, "\r\n")] = '\0';
            if (strchr(line, ':'))
                append(&s->credentials, line);
        }
        fclose(file);
    } else if (key && secret) {
        snprintf(line, sizeof line, "%s:%s", key, secret);
        append(&s->credentials, line);
    }
    OPENSSL_cleanse(line, sizeof line);
    if (!s->credentials && !s->program)
        usage("set EMQXCLOUD_PLATFORM_API_KEY and EMQXCLOUD_PLATFORM_API_SECRET, or give "
              "--credentials-file with lines "
              "KEY:SECRET");
}

static void check(const struct settings *s)
{
    struct in_addr v4;
    struct in6_addr v6;
    bool loopback = (inet_pton(AF_INET, s->address, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127) ||
                    (inet_pton(AF_INET6, s->address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
    if (!loopback)
        usage("--address has to be a loopback address such as 127.0.0.1, not %s", s->address);
    if (s->port > 65535 || s->control_port > 65535)
        usage("a port is at most 65535");
    if (*s->base_path && (*s->base_path != '/' || s->base_path[strlen(s->base_path) - 1] == '/'))
        usage("--base-path starts with a slash and ends without one");
    if (!s->tls_cert != !s->tls_key)
        usage("--tls-cert and --tls-key go together");
    int ways = s->http + !!s->tls_dir + !!s->tls_cert;
    if (ways > 1 || (ways == 0 && !s->program))
        usage("give one of --tls-dir DIR, --tls-cert FILE with --tls-key FILE, and --http");
    if (s->reads < 1 || s->writes < 1 || s->window < 1)
        usage("--reads, --writes and --window are at least 1, 1 and 0.001");
}

void options_read(struct settings *s, int argc, char **argv)
{
    struct option options[ROWS + 1] = {0};
    int at = 0, c;
    *s = (struct settings){
        .address = strdup("127.0.0.1"),
        .base_path = strdup("/public_api/v1"),
        .pending = 2000,
        .terminated = 2000,
        .min_days = 60,
        .reads = 60,
        .writes = 6,
        .window = 3600000,
        .faults = calloc(1, sizeof(char *)),
    };
    for (size_t i = 0; i < ROWS; i++)
        options[i] = (struct option){rows[i].name,
                                     rows[i].argument ? required_argument : no_argument, NULL, 1};
    while ((c = getopt_long(argc, argv, "+h", options, &at)) != -1) {
        if (c == '?')
            usage("that is not how it is used");
        if (c == 'h')
            help(), exit(0);
        set(s, &rows[at], optarg);
    }
    s->program = optind < argc ? argv + optind : NULL;
    if (!s->lifetime)
        s->lifetime = s->program ? INT64_MAX / 2 : 300000;
    check(s);
    read_credentials(s);
}

static void list_free(char **list)
{
    for (char **one = list; one && *one; one++) {
        OPENSSL_cleanse(*one, strlen(*one));
        free(*one);
    }
    free(list);
}

void options_free(struct settings *s)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].kind == TEXT)
            free(*(char **)((char *)s + rows[i].offset));
    list_free(s->credentials);
    list_free(s->faults);
}

bool list_has(const char *list, const char *id)
{
    while (list && *list) {
        size_t len = strcspn(list, ",");
        bool prefix = len && list[len - 1] == '*';
        if (prefix ? !strncmp(list, id, len - 1) : strlen(id) == len && !strncmp(list, id, len))
            return true;
        list += len + (list[len] == ',');
    }
    return false;
}
