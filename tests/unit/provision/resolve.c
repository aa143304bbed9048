/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Names become addresses on a thread that nobody waits for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "provision/probe.h"
#include "slow_names.h"

static bool no_threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

static emqxi_resolver *start(const char *host)
{
    bool numeric = true;
    emqxi_resolver *r = emqxi_resolver_start(host, 8883, &numeric);
    assert_non_null(r);
    assert_false(numeric);
    return r;
}

/* Waits until it is over; gives its first address, or NULL. */
static const struct sockaddr_in *result(emqxi_resolver *r, const char **problem)
{
    const struct addrinfo *list;
    while (!emqxi_resolver_over(r, &list, problem))
        usleep(1000);
    return list ? (const struct sockaddr_in *)(const void *)list->ai_addr : NULL;
}

static void assert_this_machine(const struct sockaddr_in *address)
{
    assert_non_null(address);
    assert_int_equal(address->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(address->sin_port, htons(8883));
}

static void an_address_needs_no_look_up(void **state)
{
    (void)state;
    const struct addrinfo *list;
    const char *problem;
    bool numeric = false;
    no_threads = true;
    emqxi_resolver *r = emqxi_resolver_start("127.0.0.1", 8883, &numeric);
    no_threads = false;
    assert_non_null(r);
    assert_true(numeric);
    assert_true(emqxi_resolver_over(r, &list, &problem)); /* at once */
    assert_this_machine((const struct sockaddr_in *)(const void *)list->ai_addr);
    assert_null(problem);
    emqxi_resolver_free(r);
}

static void a_name_becomes_an_address(void **state)
{
    (void)state;
    const char *problem = "none was told";
    emqxi_resolver *r = start("broker.test");
    assert_this_machine(result(r, &problem));
    assert_null(problem);
    emqxi_resolver_free(r);
}

static void a_name_that_does_not_exist_has_a_reason(void **state)
{
    (void)state;
    const char *problem = NULL;
    emqxi_resolver *r = start("nowhere.test");
    assert_null(result(r, &problem));
    assert_string_equal(problem, gai_strerror(EAI_NONAME));
    emqxi_resolver_free(r);
}

static void where_no_thread_can_be_had_there_is_no_resolver(void **state)
{
    (void)state;
    bool numeric;
    no_threads = true;
    assert_null(emqxi_resolver_start("broker.test", 8883, &numeric));
    no_threads = false;
}

/* A signal that the program holds back stays pending: the thread did not take it. */
static void its_thread_takes_no_signals(void **state)
{
    (void)state;
    sigset_t one, old, pending;
    emqxi_resolver *r = start("slow-signal.test");
    slow_names_wait(1);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &one, &old), 0);
    assert_int_equal(sigismember(&old, SIGUSR1), 0); /* it was not left blocked */
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGUSR1), 1);
    assert_int_equal(sigwaitinfo(&one, NULL), SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    emqxi_resolver_free(r);
}

/* The last test: the names are answered from then on. */
static void whoever_is_last_frees_the_answer(void **state)
{
    (void)state;
    const struct addrinfo *list;
    const char *problem;
    int asked = slow_names_asked();
    emqxi_resolver *left = start("slow-left.test"), *kept = start("slow-kept.test");
    slow_names_wait(asked + 2);
    assert_false(emqxi_resolver_over(kept, &list, &problem));
    emqxi_resolver_free(left); /* waits for nobody */
    slow_names_answer();
    assert_this_machine(result(kept, &problem));
    emqxi_resolver_free(kept);
    slow_names_wait_freed(); /* by the thread of the one that was left */
}

static void none_is_freed_without_harm(void **state)
{
    (void)state;
    emqxi_resolver_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_needs_no_look_up),
        cmocka_unit_test(a_name_becomes_an_address),
        cmocka_unit_test(a_name_that_does_not_exist_has_a_reason),
        cmocka_unit_test(where_no_thread_can_be_had_there_is_no_resolver),
        cmocka_unit_test(its_thread_takes_no_signals),
        cmocka_unit_test(none_is_freed_without_harm),
        cmocka_unit_test(whoever_is_last_frees_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
