/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The life of a client.
 */
#include "call/client.h"

#include <pthread.h>
#include <string.h>

#include "transport/transport.h"

/* Gives back all but the transport. */
static void dispose(emqx_tls_client *client)
{
    emqx_tls_allocator a = client->allocator;
    emqxi_free(&a, client->kept);
    emqx_tls_limiter_unref(client->limiter);
    if (client->authorization)
        emqxi_wipe_free(&a, client->authorization, strlen(client->authorization));
    emqxi_endpoint_free(&a, &client->endpoint);
    emqxi_free(&a, client->timers);
    emqxi_fd_close(client);
    emqxi_free(&a, client);
}

static emqx_tls_code take_limiter(emqx_tls_client *client, const emqx_tls_config *config,
                                  emqxi_error *error)
{
    if (config->limiter) {
        client->limiter = emqx_tls_limiter_ref(config->limiter);
        return EMQX_TLS_OK;
    }
    emqx_tls_limiter_config own;
    emqx_tls_limiter_config_init(&own);
    own.clock = &client->clock;
    own.allocator = &client->allocator;
    emqx_tls_error told;
    emqx_tls_error_init(&told);
    emqx_tls_code code = emqx_tls_limiter_new(&own, &client->limiter, &told);
    return emqxi_fail(error, code, "%s", told.message);
}

static emqx_tls_code take_transport(emqx_tls_client *client, const emqx_tls_config *config,
                                    emqxi_error *error)
{
    if (config->transport)
        return EMQX_TLS_OK; /* emqxi_config_take has copied it */
    emqxi_curl_options options = {.allocator = &client->allocator,
                                  .clock = &client->clock,
                                  .ca_file = config->ca_file,
                                  .proxy = config->proxy};
    return emqxi_curl_transport(&options, &client->transport, error);
}

emqx_tls_code emqx_tls_client_new(const emqx_tls_config *given, emqx_tls_client **out,
                                  emqx_tls_error *error)
{
    emqx_tls_config config;
    emqx_tls_allocator allocator;
    emqxi_error e;
    emqxi_error_clear(&e);
    if (!out)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "client is NULL: give the address of a pointer");
    *out = NULL;
    if (!given)
        return emqxi_refuse(error, EMQX_TLS_E_INVALID, "config is NULL");
    if (!emqxi_input_take(&config, given, sizeof config, sizeof config))
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "config was not set up (call emqx_tls_config_init first), or sets what "
                            "this version lacks");
    if (!emqxi_allocator_take(&allocator, config.allocator))
        return emqxi_refuse(error, EMQX_TLS_E_INVALID,
                            "allocator was not set up or lacks a member: call "
                            "emqx_tls_allocator_init, then set all three");
    emqx_tls_client *client = emqxi_zalloc(&allocator, sizeof *client);
    if (!client)
        return emqxi_refuse(error, EMQX_TLS_E_NO_MEMORY, "out of memory");
    client->allocator = allocator;
    client->fd = client->timer_fd = -1;
    client->forks = emqxi_fork_count();

    emqx_tls_code code = emqxi_config_take(client, &config, &e);
    if (code == EMQX_TLS_OK)
        code = take_limiter(client, &config, &e);
    if (code == EMQX_TLS_OK)
        code = take_transport(client, &config, &e);
    if (code != EMQX_TLS_OK)
        dispose(client);
    else
        *out = client;
    return emqxi_error_out(error, &e);
}

/* -- who is inside ----------------------------------------------------------------------------- */

static void client_close(emqx_tls_client *client)
{
    client->closing = true;
    /* In the child of a fork the connections are still the parent's: closing them would tell its
     * server so. What libcurl holds of them is left alone. */
    bool inherited = client->forks != emqxi_fork_count();
    while (client->all.first && !inherited) {
        for (emqxi_node *n = client->all.first; n; n = n->next)
            emqxi_call_cancel(EMQXI_OF(n, emqx_tls_call, node));
        emqxi_deliver(client);
    }
    if (client->transport.destroy && !inherited)
        client->transport.destroy(client->transport.context);
    if (client->log_destroy && !inherited)
        client->log_destroy(client->log_user);
    dispose(client);
}

/* NULL, or why the client can't be entered. */
static const char *client_enter(emqx_tls_client *client, bool again)
{
    uintptr_t inside = 0, me = (uintptr_t)pthread_self();
    if (!client)
        return "client is NULL";
    if (client->forks != emqxi_fork_count())
        return "the client was made before a fork: make a new one in the child";
    if (!atomic_compare_exchange_strong(&client->inside, &inside, me)) {
        if ((inside & ~EMQXI_TO_BE_FREED) != me)
            return "another thread is inside the client: give each thread a client of its own, "
                   "and all of them one limiter";
        if (!again)
            return "not from inside done: let it return first";
        if (client->closing || inside != me)
            return "the client is being freed";
    }
    client->depth++;
    return NULL;
}

bool emqxi_entry_begin(emqxi_entry *entry, emqx_tls_client *client, bool again, const char *problem)
{
    const char *closed = client_enter(client, again);
    entry->inside = !closed;
    entry->over = false;
    entry->call = NULL;
    emqxi_error_clear(&entry->error);
    if (closed || problem)
        emqxi_fail(&entry->error, EMQX_TLS_E_INVALID, "%s", closed ? closed : problem);
    return !closed && !problem;
}

emqx_tls_code emqxi_entry_end(const emqxi_entry *entry, emqx_tls_client *client,
                              emqx_tls_error *error)
{
    if (entry->inside) {
        uintptr_t me = (uintptr_t)pthread_self();
        emqxi_arm(client);
        if (--client->depth == 0 && !atomic_compare_exchange_strong(&client->inside, &me, 0))
            client_close(client);
    }
    return emqxi_error_out(error, &entry->error);
}

void emqx_tls_client_free(emqx_tls_client *client)
{
    if (!client)
        return;
    uintptr_t inside = atomic_load(&client->inside), then;
    do
        then = inside ? inside | EMQXI_TO_BE_FREED : (uintptr_t)pthread_self();
    while (!atomic_compare_exchange_weak(&client->inside, &inside, then));
    if (!inside)
        client_close(client);
}

emqx_tls_limiter *emqx_tls_client_limiter(emqx_tls_client *client)
{
    return client ? client->limiter : NULL;
}

void emqx_tls_client_interrupt(emqx_tls_client *client)
{
    if (!client)
        return;
    atomic_store(&client->interrupted, true);
    if (client->transport.wake)
        client->transport.wake(client->transport.context);
}
