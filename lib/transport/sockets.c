/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Running libcurl and waiting for it, by socket actions: the sockets that libcurl wants watched are
 * in one epoll set, with the wake descriptor and, once somebody else watches the set, a timer.
 */
#include "transport/curl.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64 /* taken at once */

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool watch(const emqxi_sockets *s, int fd, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.fd = fd};
    return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ||
           (errno == EEXIST && epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &e) == 0);
}

/* libcurl's. A socket that can't be watched is left to the exchange's deadline. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *own)
{
    (void)easy, (void)own;
    const emqxi_sockets *s = user;
    if (what == CURL_POLL_REMOVE)
        epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
    else
        watch(s, fd,
              (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0));
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
    (void)multi;
    emqxi_sockets *s = user;
    s->due_ms = timeout_ms < 0 ? -1 : timeout_ms == 0 ? 0 : monotonic_ms() + timeout_ms;
    return 0;
}

bool emqxi_sockets_init(emqxi_sockets *s, CURLM *multi)
{
    *s = (emqxi_sockets){.multi = multi,
                         .epoll = epoll_create1(EPOLL_CLOEXEC),
                         .wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                         .timer = -1,
                         .due_ms = -1,
                         .armed_ms = -1};
    if (!multi || s->epoll < 0 || s->wake < 0 || !watch(s, s->wake, EPOLLIN))
        return false;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, s);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, s);
    return true;
}

void emqxi_sockets_free(emqxi_sockets *s)
{
    const int all[] = {s->wake, s->timer, s->epoll};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] >= 0)
            close(all[i]);
}

int emqxi_sockets_fd(emqxi_sockets *s)
{
    if (s->timer >= 0)
        return s->epoll;
    s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (s->timer >= 0 && !watch(s, s->timer, EPOLLIN)) {
        close(s->timer);
        s->timer = -1;
    }
    emqxi_sockets_arm(s);
    return s->timer >= 0 ? s->epoll : -1;
}

void emqxi_sockets_arm(emqxi_sockets *s)
{
    if (s->timer < 0 || s->due_ms == s->armed_ms)
        return;
    struct itimerspec when = {
        .it_value = {.tv_sec = s->due_ms / 1000, .tv_nsec = s->due_ms % 1000 * 1000000}};
    if (s->due_ms < 0)
        when.it_value = (struct timespec){0};
    else if (s->due_ms == 0)
        when.it_value.tv_nsec = 1; /* zero would switch the timer off */
    if (timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        s->armed_ms = s->due_ms;
}

/* One write(2) is all, so a signal handler may call it. */
void emqxi_sockets_wake(const emqxi_sockets *s)
{
    const uint64_t one = 1;
    int saved = errno;
    ssize_t n = write(s->wake, &one, sizeof one);
    (void)n;
    errno = saved;
}

int64_t emqxi_sockets_next_ms(const emqxi_sockets *s)
{
    return s->due_ms <= 0 ? s->due_ms : EMQXI_MAX(s->due_ms - monotonic_ms(), 0);
}

CURLMcode emqxi_sockets_run(emqxi_sockets *s)
{
    int running;
    if (emqxi_sockets_next_ms(s) != 0)
        return CURLM_OK;
    s->due_ms = -1; /* libcurl sets it again if it wants to */
    return curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

CURLMcode emqxi_sockets_run_all(const emqxi_sockets *s)
{
    CURLMcode code = CURLM_OK;
    int running;
    CURL_IGNORE_DEPRECATION(code = curl_multi_socket_all(s->multi, &running);)
    return code;
}

CURLMcode emqxi_sockets_run_one(const emqxi_sockets *s, curl_socket_t fd, int what)
{
    int running;
    return curl_multi_socket_action(s->multi, fd, what, &running);
}

static CURLMcode run_socket(const emqxi_sockets *s, const struct epoll_event *e)
{
    int what = (e->events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
               (e->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (e->events & EPOLLERR ? CURL_CSELECT_ERR : 0);
    uint64_t told;
    if (e->data.fd != s->wake && e->data.fd != s->timer)
        return emqxi_sockets_run_one(s, e->data.fd, what);
    ssize_t n = read(e->data.fd, &told, sizeof told); /* takes back that it is readable */
    (void)n;
    return CURLM_OK;
}

CURLMcode emqxi_sockets_wait(emqxi_sockets *s, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    CURLMcode code = CURLM_OK;
    int64_t next = emqxi_sockets_next_ms(s);
    if (next >= 0 && (timeout_ms < 0 || next < timeout_ms))
        timeout_ms = (int)EMQXI_MIN(next, INT_MAX);
    /* EINTR: the caller looks around and comes back */
    int n = epoll_wait(s->epoll, events, EVENTS, timeout_ms);
    for (int i = 0; i < n && code == CURLM_OK; i++)
        code = run_socket(s, &events[i]);
    return n > 0 ? code : emqxi_sockets_run(s);
}
