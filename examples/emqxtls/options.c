/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "help.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Says it, and how to go on. */
static int usage(const char *format, const char *what)
{
    say(format, what);
    fputs("Try 'emqxtls --help'.\n", stderr);
    return EXIT_USAGE;
}

static bool parse_number(const char *text, long least, long most, int *out)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    *out = (int)n;
    return isdigit((unsigned char)*text) && !*end && !errno && n >= least && n <= most;
}

/* "90", "90s", "10m", "1h30m" in milliseconds; at most 49 days. */
static bool parse_duration(const char *text, uint32_t *ms)
{
    static const uint32_t units[] = {['s'] = 1000, ['m'] = 60000, ['h'] = 3600000};
    uint64_t total = 0;
    char *end = NULL;
    for (const char *at = text; !end || *at; at = end) {
        errno = 0;
        uint64_t n = isdigit((unsigned char)*at) ? strtoul(at, &end, 10) : UINT64_MAX;
        bool bare = end && !*end && at == text; /* "1h30": say the unit */
        unsigned char letter = bare ? 's' : end ? (unsigned char)*end : 0;
        if (n > UINT32_MAX || errno || letter >= sizeof units / sizeof *units || !units[letter])
            return false;
        total += n * units[letter];
        end += !bare;
        if (total > UINT32_MAX)
            return false;
    }
    *ms = (uint32_t)total;
    return true;
}

/* "host:8883", "[::1]:8883". */
static bool parse_host_port(const char *text, char **host, int *port)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || !parse_number(colon + 1, 1, 65535, port))
        return false;
    size_t len = (size_t)(colon - text);
    if (text[0] == '[' && len > 2 && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    free(*host);
    *host = strndup(text, len);
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
    say("can't read --deployments %s: %s", path, strerror(errno));
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

/* An option whose value is more than a text, or that may be repeated. */
static int take_value(struct options *o, int option, const char *value)
{
    switch (option) {
    case 'd':
        return add_deployment(o, value);
    case OPT_DEPLOYMENTS:
        return read_deployments(o, value);
    case OPT_CONCURRENCY:
        if (!parse_number(value, 1, 4096, &o->concurrency))
            return usage("--concurrency %s: give a number from 1 to 4096", value);
        break;
    case OPT_TYPE:
        for (o->type = EMQX_TLS_TYPE_TWO_WAY; o->type; o->type--)
            if (strcmp(value, emqx_tls_type_name(o->type)) == 0)
                return EXIT_DONE;
        return usage("--type %s: give one-way or two-way", value);
    case OPT_WAIT:
        if (!parse_duration(value, &o->wait_ms))
            return usage("--wait %s: give a duration such as 90s, 10m or 1h30m, at most 49 days",
                         value);
        o->wait_given = true;
        break;
    case OPT_PROBE:
        if (!parse_host_port(value, &o->probe_host, &o->probe_port))
            return usage("--probe %s: give HOST:PORT, such as broker.example:8883", value);
        break;
    case OPT_MIN_DAYS:
        if (!parse_number(value, 0, 36500, &o->min_days_left))
            return usage("--min-days-left %s: give a number of days", value);
        break;
    }
    return EXIT_DONE;
}

static int take(struct options *o, int option, const char *value)
{
    const struct option_row *row = option_rows;
    while (option_key((size_t)(row - option_rows)) != option)
        row++;
    if (!row->member)
        return take_value(o, option, value);
    if (row->value)
        memcpy((char *)o + row->member, &value, sizeof value);
    else
        *(bool *)((char *)o + row->member) = true;
    return EXIT_DONE;
}

/* What must not be given together. */
static int validate_pairs(const struct options *o)
{
    const char *files[] = {o->cert_file, o->key_file, o->cacert_file, o->secret_file};
    size_t from_stdin = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        from_stdin += files[i] && strcmp(files[i], "-") == 0;
    if (from_stdin > 1)
        return usage("%s", "standard input, -, can be given once");
    if (o->output && !o->openmetrics)
        return usage("%s", "--output is for --openmetrics");
    if (o->openmetrics && (o->json || o->resume_file))
        return usage("--openmetrics tells all in its own form: leave out %s",
                     o->json ? "--json" : "--resume");
    if (o->info->command == ENSURE && o->probe_host && o->deployment_count > 1)
        return usage("%s with --probe takes one --deployment: each has an address of its own",
                     o->info->name);
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
    if (info->command == PROBE && !o->probe_host)
        return usage("%s needs --probe HOST:PORT", info->name);
    return validate_pairs(o);
}

/* One of three: it is not known, it lacks its value, it takes none. Names it without a value: that
 * may be a secret, and standard error may be a log. */
static int bad_option(char **argv, int problem)
{
    char name[64] = {'-', (char)optopt};
    const char *word = argv[optind - 1];
    /* a word of short options is behind argv[optind - 1] until its last one is read */
    bool is_long = optopt == 0 || optopt >= OPT_TYPE ||
                   (strncmp(word, "--", 2) == 0 && (problem == ':' || strchr(word, '=')));
    if (is_long)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    if (problem == ':')
        return usage("%s needs a value", name);
    if (is_long && optopt != 0)
        return usage("%s takes no value", name);
    const char *near = is_long ? option_near(name + 2) : NULL;
    char text[128];
    snprintf(text, sizeof text, near ? "%s is no option: is --%s meant" : "%s is no option", name,
             near);
    return usage("%s", text);
}

static const struct command_info *command_of(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

/* Each option must be one that the command uses: what is left out without a word may be missed. */
static int uses_all(const struct options *o, const bool given[OPT_END])
{
    char name[64];
    for (size_t i = 0; i < option_count; i++)
        if (given[option_key(i)] && !(option_rows[i].commands & 1u << o->info->command)) {
            snprintf(name, sizeof name, "%s takes no --%s", o->info->name, option_rows[i].name);
            return usage("%s", name);
        }
    return EXIT_DONE;
}

static int take_command(struct options *o, char **words, int count, bool help)
{
    bool asked = count > 0 && strcmp(words[0], "help") == 0; /* `help COMMAND` */
    words += asked;
    count -= asked;
    o->info = count > 0 ? command_of(words[0]) : NULL;
    if (count > 0 && !o->info)
        return usage("there is no command '%s'", words[0]);
    if (count > 1)
        return usage("'%s' is one argument too many: IDs and files are given by options", words[1]);
    if (asked || help)
        show_help(o->info);
    else if (!o->info)
        return usage("%s", "give a command, such as 'emqxtls status --deployment ID'");
    return EXIT_DONE;
}

static const char letters[] = ":d:o:qvhV";

/* Whether --json is there, and which command: an error in front of them is told in that form, too.
 * In a copy, since getopt moves the words. */
static void look_ahead(struct options *o, int argc, char **argv, const struct option *longs)
{
    char **words = calloc((size_t)argc + 1, sizeof *words);
    if (!words)
        return;
    memcpy(words, argv, (size_t)argc * sizeof *words);
    for (int option; (option = getopt_long(argc, words, letters, longs, NULL)) != -1;)
        o->json |= option >= OPT_ROW && strcmp(longs[option - OPT_ROW].name, "json") == 0;
    o->info = optind < argc ? command_of(words[optind]) : NULL;
    optind = 0; /* begins anew */
    free(words);
}

int options_parse(struct options *o, int argc, char **argv, bool *stop)
{
    struct option longs[OPT_END + 1] = {{0}};
    bool given[OPT_END] = {false};
    int option, code;
    *o = (struct options){.concurrency = 32, .min_days_left = -1};
    *stop = false;
    for (size_t i = 0; i < option_count; i++)
        longs[i] = (struct option){option_rows[i].name,
                                   option_rows[i].value ? required_argument : no_argument, NULL,
                                   option_key(i)};
    opterr = 0;
    look_ahead(o, argc, argv, longs);
    while ((option = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (option == '?' || option == ':')
            return bad_option(argv, option);
        given[option] = true;
        if ((code = take(o, option, optarg)) != EXIT_DONE)
            return code;
    }
    bool help = given['h'] || (optind < argc && strcmp(argv[optind], "help") == 0);
    *stop = help || given['V'];
    o->json &= !*stop;
    if (given['V']) {
        printf("emqxtls %s\n", emqx_tls_version());
        return EXIT_DONE;
    }
    code = take_command(o, argv + optind, argc - optind, given['h']);
    if (code != EXIT_DONE || help)
        return code;
    code = uses_all(o, given);
    return code == EXIT_DONE ? validate(o) : code;
}

void options_free(struct options *o)
{
    for (size_t i = 0; i < o->deployment_count; i++)
        free(o->deployments[i]);
    free(o->deployments);
    free(o->probe_host);
}
