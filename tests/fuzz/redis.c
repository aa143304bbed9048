/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What Redis answers, or what stands at its address: the session and the store above a connection
 * that is played, where hiredis reads what the input gives. The first line has options, the second
 * what is done (quota_use.h), the rest are the answers, one after the other:
 *
 *   f 0-3, W, P   options: groups as in quota_file.c; reads go on without Redis; with a password
 *   .             what Redis would answer; so it does behind the end, too
 *   C X Y         the same, with the byte at X changed to Y
 *   N             it does not know the script
 *   / T           the connection ends; no answer comes in time
 *   M             there is no memory for it
 *   X Y           it can't be reached when it is next connected to: now, or for good
 *   other bytes   as they came, up to the end of a reply
 */
#include "quota_use.h"

#include <inttypes.h>

#include "redis/link.h"
#include "redis/store.h"
#include <emqxtls/redis.h>

#define SECRET "a/password"
#define EPOCH  "0123456789abcdef:0:"

static quota_use u;
static fuzz_input answers;

static int64_t play_now(void *context)
{
    (void)context;
    return emqx_tls_test_clock_now(u.clock);
}

/* The system's clock under another name, in all of lib/redis that is compiled into this. */
const emqx_tls_clock emqxi_system_clock = {.size = sizeof emqxi_system_clock, .now_ms = play_now};

/* -- what Redis would answer ------------------------------------------------------------------- */

enum { ASKED_MAX = 4 };

static char asked[ASKED_MAX][256];
static size_t asked_count;
static int slots;

static void answer_to(int count, const char **arguments, char *to, size_t size)
{
    const char *step = count > 9 ? arguments[9] : "";
    if (strcmp(step, "join") == 0)
        snprintf(to, size, "*2\r\n:1\r\n$%zu\r\n%s%s\r\n", strlen(EPOCH) + strlen(arguments[10]),
                 EPOCH, arguments[10]);
    else if (strcmp(step, "reserve") == 0)
        snprintf(to, size, "*3\r\n:1\r\n:%d\r\n:%" PRId64 "\r\n", ++slots, play_now(NULL));
    else if (strcmp(step, "query") == 0)
        snprintf(to, size, "*5\r\n:1\r\n:0\r\n:2\r\n:0\r\n:0\r\n");
    else if (strcmp(step, "settle") == 0)
        snprintf(to, size, "*1\r\n:1\r\n");
    else
        snprintf(to, size, "+OK\r\n");
}

static bool next_is(char letter)
{
    if (!fuzz_more(&answers) || *answers.at != (uint8_t)letter)
        return false;
    answers.at++;
    return true;
}

/* -- the connection: what link.c does over a socket ---------------------------------------------- */

static bool fails(emqxi_link *l, bool lasting, const char *problem)
{
    l->problem = problem;
    l->lasting = lasting;
    return false;
}

bool emqxi_link_open(emqxi_link *l, const emqxi_redis_url *url, int64_t until)
{
    (void)url, (void)until;
    l->fd = -1;
    l->answered = false;
    if (next_is('X'))
        return fails(l, false, "can't be reached: is it running?");
    if (next_is('Y'))
        return fails(l, true, "has a path that is too long for a socket");
    l->reader = redisReaderCreate();
    HOLDS(l->reader);
    l->fd = 1000;
    asked_count = 0;
    return true;
}

void emqxi_link_close(emqxi_link *l)
{
    if (l->reader)
        redisReaderFree(l->reader);
    l->reader = NULL;
    l->fd = -1;
}

bool emqxi_link_send(emqxi_link *l, int count, const char **arguments, int64_t until)
{
    (void)until;
    char *command = NULL;
    HOLDS(l->fd >= 0);
    HOLDS(redisFormatCommandArgv(&command, count, arguments, NULL) > 0);
    redisFreeCommand(command);
    HOLDS(asked_count < ASKED_MAX); /* answers that nobody waits for are read before the next */
    answer_to(count, arguments, asked[asked_count], sizeof asked[0]);
    asked_count++;
    return true;
}

static redisReply *read_raw(emqxi_link *l)
{
    void *reply = NULL;
    while (!reply) {
        if (!fuzz_more(&answers))
            return fails(l, false, "has ended the connection: was it started again?"), NULL;
        char byte = (char)fuzz_byte(&answers);
        if (redisReaderFeed(l->reader, &byte, 1) != REDIS_OK ||
            redisReaderGetReply(l->reader, &reply) != REDIS_OK)
            return fails(l, true, "answers as no Redis does: is the address right?"), NULL;
    }
    return reply;
}

static redisReply *read_good(emqxi_link *l, const char *text)
{
    void *reply = NULL;
    if (redisReaderFeed(l->reader, text, strlen(text)) != REDIS_OK ||
        redisReaderGetReply(l->reader, &reply) != REDIS_OK)
        return fails(l, true, "answers as no Redis does: is the address right?"), NULL;
    if (!reply)
        fails(l, false, "has ended the connection: was it started again?");
    return reply;
}

redisReply *emqxi_link_read(emqxi_link *l, int64_t until)
{
    char good[sizeof asked[0]];
    HOLDS(l->fd >= 0 && asked_count > 0);
    memcpy(good, asked[0], sizeof good);
    memmove(asked[0], asked[1], sizeof asked - sizeof asked[0]);
    asked_count--;
    int64_t left = until - play_now(NULL);
    if (next_is('/'))
        return fails(l, false, "has ended the connection: was it started again?"), NULL;
    if (next_is('M'))
        return fails(l, false, ""), NULL;
    if (next_is('T')) {
        emqx_tls_test_clock_advance(u.clock, EMQXI_MAX(left, 0));
        u.passed_ms += EMQXI_MAX(left, 0);
        return fails(l, false, "does not answer: is it running?"), NULL;
    }
    if (next_is('N'))
        return read_good(l, "-NOSCRIPT No matching script.\r\n");
    if (next_is('C')) {
        uint8_t at = fuzz_digit(&answers);
        good[at % strlen(good)] = (char)fuzz_byte(&answers);
        return read_good(l, good);
    }
    return !fuzz_more(&answers) || next_is('.') ? read_good(l, good) : read_raw(l);
}

/* ------------------------------------------------------------------------------------------------ */

static void open_store(const char *url)
{
    emqx_tls_error error;
    emqxi_settings settings;
    emqx_tls_error_init(&error);
    emqx_tls_code code = emqxi_redis_open(url, "p", &u.config, &u.store, &settings, &error);
    quota_use_ended(&u, code, &error);
    u.open = code == EMQX_TLS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, data + size}, options = fuzz_line(&in), done = fuzz_line(&in);
    const char *url = "redis://redis.example";
    uint8_t kind = 0;
    uint32_t flags = 0;
    while (fuzz_more(&options)) {
        char letter = (char)fuzz_byte(&options);
        if (letter == 'f')
            kind = fuzz_digit(&options);
        else if (letter == 'W')
            flags = EMQX_TLS_READS_WITHOUT_STORE;
        else if (letter == 'P')
            url = "redis://a-user:a%2fpassword@redis.example/3";
    }
    quota_use_begin(&u, kind);
    u.config.flags |= flags;
    u.secret = SECRET;
    answers = in;
    slots = 0;
    open_store(url);
    for (int steps = 0; u.open && fuzz_more(&done) && steps < 64; steps++) {
        char letter = (char)fuzz_byte(&done);
        quota_use_step(&u, letter, &done);
    }
    quota_use_end(&u);
    return 0;
}
