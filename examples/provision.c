/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * provision DEPLOYMENT CERT KEY [CLIENT-CA] - sees to it that a deployment serves a certificate.
 * With CLIENT-CA two-way.
 *
 * CERT holds the leaf first and its chain behind it, KEY the leaf's key without a passphrase; PEM.
 * It writes nothing if that is in place already, else once, and waits until it runs.
 *
 * Endpoint and login come from EMQXCLOUD_PLATFORM_ENDPOINT, EMQXCLOUD_PLATFORM_API_KEY and
 * EMQXCLOUD_PLATFORM_API_SECRET. If set, EMQXTLS_QUOTA_FILE is the file in which all programs that
 * use the key count together, EMQXTLS_RECEIPTS a folder of yours in which it notes what it has
 * written (never the key), and EMQXTLS_CA_FILE the PEM file of the CA of a test server.
 *
 *     cc provision.c $(pkg-config --cflags --libs emqxtls) -o provision
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <emqxtls/emqxtls.h>

#define FILE_MAX    (1024 * 1024)
#define WAIT_MAX_MS (30 * 60 * 1000) /* as long as the platform's own tools wait */

typedef struct pem {
    char *text;
    size_t len;
} pem;

/* Reads a file whole, without stdio: its buffers would keep a copy of the key. */
static int read_pem(const char *path, pem *out)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (!S_ISREG(about.st_mode) || about.st_size <= 0 || about.st_size > FILE_MAX) {
        fprintf(stderr, "%s: not a file of 1 byte to 1 MiB\n", path);
        close(fd);
        return -1;
    }
    out->text = malloc((size_t)about.st_size);
    while (out->text && out->len < (size_t)about.st_size) {
        ssize_t n = read(fd, out->text + out->len, (size_t)about.st_size - out->len);
        if (n > 0)
            out->len += (size_t)n;
        else if (n == 0 || errno != EINTR)
            break; /* it became shorter, or can't be read */
    }
    close(fd);
    if (out->len == (size_t)about.st_size)
        return 0;
    fprintf(stderr, "%s: can't be read whole\n", path);
    return -1;
}

static void wipe(pem *p)
{
    if (p->text)
        explicit_bzero(p->text, p->len);
    free(p->text);
}

static int fail(const char *what, const emqx_tls_error *error)
{
    fprintf(stderr, "%s: %s (%s)\n", what, error->message, emqx_tls_code_name(error->code));
    if (error->retry_after_ms >= 0)
        fprintf(stderr, "Try again in %lld s.\n", (long long)(error->retry_after_ms + 999) / 1000);
    return 1;
}

static int provision(emqx_tls_client *client, const char *id, const emqx_tls_request *request)
{
    static const char *const actions[] = {[EMQX_TLS_ACTION_UNCHANGED] = "unchanged",
                                          [EMQX_TLS_ACTION_CREATED] = "created",
                                          [EMQX_TLS_ACTION_UPDATED] = "updated"};
    emqx_tls_ensure_options options;
    emqx_tls_ensure_result result;
    emqx_tls_status status;
    emqx_tls_error error;
    emqx_tls_ensure_options_init(&options);
    emqx_tls_ensure_result_init(&result);
    emqx_tls_status_init(&status);
    emqx_tls_error_init(&error);
    options.wait_ms = WAIT_MAX_MS;
    options.receipt_dir = getenv("EMQXTLS_RECEIPTS");

    /* Whatever ends this early, the same call goes on from there later: run it daily. */
    emqx_tls_code code = emqx_tls_ensure(client, id, request, &options, &result, &status, &error);
    if (code != EMQX_TLS_OK)
        return fail(id, &error);
    printf("%s: %s, %s, expires %s (%u reads, %u writes)\n", id,
           result.action > 0 && result.action <= EMQX_TLS_ACTION_UPDATED ? actions[result.action]
                                                                         : "done",
           status.state_text, status.expire_text, result.reads, result.writes);
    return 0;
}

static int run(const char *id, const emqx_tls_request *request)
{
    const char *quota_file = getenv("EMQXTLS_QUOTA_FILE");
    emqx_tls_limiter *quota = NULL;
    emqx_tls_config config;
    emqx_tls_client *client;
    emqx_tls_error error;
    emqx_tls_config_init(&config);
    emqx_tls_error_init(&error);
    config.endpoint = getenv("EMQXCLOUD_PLATFORM_ENDPOINT");
    config.api_key = getenv("EMQXCLOUD_PLATFORM_API_KEY");
    config.api_secret = getenv("EMQXCLOUD_PLATFORM_API_SECRET");
    config.ca_file = getenv("EMQXTLS_CA_FILE");
    if (quota_file && emqx_tls_limiter_open_file(quota_file, NULL, &quota, &error) != EMQX_TLS_OK)
        return fail("quota", &error);
    config.limiter = quota;
    emqx_tls_code code = emqx_tls_client_new(&config, &client, &error);
    emqx_tls_limiter_unref(quota); /* the client has a reference of its own */
    if (code != EMQX_TLS_OK)
        return fail("configuration", &error);
    int rc = provision(client, id, request);
    emqx_tls_client_free(client);
    return rc;
}

int main(int argc, char **argv)
{
    emqx_tls_request request;
    pem cert = {0}, key = {0}, client_ca = {0};
    int rc = 1;

    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: provision DEPLOYMENT CERT KEY [CLIENT-CA]\n");
        return 2;
    }
    if (read_pem(argv[2], &cert) == 0 && read_pem(argv[3], &key) == 0 &&
        (argc == 4 || read_pem(argv[4], &client_ca) == 0)) {
        emqx_tls_request_init(&request);
        request.type = argc == 5 ? EMQX_TLS_TYPE_TWO_WAY : EMQX_TLS_TYPE_ONE_WAY;
        request.cert = cert.text;
        request.cert_len = cert.len;
        request.key = key.text;
        request.key_len = key.len;
        request.cacert = client_ca.text;
        request.cacert_len = client_ca.len;
        rc = run(argv[1], &request);
    }
    wipe(&key);
    free(cert.text);
    free(client_ca.text);
    return rc;
}
