/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A process that uses a quota file is killed, or stopped for good, between every two of its system
 * calls: a debugger (ptrace) halts it at the first entry to or return from the kernel, then in a
 * new try at the second, and so on. After each the file must be readable and hold the old or the
 * new state, and every slot whose request may have left; a stopped process must not hang the
 * others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <emqxtls/test.h>

#include "folder.h"
#include "real_clock.h"
#include "limiter/limiter.h"

#define LEASE_MS 30000
#define FILE_MAX (8 << 20)
#define WRITE    EMQX_TLS_OP_UPDATE
#define READ     EMQX_TLS_OP_GET

typedef struct scenario {
    uint32_t flags;
    void (*prepare)(void); /* makes the file; once */
    void (*begin)(void);   /* before each try, with the file as prepared and opened, or not made */
    void (*run)(void);     /* in the process that is killed */
} scenario;

/* What the process has told before it was killed. */
typedef struct told {
    uint32_t reserved[2]; /* reads, writes: its requests may have left */
} told;

static char folder[64], path[80];
static emqx_tls_test_clock *timer;
static const scenario *current;
static told *shared;

/* -- the quota --------------------------------------------------------------------------------- */

static emqx_tls_limiter *open_quota(void)
{
    emqx_tls_limiter_config config;
    emqx_tls_limiter *limiter;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    emqx_tls_limiter_config_init(&config);
    config.flags = current->flags;
    config.clock = emqx_tls_test_clock_vtable(timer);
    if (emqx_tls_limiter_open_file(path, &config, &limiter, &error) != EMQX_TLS_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    return limiter;
}

/* Whether the slot was given; busy, if asked for, and nothing else is false too. */
static bool reserve(emqx_tls_limiter *limiter, uint32_t op, const char *deployment,
                    emqxi_reserve *r, bool *busy)
{
    emqxi_waiter waiter = {0};
    emqxi_error error;
    emqxi_error_clear(&error);
    *r = (emqxi_reserve){.op = op, .deployment_id = deployment, .lease_ms = LEASE_MS};
    if (emqxi_limiter_reserve(limiter, r, &waiter, &error) != EMQX_TLS_OK || (r->busy && !busy)) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    if (busy)
        *busy = r->busy;
    return r->granted;
}

static void use(emqx_tls_limiter *limiter, uint32_t op, const char *deployment)
{
    emqxi_reserve r;
    if (!reserve(limiter, op, deployment, &r, NULL))
        abort();
    shared->reserved[op != READ]++;
    if (emqxi_limiter_settle(limiter, r.ticket, EMQX_TLS_OUTCOME_ANSWERED, -1, 0, NULL) !=
        EMQX_TLS_OK)
        abort();
}

static uint32_t used(uint32_t op)
{
    emqx_tls_limiter *limiter = open_quota();
    emqx_tls_quota quota;
    emqx_tls_error error;
    emqx_tls_error_init(&error);
    emqx_tls_quota_init(&quota);
    if (emqx_tls_limiter_query(limiter, op, "d1", &quota, &error) != EMQX_TLS_OK)
        fail_msg("%s", error.message);
    emqx_tls_limiter_unref(limiter);
    return quota.used;
}

/* -- what it does ------------------------------------------------------------------------------ */

static emqx_tls_limiter *opened;

static char snapshot[FILE_MAX];
static size_t snapshot_size;

static void keep_file(void)
{
    int fd = open(path, O_RDONLY);
    snapshot_size = 0;
    for (ssize_t n;
         fd >= 0 && (n = read(fd, snapshot + snapshot_size, sizeof snapshot - snapshot_size)) > 0;)
        snapshot_size += (size_t)n;
    if (fd >= 0)
        close(fd);
    assert_true(snapshot_size < sizeof snapshot);
}

static void restore_file(void)
{
    unlink(path);
    if (snapshot_size == 0)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, snapshot, snapshot_size), snapshot_size);
    close(fd);
}

static void nothing(void)
{
}

static void some_use(void)
{
    emqx_tls_limiter *limiter = open_quota();
    use(limiter, READ, "d1");
    use(limiter, WRITE, "d1");
    emqx_tls_limiter_unref(limiter);
}

static void first_use(void)
{
    use(open_quota(), WRITE, "d1");
}

static void one_write_and_one_read(void)
{
    use(opened, WRITE, "d1");
    use(opened, READ, "d1");
}

static void a_read_that_must_be_synced(void)
{
    for (int i = 0; i < 9; i++)
        use(opened, READ, "d1");
}

static void delete_file(void)
{
    unlink(path);
}

static unsigned deployments;

static void use_another(emqx_tls_limiter *limiter, unsigned number)
{
    char name[24];
    emqxi_reserve r;
    snprintf(name, sizeof name, "another-%u", number);
    if (!reserve(limiter, WRITE, name, &r, NULL))
        abort();
}

/* As many as the file has room for. */
static void many_deployments(void)
{
    some_use();
    emqx_tls_limiter *limiter = open_quota();
    struct stat before, after;
    stat(path, &before);
    for (deployments = 0;; deployments++) {
        keep_file();
        use_another(limiter, deployments);
        stat(path, &after);
        if (after.st_size > before.st_size)
            break;
    }
    emqx_tls_limiter_unref(limiter);
    restore_file();
}

static void one_deployment_more(void)
{
    use_another(opened, deployments);
    use(opened, WRITE, "d1");
}

/* -- killed and stopped ------------------------------------------------------------------------ */

static void prepare(const scenario *s)
{
    current = s;
    unlink(path);
    s->prepare();
    keep_file();
}

static void begin_again(void)
{
    emqx_tls_limiter_unref(opened);
    opened = NULL;
    restore_file();
    if (snapshot_size > 0)
        opened = open_quota();
    current->begin();
    memset(shared, 0, sizeof *shared);
}

static pid_t traced(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        current->run();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
        print_message("ptrace is not allowed here\n");
        skip();
    }
    return child;
}

/* Lets it go to its n-th entry to or return from the kernel; false: it has come to its end
 * before. */
static bool go_to(pid_t child, int n)
{
    int status;
    for (int i = 0; i < n; i++) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return false;
        }
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
            fail_msg("the process ended with signal %d at system call %d", WTERMSIG(status), i / 2);
    }
    return true;
}

static void end(pid_t child)
{
    int status;
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) == child && !WIFEXITED(status) && !WIFSIGNALED(status))
        ;
}

static void assert_old_or_new(int n, const uint32_t old[2], const uint32_t extra[2])
{
    for (int class = 0; class < 2; class ++) {
        uint32_t now = used(class ? WRITE : READ), told_of = shared->reserved[class];
        if (now < old[class] + told_of || now > old[class] + told_of + extra[class])
            fail_msg("at stop %d: %s used %u, were %u, told of %u", n, class ? "writes" : "reads",
                     now, old[class], told_of);
    }
}

/* `old`: reads and writes used before. `least`: more system calls than that. */
static void kill_everywhere(const scenario *s, uint32_t old_reads, uint32_t old_writes, int least)
{
    static const uint32_t in_flight[2] = {1, 1};
    const uint32_t old[2] = {old_reads, old_writes};
    bool more = true;
    prepare(s);
    for (int n = 1; more; n++) {
        begin_again();
        pid_t child = traced();
        more = go_to(child, n);
        end(child);
        assert_old_or_new(n, old, in_flight);
        assert_true(more || n / 2 > least);
    }
}

static void the_first_use_of_a_new_file(void **state)
{
    (void)state;
    static const scenario s = {0, nothing, nothing, first_use};
    kill_everywhere(&s, 0, 0, 20);
}

static void a_write_and_a_read(void **state)
{
    (void)state;
    static const scenario s = {0, some_use, nothing, one_write_and_one_read};
    kill_everywhere(&s, 1, 1, 20);
}

static void reads_of_which_one_is_synced(void **state)
{
    (void)state;
    static const scenario s = {0, some_use, nothing, a_read_that_must_be_synced};
    kill_everywhere(&s, 1, 1, 50);
}

static void a_file_that_was_deleted_under_the_process(void **state)
{
    (void)state;
    static const scenario s = {0, some_use, delete_file, one_write_and_one_read};
    kill_everywhere(&s, 0, 0, 40);
}

static void a_file_that_grows(void **state)
{
    (void)state;
    static const scenario s = {EMQX_TLS_PER_DEPLOYMENT, many_deployments, nothing,
                               one_deployment_more};
    kill_everywhere(&s, 1, 1, 200);
}

/* The others see at once that it is busy, or go on; when it goes on too, both are counted. */
static void a_stopped_process_hangs_nobody(void **state)
{
    (void)state;
    static const scenario s = {0, some_use, nothing, one_write_and_one_read};
    int busy_times = 0;
    prepare(&s);
    for (int n = 1;; n++) {
        begin_again();
        pid_t child = traced();
        bool more = go_to(child, n), busy;
        emqxi_reserve r;
        emqx_tls_limiter *limiter = open_quota();
        alarm(PATIENCE_MS / 1000); /* a call that hangs ends the test */
        reserve(limiter, WRITE, "d1", &r, &busy);
        alarm(0);
        emqx_tls_limiter_unref(limiter);
        busy_times += busy;
        if (!more) {
            assert_true(busy_times > 4 && busy_times < n);
            return;
        }
        int status;
        assert_int_equal(ptrace(PTRACE_DETACH, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        /* Its own file may have been ours for the moment that it tried. */
        assert_int_equal(used(WRITE), 1 + shared->reserved[1] + !busy);
    }
}

static int set_up(void **state)
{
    (void)state;
    if (!folder_make_in_memory(folder, "syscalls"))
        return -1;
    snprintf(path, sizeof path, "%s/quota", folder);
    timer = emqx_tls_test_clock_new(24 * 3600000, 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    emqx_tls_limiter_unref(opened);
    emqx_tls_test_clock_free(timer);
    folder_remove(folder); /* with what a killed process has left half made */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_use_of_a_new_file),
        cmocka_unit_test(a_write_and_a_read),
        cmocka_unit_test(reads_of_which_one_is_synced),
        cmocka_unit_test(a_file_that_was_deleted_under_the_process),
        cmocka_unit_test(a_file_that_grows),
        cmocka_unit_test(a_stopped_process_hangs_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
