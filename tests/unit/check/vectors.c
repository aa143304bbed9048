/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * vectors FOLDER - files that nobody here wrote (Debian's python3-cryptography-vectors), each as
 * certificate, as key and as client CA: none ends the program, and what OpenSSL can't read is
 * refused with a text that says why.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "check/check.h"
#include "support/pki.h"

#define SIZE_MAX_READ (1 << 20)

static char data[SIZE_MAX_READ];
static size_t files, refused_by_openssl, missed;
static pki_text leaf, key;

static int no_passphrase(char *to, int size, int writing, void *user)
{
    (void)to, (void)size, (void)writing, (void)user;
    return -1;
}

static bool openssl_reads(uint32_t part, size_t len)
{
    BIO *bio = BIO_new_mem_buf(data, (int)len);
    EVP_PKEY *private = NULL;
    X509 *x = NULL;
    if (part == EMQX_TLS_PART_KEY)
    private = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    else x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    bool read = private || x;
    EVP_PKEY_free(private);
    X509_free(x);
    BIO_free(bio);
    ERR_clear_error();
    return read;
}

/* Is something of this part refused? Its text is whole. */
static bool is_refused(const emqx_tls_report *report, uint32_t part)
{
    bool refused = false;
    for (size_t i = 0; i < emqx_tls_report_count(report); i++) {
        emqx_tls_finding f;
        emqx_tls_finding_init(&f);
        emqx_tls_report_get(report, i, &f);
        refused |= f.part == part && f.severity == EMQX_TLS_REFUSE;
        if (strlen(f.text) < 20 || strlen(f.text) >= sizeof f.text - 1 ||
            !emqxi_utf8_ok(f.text, strlen(f.text))) {
            printf("a text that is none, or cut: %s\n", f.text);
            missed++;
        }
    }
    return refused;
}

static void try_as(uint32_t part, const char *path, size_t len)
{
    emqx_tls_request r;
    emqx_tls_report *report = NULL;
    char *exact = malloc(len ? len : 1); /* so that a byte behind it is found */
    memcpy(exact, data, len);
    emqx_tls_request_init(&r);
    r.type = part == EMQX_TLS_PART_CACERT ? EMQX_TLS_TYPE_TWO_WAY : EMQX_TLS_TYPE_ONE_WAY;
    r.cert = part == EMQX_TLS_PART_CERT ? exact : leaf.data;
    r.cert_len = part == EMQX_TLS_PART_CERT ? len : leaf.len;
    r.key = part == EMQX_TLS_PART_KEY ? exact : key.data;
    r.key_len = part == EMQX_TLS_PART_KEY ? len : key.len;
    if (part == EMQX_TLS_PART_CACERT) {
        r.cacert = exact;
        r.cacert_len = len;
    }
    emqx_tls_code code = emqx_tls_check(&r, NULL, PKI_NOW, &report, NULL);
    missed += code != EMQX_TLS_OK && code != EMQX_TLS_E_CHECK;
    bool read = openssl_reads(part, len);
    refused_by_openssl += !read;
    if (!read && !is_refused(report, part)) {
        printf("%s: OpenSSL can't read it as %s, and nothing was found\n", path,
               part == EMQX_TLS_PART_KEY ? "a key" : "a certificate");
        missed++;
    }
    emqx_tls_report_free(report);
    free(exact);
}

static int on_file(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)where;
    bool vector = strstr(path, "/x509/") || strstr(path, "/asymmetric/") ||
                  strstr(path, "/pkcs7/") || strstr(path, "/pkcs12/");
    /* the large ones are tables of numbers */
    if (type != FTW_F || !vector || info->st_size > 64 * 1024)
        return 0;
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    size_t len = fread(data, 1, sizeof data, f);
    fclose(f);
    for (uint32_t part = EMQX_TLS_PART_CERT; part <= EMQX_TLS_PART_CACERT; part++)
        try_as(part, path, len);
    files++;
    return 0;
}

int main(int argc, char **argv)
{
    pki_put(&leaf, "leaf inter");
    pki_put(&key, "leaf.key");
    if (argc > 1)
        nftw(argv[1], on_file, 16, FTW_PHYS);
    free(leaf.data);
    free(key.data);
    pki_end();
    if (files == 0) {
        puts("there are no vectors here: install python3-cryptography-vectors");
        return 77; /* skipped */
    }
    printf("%zu files, %zu times refused by OpenSSL, %zu missed\n", files, refused_by_openssl,
           missed);
    return missed > 0 || files < 200;
}
