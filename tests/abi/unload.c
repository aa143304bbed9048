/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A program may unload the library while libcurl's resolver thread still waits for a name: the code
 * stays where it is.
 */
#include <dlfcn.h>
#include <stdio.h>

#include <emqxtls/emqxtls.h>

#include "slow_names.h"

/* By dlsym, since nothing is linked to it here; as POSIX shows it, for ISO C has no such cast. */
#define TAKE(library, name)                                                                        \
    __typeof__(&name) take_##name;                                                                 \
    *(void **)&take_##name = dlsym(library, #name)

static int fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!library)
        return fail(dlerror());
    TAKE(library, emqx_tls_config_init_size);
    TAKE(library, emqx_tls_client_new);
    TAKE(library, emqx_tls_client_free);
    TAKE(library, emqx_tls_get);
    emqx_tls_config config;
    emqx_tls_client *client;
    take_emqx_tls_config_init_size(&config, sizeof config);
    config.endpoint = "https://slow.example/v1";
    config.api_key = "key";
    config.api_secret = "secret";
    config.proxy = "";
    config.timeout_ms = 200;
    if (take_emqx_tls_client_new(&config, &client, NULL) != EMQX_TLS_OK)
        return fail("no client");
    if (take_emqx_tls_get(client, "d1", NULL, NULL) != EMQX_TLS_E_TIMEOUT)
        return fail("the name was not slow");
    take_emqx_tls_client_free(client);
    if (slow_names_asked() == 0)
        return fail("nobody asked for the name");
    if (dlclose(library) != 0)
        return fail(dlerror());
    slow_names_answer(); /* the thread goes on, in code that must still be there */
    slow_names_wait_freed();
    return dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) ? 0 : fail("the library is gone");
}
