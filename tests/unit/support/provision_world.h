/* SPDX-License-Identifier: MIT
 *
 * What the tests of ensure, wait and remove share: real leaves, replies about them, receipts in a
 * folder of the test's own.
 */
#ifndef PROVISION_WORLD_H
#define PROVISION_WORLD_H

#include "scripted_client.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define END      1931913600 /* when the wanted leaf ends */
#define END_TEXT "2031-03-22 02:40:00"
#define OLD_TEXT "2026-06-01 00:00:00"
#define NEW_TEXT "2033-01-01 00:00:00"
#define NAME     "mqtt.example"

#define TLS(status, expire)                                                                        \
    "{\"tlsType\":\"one-way\",\"status\":\"" status "\",\"expire\":\"" expire "\",\"cn\":\"" NAME  \
    "\"}"
#define BARE(status) "{\"status\":\"" status "\"}"

#define SAME_RUNNING TLS("running", END_TEXT)
#define SAME_PENDING TLS("pending", END_TEXT)
#define OLD_RUNNING  TLS("running", OLD_TEXT)
#define OLD_PENDING  TLS("pending", OLD_TEXT)

#define MINUTES(n) ((n)*60 * 1000)

typedef struct made {
    X509 *x;
    EVP_PKEY *key;
} made;

/* A self-signed certificate with a key of its own: EC P-256, or RSA of so many bits. */
static inline made make(const char *name, int64_t end, unsigned rsa_bits)
{
    made m = {.x = X509_new(), .key = rsa_bits ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256")};
    X509_set_version(m.x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(m.x), 1);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(m.x), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(m.x, X509_get_subject_name(m.x));
    ASN1_TIME_set(X509_getm_notBefore(m.x), 1500000000);
    ASN1_TIME_set(X509_getm_notAfter(m.x), (time_t)end);
    X509_set_pubkey(m.x, m.key);
    assert_true(X509_sign(m.x, m.key, EVP_sha256()) > 0);
    return m;
}

static inline void made_free(made *m)
{
    X509_free(m->x);
    EVP_PKEY_free(m->key);
}

/* Its certificate in PEM, to be freed. */
static inline char *made_pem(const made *m)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    PEM_write_bio_X509(bio, m->x);
    long len = BIO_get_mem_data(bio, &text);
    char *copy = strndup(text, (size_t)len);
    BIO_free(bio);
    return copy;
}

static inline char *make_leaf(const char *name, int64_t end)
{
    made m = make(name, end, 0);
    char *pem = made_pem(&m);
    made_free(&m);
    return pem;
}

typedef struct world {
    fixture *f;
    made made;
    char *leaf; /* of it */
    char folder[64];
    emqx_tls_ensure_options options;
    emqx_tls_ensure_result result;
} world;

static world w;

static inline int world_set_up(void **state)
{
    int code = setup(state);
    memset(&w, 0, sizeof w);
    w.f = *state;
    w.made = make(NAME, END, 0);
    w.leaf = made_pem(&w.made);
    w.f->request.cert = w.leaf;
    w.f->request.cert_len = strlen(w.leaf);
    strcpy(w.folder, "/tmp/emqxtls-receipts-XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    emqx_tls_ensure_options_init(&w.options);
    emqx_tls_ensure_result_init(&w.result);
    open_client(w.f);
    return code;
}

static inline void remove_files(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *one;
    char path[512];
    while (d && (one = readdir(d))) {
        snprintf(path, sizeof path, "%s/%s", folder, one->d_name);
        if (one->d_name[0] != '.' && unlink(path) != 0)
            rmdir(path);
    }
    if (d)
        closedir(d);
}

static inline int world_tear_down(void **state)
{
    int code = teardown(state);
    remove_files(w.folder);
    rmdir(w.folder);
    free(w.leaf);
    made_free(&w.made);
    return code;
}

static inline emqx_tls_code ensure(void)
{
    return emqx_tls_ensure(w.f->client, "d1", &w.f->request, &w.options, &w.result, &w.f->status,
                           &w.f->error);
}

/* ensure shall end so, having done this and spent these. */
#define expect_end(end, done, get_count, write_count)                                              \
    do {                                                                                           \
        emqx_tls_code got_ = ensure();                                                             \
        if (got_ != (end))                                                                         \
            fail_msg("ensure ended with %s: %s", emqx_tls_code_name(got_), w.f->error.message);    \
        assert_int_equal(w.f->error.code, got_);                                                   \
        assert_int_equal(w.result.action, (done));                                                 \
        assert_int_equal(w.result.reads, (get_count));                                             \
        assert_int_equal(w.result.writes, (write_count));                                          \
        const char *problem_ = emqx_tls_test_transport_problem(w.f->script);                       \
        if (problem_)                                                                              \
            fail_msg("%s", problem_);                                                              \
    } while (0)

/* The script. */
static inline void get_is(const char *body)
{
    expect_answer(w.f, "GET", 200, body);
}

static inline void gets_are(uint32_t times, const char *body)
{
    expect_many(w.f, times, "GET", 200, body);
}

static inline void get_says(int32_t status)
{
    expect_answer(w.f, "GET", status, "");
}

static inline void put_is(const char *body)
{
    expect_answer(w.f, "PUT", 200, body);
}

static inline void post_is(const char *body)
{
    expect_answer(w.f, "POST", 200, body);
}

static inline void get_lost(uint32_t delivery, emqx_tls_code code)
{
    emqx_tls_test_step step = {.method = "GET", .code = code, .delivery = delivery, .times = 3};
    expect(w.f, &step);
}

static inline void write_lost(const char *method)
{
    emqx_tls_test_step step = {
        .method = method, .code = EMQX_TLS_E_TRANSPORT, .delivery = EMQX_TLS_DELIVERY_MAYBE};
    expect(w.f, &step);
}

/* The i-th request came so long after the first call began. */
static inline int64_t came_at(size_t i)
{
    const emqx_tls_test_seen *s = emqx_tls_test_transport_seen(w.f->script, i);
    assert_non_null(s);
    return s->at_ms - 1000000;
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

#endif
