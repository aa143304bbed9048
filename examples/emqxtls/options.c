/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command_info commands[] = {
    {"status", STATUS, true, true, false, true, "read the status of a deployment's certificate"},
    {"ensure", ENSURE, true, true, true, true,
     "make a deployment serve this certificate, with the fewest writes"},
    {"wait", WAIT, true, true, false, true, "wait until the certificate is running"},
    {"remove", REMOVE, true, false, false, true,
     "delete the certificate if there is one, and wait until it is gone"},
    {"check", CHECK, false, false, true, false,
     "look at certificate and key as the platform would; no network"},
    {"probe", PROBE, false, false, false, false,
     "look which certificate HOST:PORT serves; compare it with --cert"},
    {"quota", QUOTA, false, false, false, true,
     "show how much of the quota is left; uses none of it"},
    {"create", CREATE, true, false, true, true,
     "create a certificate (POST): one write, whatever is there"},
    {"update", UPDATE, true, false, true, true,
     "replace the certificate (PUT): one write, whatever is there"},
    {"delete", DELETE, true, false, false, true,
     "delete the certificate (DELETE): one write, whatever is there"},
};
const size_t command_count = sizeof commands / sizeof commands[0];

enum {
    OPT_CERT = 256,
    OPT_KEY,
    OPT_CACERT,
    OPT_TYPE,
    OPT_WAIT,
    OPT_DRY_RUN,
    OPT_FORCE,
    OPT_ALLOW_EARLIER,
    OPT_QUOTA,
    OPT_QUOTA_PREFIX,
    OPT_PER_DEPLOYMENT,
    OPT_RECEIPT,
    OPT_RESUME,
    OPT_PROBE,
    OPT_CA_FILE,
    OPT_SECRET_FILE,
    OPT_ALLOW_HTTP,
    OPT_DEPLOYMENTS,
    OPT_CONCURRENCY,
    OPT_JSON,
    OPT_HOST,
    OPT_MIN_DAYS,
    OPT_VERSION,
};

static const struct option long_options[] = {
    {"deployment", required_argument, NULL, 'd'},
    {"deployments", required_argument, NULL, OPT_DEPLOYMENTS},
    {"concurrency", required_argument, NULL, OPT_CONCURRENCY},
    {"cert", required_argument, NULL, OPT_CERT},
    {"key", required_argument, NULL, OPT_KEY},
    {"cacert", required_argument, NULL, OPT_CACERT},
    {"type", required_argument, NULL, OPT_TYPE},
    {"wait", required_argument, NULL, OPT_WAIT},
    {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"force", no_argument, NULL, OPT_FORCE},
    {"allow-earlier", no_argument, NULL, OPT_ALLOW_EARLIER},
    {"quota-file", required_argument, NULL, OPT_QUOTA},
    {"quota-prefix", required_argument, NULL, OPT_QUOTA_PREFIX},
    {"per-deployment", no_argument, NULL, OPT_PER_DEPLOYMENT},
    {"receipt", required_argument, NULL, OPT_RECEIPT},
    {"resume", required_argument, NULL, OPT_RESUME},
    {"probe", required_argument, NULL, OPT_PROBE},
    {"ca-file", required_argument, NULL, OPT_CA_FILE},
    {"secret-file", required_argument, NULL, OPT_SECRET_FILE},
    {"allow-http-loopback", no_argument, NULL, OPT_ALLOW_HTTP},
    {"host", required_argument, NULL, OPT_HOST},
    {"min-days-left", required_argument, NULL, OPT_MIN_DAYS},
    {"json", no_argument, NULL, OPT_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static void help(void)
{
    puts(
        "emqxtls keeps the TLS certificate of EMQX Platform deployments right, inside the "
        "platform's quota\n"
        "(60 reads and 6 writes in 60 minutes for an API key).\n"
        "\n"
        "  export EMQXCLOUD_PLATFORM_ENDPOINT=https://HOST/public_api/v1\n"
        "  export EMQXCLOUD_PLATFORM_API_KEY=... EMQXCLOUD_PLATFORM_API_SECRET=...\n"
        "  emqxtls ensure --deployment ge6a1a75 --cert fullchain.pem --key privkey.pem --wait 10m\n"
        "\n"
        "`ensure` is the one for a renewal job: it writes only if something else is in place, and "
        "may be run\n"
        "again at any time. See what it would do with --dry-run.\n"
        "\n"
        "Commands:");
    for (size_t i = 0; i < command_count; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].help);
    puts("\n"
         "What:\n"
         "  -d, --deployment ID    the deployment's ID, not its name; for status, ensure and wait "
         "it may be repeated\n"
         "      --deployments FILE one ID a line, # begins a comment; - for standard input\n"
         "      --cert FILE        PEM: the leaf first, then its chain\n"
         "      --key FILE         PEM: the leaf's private key, without a passphrase\n"
         "      --cacert FILE      PEM: the client CA; makes it two-way\n"
         "      --type TYPE        one-way or two-way; told by --cacert if not given\n"
         "How:\n"
         "      --wait DURATION    wait so long at most, such as 90s, 10m, 1h30m; ensure without "
         "it does not wait\n"
         "      --dry-run          ensure: say what would be done, write nothing\n"
         "      --force            ensure: write even if it looks unchanged\n"
         "      --allow-earlier    ensure: accept an earlier expiry than the one in place\n"
         "      --receipt DIR      ensure: keep receipts here: 'unchanged' is then exact, also for "
         "a new key\n"
         "      --probe HOST:PORT  look at the certificate that is served there, at the end\n"
         "      --quota-file PATH  where the quota is kept (a file, redis://..., rediss://..., "
         "unix://...; 'memory' "
         "for\n"
         "                         this run only); by default a file in your state directory\n"
         "      --quota-prefix P   with Redis: what its keys begin with; by default one for each "
         "API key\n"
         "      --per-deployment   every deployment has a quota of its own\n"
         "      --concurrency N    with many deployments: at most N at once (32)\n"
         "      --resume FILE      with many deployments: note here what is done, and leave it out "
         "the next time\n"
         "      --host NAME        check, ensure: a name that clients connect to; probe: the name "
         "asked for (SNI)\n"
         "      --min-days-left N  check, ensure: refuse a certificate with fewer days (60)\n"
         "Where from:\n"
         "      --secret-file FILE lines NAME=VALUE with the three variables above, instead of the "
         "environment\n"
         "      --ca-file FILE     CA certificates for the platform's own server\n"
         "      --allow-http-loopback  accept an http:// endpoint on this machine\n"
         "Output:\n"
         "      --json             one JSON object a line\n"
         "  -q, --quiet            errors only\n"
         "  -v, --verbose          tell every exchange\n"
         "  -h, --help\n"
         "      --version\n"
         "\n"
         "Ends with 0 done or unchanged, 2 usage, 3 refused by the local check, 4 refused by the "
         "platform,\n"
         "5 try later, 6 a write's outcome is not known, 1 anything else.");
}

static int usage(const char *format, const char *what)
{
    fputs("emqxtls: ", stderr);
    fprintf(stderr, format, what);
    fputs("\nTry 'emqxtls --help'.\n", stderr);
    return EXIT_USAGE;
}

static bool parse_number(const char *text, unsigned long most, unsigned long *out)
{
    char *end;
    errno = 0;
    *out = strtoul(text, &end, 10);
    return isdigit((unsigned char)*text) && !*end && !errno && *out <= most;
}

/* "90", "90s", "10m", "1h30m" in milliseconds; at most 49 days. */
static bool parse_duration(const char *text, uint32_t *ms)
{
    uint64_t total = 0;
    if (!*text)
        return false;
    while (*text) {
        char *end;
        if (!isdigit((unsigned char)*text))
            return false;
        errno = 0;
        uint64_t n = strtoul(text, &end, 10), unit = 1000;
        if (errno || n > UINT32_MAX)
            return false;
        if (*end == 'h')
            unit = 3600000;
        else if (*end == 'm')
            unit = 60000;
        else if (*end != 's' && *end)
            return false;
        if (*end)
            end++;
        else if (text != end && total)
            return false; /* "1h30": say the unit */
        total += n * unit;
        if (total > UINT32_MAX)
            return false;
        text = end;
    }
    *ms = (uint32_t)total;
    return true;
}

/* "host:8883", "[::1]:8883". */
static bool parse_host_port(const char *text, char **host, uint16_t *port)
{
    unsigned long n;
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || !parse_number(colon + 1, 65535, &n) || n == 0)
        return false;
    size_t len = (size_t)(colon - text);
    if (text[0] == '[' && len > 2 && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    free(*host);
    *host = strndup(text, len);
    *port = (uint16_t)n;
    return *host != NULL;
}

static int add_deployment(struct options *o, const char *id)
{
    /* `delete -d $ID --json` with an empty ID would delete the certificate of "--json" */
    if (*id == '-')
        return usage("--deployment %s: an ID does not begin with '-': is one missing?", id);
    if (!*id)
        return usage("%s", "--deployment is empty: give the deployment's ID, such as ge6a1a75");
    for (const char *p = id; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return usage("%s",
                         "--deployment has a blank or a control character: give the ID alone");
    if ((o->deployment_count & (o->deployment_count - 1)) == 0) { /* grow at every power of two */
        size_t room = o->deployment_count ? 2 * o->deployment_count : 1;
        char **more = realloc(o->deployments, room * sizeof *more);
        if (!more)
            return EXIT_OTHER;
        o->deployments = more;
    }
    o->deployments[o->deployment_count] = strdup(id);
    return o->deployments[o->deployment_count++] ? EXIT_DONE : EXIT_OTHER;
}

static int cant_read(const char *path)
{
    fprintf(stderr, "emqxtls: can't read --deployments %s: %s\n", path, strerror(errno));
    return EXIT_USAGE;
}

static int read_deployments(struct options *o, const char *path)
{
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    int code = EXIT_DONE;
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!f)
        return cant_read(path);
    while (code == EXIT_DONE && getline(&line, &room, f) > 0) {
        char *id = line_trim(line, ++number);
        if (!id)
            continue;
        char *end = id + strcspn(id, " \t#"), *more = end + strspn(end, " \t");
        if (*more && *more != '#')
            code = usage("--deployments: one ID a line, not '%s'", id);
        *end = '\0';
        if (code == EXIT_DONE)
            code = add_deployment(o, id);
    }
    if (ferror(f)) /* the rest of them would be left out without a word */
        code = cant_read(path);
    free(line);
    if (f != stdin)
        fclose(f);
    return code;
}

static int take(struct options *o, int option, const char *value)
{
    unsigned long n;
    switch (option) {
    case 'd':
        return add_deployment(o, value);
    case OPT_DEPLOYMENTS:
        return read_deployments(o, value);
    case OPT_CONCURRENCY:
        if (!parse_number(value, 4096, &n) || n == 0)
            return usage("--concurrency %s: give a number from 1 to 4096", value);
        o->concurrency = (unsigned)n;
        break;
    case OPT_CERT:
        o->cert_file = value;
        break;
    case OPT_KEY:
        o->key_file = value;
        break;
    case OPT_CACERT:
        o->cacert_file = value;
        break;
    case OPT_TYPE:
        if (strcmp(value, "one-way") == 0)
            o->type = EMQX_TLS_TYPE_ONE_WAY;
        else if (strcmp(value, "two-way") == 0)
            o->type = EMQX_TLS_TYPE_TWO_WAY;
        else
            return usage("--type %s: give one-way or two-way", value);
        break;
    case OPT_WAIT:
        if (!parse_duration(value, &o->wait_ms))
            return usage("--wait %s: give a duration such as 90s, 10m or 1h30m, at most 49 days",
                         value);
        o->wait_given = true;
        break;
    case OPT_DRY_RUN:
        o->dry_run = true;
        break;
    case OPT_FORCE:
        o->force = true;
        break;
    case OPT_ALLOW_EARLIER:
        o->allow_earlier = true;
        break;
    case OPT_QUOTA:
        o->quota = value;
        break;
    case OPT_QUOTA_PREFIX:
        o->quota_prefix = value;
        break;
    case OPT_PER_DEPLOYMENT:
        o->per_deployment = true;
        break;
    case OPT_RECEIPT:
        o->receipt_dir = value;
        break;
    case OPT_RESUME:
        o->resume_file = value;
        break;
    case OPT_PROBE:
        if (!parse_host_port(value, &o->probe_host, &o->probe_port))
            return usage("--probe %s: give HOST:PORT, such as broker.example:8883", value);
        break;
    case OPT_CA_FILE:
        o->ca_file = value;
        break;
    case OPT_SECRET_FILE:
        o->secret_file = value;
        break;
    case OPT_ALLOW_HTTP:
        o->allow_http = true;
        break;
    case OPT_HOST:
        o->host = value;
        break;
    case OPT_MIN_DAYS:
        if (!parse_number(value, 36500, &n))
            return usage("--min-days-left %s: give a number of days", value);
        o->min_days_left = (int32_t)n;
        break;
    case OPT_JSON:
        o->json = true;
        break;
    case 'q':
        o->quiet = true;
        break;
    case 'v':
        o->verbose = true;
        break;
    default:
        return usage("%s", "that option is not known, or lacks its value");
    }
    return EXIT_DONE;
}

/* What the chosen command needs. */
static int validate(const struct options *o)
{
    const struct command_info *info = o->info;
    if (info->needs_deployment && o->deployment_count == 0)
        return usage("%s needs --deployment ID", info->name);
    if (!info->many_deployments && o->deployment_count > 1)
        return usage("%s takes one --deployment", info->name);
    if (info->needs_certificate && (!o->cert_file || !o->key_file))
        return usage("%s needs --cert FILE and --key FILE", info->name);
    /* a dry run must never write */
    if (info->command != ENSURE && (o->dry_run || o->force || o->allow_earlier))
        return usage("%s takes no --dry-run, --force or --allow-earlier: they are for ensure",
                     info->name);
    if (info->command == PROBE && !o->probe_host)
        return usage("%s needs --probe HOST:PORT", info->name);
    if (info->command == ENSURE && o->probe_host && o->deployment_count > 1)
        return usage("%s with --probe takes one --deployment: each has an address of its own",
                     info->name);
    return EXIT_DONE;
}

/* Names it without a value: that may be a secret, and standard error may be a log. */
static int unknown_option(char **argv)
{
    char name[64] = {'-', (char)optopt};
    const char *word = argv[optind - 1];
    if (optopt == 0 || optopt >= OPT_CERT)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    return usage("%s: that option is not known, or lacks its value, or takes none", name);
}

int options_parse(struct options *o, int argc, char **argv, bool *stop)
{
    int option, code;
    *o = (struct options){.concurrency = 32, .min_days_left = -1};
    *stop = false;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "d:qvh", long_options, NULL)) != -1) {
        if (option == 'h' || option == OPT_VERSION) {
            if (option == 'h')
                help();
            else
                printf("emqxtls %s\n", emqx_tls_version());
            *stop = true;
            return EXIT_DONE;
        }
        if (option == '?')
            return unknown_option(argv);
        if ((code = take(o, option, optarg)) != EXIT_DONE)
            return code;
    }
    if (optind >= argc)
        return usage("%s", "give a command, such as 'emqxtls status --deployment ID'");
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(argv[optind], commands[i].name) == 0)
            o->info = &commands[i];
    if (!o->info)
        return usage("there is no command '%s'", argv[optind]);
    if (optind + 1 < argc)
        return usage("'%s' is one argument too many: IDs and files are given by options",
                     argv[optind + 1]);
    return validate(o);
}

void options_free(struct options *o)
{
    for (size_t i = 0; i < o->deployment_count; i++)
        free(o->deployments[i]);
    free(o->deployments);
    free(o->probe_host);
}
