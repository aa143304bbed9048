/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The library's messages name members and flags of C; whoever runs the command knows its options.
 * tests/command/words.py holds every message of the library to this table.
 */
#include "words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A name that ends in '.' stands for the beginning of a word. Longer ones go first. */
static const struct {
    const char *name, *word;
} table[] = {
    {"(run was not called, or other calls blocked it)", "(is this machine overloaded?)"},
    {" (curl_global_init failed)", ""},
    {"use its own (config NULL) or another file",
     "run it with --per-deployment as the others do, or give another --quota-file"},
    {"use emqx_tls_limiter_new, or a store of your own", "give --quota-file a Redis"},
    {"use emqx_tls_get, _create, _update and _delete", "use status, create, update and delete"},
    {"set config.transport", "take a build that has it"},
    {"with its length", "with BEGIN and END lines"},
    {"give NULL for none", "leave it out for none"},
    {"NULL sends the host's name", "leave it out to ask for the host of --probe"},
    {"NULL compares no host name", "leave it out to compare no name"},
    {"call again", "run it again"},
    {"EMQX_TLS_ALLOW_HTTP_LOOPBACK", "--allow-http-loopback"},
    {"ALLOW_EARLIER", "--allow-earlier"},
    {"FORCE", "--force"},
    {"api_key", "EMQXCLOUD_PLATFORM_API_KEY"},
    {"api_secret", "EMQXCLOUD_PLATFORM_API_SECRET"},
    {"ca_file", "--ca-file"},
    {"deployment_id", "--deployment"},
    {"expire_offset_s", "--receipt"}, /* which learns it */
    {"options.probe_port", "the port of --probe"},
    {".probe_host", "--probe"},
    {"probe_host", "--probe"},
    {"policy.host", "--host"},
    {"server_name", "--host"},
    {"receipt_dir", "--receipt"},
    {"expected.", "--"},
    {"request.", "--"},
    {"timeout_ms", "the time for one request"},
    {"wait_ms", "--wait"},
    {"window_ms", "window in ms"},
};

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_./-", c));
}

/* Is the word at `text`, behind the character `before`, this name? */
static bool is_named(const char *text, char before, const char *name)
{
    size_t len = strlen(name);
    if (strncmp(text, name, len) != 0 || (in_word(before) && *name != ' '))
        return false;
    const char *end = text + len + (text[len] == '.'); /* of a sentence, perhaps */
    return name[len - 1] == '.' || !in_word(*end);
}

char *in_own_words(const char *text)
{
    char *to = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&to, &len);
    if (!f)
        return NULL;
    for (char before = ' '; *text;) {
        size_t row = 0, rows = sizeof table / sizeof table[0];
        while (row < rows && !is_named(text, before, table[row].name))
            row++;
        fputs(row < rows ? table[row].word : (char[]){*text, '\0'}, f);
        text += row < rows ? strlen(table[row].name) : 1;
        before = text[-1];
    }
    return fclose(f) == 0 ? to : NULL;
}

void put_text(FILE *to, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
        fputc(*p < 0x20 || *p == 0x7f || c1 ? '?' : *p, to);
        p += c1;
    }
}

void put_message(FILE *to, const char *text)
{
    char *own = in_own_words(text);
    put_text(to, own ? own : text);
    free(own);
}

static char last_said[512];

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_said, sizeof last_said, format, arguments);
    va_end(arguments);
    fputs("emqxtls: ", stderr);
    put_text(stderr, last_said);
    fputc('\n', stderr);
}

const char *what_was_said(void)
{
    return last_said;
}
