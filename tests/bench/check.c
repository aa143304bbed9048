/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The local check beside the same proofs by hand with OpenSSL. They take turns. Prints lines
 * NAME<tab>us per check<tab>median ratio to the first.
 */
#include "bench.h"
#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define ROUNDS_MAX 2000

static emqx_tls_request request;

static void need(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "bench-check: %s\n", what);
    exit(1);
}

/* -- by hand ----------------------------------------------------------------------------------- */

static BIO *part(const char *text, size_t len)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    need(bio != NULL, "no memory");
    return bio;
}

/* Does the leaf's public key verify what the private key signs? */
static bool belong_together(X509 *leaf, EVP_PKEY *key)
{
    static const unsigned char message[] = "message";
    unsigned char signature[1024];
    size_t len = sizeof signature;
    EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
    bool good =
        EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(sign, signature, &len, message, sizeof message) == 1 &&
        EVP_DigestVerifyInit(verify, NULL, EVP_sha256(), NULL, X509_get0_pubkey(leaf)) == 1 &&
        EVP_DigestVerify(verify, signature, len, message, sizeof message) == 1;
    EVP_MD_CTX_free(sign);
    EVP_MD_CTX_free(verify);
    return good;
}

/* Does each certificate verify with the next, up to the last, and is each valid now? */
static bool chain_holds(X509 *leaf, STACK_OF(X509) * rest)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, sk_X509_value(rest, sk_X509_num(rest) - 1));
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    bool good = X509_STORE_CTX_init(ctx, store, leaf, rest) == 1 && X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return good;
}

static void hand(void)
{
    STACK_OF(X509) *rest = sk_X509_new_null();
    BIO *bio = part(request.cert, request.cert_len);
    X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL), *next;
    while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        sk_X509_push(rest, next);
    ERR_clear_error(); /* the end of the text is one */
    BIO_free(bio);
    bio = part(request.key, request.key_len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    need(leaf && key && belong_together(leaf, key) && chain_holds(leaf, rest), "by hand: refused");
    EVP_PKEY_free(key);
    X509_free(leaf);
    sk_X509_pop_free(rest, X509_free);
}

/* -- the library: what create, update and ensure run ------------------------------------------- */

static void by_library(void)
{
    emqxi_canonical canonical;
    emqxi_error error;
    if (emqxi_check_canonical(&emqxi_malloc, &request, NULL, time(NULL), &canonical, NULL,
                              &error) != EMQX_TLS_OK)
        need(false, error.message);
    emqxi_canonical_free(&emqxi_malloc, &canonical);
}

/* -- */

static const struct {
    const char *name;
    void (*check)(void);
} subjects[] = {{"hand", hand}, {"hand-again", hand}, {"library", by_library}};
enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };

/* By this name a profiler is told to count here alone. */
BENCH_MEASURED static double bench_measured(size_t at, int checks)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < checks; i++)
        subjects[at].check();
    clock_gettime(CLOCK_MONOTONIC, &end);
    return ((double)(end.tv_sec - begin.tv_sec) * 1e6 +
            (double)(end.tv_nsec - begin.tv_nsec) / 1e3) /
           checks;
}

static const char *file(const char *path, size_t *len)
{
    static char text[2][1 << 16];
    static size_t used;
    FILE *f = fopen(path, "r");
    need(f && used < 2, "a file can't be read");
    *len = fread(text[used], 1, sizeof text[0], f);
    fclose(f);
    return text[used++];
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

int main(int argc, char **argv)
{
    static double us[SUBJECTS][ROUNDS_MAX], ratio[SUBJECTS][ROUNDS_MAX];
    need(argc >= 5, "usage: bench-check CERT-FILE KEY-FILE ROUNDS CHECKS [SUBJECT]");
    emqx_tls_request_init(&request);
    request.type = EMQX_TLS_TYPE_ONE_WAY;
    request.cert = file(argv[1], &request.cert_len);
    request.key = file(argv[2], &request.key_len);
    int rounds = atoi(argv[3]), checks = atoi(argv[4]);
    need(rounds >= 1 && rounds <= ROUNDS_MAX, "too many rounds");
    for (size_t s = 0; s < SUBJECTS; s++)
        for (int i = 0; i < 3; i++)
            subjects[s].check(); /* OpenSSL has fetched what it keeps then */
    for (int round = 0; round < rounds; round++)
        for (size_t s = 0; s < SUBJECTS; s++)
            if (argc < 6 || strcmp(argv[5], subjects[s].name) == 0)
                us[s][round] = bench_measured(s, checks);
    for (size_t s = 0; s < SUBJECTS && argc < 6; s++) {
        for (int round = 0; round < rounds; round++)
            ratio[s][round] = us[s][round] / us[0][round];
    }
    for (size_t s = 0; s < SUBJECTS && argc < 6; s++)
        printf("%s\t%.2f\t%.4f\n", subjects[s].name, median(us[s], (size_t)rounds),
               median(ratio[s], (size_t)rounds));
    return 0;
}
