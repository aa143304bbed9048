/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What is left of private key, API secret and login when a call is over, good or failed at each of
 * its stages, and its client is gone: nothing in the memory that the library gave back, in files or
 * behind descriptors. What libcurl and OpenSSL leave in memory of their own is counted and told.
 *
 * The library has its memory from a piece that is used once: what it gives back stays as it was.
 * What is searched for is kept masked, so that the search does not find itself.
 */
#include "emulator_client.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "folder.h"

/* Its ensure keeps receipts; and a sanitizer maps memory that can't be searched. */
#if defined WITH_OPENSSL && !defined __SANITIZE_ADDRESS__
#define SEARCHED 1
#else
#define SEARCHED 0
#endif
#define ARENA (64 << 20)
#define MASK  0xA5
#define ROOM  64

/* -- the library's memory ---------------------------------------------------------------------- */

static unsigned char *arena;
static size_t used;

static void *take(void *context, size_t n)
{
    (void)context;
    size_t whole = (n + 31) / 16 * 16;
    assert_true(used + whole <= ARENA);
    memcpy(arena + used, &n, sizeof n);
    used += whole;
    return arena + used - whole + 16;
}

static void *move(void *context, void *p, size_t n)
{
    size_t before = 0;
    void *to = take(context, n);
    if (p)
        memcpy(&before, (char *)p - 16, sizeof before);
    return memcpy(to, p ? p : to, before < n ? before : n);
}

static void give_back(void *context, void *p)
{
    (void)context, (void)p;
}

/* -- what is searched for ---------------------------------------------------------------------- */

static struct needle {
    const char *name;
    unsigned char masked[ROOM];
    size_t len;
    bool nowhere; /* of this not even libcurl and OpenSSL leave anything */
} needles[8];
static size_t needle_count;
static size_t before[8]; /* in memory of the test's own */

static void search_for(const char *name, const void *bytes, size_t len, bool nowhere)
{
    struct needle *n = &needles[needle_count++];
    assert_true(len <= ROOM && needle_count <= sizeof needles / sizeof needles[0]);
    n->name = name;
    n->len = len;
    n->nowhere = nowhere;
    for (size_t i = 0; i < len; i++)
        n->masked[i] = ((const unsigned char *)bytes)[i] ^ MASK;
}

static void search_for_key(const test_material *m)
{
    unsigned char number[32];
    BIGNUM *secret = NULL;
    BIO *bio = BIO_new_mem_buf(m->key, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &secret), 1);
    BN_bn2binpad(secret, number, sizeof number);
    search_for("key, DER", number, sizeof number, true);
    OPENSSL_cleanse(number, sizeof number);
    BN_clear_free(secret);
    EVP_PKEY_free(key);
    BIO_free(bio);

    const char *second =
        strchr(strchr(m->key, '\n') + 1, '\n'); /* the end of the first full line */
    char json[64];
    search_for("key, base64", second - 40, 32, false);
    int len = snprintf(json, sizeof json, "%.12s\\n%.12s", second - 12, second + 1);
    search_for("key, JSON", json, (size_t)len, false);
    OPENSSL_cleanse(json, sizeof json);
}

static void search_for_login(void)
{
    char basic[128];
    const char *login = EMULATOR_KEY ":" EMULATOR_SECRET;
    search_for("secret", EMULATOR_SECRET, strlen(EMULATOR_SECRET), true);
    EVP_EncodeBlock((unsigned char *)basic, (const unsigned char *)login, (int)strlen(login));
    search_for("login, base64", basic, 32, false);
    OPENSSL_cleanse(basic, sizeof basic);
}

static size_t count_in(const struct needle *n, const unsigned char *from, size_t len)
{
    size_t count = 0;
    const unsigned char *end = len >= n->len ? from + len - n->len + 1 : from;
    for (const unsigned char *p = from; (p = memchr(p, n->masked[0] ^ MASK, (size_t)(end - p)));
         p++) {
        size_t i = 1;
        while (i < n->len && p[i] == (n->masked[i] ^ MASK))
            i++;
        count += i == n->len;
        if (p + 1 == end)
            break;
    }
    return count;
}

/* In all that the process can write to, but for the arena. */
static void count_in_process(size_t counts[])
{
    char line[512], access[8];
    unsigned long from, to;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    memset(counts, 0, needle_count * sizeof *counts);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, access) != 3 || strncmp(access, "rw", 2) != 0 ||
            (from <= (uintptr_t)arena && (uintptr_t)arena < to))
            continue;
        for (size_t i = 0; i < needle_count; i++)
            counts[i] += count_in(&needles[i], (const void *)from, to - from);
    }
    fclose(maps);
}

static size_t count_in_file(const struct needle *n, const char *path)
{
    static unsigned char text[1 << 16];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text, file);
    assert_true(len < sizeof text);
    fclose(file);
    return count_in(n, text, len);
}

static size_t descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* -- the calls --------------------------------------------------------------------------------- */

static fixture f;
static char receipts[FOLDER_SIZE];
static test_material wrong;

static emqx_tls_code provide(const test_material *m)
{
    emqx_tls_ensure_options options;
    emqx_tls_request request = material_request(m, EMQX_TLS_TYPE_ONE_WAY);
    emqx_tls_ensure_options_init(&options);
    options.receipt_dir = receipts;
    options.flags = EMQX_TLS_FORCE;
    return emqx_tls_ensure(f.client, ID, &request, &options, NULL, &f.status, &f.error);
}

static emqx_tls_code ensure_it(void)
{
    return provide(&material);
}

static emqx_tls_code ensure_what_does_not_fit(void)
{
    return provide(&wrong);
}

static emqx_tls_code put_it(void)
{
    return put(&f);
}

static emqx_tls_code get_it(void)
{
    return get(&f);
}

static emqx_tls_code remove_it(void)
{
    return emqx_tls_remove(f.client, ID, 0, &f.error);
}

static const struct row {
    const char *name;
    emqx_tls_code (*call)(void);
    const char *fault; /* of the emulator; NULL: none */
    emqx_tls_code code;
    uint32_t timeout_ms;  /* 0: the fixture's */
    const char *endpoint; /* NULL: the emulator's */
    bool distrusted;
} rows[] = {
    {"get", get_it, NULL, EMQX_TLS_OK, 0, NULL, false},
    {"ensure", ensure_it, NULL, EMQX_TLS_OK, 0, NULL, false},
    {"update", put_it, NULL, EMQX_TLS_OK, 0, NULL, false},
    {"refused by the check", ensure_what_does_not_fit, NULL, EMQX_TLS_E_CHECK, 0, NULL, false},
    {"nobody there", put_it, NULL, EMQX_TLS_E_TRANSPORT, 0, "https://127.0.0.1:1/v1", false},
    {"not trusted", put_it, NULL, EMQX_TLS_E_TRANSPORT, 0, NULL, true},
    {"no handshake", put_it, "{'at': 'connect', 'end': 'stall'}", EMQX_TLS_E_TIMEOUT, 1500, NULL,
     false},
    {"reset in the request", put_it, "{'read': 200, 'end': 'reset'}", EMQX_TLS_E_TRANSPORT, 0, NULL,
     false},
    {"no answer", put_it, "{'cut': 0, 'end': 'stall'}", EMQX_TLS_E_TIMEOUT, 1500, NULL, false},
    {"dropped", put_it, "{'cut': 0, 'end': 'drop'}", EMQX_TLS_E_TRANSPORT, 0, NULL, false},
    {"not HTTP", put_it, "{'raw': 'garbage', 'end': 'close'}", EMQX_TLS_E_TRANSPORT, 0, NULL,
     false},
    {"echoed", put_it, "{'echo': true}", EMQX_TLS_OK, 0, NULL, false},
    {"401", put_it, "{'status': 401, 'echo': true}", EMQX_TLS_E_UNAUTHORIZED, 0, NULL, false},
    {"422", ensure_it, "{'method': 'PUT', 'status': 422, 'echo': true, 'times': 2}",
     EMQX_TLS_E_UNPROCESSABLE, 0, NULL, false},
    {"500", put_it, "{'status': 500, 'echo': true}", EMQX_TLS_E_HTTP, 0, NULL, false},
    {"remove", remove_it, NULL, EMQX_TLS_OK, 0, NULL, false},
};

static void assert_nothing_in_files(const char *when)
{
    DIR *folder = opendir(receipts);
    for (struct dirent *e; (e = readdir(folder));) {
        char path[sizeof receipts + 256];
        snprintf(path, sizeof path, "%s/%s", receipts, e->d_name);
        for (size_t i = 0; e->d_name[0] != '.' && i < needle_count; i++)
            if (count_in_file(&needles[i], path) > 0)
                fail_msg("%s: the %s is in %s", when, needles[i].name, path);
    }
    closedir(folder);
}

static void play(const struct row *row)
{
    emqx_tls_allocator own = {
        .size = sizeof own, .allocate = take, .resize = move, .release = give_back};
    size_t after[8], open = descriptors(), begun = used;
    emqx_tls_config config = fixture_config(&f);
    config.allocator = &own;
    if (row->endpoint)
        config.endpoint = row->endpoint;
    if (row->timeout_ms)
        config.connect_timeout_ms = config.timeout_ms = row->timeout_ms;
    if (row->distrusted)
        config.ca_file = NULL;
    if (row->fault)
        emulator_fault(&f.emulator, row->fault);
    fixture_client(&f, &config);
    emqx_tls_code code = row->call();
    emqx_tls_client_free(f.client);
    f.client = NULL;
    count_in_process(after);
    emulator_clear_faults(&f.emulator);

    if (code != row->code)
        fail_msg("%s: %s, %s", row->name, emqx_tls_code_name(code), f.error.message);
    assert_true(used > begun);
    for (size_t i = 0; i < needle_count; i++) {
        if (count_in(&needles[i], arena, used) > 0)
            fail_msg("%s: the %s is in memory that was given back", row->name, needles[i].name);
        if (after[i] > before[i] && needles[i].nowhere)
            fail_msg("%s: the %s is left in memory", row->name, needles[i].name);
        if (after[i] > before[i])
            print_message("%s: libcurl and OpenSSL left the %s, %zu bytes, in %zu places\n",
                          row->name, needles[i].name, needles[i].len, after[i] - before[i]);
    }
    assert_int_equal(descriptors(), open);
    assert_nothing_in_files(row->name);
}

static void the_search_finds_each_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < needle_count; i++) {
        unsigned char plain[ROOM + 2] = {0};
        for (size_t j = 0; j < needles[i].len; j++)
            plain[j + 1] = needles[i].masked[j] ^ MASK;
        assert_int_equal(count_in(&needles[i], plain, needles[i].len + 1), 1);
        assert_int_equal(count_in(&needles[i], plain, needles[i].len), 0);
        OPENSSL_cleanse(plain, sizeof plain);
    }
}

static void nothing_secret_is_left_by_the_library(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        play(&rows[i]);
}

static int set_up(void **state)
{
    make_material(state);
    arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
    if (arena == MAP_FAILED || !folder_make(receipts, "leftovers"))
        return -1;
    fixture_start(&f, (const char *[]){"--pending", "0", "--writes", "1000", NULL});
    if (create(&f, &material, EMQX_TLS_TYPE_ONE_WAY) != EMQX_TLS_OK)
        return -1;
    emqx_tls_client_free(f.client);
    f.client = NULL;
    wrong = (test_material){.cert = material.cert, .key = renewed.key, .cacert = material.cacert};
    search_for_key(&material);
    search_for_login();
    count_in_process(before);
    return 0;
}

static int tear_down(void **state)
{
    fixture_end(&f);
    folder_remove(receipts);
    munmap(arena, ARENA);
    return free_material(state);
}

int main(void)
{
    if (!SEARCHED)
        return 77; /* meson: skipped */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_finds_each_form),
        cmocka_unit_test(nothing_secret_is_left_by_the_library),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
