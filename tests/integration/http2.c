/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * HTTP/2 where the server offers it, against nginx: reads share a connection, writes do not, and
 * what nginx says arrived was paid for.
 */
#include "emulator_client.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "free_port.h"

enum { READS = 64, LINES_MAX = 1024 };

typedef struct server {
    pid_t pid;
    int port;
    char folder[64];
    test_material material;
    emqx_tls_limiter *limiter;
    emqx_tls_client *client;
    int ended, failed;
} server;

/* A line of nginx's log. */
typedef struct arrival {
    int connection, status;
    char protocol[16], method[16];
} arrival;

static arrival arrivals[LINES_MAX];

static void save(const server *s, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
}

static bool listening(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return is;
}

static void start_nginx(server *s, const char *settings)
{
    char config[2048], path[128];
    s->port = free_port();
    snprintf(config, sizeof config,
             "daemon off; master_process off; pid pid; error_log error.log;\n"
             "events { worker_connections 512; }\n"
             "http {\n"
             "  log_format short '$connection $server_protocol $request_method $status'; "
             "access_log access.log short;\n"
             "  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; "
             "uwsgi_temp_path uwsgi;\n"
             "  scgi_temp_path scgi; default_type application/json;\n"
             "  server {\n"
             "    listen 127.0.0.1:%d ssl http2; ssl_certificate cert.pem; ssl_certificate_key "
             "key.pem; %s\n"
             "    location / { return 200 '{\"status\":\"running\"}'; }\n"
             "  }\n"
             "}\n",
             s->port, settings);
    save(s, "nginx.conf", config);
    save(s, "access.log", "");
    snprintf(path, sizeof path, "%s/nginx.conf", s->folder);
    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        execl(NGINX, NGINX, "-p", s->folder, "-e", "error.log", "-c", path, (char *)NULL);
        _exit(127);
    }
    while (!listening(s->port)) {
        assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
        usleep(10000);
    }
}

static void start(server *s, const char *settings)
{
    char endpoint[64], ca[128];
    emqx_tls_config config;
    emqx_tls_limiter_config wide;
    memset(s, 0, sizeof *s);
    assert_true(folder_make(s->folder, "nginx"));
    material_make(&s->material, "localhost", 90);
    save(s, "cert.pem", s->material.cert);
    save(s, "key.pem", s->material.key);
    save(s, "ca.pem", s->material.cacert);
    start_nginx(s, settings);

    snprintf(endpoint, sizeof endpoint, "https://localhost:%d/v1", s->port);
    snprintf(ca, sizeof ca, "%s/ca.pem", s->folder);
    emqx_tls_limiter_config_init(&wide);
    wide.reads = wide.writes = 10000;
    assert_int_equal(emqx_tls_limiter_new(&wide, &s->limiter, NULL), EMQX_TLS_OK);
    emqx_tls_config_init(&config);
    config.endpoint = endpoint;
    config.api_key = EMULATOR_KEY;
    config.api_secret = EMULATOR_SECRET;
    config.ca_file = ca;
    config.proxy = "";
    config.limiter = s->limiter;
    config.connect_timeout_ms = config.timeout_ms = 10 * PATIENCE_MS;
    assert_int_equal(emqx_tls_client_new(&config, &s->client, NULL), EMQX_TLS_OK);
}

static void end(server *s)
{
    emqx_tls_client_free(s->client);
    emqx_tls_limiter_unref(s->limiter);
    kill(s->pid, SIGTERM);
    waitpid(s->pid, NULL, 0);
    material_free(&s->material);
    folder_remove(s->folder);
}

static void on_end(void *user, emqx_tls_call *call, emqx_tls_code code)
{
    server *s = user;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    emqx_tls_call_result(call, NULL, &error);
    s->ended++;
    if (code != EMQX_TLS_OK && s->failed++ == 0)
        print_error("%s\n", error.message);
}

static void read_many(server *s, int count)
{
    char id[16];
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "d%d", i);
        assert_int_equal(
            emqx_tls_submit(s->client, EMQX_TLS_OP_GET, id, NULL, on_end, s, NULL, NULL),
            EMQX_TLS_OK);
    }
    while (emqx_tls_client_pending(s->client) > 0)
        assert_int_equal(emqx_tls_client_run(s->client, -1, NULL), EMQX_TLS_OK);
}

/* Reads nginx's log, of which at least so many lines are to come. */
static size_t arrived(const server *s, size_t at_least)
{
    char path[128];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/access.log", s->folder);
    for (int64_t end = real_ms() + PATIENCE_MS; real_ms() < end;) {
        FILE *f = fopen(path, "r");
        n = 0;
        while (n < LINES_MAX &&
               fscanf(f, "%d %15s %15s %d", &arrivals[n].connection, arrivals[n].protocol,
                      arrivals[n].method, &arrivals[n].status) == 4)
            n++;
        fclose(f);
        if (n >= at_least)
            break;
        usleep(10000);
    }
    return n;
}

static int connections(size_t lines)
{
    int n = 0;
    for (size_t i = 0; i < lines; i++) {
        bool known = false;
        for (size_t j = 0; j < i; j++)
            known |= arrivals[j].connection == arrivals[i].connection;
        n += !known;
    }
    return n;
}

static uint32_t used(const server *s)
{
    emqx_tls_quota quota;
    emqx_tls_quota_init(&quota);
    assert_int_equal(emqx_tls_limiter_query(s->limiter, EMQX_TLS_OP_GET, NULL, &quota, NULL),
                     EMQX_TLS_OK);
    return quota.used;
}

static void reads_at_the_same_time_share_one_connection(void **state)
{
    (void)state;
    server s;
    start(&s, "");
    for (int round = 1; round <= 3; round++) {
        read_many(&s, READS);
        assert_int_equal(s.ended, round * READS);
        assert_int_equal(s.failed, 0);
        size_t n = arrived(&s, (size_t)round * READS);
        assert_int_equal(n, round * READS);
        assert_int_equal(connections(n), 1);
        for (size_t i = 0; i < n; i++)
            assert_string_equal(arrivals[i].protocol, "HTTP/2.0");
    }
    end(&s);
}

static void a_write_has_a_connection_of_its_own_by_http_1(void **state)
{
    (void)state;
    server s;
    start(&s, "");
    emqx_tls_request request = material_request(&s.material, EMQX_TLS_TYPE_ONE_WAY);
    read_many(&s, 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(emqx_tls_update(s.client, ID, &request, NULL, NULL), EMQX_TLS_OK);
    read_many(&s, 1);
    size_t n = arrived(&s, 4);
    assert_int_equal(n, 4);
    assert_int_equal(connections(n), 3);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(arrivals[i].protocol,
                            *arrivals[i].method == 'G' ? "HTTP/2.0" : "HTTP/1.1");
    end(&s);
}

static void more_reads_than_streams_are_served_too(void **state)
{
    (void)state;
    server s;
    start(&s, "http2_max_concurrent_streams 8;");
    read_many(&s, 4 * READS);
    assert_int_equal(s.ended, 4 * READS);
    assert_int_equal(s.failed, 0);
    size_t n = arrived(&s, 4 * READS);
    assert_int_equal(n, 4 * READS);
    assert_true(used(&s) >= n);
    end(&s);
}

static void a_server_that_ends_its_connections_costs_what_arrived_and_loses_nothing(void **state)
{
    (void)state;
    server s;
    start(&s, "keepalive_requests 10;");
    for (int round = 1; round <= 5; round++) {
        read_many(&s, READS);
        assert_int_equal(s.ended, round * READS);
        assert_int_equal(s.failed, 0);
    }
    usleep(300000);
    size_t n = arrived(&s, 5 * READS);
    assert_in_range(n, 5 * READS, 6 * READS);
    /* each arrival was paid for, and what was on its way when the connection ended */
    assert_true(used(&s) >= n);
    assert_true(connections(n) >= 5 * READS / 10);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_at_the_same_time_share_one_connection),
        cmocka_unit_test(a_write_has_a_connection_of_its_own_by_http_1),
        cmocka_unit_test(more_reads_than_streams_are_served_too),
        cmocka_unit_test(a_server_that_ends_its_connections_costs_what_arrived_and_loses_nothing),
    };
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2)) {
        puts("this libcurl has no HTTP/2");
        return 77; /* skipped */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
