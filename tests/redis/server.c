/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "server.h"

#include "folder.h"
#include "free_port.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

static void give_up(const char *what)
{
    fprintf(stderr, "redis-server for the test: %s\n", what);
    exit(1);
}

static redisContext *open_link(const server *s)
{
    redisContext *link = redisConnectUnix(s->socket);
    if (!link || link->err) {
        if (link)
            redisFree(link);
        return NULL;
    }
    redisReply *reply = redisCommand(link, "AUTH %s", SERVER_PASSWORD);
    bool ok = reply && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    reply = ok ? redisCommand(link, "PING") : NULL; /* LOADING while it reads what it kept */
    ok = reply && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    if (ok)
        return link;
    redisFree(link);
    return NULL;
}

static const char *program(void)
{
    const char *name = getenv("EMQXTLS_TEST_REDIS");
    return name ? name : "redis-server";
}

static void prepare(server *s, bool appendonly)
{
    char command[128];
    snprintf(command, sizeof command, "command -v %s >/dev/null", program());
    if (system(command) != 0)
        exit(77);
    memset(s, 0, sizeof *s);
    s->appendonly = appendonly;
    s->port = free_port();
    snprintf(s->folder, sizeof s->folder, "/tmp/emqxtls-redis-XXXXXX");
    if (!mkdtemp(s->folder))
        give_up("no folder");
    snprintf(s->socket, sizeof s->socket, "%s/socket", s->folder);
    snprintf(s->socket_url, sizeof s->socket_url, "unix://:%s@%s", SERVER_URL_PASSWORD, s->socket);
    snprintf(s->tcp_url, sizeof s->tcp_url, "redis://:%s@127.0.0.1:%d/0", SERVER_URL_PASSWORD,
             s->port);
}

static void make_certificates(server *s, const char *subject_alt_name, bool expired)
{
    /* How a certificate comes to have expired is not the same in all versions of OpenSSL. */
    static const char recipe[] =
        "cd %s && new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes' && "
        "old=$(openssl x509 -help 2>&1 | grep -q not_before && "
        "echo -not_before 20200101000000Z -not_after 20200201000000Z || echo -days -1) && "
        "{ openssl req -x509 $new -keyout ca.key -out ca.pem -subj /CN=test-ca && "
        "openssl req $new -keyout tls.key -out tls.csr -subj /CN=redis "
        "-addext subjectAltName=%s && openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key "
        "-copy_extensions copy -out tls.pem %s; } >openssl.log 2>&1";
    char command[1024];
    snprintf(command, sizeof command, recipe, s->folder, subject_alt_name,
             expired ? "$old" : "-days 2");
    if (system(command) != 0)
        give_up("openssl made no certificate for it");
    s->tls_port = free_port();
    snprintf(s->tcp_url, sizeof s->tcp_url, "rediss://:%s@127.0.0.1:%d/0?ca=%s/ca.pem",
             SERVER_URL_PASSWORD, s->tls_port, s->folder);
}

void server_new(server *s, bool appendonly)
{
    prepare(s, appendonly);
    if (getenv("EMQXTLS_TEST_REDIS_TLS"))
        make_certificates(s, "IP:127.0.0.1", false);
    server_start(s);
}

void server_new_tls(server *s, const char *subject_alt_name, bool expired, const char *more)
{
    prepare(s, true);
    s->more = more;
    make_certificates(s, subject_alt_name, expired);
    server_start(s);
}

void server_start(server *s)
{
    char config[2048];
    /* Not everysec: a write may wait for a sync that goes on then, and be lost with Redis. */
    int n =
        snprintf(config, sizeof config,
                 "port %d\nbind 127.0.0.1\nunixsocket %s\nrequirepass \"%s\"\ndir %s\nsave \"\"\n"
                 "appendonly %s\nappendfsync no\ndaemonize no\nlogfile %s/log\n%s\n",
                 s->port, s->socket, SERVER_PASSWORD, s->folder, s->appendonly ? "yes" : "no",
                 s->folder, s->more ? s->more : "");
    if (s->tls_port)
        snprintf(config + n, sizeof config - (size_t)n,
                 "tls-port %d\ntls-cert-file %s/tls.pem\ntls-key-file %s/tls.key\n"
                 "tls-ca-cert-file %s/ca.pem\n%s\n",
                 s->tls_port, s->folder, s->folder, s->folder,
                 s->more && strstr(s->more, "tls-auth-clients") ? "" : "tls-auth-clients no");
    int in[2];
    if (pipe(in) != 0 || (s->pid = fork()) < 0)
        give_up("no process");
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        close(in[1]);
        execlp(program(), program(), "-", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    if (write(in[1], config, strlen(config)) < 0)
        give_up("it did not take its configuration");
    close(in[1]);
    redisContext *link;
    while (!(link = open_link(s))) {
        if (waitpid(s->pid, NULL, WNOHANG) != 0)
            give_up("it did not come up");
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    redisFree(link);
}

void server_kill(server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void server_stop(server *s, bool stop)
{
    kill(s->pid, stop ? SIGSTOP : SIGCONT);
}

void server_free(server *s)
{
    server_kill(s);
    folder_remove(s->folder);
}

static redisReply *command(const server *s, const char *format, va_list arguments)
{
    redisContext *link = open_link(s);
    if (!link)
        give_up("it can't be asked");
    redisReply *reply = redisvCommand(link, format, arguments);
    if (!reply)
        give_up("no answer");
    redisFree(link);
    return reply;
}

bool server_accepts(const server *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = command(s, format, arguments);
    va_end(arguments);
    bool accepted = reply->type != REDIS_REPLY_ERROR;
    freeReplyObject(reply);
    return accepted;
}

long long server_command(const server *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = command(s, format, arguments);
    va_end(arguments);
    if (reply->type == REDIS_REPLY_ERROR)
        give_up(reply->str);
    long long n = reply->type == REDIS_REPLY_INTEGER ? reply->integer
                  : reply->type == REDIS_REPLY_ARRAY ? (long long)reply->elements
                                                     : (long long)reply->len;
    freeReplyObject(reply);
    return n;
}
