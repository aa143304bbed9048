/* SPDX-License-Identifier: MIT */
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
    char path[96];
    snprintf(path, sizeof path, "%s/socket", s->folder);
    redisContext *link = redisConnectUnix(path);
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

static void make_folder(server *s, bool appendonly)
{
    if (system("command -v redis-server >/dev/null") != 0)
        exit(77);
    memset(s, 0, sizeof *s);
    s->appendonly = appendonly;
    s->port = free_port();
    if (!folder_make(s->folder, "redis"))
        give_up("no folder");
    snprintf(s->socket_url, sizeof s->socket_url, "unix://:p%%40ss%%20word@%s/socket", s->folder);
    snprintf(s->tcp_url, sizeof s->tcp_url, "redis://:p%%40ss%%20word@127.0.0.1:%d/0", s->port);
}

void server_new(server *s, bool appendonly)
{
    make_folder(s, appendonly);
    server_start(s);
}

void server_new_tls(server *s, const char *subject_alt_name)
{
    static const char recipe[] =
        "cd %s && new='openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes' && "
        "{ $new -keyout ca.key -out ca.pem -subj /CN=test-ca && "
        "$new -CA ca.pem -CAkey ca.key -keyout tls.key -out tls.pem -subj /CN=redis "
        "-addext subjectAltName=%s -addext basicConstraints=critical,CA:FALSE; } 2>openssl.log";
    char command[1024], ca[128];
    make_folder(s, true);
    snprintf(command, sizeof command, recipe, s->folder, subject_alt_name);
    if (system(command) != 0)
        give_up("openssl made no certificate for it");
    snprintf(ca, sizeof ca, "%s/ca.pem", s->folder);
    setenv("SSL_CERT_FILE", ca, 1);
    s->tls_port = free_port();
    server_start(s);
}

void server_start(server *s)
{
    char config[2048];
    int n =
        snprintf(config, sizeof config,
                 "port %d\nbind 127.0.0.1\nunixsocket %s/socket\nrequirepass \"%s\"\ndir %s\nsave "
                 "\"\"\nappendonly %s\n"
                 "appendfsync %s\n"
                 "daemonize no\nlogfile %s/log\n",
                 s->port, s->folder, SERVER_PASSWORD, s->folder, s->appendonly ? "yes" : "no",
                 s->fsync_always ? "always" : "everysec", s->folder);
    if (s->tls_port)
        snprintf(config + n, sizeof config - (size_t)n,
                 "tls-port %d\ntls-cert-file %s/tls.pem\ntls-key-file %s/tls.key\n"
                 "tls-ca-cert-file %s/ca.pem\ntls-auth-clients no\n",
                 s->tls_port, s->folder, s->folder, s->folder);
    int in[2];
    if (pipe(in) != 0 || (s->pid = fork()) < 0)
        give_up("no process");
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        close(in[1]);
        execlp("redis-server", "redis-server", "-", (char *)NULL);
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

void server_free(server *s)
{
    server_kill(s);
    folder_remove(s->folder);
}

long long server_command(const server *s, const char *format, ...)
{
    va_list arguments;
    redisContext *link = open_link(s);
    if (!link)
        give_up("it can't be asked");
    va_start(arguments, format);
    redisReply *reply = redisvCommand(link, format, arguments);
    va_end(arguments);
    if (!reply || reply->type == REDIS_REPLY_ERROR)
        give_up(reply ? reply->str : "no answer");
    long long n = reply->type == REDIS_REPLY_INTEGER ? reply->integer
                  : reply->type == REDIS_REPLY_ARRAY ? (long long)reply->elements
                                                     : (long long)reply->len;
    freeReplyObject(reply);
    redisFree(link);
    return n;
}
