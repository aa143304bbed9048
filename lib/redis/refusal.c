/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What Redis's errors mean, by how they begin, and the address behind MOVED: the rest may echo what
 * was sent, and so may a first word that is no code.
 */
#include "redis/session.h"

#include <string.h>

typedef struct refusal {
    const char *word; /* or words, that it begins with */
    bool passing;     /* it may pass by itself, as a failover does */
    const char *means;
} refusal;

static const refusal refusals[] = {
    {"NOAUTH", false, "wants a password: give it in the URL, [USER]:PASSWORD@"},
    /* NOAUTH before it is looked at: nobody unknown may send so many words */
    {"ERR Protocol error: unauthenticated", false,
     "wants a password: give it in the URL, [USER]:PASSWORD@"},
    {"WRONGPASS", false, "does not accept the user and password of the URL"},
    {"NOPERM", false,
     "gives this user too few rights: it needs +eval +evalsha +get +set +getex +time +info and "
     "~PREFIX:*"},
    {"OOM", false, "has no memory left: raise its maxmemory"},
    {"MISCONF", false, "can't save its data and so takes no writes: look into its log"},
    {"READONLY", true, "is a replica, which takes no writes: give the primary's address"},
    {"LOADING", true, "is still loading its data"},
    {"BUSY", true, "is busy with somebody's script: look for one that does not end"},
    {"CLUSTERDOWN", true, "is a cluster of which a part is down"},
    {"MASTERDOWN", true, "is a replica without its primary"},
    {"NOREPLICAS", true, "has fewer replicas than it wants for a write"},
    {"TRYAGAIN", true, "is a cluster that moves these keys just now"},
    {"CROSSSLOT", false,
     "is a cluster: put braces into the prefix, such as {emqxtls}, so that one node has all keys"},
    {"WRONGTYPE", false, "has something else under the quota's prefix: use another prefix"},
    {"DENIED", false, "lets in nobody without a password (protected mode): give it one"},
};

/* MOVED SLOT HOST:PORT. */
static bool moved(emqxi_redis *r, const char *answer)
{
    static const char allowed[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:[]";
    const char *node = strrchr(answer, ' ') + 1;
    return emqxi_redis_fail(r, false,
                            "is a cluster, and another node has this prefix: give %.100s instead",
                            node[strspn(node, allowed)] ? "that node's address" : node);
}

bool emqxi_redis_refused(emqxi_redis *r, const char *what, const char *answer)
{
    if (strncmp(answer, "MOVED ", 6) == 0)
        return moved(r, answer);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        size_t len = strlen(refusals[i].word);
        if (strncmp(answer, refusals[i].word, len) == 0 && (!answer[len] || answer[len] == ' '))
            return emqxi_redis_fail(r, refusals[i].passing, "%s (%s)", refusals[i].means,
                                    refusals[i].word);
    }
    const size_t len = strcspn(answer, " ");
    const bool is_code = strspn(answer, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
    return emqxi_redis_fail(r, false,
                            "refuses %s (%.*s): it must be Redis 7 or Valkey; check user, password "
                            "and database",
                            what, (int)EMQXI_MIN(len, 24), is_code ? answer : "?");
}
