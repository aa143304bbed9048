/* SPDX-License-Identifier: MIT
 *
 * Running libcurl and waiting for it. A few transfers are cheapest by curl_multi_perform and
 * curl_multi_poll, since libcurl then keeps no table of sockets (four allocations less for each
 * request). Many, or an event loop, are run by socket actions: the sockets that libcurl wants
 * watched are in a table for poll(2), and once a descriptor is asked for in an epoll set too, with
 * the wake descriptor and a timer.
 */
#include "transport/curl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if EMQXI_EPOLL
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#endif

#define FEW 4 /* transfers that are run by curl_multi_perform */
/* of one transfer: two addresses tried at once, and a name being resolved */
#define SOCKETS_EACH 3
#define WAKE         0 /* the slot */

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* -- epoll ------------------------------------------------------------------------------------- */

#if EMQXI_EPOLL
static uint32_t epoll_events(short events)
{
    return (events & POLLIN ? (uint32_t)EPOLLIN : 0) | (events & POLLOUT ? (uint32_t)EPOLLOUT : 0);
}

static void watch(const emqxi_sockets *s, size_t slot, int operation)
{
    if (s->epoll < 0)
        return;
    struct epoll_event e = {.events = epoll_events(s->slots[slot].events), .data.u64 = slot};
    if (epoll_ctl(s->epoll, operation, s->slots[slot].fd, &e) < 0 && errno == EEXIST)
        epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->slots[slot].fd, &e);
}

int emqxi_sockets_fd(emqxi_sockets *s)
{
    if (s->epoll >= 0)
        return s->epoll;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (s->epoll < 0 || s->timer < 0)
        goto fail;
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = SIZE_MAX};
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->timer, &e) < 0)
        goto fail;
    for (size_t i = 0; i < s->used; i++)
        if (s->slots[i].fd >= 0)
            watch(s, i, EPOLL_CTL_ADD);
    s->armed_ms = -1;
    s->due_ms = s->watching ? s->due_ms : 0; /* the sockets come at the next step */
    emqxi_sockets_arm(s);
    return s->epoll;
fail:
    if (s->epoll >= 0)
        close(s->epoll);
    if (s->timer >= 0)
        close(s->timer);
    s->epoll = s->timer = -1;
    return -1;
}

void emqxi_sockets_arm(emqxi_sockets *s)
{
    if (s->epoll < 0 || s->due_ms == s->armed_ms)
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

enum { WATCH_ADD = EPOLL_CTL_ADD, WATCH_MOD = EPOLL_CTL_MOD, WATCH_DEL = EPOLL_CTL_DEL };
#else
enum { WATCH_ADD, WATCH_MOD, WATCH_DEL };

static void watch(const emqxi_sockets *s, size_t slot, int operation)
{
    (void)s, (void)slot, (void)operation;
}

int emqxi_sockets_fd(emqxi_sockets *s)
{
    (void)s;
    return -1;
}

void emqxi_sockets_arm(emqxi_sockets *s)
{
    (void)s;
}
#endif

/* -- the table --------------------------------------------------------------------------------- */

static size_t take_slot(emqxi_sockets *s)
{
    size_t slot = s->free_slot;
    if (slot > 0) {
        s->free_slot = (size_t)(-2 - s->slots[slot].fd);
        return slot;
    }
    return s->used < s->room || emqxi_sockets_reserve(s, s->room) ? s->used++ : 0;
}

static void give_slot(emqxi_sockets *s, size_t slot)
{
    s->slots[slot] = (struct pollfd){.fd = -2 - (int)s->free_slot};
    s->free_slot = slot;
    if (--s->busy == 0) {
        s->used = WAKE + 1;
        s->free_slot = 0;
    }
}

/* libcurl's: the slot is kept with the socket, so that nothing is searched. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *own)
{
    (void)easy;
    emqxi_sockets *s = user;
    size_t slot = (size_t)(uintptr_t)own;
    if (what == CURL_POLL_REMOVE) {
        if (slot > 0) {
            watch(s, slot, WATCH_DEL);
            give_slot(s, slot);
        }
        return 0;
    }
    bool known = slot > 0;
    if (!known) {
        slot = take_slot(s);
        if (slot == 0)
            return 0; /* can't be after emqxi_sockets_reserve; the deadline ends the transfer */
        s->busy++;
        s->slots[slot] = (struct pollfd){.fd = fd};
        curl_multi_assign(s->multi, fd, (void *)(uintptr_t)slot);
    }
    s->slots[slot].events =
        (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    watch(s, slot, known ? WATCH_MOD : WATCH_ADD);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
    (void)multi;
    emqxi_sockets *s = user;
    s->due_ms = timeout_ms < 0 ? -1 : timeout_ms == 0 ? 0 : monotonic_ms() + timeout_ms;
    return 0;
}

bool emqxi_sockets_reserve(emqxi_sockets *s, size_t transfers)
{
    size_t need = WAKE + 1 + SOCKETS_EACH * transfers;
    if (transfers <= 1 && s->epoll < 0)
        s->watching = false; /* nothing is in flight: begin anew */
    if (need <= s->room)
        return true;
    need = EMQXI_MAX(need, 2 * s->room);
    struct pollfd *slots = emqxi_resize(s->allocator, s->slots, need * sizeof *slots);
    if (!slots)
        return false;
    s->slots = slots;
    s->room = need;
    return true;
}

bool emqxi_sockets_init(emqxi_sockets *s, const emqx_tls_allocator *allocator, CURLM *multi)
{
    *s = (emqxi_sockets){.allocator = allocator,
                         .multi = multi,
                         .wake_write = -1,
                         .epoll = -1,
                         .timer = -1,
                         .due_ms = -1};
    if (!multi || !emqxi_sockets_reserve(s, 1))
        return false;
    s->slots[WAKE] = (struct pollfd){.fd = -1, .events = POLLIN};
    s->used = WAKE + 1;
#if EMQXI_EPOLL
    s->slots[WAKE].fd = s->wake_write = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->wake_write < 0)
        return false;
#else
    int ends[2];
    if (pipe(ends) < 0)
        return false;
    s->slots[WAKE].fd = ends[0];
    s->wake_write = ends[1];
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
#endif
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, s);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, s);
    return true;
}

void emqxi_sockets_free(emqxi_sockets *s)
{
    int wake_read = s->slots ? s->slots[WAKE].fd : -1;
    if (wake_read >= 0)
        close(wake_read);
    if (s->wake_write >= 0 && s->wake_write != wake_read)
        close(s->wake_write);
    if (s->epoll >= 0)
        close(s->epoll);
    if (s->timer >= 0)
        close(s->timer);
    emqxi_free(s->allocator, s->slots);
}

/* -- waiting ----------------------------------------------------------------------------------- */

/* One write(2) is all, so a signal handler may call it. A full pipe is as good as one more byte. */
void emqxi_sockets_wake(const emqxi_sockets *s)
{
    const uint64_t one = 1;
    int saved = errno;
    ssize_t n = write(s->wake_write, &one, sizeof one);
    (void)n;
    errno = saved;
}

static void swallow_wake(const emqxi_sockets *s)
{
    uint64_t bytes[8];
    while (read(s->slots[WAKE].fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes)
        ;
}

int64_t emqxi_sockets_next_ms(const emqxi_sockets *s)
{
    return s->due_ms <= 0 ? s->due_ms : EMQXI_MAX(s->due_ms - monotonic_ms(), 0);
}

static CURLMcode run_due(emqxi_sockets *s)
{
    int running;
    if (emqxi_sockets_next_ms(s) != 0)
        return CURLM_OK;
    s->due_ms = -1; /* libcurl sets it again if it wants to */
    return curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static CURLMcode run_sockets(emqxi_sockets *s, int ready)
{
    CURLMcode code = CURLM_OK;
    int running;
    if (s->slots[WAKE].revents) {
        swallow_wake(s);
        ready--;
    }
    /* Callbacks free and take slots meanwhile: a slot taken anew has no revents yet. */
    for (size_t i = WAKE + 1; i < s->used && ready > 0 && code == CURLM_OK; i++) {
        short got = s->slots[i].revents;
        if (got == 0 || s->slots[i].fd < 0)
            continue;
        ready--;
        s->slots[i].revents = 0;
        int what = (got & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
                   (got & POLLOUT ? CURL_CSELECT_OUT : 0) |
                   (got & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        code = curl_multi_socket_action(s->multi, s->slots[i].fd, what, &running);
    }
    return code;
}

CURLMcode emqxi_sockets_run(emqxi_sockets *s, size_t transfers)
{
    CURLMcode code = CURLM_OK;
    int running;
    if (s->watching)
        return run_due(s);
    if (s->epoll < 0 && transfers <= FEW)
        return curl_multi_perform(s->multi, &running);
    s->watching = true; /* the old call is the one that tells of the sockets of all transfers */
    CURL_IGNORE_DEPRECATION(code = curl_multi_socket_all(s->multi, &running);)
    s->due_ms = 0;
    return code == CURLM_OK ? run_due(s) : code;
}

static CURLMcode wait_and_perform(emqxi_sockets *s, int timeout_ms)
{
    struct curl_waitfd wake = {.fd = s->slots[WAKE].fd, .events = CURL_WAIT_POLLIN};
    int ready, running;
    CURLMcode code =
        curl_multi_poll(s->multi, &wake, 1, timeout_ms < 0 ? INT_MAX : timeout_ms, &ready);
    if (wake.revents)
        swallow_wake(s);
    return code == CURLM_OK ? curl_multi_perform(s->multi, &running) : code;
}

CURLMcode emqxi_sockets_wait(emqxi_sockets *s, int timeout_ms)
{
    if (!s->watching)
        return wait_and_perform(s, timeout_ms);
    int64_t next = emqxi_sockets_next_ms(s);
    if (next >= 0 && (timeout_ms < 0 || next < timeout_ms))
        timeout_ms = (int)EMQXI_MIN(next, INT_MAX);
    int ready = poll(s->slots, (nfds_t)s->used, timeout_ms);
    if (ready > 0)
        return run_sockets(s, ready);
    if (ready < 0)
        /* EINTR: the caller looks around and comes back */
        return errno == ENOMEM ? CURLM_OUT_OF_MEMORY : CURLM_OK;
    return run_due(s);
}
