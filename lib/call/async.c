/* SPDX-License-Identifier: MIT
 *
 * The asynchronous calls, for event loops. The descriptor is an epoll with the transport's own and
 * a timer inside; it is made when it is first asked for, so that blocking users do not pay for it.
 */
#include "call/client.h"

#include <unistd.h>
#if EMQXI_EPOLL
#include <sys/epoll.h>
#include <sys/timerfd.h>
#endif

void emqxi_arm(emqx_tls_client *client)
{
#if EMQXI_EPOLL
    if (client->fd < 0)
        return;
    /* the transport's timers are inside its own descriptor */
    int64_t ms = emqxi_own_next_ms(client);
    struct itimerspec t = {0};
    if (ms >= 0) {
        t.it_value.tv_sec = ms / 1000;
        t.it_value.tv_nsec = ms % 1000 * 1000000;
        if (ms == 0)
            t.it_value.tv_nsec = 1;
    }
    timerfd_settime(client->timer_fd, 0, &t, NULL); /* also takes back that it is readable */
#else
    (void)client;
#endif
}

static const char *submit_problem(const emqx_tls_client *client, emqx_tls_done_fn done)
{
    if (!client)
        return "client is NULL";
    if (client->forks != emqxi_fork_count())
        return emqxi_client_problem(client);
    if (client->closing)
        return "the client is being freed";
    return done ? NULL : "done is NULL: nobody would hear of the call's end";
}

bool emqxi_submit_begin(emqxi_submission *s, const emqx_tls_client *client, emqx_tls_done_fn done)
{
    const char *problem = submit_problem(client, done);
    s->call = NULL;
    emqxi_error_clear(&s->error);
    if (problem)
        emqxi_fail(&s->error, EMQX_TLS_E_INVALID, "%s", problem);
    return !problem;
}

emqx_tls_code emqxi_submit_end(const emqxi_submission *s, emqx_tls_client *client,
                               emqx_tls_call **call, emqx_tls_error *error)
{
    if (call)
        *call = s->call;
    if (s->call)
        emqxi_arm(client);
    return emqxi_error_out(error, &s->error);
}

emqx_tls_code emqx_tls_submit(emqx_tls_client *client, uint32_t op, const char *deployment_id,
                              const emqx_tls_request *request, emqx_tls_done_fn done, void *user,
                              emqx_tls_call **call, emqx_tls_error *error)
{
    emqxi_submission s;
    if (emqxi_submit_begin(&s, client, done)) {
        emqxi_order order = {.op = op,
                             .deployment_id = deployment_id,
                             .request = request,
                             .timeout_ms = client->timeout_ms,
                             .quota_wait_ms = client->quota_wait_ms,
                             .done = done,
                             .user = user};
        emqxi_operation_start(client, &order, &s.call, &s.error);
    }
    return emqxi_submit_end(&s, client, call, error);
}

void emqx_tls_call_result(const emqx_tls_call *call, emqx_tls_status *status, emqx_tls_error *error)
{
    if (!call)
        return;
    emqxi_output(status, &call->status, sizeof call->status);
    emqxi_error_out(error, &call->error);
}

void emqx_tls_cancel(emqx_tls_client *client, emqx_tls_call *call)
{
    if (!client || !call || client->forks != emqxi_fork_count())
        return;
    emqxi_call_cancel(call);
    emqxi_arm(client);
}

emqx_tls_code emqx_tls_client_run(emqx_tls_client *client, int timeout_ms, emqx_tls_error *error)
{
    const char *problem = emqxi_client_problem(client);
    if (problem)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "%s", problem);
    int64_t end = timeout_ms < 0 ? INT64_MAX : emqxi_now(&client->clock) + timeout_ms;
    int64_t left = timeout_ms;
    emqxi_error e;
    emqxi_error_clear(&e);
    for (;;) {
        uint64_t delivered = client->delivered;
        emqx_tls_code code = emqxi_turn(client, client->call_count ? left : 0);
        if (code != EMQX_TLS_OK) {
            emqxi_fail(&e, EMQX_TLS_E_TRANSPORT, "the transport can't poll (%s)",
                       emqx_tls_code_name(code));
            break;
        }
        if (atomic_exchange(&client->interrupted, false)) {
            emqxi_fail(&e, EMQX_TLS_E_CANCELLED, "interrupted");
            break;
        }
        if (client->delivered != delivered || !client->call_count)
            break;
        if (timeout_ms >= 0 && (left = end - emqxi_now(&client->clock)) <= 0)
            break;
    }
    emqxi_arm(client);
    return emqxi_error_out(error, &e);
}

int emqx_tls_client_fd(emqx_tls_client *client)
{
#if EMQXI_EPOLL
    if (!client || client->forks != emqxi_fork_count())
        return -1;
    if (client->fd >= 0)
        return client->fd;
    /* The transport's comes last: its next_ms may rely on whoever has asked for it. */
    client->fd = epoll_create1(EPOLL_CLOEXEC);
    client->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    int inner = -1;
    if (client->fd >= 0 && client->timer_fd >= 0 && client->transport.fd)
        inner = client->transport.fd(client->transport.context);
    if (inner < 0 || epoll_ctl(client->fd, EPOLL_CTL_ADD, inner, &event) != 0 ||
        epoll_ctl(client->fd, EPOLL_CTL_ADD, client->timer_fd, &event) != 0) {
        if (client->fd >= 0)
            close(client->fd);
        if (client->timer_fd >= 0)
            close(client->timer_fd);
        client->fd = client->timer_fd = -1;
        return -1;
    }
    emqxi_arm(client);
    return client->fd;
#else
    (void)client;
    return -1;
#endif
}

int64_t emqx_tls_client_next_ms(emqx_tls_client *client)
{
    if (!client || client->forks != emqxi_fork_count())
        return -1;
    return emqxi_next_ms(client);
}

size_t emqx_tls_client_pending(const emqx_tls_client *client)
{
    return client ? client->pending : 0;
}
