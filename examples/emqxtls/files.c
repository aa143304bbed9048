/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Files that the command reads: certificate, key, credentials. Whatever may be secret is wiped.
 */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (1024 * 1024)

void file_free(char *data, size_t len)
{
    if (!data)
        return;
    explicit_bzero(data, len);
    free(data);
}

static char *complain(const char *path, const char *what)
{
    fprintf(stderr, "emqxtls: %s: %s\n", path, what);
    return NULL;
}

char *file_read(const char *path, size_t *len, bool secret)
{
    struct stat info;
    size_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return complain(path, strerror(errno));
    if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode) || info.st_size > FILE_MAX_BYTES) {
        close(fd);
        return complain(path, "not a file of at most 1 MiB");
    }
    if (secret && S_ISREG(info.st_mode) && (info.st_mode & S_IROTH)) {
        close(fd);
        return complain(path, "everybody can read this secret: chmod o-r it");
    }
    char *data = malloc(FILE_MAX_BYTES + 2);
    const char *problem = data ? NULL : "out of memory";
    while (data && got <= FILE_MAX_BYTES) { /* read(2), not stdio: a FILE would keep a copy */
        ssize_t n = read(fd, data + got, FILE_MAX_BYTES + 1 - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            problem = strerror(errno);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    close(fd);
    if (data && got > FILE_MAX_BYTES)
        problem = "not a file of at most 1 MiB";
    if (problem) {
        file_free(data, got);
        return complain(path, problem);
    }
    data[got] = '\0';
    *len = got;
    return data;
}

/* The value of NAME in lines NAME=VALUE, or NULL. */
static char *value_of(const char *text, const char *name)
{
    size_t name_len = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *start = line + strspn(line, " \t");
        if (strncmp(start, "export ", 7) == 0)
            start += 7;
        if (strncmp(start, name, name_len) != 0 || start[name_len] != '=')
            continue;
        start += name_len + 1;
        size_t len = strcspn(start, "\r\n");
        if (len >= 2 && (*start == '"' || *start == '\'') && start[len - 1] == *start) {
            start++;
            len -= 2;
        }
        return strndup(start, len);
    }
    return NULL;
}

int credentials_load(struct credentials *c, const struct options *o)
{
    static const char *const names[] = {"EMQXCLOUD_PLATFORM_ENDPOINT", "EMQXCLOUD_PLATFORM_API_KEY",
                                        "EMQXCLOUD_PLATFORM_API_SECRET"};
    char **values[] = {&c->endpoint, &c->api_key, &c->api_secret};
    const char *folder = getenv("CREDENTIALS_DIRECTORY"), *path = o->secret_file;
    char *systemd = NULL, *file = NULL;
    size_t len = 0;
    *c = (struct credentials){0};
    if (!path && folder && asprintf(&systemd, "%s/emqxtls", folder) > 0 &&
        access(systemd, R_OK) == 0)
        path = systemd;
    if (path && !(file = file_read(path, &len, true))) {
        free(systemd);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < 3; i++) {
        const char *environment = getenv(names[i]);
        *values[i] = file ? value_of(file, names[i]) : NULL;
        if (!*values[i] && environment)
            *values[i] = strdup(environment);
        if (!*values[i] || !**values[i]) {
            fprintf(stderr,
                    "emqxtls: %s is not set: put it into the environment or into --secret-file\n",
                    names[i]);
            file_free(file, len);
            free(systemd);
            return EXIT_USAGE;
        }
    }
    file_free(file, len);
    free(systemd);
    return EXIT_DONE;
}

void credentials_free(struct credentials *c)
{
    free(c->endpoint);
    if (c->api_key)
        file_free(c->api_key, strlen(c->api_key));
    if (c->api_secret)
        file_free(c->api_secret, strlen(c->api_secret));
}

int material_load(struct material *m, const struct options *o)
{
    emqx_tls_request *r = &m->request;
    *m = (struct material){0};
    emqx_tls_request_init(r);
    r->type = o->type;
    if (r->type == EMQX_TLS_TYPE_UNKNOWN)
        r->type = o->cacert_file ? EMQX_TLS_TYPE_TWO_WAY : EMQX_TLS_TYPE_ONE_WAY;
    if (o->cert_file && !(m->cert = file_read(o->cert_file, &r->cert_len, false)))
        return EXIT_USAGE;
    if (o->key_file && !(m->key = file_read(o->key_file, &r->key_len, true)))
        return EXIT_USAGE;
    if (o->cacert_file && !(m->cacert = file_read(o->cacert_file, &r->cacert_len, false)))
        return EXIT_USAGE;
    r->cert = m->cert;
    r->key = m->key;
    r->cacert = m->cacert;
    return EXIT_DONE;
}

void material_free(struct material *m)
{
    file_free(m->cert, m->request.cert_len);
    file_free(m->key, m->request.key_len);
    file_free(m->cacert, m->request.cacert_len);
}
