/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What a small machine has of the library, to be weighed: a client with a transport of its own that
 * reads a status and replaces a certificate; with -DENSURE one that ensures a certificate and
 * counts in a file. It prints the bytes that it has of its allocator when idle and at most, and
 * those of the stack.
 *
 *     program CERT KEY FOLDER
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <emqxtls/emqxtls.h>

#define STACK_LOOKED_AT (96 * 1024)
#define STACK_SPARED    1024 /* of the functions that paint and look */
#define PAINT           0xA5

/* -- memory ------------------------------------------------------------------------------------ */

static size_t live, most;

static void *take(void *user, size_t size)
{
    size_t *block = malloc(sizeof(max_align_t) + size);
    (void)user;
    if (!block)
        return NULL;
    *block = size;
    live += size;
    most = live > most ? live : most;
    return (char *)block + sizeof(max_align_t);
}

static void give(void *user, void *p)
{
    (void)user;
    if (!p)
        return;
    size_t *block = (size_t *)(void *)((char *)p - sizeof(max_align_t));
    live -= *block;
    free(block);
}

static void *change(void *user, void *p, size_t size)
{
    size_t *block = p ? (size_t *)(void *)((char *)p - sizeof(max_align_t)) : NULL;
    void *changed = take(user, size);
    if (changed && block)
        memcpy(changed, p, *block < size ? *block : size);
    if (changed)
        give(user, p);
    return changed;
}

/* -- stack ------------------------------------------------------------------------------------- */

static void paint(volatile unsigned char *top)
{
    for (size_t i = STACK_SPARED; i < STACK_LOOKED_AT; i++)
        top[-(ptrdiff_t)i] = PAINT;
}

static size_t painted_over(volatile unsigned char *top)
{
    size_t depth = STACK_LOOKED_AT - 1;
    while (depth > STACK_SPARED && top[-(ptrdiff_t)depth] == PAINT)
        depth--;
    return depth;
}

/* -- transport --------------------------------------------------------------------------------- */

static emqx_tls_code start(void *context, const emqx_tls_exchange *x, void **handle)
{
    static const char pending[] = "{\"status\":\"pending\",\"tlsType\":\"one-way\"}";
    const char *body = strcmp(x->method, "GET") == 0 ? "{}" : pending;
    const emqx_tls_reply reply = {.size = sizeof reply,
                                  .delivery = EMQX_TLS_DELIVERY_ANSWERED,
                                  .http_status = 200,
                                  .body = body,
                                  .body_len = strlen(body)};
    (void)context, (void)handle;
    x->done(x->done_user, &reply);
    return EMQX_TLS_OK;
}

/* -- calls ------------------------------------------------------------------------------------- */

static int call(emqx_tls_client *client, const emqx_tls_request *request, const char *folder,
                emqx_tls_error *error)
{
    emqx_tls_status status;
    emqx_tls_status_init(&status);
#ifdef ENSURE
    emqx_tls_ensure_options options;
    emqx_tls_ensure_result result;
    emqx_tls_ensure_options_init(&options);
    emqx_tls_ensure_result_init(&result);
    options.receipt_dir = emqx_tls_features() & EMQX_TLS_HAS_X509 ? folder : NULL;
    return emqx_tls_ensure(client, "budget", request, &options, &result, &status, error);
#else
    (void)folder;
    int code = emqx_tls_get(client, "budget", &status, error);
    return code ? code : emqx_tls_update(client, "budget", request, &status, error);
#endif
}

static int open_and_call(const emqx_tls_request *request, const char *folder, size_t *idle)
{
    const emqx_tls_allocator own = {
        .size = sizeof own, .allocate = take, .resize = change, .release = give};
    emqx_tls_limiter_config quota;
    emqx_tls_config config;
    emqx_tls_transport transport;
    emqx_tls_client *client;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    emqx_tls_limiter_config_init(&quota);
    emqx_tls_config_init(&config);
    emqx_tls_transport_init(&transport);
    transport.start = start;
    config.transport = &transport;
    config.allocator = quota.allocator = &own;
    config.endpoint = "https://platform.example/public_api/v1";
    config.api_key = "key";
    config.api_secret = "secret";
#ifdef ENSURE
    char path[256];
    snprintf(path, sizeof path, "%s/quota", folder);
    int code = emqx_tls_limiter_open_file(path, &quota, &config.limiter, &error);
#else
    int code = emqx_tls_limiter_new(&quota, &config.limiter, &error);
#endif
    if (!code)
        code = emqx_tls_client_new(&config, &client, &error);
    if (!code) {
        emqx_tls_limiter_unref(config.limiter);
        code = call(client, request, folder, &error);
        *idle = live;
        emqx_tls_client_free(client);
    }
    if (code)
        fprintf(stderr, "%s\n", error.message);
    return code;
}

static char *read_all(const char *path, size_t *len)
{
    static char files[2][64 * 1024];
    static int count;
    FILE *file = fopen(path, "r");
    if (!file || count == 2)
        exit(2);
    *len = fread(files[count], 1, sizeof files[count], file);
    fclose(file);
    return files[count++];
}

int main(int argc, char **argv)
{
    emqx_tls_request request;
    size_t idle = 0;
    if (argc != 4)
        return 2;
    emqx_tls_request_init(&request);
    request.type = EMQX_TLS_TYPE_ONE_WAY;
    request.cert = read_all(argv[1], &request.cert_len);
    request.key = read_all(argv[2], &request.key_len);
    volatile unsigned char *top = __builtin_frame_address(0);
    paint(top);
    int code = open_and_call(&request, argv[3], &idle);
    size_t stack = painted_over(top);
    printf("%zu %zu %zu\n", idle, most, stack);
    return code || live ? 1 : 0;
}
