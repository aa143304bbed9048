/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "broker.h"

#include "free_port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/usr/sbin/mosquitto"
#define NO_TLS_1_3                                                                                 \
    "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = "                          \
    "limits\n[limits]\nMaxProtocol = TLSv1.2\n"

bool broker_there(void)
{
    return access(PROGRAM, X_OK) == 0;
}

static void die(const char *what)
{
    fprintf(stderr, "broker: %s\n", what);
    abort();
}

static bool listens(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return connected;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        die("can't write its configuration");
}

static void run(const char *config, const char *limits)
{
    int null = open("/dev/null", O_WRONLY);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(null, 2);
    if (limits)
        setenv("OPENSSL_CONF", limits, 1);
    execl(PROGRAM, PROGRAM, "-c", config, (char *)NULL);
    _exit(127);
}

void broker_start(broker *b, const char *folder, const char *id, bool two_way, bool tls12)
{
    char text[2048], client_ca[512] = "", config[256], limits[256];
    snprintf(config, sizeof config, "%s/mosquitto.conf", folder);
    snprintf(limits, sizeof limits, "%s/openssl.cnf", folder);
    if (two_way)
        snprintf(client_ca, sizeof client_ca, "cafile %s/%s.cacert.pem\nrequire_certificate true\n",
                 folder, id);
    b->port = free_port();
    snprintf(text, sizeof text,
             "user root\nallow_anonymous true\nlog_dest stderr\nlistener %u 127.0.0.1\ncertfile "
             "%s/%s.cert.pem\nkeyfile "
             "%s/%s.key.pem\n%s",
             b->port, folder, id, folder, id, client_ca);
    write_file(config, text);
    write_file(limits, NO_TLS_1_3);
    b->pid = fork();
    if (b->pid == 0)
        run(config, tls12 ? limits : NULL);
    while (!listens(b->port)) {
        if (waitpid(b->pid, NULL, WNOHANG) != 0)
            die("mosquitto does not come up");
        poll(NULL, 0, 10);
    }
}

void broker_reload(const broker *b)
{
    kill(b->pid, SIGHUP);
}

void broker_end(broker *b)
{
    kill(b->pid, SIGTERM);
    waitpid(b->pid, NULL, 0);
}
