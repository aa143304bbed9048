/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "help.h"

#include <stdio.h>
#include <string.h>

const struct command_info commands[] = {
    {"status", STATUS, true, true, false, "read the status of a deployment's certificate"},
    {"ensure", ENSURE, true, true, true,
     "make a deployment serve this certificate, with the fewest writes"},
    {"wait", WAIT, true, true, false, "wait until the certificate is running"},
    {"remove", REMOVE, true, false, false,
     "delete the certificate if there is one, and wait until it is gone"},
    {"check", CHECK, false, false, true,
     "look at certificate and key as the platform would; no network"},
    {"probe", PROBE, false, false, false,
     "look which certificate HOST:PORT serves; compare it with --cert"},
    {"quota", QUOTA, false, false, false, "show how much of the quota is left; uses none of it"},
    {"create", CREATE, true, false, true,
     "create a certificate (POST): one write, whatever is there"},
    {"update", UPDATE, true, false, true,
     "replace the certificate (PUT): one write, whatever is there"},
    {"delete", DELETE, true, false, false,
     "delete the certificate (DELETE): one write, whatever is there"},
};
const size_t command_count = sizeof commands / sizeof commands[0];

#define BIT(command) (1u << (command))
#define ALL          (~0u)
#define MANY         (BIT(STATUS) | BIT(ENSURE) | BIT(WAIT))
#define WRITING      (BIT(ENSURE) | BIT(CREATE) | BIT(UPDATE))
#define PLATFORM     (ALL & ~(BIT(CHECK) | BIT(PROBE)))
#define GIVEN        (WRITING | BIT(CHECK) | BIT(WAIT))

#define AT(member) offsetof(struct options, member)

const struct option_row option_rows[] = {
    {'d', "deployment", "ID", 0, PLATFORM, "What",
     "the deployment's ID, not its name; for status, ensure and wait it may be repeated"},
    {OPT_DEPLOYMENTS, "deployments", "FILE", 0, PLATFORM, "What",
     "one ID a line, # begins a comment; - for standard input"},
    {0, "cert", "FILE", AT(cert_file), GIVEN | BIT(PROBE), "What",
     "PEM: the leaf first, then its chain"},
    {0, "key", "FILE", AT(key_file), GIVEN, "What",
     "PEM: the leaf's private key, without a passphrase"},
    {0, "cacert", "FILE", AT(cacert_file), GIVEN, "What", "PEM: the client CA; makes it two-way"},
    {OPT_TYPE, "type", "TYPE", 0, GIVEN, "What",
     "one-way or two-way; told by --cacert if not given"},
    {OPT_WAIT, "wait", "DURATION", 0, ALL & ~(BIT(CHECK) | BIT(QUOTA)), "How",
     "wait so long at most, such as 90s, 10m, 1h30m; ensure without it does not wait"},
    {0, "dry-run", NULL, AT(dry_run), BIT(ENSURE), "How",
     "ensure: say what would be done, write nothing"},
    {0, "force", NULL, AT(force), BIT(ENSURE), "How", "ensure: write even if it looks unchanged"},
    {0, "allow-earlier", NULL, AT(allow_earlier), BIT(ENSURE), "How",
     "ensure: accept an earlier expiry than the one in place"},
    {0, "receipt", "DIR", AT(receipt_dir), BIT(ENSURE), "How",
     "ensure: keep receipts here: 'unchanged' is then exact, also for a new key"},
    {OPT_PROBE, "probe", "HOST:PORT", 0, BIT(ENSURE) | BIT(PROBE), "How",
     "look at the certificate that is served there, at the end"},
    {0, "quota-file", "PATH", AT(quota), PLATFORM, "How",
     "where the quota is kept (a file, redis://..., rediss://..., unix://...; 'memory' for this "
     "run only); by default a file in your state directory"},
    {0, "quota-prefix", "P", AT(quota_prefix), PLATFORM, "How",
     "with Redis: what its keys begin with; by default one for each API key"},
    {0, "per-deployment", NULL, AT(per_deployment), PLATFORM, "How",
     "every deployment has a quota of its own"},
    {OPT_CONCURRENCY, "concurrency", "N", 0, MANY, "How",
     "with many deployments: at most N at once (32)"},
    {0, "resume", "FILE", AT(resume_file), MANY, "How",
     "with many deployments: note here what is done, and leave it out the next time"},
    {0, "host", "NAME", AT(host), BIT(CHECK) | BIT(ENSURE) | BIT(PROBE), "How",
     "check, ensure: a name that clients connect to; probe: the name asked for (SNI)"},
    {OPT_MIN_DAYS, "min-days-left", "N", 0, BIT(CHECK) | BIT(ENSURE) | BIT(STATUS), "How",
     "check, ensure: refuse a certificate with fewer days (60); status: end with 3 then"},
    {0, "secret-file", "FILE", AT(secret_file), PLATFORM, "Where from",
     "lines NAME=VALUE with the three variables above, instead of the environment"},
    {0, "ca-file", "FILE", AT(ca_file), PLATFORM, "Where from",
     "CA certificates for the platform's own server"},
    {0, "allow-http-loopback", NULL, AT(allow_http), PLATFORM, "Where from",
     "accept an http:// endpoint on this machine"},
    {0, "json", NULL, AT(json), ALL, "Output", "one JSON object a line"},
    {0, "openmetrics", NULL, AT(openmetrics), BIT(STATUS), "Output",
     "status: for a monitoring system, as OpenMetrics text"},
    {'o', "output", "FILE", AT(output), BIT(STATUS), "Output",
     "with --openmetrics: into this file, all at once"},
    {'q', "quiet", NULL, AT(quiet), ALL, "Output", "errors only"},
    {'v', "verbose", NULL, AT(verbose), ALL, "Output", "tell every exchange"},
    {'h', "help", NULL, 0, ALL, "Output", "this text; behind a command that of the command"},
    {'V', "version", NULL, 0, ALL, "Output", "the version"},
};
const size_t option_count = sizeof option_rows / sizeof option_rows[0];

int option_key(size_t row)
{
    return option_rows[row].key ? option_rows[row].key : OPT_ROW + (int)row;
}

#define COLUMNS 80
#define INDENT  26

/* Behind what stands on the line already, wrapped. */
static void put_wrapped(const char *text, int at)
{
    while (*text) {
        size_t word = strcspn(text, " ");
        if (at > INDENT && at + 1 + (int)word > COLUMNS) {
            printf("\n%*s", INDENT, "");
            at = INDENT;
        } else if (at > INDENT) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)word, text);
        at += (int)word;
        text += word + strspn(text + word, " ");
    }
    putchar('\n');
}

static void show_options(unsigned set)
{
    const char *section = "";
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *o = &option_rows[i];
        if (!(o->commands & set))
            continue;
        if (strcmp(section, o->section) != 0)
            printf("%s:\n", section = o->section);
        int n = o->key > 0 && o->key < OPT_TYPE ? printf("  -%c, --%s", o->key, o->name)
                                                : printf("      --%s", o->name);
        n += o->value ? printf(" %s", o->value) : 0;
        if (n + 2 > INDENT) {
            putchar('\n');
            n = 0;
        }
        printf("%*s", INDENT - n, "");
        put_wrapped(o->help, INDENT);
    }
}

void show_help(const struct command_info *command)
{
    if (command) {
        printf("emqxtls %s: %s\n\n", command->name, command->help);
        show_options(BIT(command->command));
        return;
    }
    puts("emqxtls keeps the TLS certificate of EMQX Platform deployments right, inside the\n"
         "platform's quota (60 reads and 6 writes in 60 minutes for an API key).\n"
         "\n"
         "  export EMQXCLOUD_PLATFORM_ENDPOINT=https://HOST/public_api/v1\n"
         "  export EMQXCLOUD_PLATFORM_API_KEY=... EMQXCLOUD_PLATFORM_API_SECRET=...\n"
         "  emqxtls ensure -d ge6a1a75 --cert fullchain.pem --key privkey.pem --wait 10m\n"
         "\n"
         "`ensure` is the one for a renewal job: it writes only if something else is in\n"
         "place, and may be run again at any time. See what it would do with --dry-run.\n"
         "\n"
         "Commands:");
    for (size_t i = 0; i < command_count; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].help);
    putchar('\n');
    show_options(ALL);
    puts("\n"
         "Ends with 0 done or unchanged, 2 usage, 3 refused by the local check, 4 refused\n"
         "by the platform, 5 try later, 6 a write's outcome is not known, 1 anything else.");
}

/* How many letters have to be put in, taken out or changed. */
static size_t distance(const char *a, const char *b)
{
    size_t row[32], n = strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = corner + 1 < best ? corner + 1 : best;
        }
    }
    return row[n];
}

const char *option_near(const char *name)
{
    const char *near = NULL;
    size_t least = 3;
    for (size_t i = 0; i < option_count && strlen(name) < 31; i++) {
        size_t d = distance(name, option_rows[i].name);
        if (d < least) {
            least = d;
            near = option_rows[i].name;
        }
    }
    return near;
}
