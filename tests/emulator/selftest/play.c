/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * How the emulator plays a deployment, and how it starts, serves and ends.
 */
#include "plain.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "material.h"

static char *body; /* of a write */

static int make_body(void **state)
{
    (void)state;
    test_material m;
    material_make(&m, "broker.test", 90);
    json_t *json = json_pack("{s:s, s:s, s:s}", "tlsType", "one-way", "cert", m.cert, "key", m.key);
    body = json_dumps(json, 0);
    json_decref(json);
    material_free(&m);
    return 0;
}

static int free_body(void **state)
{
    (void)state;
    free(body);
    return 0;
}

static void expect_status(const emulator_run *e, const char *status)
{
    reply r = plain(e, "GET", "a", NULL);
    assert_int_equal(r.status, 200);
    assert_string_equal(plain_member(&r, "status"), status);
}

static void a_replaced_certificate_may_be_told_for_a_while(void **state)
{
    (void)state;
    emulator_run e;
    emulator_start(&e, (const char *[]){"--pending", "100", "--stale", "50", NULL});
    assert_int_equal(plain(&e, "POST", "a", body).status, 200);
    expect_status(&e, "pending");
    emulator_advance(&e, 100000);
    expect_status(&e, "running");
    assert_int_equal(plain(&e, "PUT", "a", body).status, 200);
    expect_status(&e, "running");
    emulator_advance(&e, 50000);
    expect_status(&e, "pending");
    emulator_advance(&e, 100000);
    expect_status(&e, "running");
    emulator_end(&e);
}

static void expire_is_told_in_its_zone(void **state)
{
    (void)state;
    emulator_run utc, east;
    char expire[2][256];
    struct tm tm;
    time_t t[2];
    emulator_start(&utc, NULL);
    emulator_start(&east, (const char *[]){"--expire-zone", "+08:30", NULL});
    for (int i = 0; i < 2; i++) {
        reply r = plain(i ? &east : &utc, "POST", "a", body);
        snprintf(expire[i], sizeof expire[i], "%.63s", plain_member(&r, "expire"));
        memset(&tm, 0, sizeof tm);
        assert_non_null(strptime(expire[i], "%Y-%m-%d %H:%M:%S", &tm));
        t[i] = timegm(&tm);
    }
    assert_int_equal(t[1] - t[0], 8 * 3600 + 1800);
    emulator_end(&utc);
    emulator_end(&east);
}

static void *read_once(void *user)
{
    static reply r;
    r = plain(user, "GET", "a", NULL);
    return &r;
}

static void an_answer_is_held_until_it_is_released(void **state)
{
    (void)state;
    emulator_run e;
    pthread_t thread;
    void *r;
    emulator_start(&e, NULL);
    emulator_fault(&e, "{'hold': true}");
    assert_int_equal(pthread_create(&thread, NULL, read_once, &e), 0);
    while (emulator_count(&e, "faults_left") > 0)
        ;
    assert_int_equal(emulator_count(&e, "requests"), 1);
    assert_int_equal(emulator_count(&e, "answered"), 0);
    emulator_release(&e);
    pthread_join(thread, &r);
    assert_int_equal(((reply *)r)->status, 200);
    while (emulator_count(&e, "answered") == 0)
        ; /* it is counted when it has left */
    emulator_fault(&e, "{'hold': true}");
    assert_int_equal(pthread_create(&thread, NULL, read_once, &e), 0);
    while (emulator_count(&e, "faults_left") > 0)
        ;
    emulator_end(&e); /* and who stops it waits for nobody */
    pthread_join(thread, &r);
}

static void paths_and_methods_that_are_not_the_apis(void **state)
{
    (void)state;
    emulator_run e;
    emulator_start(&e, NULL);
    assert_int_equal(plain_request(&e, "GET", "/deployments/a", NULL, NULL).status, 404);
    assert_int_equal(plain_request(&e, "GET", "/deployments/a/tls/b", NULL, NULL).status, 404);
    assert_int_equal(plain_request(&e, "GET", "/deployments//tls", NULL, NULL).status, 404);
    assert_int_equal(plain_request(&e, "GET", "/deployments/a/b/tls", NULL, NULL).status, 404);
    assert_int_equal(plain(&e, "PATCH", "a", NULL).status, 405);
    assert_int_equal(plain_request(&e, "GET", "/deployments/a/tls", "no:body", NULL).status, 401);
    emulator_end(&e);
}

static void what_is_running_lies_in_files_for_a_broker(void **state)
{
    (void)state;
    emulator_run e;
    char folder[] = "/tmp/emqxtls-serve.XXXXXX", path[128];
    struct stat s;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.key.pem", folder);
    emulator_start(
        &e, (const char *[]){"--serve-dir", folder, "--pending", "100", "--terminated", "0", NULL});
    plain(&e, "POST", "a", body);
    expect_status(&e, "pending");
    assert_int_not_equal(stat(path, &s), 0);
    emulator_advance(&e, 100000);
    expect_status(&e, "running");
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    assert_int_equal(plain(&e, "DELETE", "a", NULL).status, 204);
    assert_int_not_equal(stat(path, &s), 0);
    emulator_end(&e);
    assert_int_equal(rmdir(folder), 0); /* nothing was left */
}

static void it_ends_by_itself(void **state)
{
    (void)state;
    emulator_run e;
    int status;
    emulator_start(&e, (const char *[]){"--lifetime", "0.3", NULL});
    assert_int_equal(waitpid(e.pid, &status, 0), e.pid);
    assert_int_equal(status, 0);
    emulator_start(&e, (const char *[]){"--max-requests", "2", NULL});
    assert_int_equal(plain(&e, "GET", "a", NULL).status, 200);
    assert_int_equal(plain(&e, "GET", "a", NULL).status, 200);
    assert_int_equal(waitpid(e.pid, &status, 0), e.pid);
    assert_int_equal(status, 0);
}

/* Its own line of the shell, run against the emulator; returns its exit status. */
static int run_program(const char *options, const char *line)
{
    char command[1024];
    snprintf(command, sizeof command, PROGRAM " %s -- sh -c '%s'", options, line);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define LOOK                                                                                       \
    "curl -sf $EMQXTLS_CA -u $EMQXCLOUD_PLATFORM_API_KEY:$EMQXCLOUD_PLATFORM_API_SECRET "          \
    "$EMQXCLOUD_PLATFORM_ENDPOINT/deployments/d/tls >/dev/null"

static void a_program_finds_it_in_its_environment(void **state)
{
    (void)state;
    assert_int_equal(run_program("", "exit 7"), 7);
    assert_int_equal(run_program("", "EMQXTLS_CA=\"--cacert $EMQXTLS_CA_FILE\"; " LOOK), 0);
    assert_int_equal(run_program("--http", LOOK), 0);
    assert_int_equal(run_program("", "curl -sf $EMULATOR_CONTROL/counts >/dev/null"), 0);
    assert_int_equal(run_program("", "kill -KILL $$"), 128 + SIGKILL);
    assert_int_equal(run_program("--lifetime 0.2", "exec sleep 100"), 128 + SIGTERM);
    assert_int_equal(WEXITSTATUS(system(PROGRAM " ./is-not-there 2>/dev/null")), 127);
    /* the folder of the CA was its own, and is gone */
    assert_int_equal(run_program("", "dirname $EMQXTLS_CA_FILE >folder"), 0);
    assert_int_not_equal(system("read f <folder; rm folder; test -d \"$f\""), 0);
}

static void wrong_usage_is_told(void **state)
{
    (void)state;
    static const char *const options[] = {"--http --tls-dir /tmp",      "",
                                          "--http --address 192.0.2.1", "--http --reads 0",
                                          "--http --absent maybe",      "--http --window x"};
    setenv("EMQXCLOUD_PLATFORM_API_KEY", "k", 1);
    setenv("EMQXCLOUD_PLATFORM_API_SECRET", "s", 1);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char command[512];
        snprintf(command, sizeof command, PROGRAM " %s >/dev/null 2>&1", options[i]);
        assert_int_equal(WEXITSTATUS(system(command)), 2);
    }
    assert_int_equal(WEXITSTATUS(system(PROGRAM " --http --fault '{\"no\": 1}' >/dev/null 2>&1")),
                     1);
    unsetenv("EMQXCLOUD_PLATFORM_API_KEY");
    assert_int_equal(WEXITSTATUS(system(PROGRAM " --http >/dev/null 2>&1")), 2);
    unsetenv("EMQXCLOUD_PLATFORM_API_SECRET");
}

static size_t drop(char *data, size_t size, size_t n, void *user)
{
    (void)data, (void)user;
    return size * n;
}

static void three_hundred_connections_at_once(void **state)
{
    (void)state;
    enum { N = 300 };
    emulator_run e;
    CURL *all[N];
    CURLM *multi = curl_multi_init();
    CURLMsg *m;
    char url[512];
    int running = 1, left, answered = 0;
    emulator_start(&e, (const char *[]){"--reads", "1000", "--latency", "1", NULL});
    snprintf(url, sizeof url, "%s/deployments/a/tls", e.endpoint);
    for (int i = 0; i < N; i++) {
        all[i] = curl_easy_init();
        curl_easy_setopt(all[i], CURLOPT_URL, url);
        curl_easy_setopt(all[i], CURLOPT_USERPWD, EMULATOR_KEY ":" EMULATOR_SECRET);
        curl_easy_setopt(all[i], CURLOPT_CAINFO, e.ca_file);
        curl_easy_setopt(all[i], CURLOPT_CAPATH, NULL);
        curl_easy_setopt(all[i], CURLOPT_PROXY, "");
        curl_easy_setopt(all[i], CURLOPT_TIMEOUT, 30L);
        curl_easy_setopt(all[i], CURLOPT_WRITEFUNCTION, drop);
        curl_multi_add_handle(multi, all[i]);
    }
    while (running && curl_multi_perform(multi, &running) == CURLM_OK)
        curl_multi_poll(multi, NULL, 0, 1000, NULL);
    while ((m = curl_multi_info_read(multi, &left))) {
        long status = 0;
        curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        answered += status == 200;
    }
    for (int i = 0; i < N; i++) {
        curl_multi_remove_handle(multi, all[i]);
        curl_easy_cleanup(all[i]);
    }
    curl_multi_cleanup(multi);
    assert_int_equal(answered, N);
    assert_int_equal(emulator_count(&e, "connections"), N);
    emulator_end(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replaced_certificate_may_be_told_for_a_while),
        cmocka_unit_test(expire_is_told_in_its_zone),
        cmocka_unit_test(an_answer_is_held_until_it_is_released),
        cmocka_unit_test(paths_and_methods_that_are_not_the_apis),
        cmocka_unit_test(what_is_running_lies_in_files_for_a_broker),
        cmocka_unit_test(it_ends_by_itself),
        cmocka_unit_test(a_program_finds_it_in_its_environment),
        cmocka_unit_test(wrong_usage_is_told),
        cmocka_unit_test(three_hundred_connections_at_once),
    };
    return cmocka_run_group_tests(tests, make_body, free_body);
}
