/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * rediss://: whom the library trusts with the password, and what it says of whom it does not.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server.h"

#include <emqxtls/redis.h>

#define RIGHT SERVER_URL_PASSWORD
#define WRONG "hunter22"

static server s;
static emqx_tls_error error;

static emqx_tls_code open_url(const char *url)
{
    emqx_tls_limiter *limiter = NULL;
    emqx_tls_error_init(&error);
    emqx_tls_code code = emqx_tls_limiter_open_redis(url, NULL, NULL, &limiter, &error);
    emqx_tls_limiter_unref(limiter);
    assert_null(strstr(error.message, WRONG));
    return code;
}

/* `more`: what follows ? in the URL, with %s for the server's folder. */
static emqx_tls_code open_at(const char *host, int port, const char *password, const char *more)
{
    char url[512], query[256];
    snprintf(query, sizeof query, more, s.folder, s.folder, s.folder);
    snprintf(url, sizeof url, "rediss://:%s@%s:%d%s", password, host, port, query);
    return open_url(url);
}

static void assert_refused(const char *host, int port, const char *more, const char *why)
{
    assert_int_equal(open_at(host, port, WRONG, more), EMQX_TLS_E_STORE);
    if (!strstr(error.message, why))
        fail_msg("\"%s\" does not say \"%s\"", error.message, why);
}

static int teardown(void **state)
{
    (void)state;
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    server_free(&s);
    return 0;
}

static void the_server_for_the_name_or_address_is_used(void **state)
{
    (void)state;
    server_new_tls(&s, "DNS:localhost,IP:127.0.0.1", false, NULL);
    assert_int_equal(open_at("localhost", s.tls_port, RIGHT, "?ca=%s/ca.pem"), EMQX_TLS_OK);
    assert_int_equal(open_at("127.0.0.1", s.tls_port, RIGHT, "?ca=%s/ca.pem"), EMQX_TLS_OK);
}

static void its_ca_may_be_in_a_folder_or_in_the_environment(void **state)
{
    (void)state;
    char path[128], command[256];
    server_new_tls(&s, "IP:127.0.0.1", false, NULL);
    snprintf(command, sizeof command,
             "cd %s && mkdir cas && cp ca.pem cas/ && openssl rehash cas 2>openssl.log", s.folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(open_at("127.0.0.1", s.tls_port, RIGHT, "?ca=%s/cas"), EMQX_TLS_OK);
    snprintf(path, sizeof path, "%s/ca.pem", s.folder);
    setenv("SSL_CERT_FILE", path, 1);
    assert_int_equal(open_at("127.0.0.1", s.tls_port, RIGHT, ""), EMQX_TLS_OK);
    unsetenv("SSL_CERT_FILE");
    snprintf(path, sizeof path, "%s/cas", s.folder);
    setenv("SSL_CERT_DIR", path, 1);
    assert_int_equal(open_at("127.0.0.1", s.tls_port, RIGHT, ""), EMQX_TLS_OK);
}

/* Redis logs each password that it refused. */
static void a_server_of_another_name_gets_no_password(void **state)
{
    (void)state;
    server_new_tls(&s, "DNS:localhost,IP:127.0.0.2", false, NULL);
    assert_refused("127.0.0.1", s.tls_port, "?ca=%s/ca.pem",
                   "shows a certificate for another name or address");
    assert_int_equal(server_command(&s, "ACL LOG"), 0);
    assert_refused("localhost", s.tls_port, "?ca=%s/ca.pem", "user and password");
    assert_int_equal(server_command(&s, "ACL LOG"), 1);
}

static void nor_does_one_of_a_ca_that_is_not_known(void **state)
{
    (void)state;
    server_new_tls(&s, "IP:127.0.0.1", false, NULL);
    assert_refused("127.0.0.1", s.tls_port, "", "of a CA that is not known here");
    assert_refused("127.0.0.1", s.tls_port, "?ca=%s/tls.key", "has no CA certificate");
    assert_refused("127.0.0.1", s.tls_port, "?ca=%s/none", "can't be read");
    assert_int_equal(server_command(&s, "ACL LOG"), 0);
}

static void nor_one_whose_certificate_has_expired(void **state)
{
    (void)state;
    server_new_tls(&s, "IP:127.0.0.1", true, NULL);
    assert_refused("127.0.0.1", s.tls_port, "?ca=%s/ca.pem", "has expired");
    assert_int_equal(server_command(&s, "ACL LOG"), 0);
}

static void a_port_without_tls_is_told(void **state)
{
    (void)state;
    char url[160];
    server_new_tls(&s, "IP:127.0.0.1", false, NULL);
    assert_refused("127.0.0.1", s.port, "?ca=%s/ca.pem", "TLS port");
    snprintf(url, sizeof url, "redis://:" WRONG "@127.0.0.1:%d", s.tls_port);
    assert_int_equal(open_url(url), EMQX_TLS_E_STORE); /* and the other way about */
}

static void a_server_may_want_a_certificate_of_ours(void **state)
{
    (void)state;
    server_new_tls(&s, "IP:127.0.0.1", false, "tls-auth-clients yes");
    assert_refused("127.0.0.1", s.tls_port, "?ca=%s/ca.pem", "client certificate");
    assert_int_equal(
        open_at("127.0.0.1", s.tls_port, RIGHT, "?ca=%s/ca.pem&cert=%s/tls.pem&key=%s/tls.key"),
        EMQX_TLS_OK);
    assert_refused("127.0.0.1", s.tls_port, "?ca=%s/ca.pem&cert=%s/tls.pem&key=%s/ca.key",
                   "is not the key of ?cert=");
    assert_refused("127.0.0.1", s.tls_port, "?ca=%s/ca.pem&cert=%s/none&key=%s/tls.key",
                   "the file of ?cert=");
    assert_int_equal(open_at("127.0.0.1", s.tls_port, RIGHT, "?ca=%s/ca.pem&cert=%s/tls.pem"),
                     EMQX_TLS_E_INVALID);
}

/* OpenSSL would ask for it on the terminal, and wait. */
static void a_key_with_a_passphrase_is_told(void **state)
{
    (void)state;
    char command[256];
    server_new_tls(&s, "IP:127.0.0.1", false, NULL);
    snprintf(command, sizeof command,
             "openssl pkey -in %s/tls.key -aes128 -passout pass:x -out %s/locked.key", s.folder,
             s.folder);
    assert_int_equal(system(command), 0);
    assert_refused("127.0.0.1", s.tls_port, "?ca=%s/ca.pem&cert=%s/tls.pem&key=%s/locked.key",
                   "passphrase");
}

/* -- a server that is slow --------------------------------------------------------------------- */

typedef struct dripper {
    int listener, port;
    bool silent;
    pthread_t thread;
} dripper;

/* Says nothing, or a byte of a TLS record every 0.1 s. */
static void *drip(void *context)
{
    static const char record[] = {0x16, 0x03, 0x03, 0x3f, 0x00, 0x02, 0x00, 0x3e, (char)0xfc, 0x03};
    dripper *d = context;
    int fd = accept(d->listener, NULL, NULL);
    char byte;
    for (size_t i = 0; !d->silent; i++) {
        if (send(fd, i < sizeof record ? &record[i] : "\3", 1, MSG_NOSIGNAL) != 1)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    while (recv(fd, &byte, 1, 0) > 0)
        ;
    close(fd);
    return NULL;
}

static void one_that_drips_or_says_nothing_is_given_up(void **state)
{
    (void)state;
    server_new_tls(&s, "IP:127.0.0.1", false, NULL);
    for (int silent = 0; silent < 2; silent++) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof a;
        struct timespec before, after;
        dripper d = {.silent = silent != 0};
        d.listener = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(d.listener, (struct sockaddr *)&a, sizeof a), 0);
        assert_int_equal(listen(d.listener, 1), 0);
        assert_int_equal(getsockname(d.listener, (struct sockaddr *)&a, &len), 0);
        assert_int_equal(pthread_create(&d.thread, NULL, drip, &d), 0);
        clock_gettime(CLOCK_MONOTONIC, &before);
        assert_refused("127.0.0.1", ntohs(a.sin_port), "?ca=%s/ca.pem", "TLS port");
        clock_gettime(CLOCK_MONOTONIC, &after);
        assert_in_range(after.tv_sec - before.tv_sec, 0, 40); /* a step's 5 s, on a slow machine */
        pthread_join(d.thread, NULL);
        close(d.listener);
    }
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_server_for_the_name_or_address_is_used),
        TEST(its_ca_may_be_in_a_folder_or_in_the_environment),
        TEST(a_server_of_another_name_gets_no_password),
        TEST(nor_does_one_of_a_ca_that_is_not_known),
        TEST(nor_one_whose_certificate_has_expired),
        TEST(a_port_without_tls_is_told),
        TEST(a_server_may_want_a_certificate_of_ours),
        TEST(a_key_with_a_passphrase_is_told),
        TEST(one_that_drips_or_says_nothing_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
