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
#include <sys/statvfs.h>
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
    say("%s: %s", path, what);
    return NULL;
}

static const char too_large[] = "not a file of at most 1 MiB";

/* NULL, or what is wrong with it. */
static const char *unfit(const char *path, int fd, bool secret)
{
    struct stat info;
    struct statvfs system;
    if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode) || info.st_size > FILE_MAX_BYTES)
        return too_large;
    if (!secret || !S_ISREG(info.st_mode) || !(info.st_mode & S_IROTH))
        return NULL;
    /* as a Kubernetes or Docker secret is mounted, which its owner can't chmod */
    if (fstatvfs(fd, &system) != 0 || !(system.f_flag & ST_RDONLY))
        return "everybody can read this secret: chmod o-r it";
    complain(path, "everybody can read this secret: mount it with defaultMode: 0400");
    return NULL;
}

/* With read(2), not stdio: a FILE would keep a copy. NULL, or what is wrong. */
static const char *read_all(int fd, char *to, size_t *got)
{
    while (*got <= FILE_MAX_BYTES) {
        ssize_t n = read(fd, to + *got, FILE_MAX_BYTES + 1 - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? strerror(errno) : NULL;
        *got += (size_t)n;
    }
    return too_large;
}

char *file_read(const char *path, size_t *len, bool secret)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    char *data = fd < 0 ? NULL : malloc(FILE_MAX_BYTES + 2);
    const char *problem = fd < 0 ? strerror(errno)
                          : data ? unfit(path, fd, secret)
                                 : "out of memory";
    *len = 0;
    if (!problem)
        problem = read_all(fd, data, len);
    if (fd >= 0)
        close(fd);
    if (!problem) {
        data[*len] = '\0';
        return data;
    }
    file_free(data, *len);
    return complain(path, problem);
}

/* -- lines ------------------------------------------------------------------------------------- */

char *line_trim(char *line, unsigned number)
{
    static const char blanks[] = " \t\r\n\v\f";
    if (number == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0)
        line += 3;
    line += strspn(line, blanks);
    size_t len = strlen(line);
    while (len > 0 && strchr(blanks, line[len - 1]))
        len--;
    line[len] = '\0';
    return len > 0 && *line != '#' ? line : NULL;
}

/* The value behind '=', in place: as people mean it, or NULL. */
static char *plain_value(char *value)
{
    value += strspn(value, " \t");
    char quote = *value;
    if (quote == '"' || quote == '\'') {
        char *end = strchr(++value, quote);
        if (!end)
            return NULL;
        char *rest = end + 1 + strspn(end + 1, " \t");
        *end = '\0';
        return !*rest || *rest == '#' ? value : NULL;
    }
    char *end = value + strcspn(value, " \t"), *rest = end + strspn(end, " \t");
    if (*rest && *rest != '#')
        return NULL; /* a blank inside: which part is meant can't be told */
    *end = '\0';
    return strpbrk(value, "\"'") ? NULL : value;
}

/* -- credentials ------------------------------------------------------------------------------- */

/* The first three are needed. The last has a host and its password in one. */
enum { NEEDED = 3, NAMES };
static const char *const names[NAMES] = {"EMQXCLOUD_PLATFORM_ENDPOINT",
                                         "EMQXCLOUD_PLATFORM_API_KEY",
                                         "EMQXCLOUD_PLATFORM_API_SECRET", "EMQXTLS_QUOTA"};

/* Says what is wrong with a line, and nothing of what is in it. */
static bool bad_line(const char *path, unsigned number, const char *what)
{
    say("%s, line %u: %s", path, number, what);
    return false;
}

static bool take_line(const char *path, unsigned number, char *line, char **values[NAMES])
{
    char *name = line, *value = strchr(line, '=');
    if (!value)
        return bad_line(path, number, "there is no '=': give NAME=VALUE");
    *value++ = '\0';
    if (strncmp(name, "export", 6) == 0 && (name[6] == ' ' || name[6] == '\t'))
        name += 6 + strspn(name + 6, " \t");
    name[strcspn(name, " \t")] = '\0';
    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        if (*values[i])
            return bad_line(path, number, "the same name again: leave one");
        value = plain_value(value);
        if (!value)
            return bad_line(path, number,
                            "a blank or a quote inside the value: put all of it in quotes");
        return (*values[i] = strdup(value)) != NULL;
    }
    return true; /* somebody else's */
}

/* All three come from here, or none: a secret must not go to the host that another source names. */
static bool take_file(const char *path, char **values[NAMES])
{
    size_t len;
    char *text = file_read(path, &len, true);
    if (!text)
        return false;
    char *rest = text, *line;
    unsigned number = 1;
    bool good = strlen(text) == len || bad_line(path, 1, "there is a NUL: is it UTF-16?");
    for (; good && (line = strsep(&rest, "\n")); number++)
        if ((line = line_trim(line, number)))
            good = take_line(path, number, line, values);
    file_free(text, len);
    for (size_t i = 0; good && i < NEEDED; i++)
        if (!*values[i] || !**values[i]) {
            say("%s is not in %s: all three come from there, none from the environment", names[i],
                path);
            good = false;
        }
    return good;
}

static bool take_environment(char **values[NAMES])
{
    for (size_t i = 0; i < NEEDED; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value) {
            say("%s is not set: put all three into the environment or into --secret-file",
                names[i]);
            return false;
        }
        if (!(*values[i] = strdup(value)))
            return false;
    }
    return true;
}

int credentials_load(struct credentials *c, const struct options *o)
{
    char **values[] = {&c->endpoint, &c->api_key, &c->api_secret, &c->quota};
    const char *folder = getenv("CREDENTIALS_DIRECTORY"), *quota = getenv(names[NEEDED]);
    char *systemd = NULL;
    *c = (struct credentials){0};
    if (!o->secret_file && folder && asprintf(&systemd, "%s/emqxtls", folder) < 0)
        return EXIT_OTHER;
    /* one that is there and can't be read is told, not left out */
    const char *path = o->secret_file ? o->secret_file : systemd;
    bool good = path && (o->secret_file || access(path, F_OK) == 0 || errno != ENOENT)
                    ? take_file(path, values)
                    : take_environment(values);
    free(systemd);
    if (good && !c->quota && quota && *quota)
        good = (c->quota = strdup(quota)) != NULL;
    return good ? EXIT_DONE : EXIT_USAGE;
}

void credentials_free(struct credentials *c)
{
    char *all[] = {c->endpoint, c->api_key, c->api_secret, c->quota};
    for (size_t i = 0; i < NAMES; i++)
        file_free(all[i], all[i] ? strlen(all[i]) : 0);
}

/* Which files the paths lead to now. */
static void look_at(const char *const paths[3], struct stat files[3])
{
    for (size_t i = 0; i < 3; i++)
        if (!paths[i] || stat(paths[i], &files[i]) != 0)
            files[i] = (struct stat){0};
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    if (a->st_dev != b->st_dev || a->st_ino != b->st_ino)
        return false;
    return !S_ISREG(a->st_mode) || /* reading changes the times of a pipe */
           (a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
            a->st_mtim.tv_nsec == b->st_mtim.tv_nsec);
}

int material_load(struct material *m, const struct options *o)
{
    const char *const paths[] = {o->cert_file, o->key_file, o->cacert_file};
    struct stat before[3], after[3];
    emqx_tls_request *r = &m->request;
    size_t *const lens[] = {&r->cert_len, &r->key_len, &r->cacert_len};
    *m = (struct material){0};
    emqx_tls_request_init(r);
    r->type = o->type;
    if (r->type == EMQX_TLS_TYPE_UNKNOWN)
        r->type = o->cacert_file ? EMQX_TLS_TYPE_TWO_WAY : EMQX_TLS_TYPE_ONE_WAY;
    /* A renewal may replace them meanwhile, a mounted Kubernetes Secret all at once: then chain and
     * key may be of two certificates. */
    look_at(paths, before);
    for (size_t i = 0; i < 3; i++)
        if (paths[i] && !(m->parts[i] = file_read(paths[i], lens[i], i == 1)))
            return EXIT_USAGE;
    look_at(paths, after);
    r->cert = m->parts[0];
    r->key = m->parts[1];
    r->cacert = m->parts[2];
    for (size_t i = 0; i < 3; i++)
        if (!is_same_file(&before[i], &after[i])) {
            complain(o->cert_file, "the files were replaced while they were read: run it again");
            return EXIT_LATER;
        }
    return EXIT_DONE;
}

void material_free(struct material *m)
{
    file_free(m->parts[0], m->request.cert_len);
    file_free(m->parts[1], m->request.key_len);
    file_free(m->parts[2], m->request.cacert_len);
}
