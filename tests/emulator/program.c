/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * emqxtls-emulator COMMAND...: runs a program against the emulator. It finds endpoint, key, secret
 * and CA in the environment, where it looks for them anyway, and no proxy.
 */
#include "emulator.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

static const char *const proxies[] = {"http_proxy", "https_proxy", "all_proxy",
                                      "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"};

static void set_environment(const struct settings *s, const char *endpoint, const char *control)
{
    char login[1024], ca[4096];
    snprintf(login, sizeof login, "%s", s->credentials[0]);
    char *secret = strchr(login, ':');
    *secret++ = '\0';
    setenv("EMQXCLOUD_PLATFORM_ENDPOINT", endpoint, 1);
    setenv("EMULATOR_CONTROL", control, 1);
    setenv("EMQXCLOUD_PLATFORM_API_KEY", login, 1);
    setenv("EMQXCLOUD_PLATFORM_API_SECRET", secret, 1);
    OPENSSL_cleanse(login, sizeof login);
    if (s->tls_dir) {
        snprintf(ca, sizeof ca, "%s/ca.pem", s->tls_dir);
        setenv("EMQXTLS_CA_FILE", ca, 1);
    }
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
        unsetenv(proxies[i]);
}

bool program_prepare(struct settings *s)
{
    unsigned char random[20];
    char text[2 * sizeof random + 1], folder[4096];
    if (!s->credentials) { /* a key of its own, so that a quota file knows this run apart */
        RAND_bytes(random, sizeof random);
        for (size_t i = 0; i < sizeof random; i++)
            sprintf(text + 2 * i, "%02x", random[i]);
        s->credentials = calloc(2, sizeof *s->credentials);
        if (!s->credentials || asprintf(s->credentials, "emulator-%.8s:%s", text, text + 8) < 0)
            return false;
    }
    if (s->http || s->tls_dir || s->tls_cert)
        return true;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/emqxtls-emulator-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    s->tls_dir_is_own = mkdtemp(folder);
    s->tls_dir = s->tls_dir_is_own ? strdup(folder) : NULL;
    if (!s->tls_dir)
        perror("emqxtls-emulator: can't make a folder for its CA");
    return s->tls_dir;
}

int program_start(struct settings *s, const char *endpoint, const char *control, pid_t *pid)
{
    posix_spawnattr_t attributes;
    sigset_t none, pipe_alone;
    set_environment(s, endpoint, control);
    sigemptyset(&none);
    sigemptyset(&pipe_alone);
    sigaddset(&pipe_alone, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &pipe_alone);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int failed = posix_spawnp(pid, s->program[0], NULL, &attributes, s->program, environ);
    posix_spawnattr_destroy(&attributes);
    if (failed)
        fprintf(stderr, "emqxtls-emulator: can't run %s: %s\n", s->program[0], strerror(failed));
    return failed ? 127 : 0;
}

int program_end(struct settings *s, pid_t pid)
{
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == 0) { /* the emulator ends first: its time is over */
        kill(pid, SIGTERM);
        while (waitpid(pid, &status, 0) < 0) {
        }
    }
    program_forget(s);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void program_forget(struct settings *s)
{
    char ca[4096];
    if (!s->tls_dir_is_own)
        return;
    snprintf(ca, sizeof ca, "%s/ca.pem", s->tls_dir);
    unlink(ca);
    rmdir(s->tls_dir);
}
