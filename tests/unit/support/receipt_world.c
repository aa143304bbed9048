/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "receipt_world.h"

#include <fcntl.h>

int receipt_set_up(void **state)
{
    int code = world_set_up(state);
    w.options.receipt_dir = w.folder;
    return code;
}

/* The receipt as it is now. */
emqxi_receipt receipt(void)
{
    emqxi_receipt_file file;
    emqxi_receipt r;
    bool damaged;
    assert_int_equal(emqxi_receipt_open(&file, &emqxi_malloc, w.folder, "d1", NULL), EMQX_TLS_OK);
    assert_int_equal(emqxi_receipt_load(&file, &r, &damaged, NULL), EMQX_TLS_OK);
    assert_false(damaged);
    emqxi_receipt_close(&file);
    return r;
}

void path_of(const char *ending, char to[256])
{
    emqxi_receipt_file file;
    assert_int_equal(emqxi_receipt_open(&file, &emqxi_malloc, w.folder, "d1", NULL), EMQX_TLS_OK);
    snprintf(to, 256, "%s/%s%s", w.folder, file.name, ending);
    emqxi_receipt_close(&file);
}

static void copy_file(const char *from, const char *to)
{
    char text[4096];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t n = read(in, text, sizeof text);
    assert_true(n > 0);
    assert_int_equal(write(out, text, (size_t)n), n);
    close(in);
    close(out);
}

/* Looks at the folder while the write is on its way, and keeps what a crash would leave. */
const char *intent_is_written(void *context, const emqx_tls_exchange *x)
{
    char path[256], kept[300];
    (void)context;
    (void)x;
    if (receipt().state != EMQXI_RECEIPT_INTENT)
        return "no intent is in the folder";
    path_of(".json", path);
    snprintf(kept, sizeof kept, "%s/kept", w.folder);
    copy_file(path, kept);
    return NULL;
}

void write_is(const char *method, int32_t status, const char *body)
{
    emqx_tls_test_step step = {
        .method = method, .http_status = status, .body = body, .check = intent_is_written};
    expect(w.f, &step);
}

/* As if the process had died after its write left. */
void crash(void)
{
    char path[256], kept[300];
    path_of(".json", path);
    snprintf(kept, sizeof kept, "%s/kept", w.folder);
    assert_int_equal(rename(kept, path), 0);
    assert_int_equal(receipt().state, EMQXI_RECEIPT_INTENT);
}

void certainly(uint32_t certain)
{
    assert_int_equal(w.result.certain, certain);
}

void write_over_old_and_crash(void)
{
    get_is(OLD_RUNNING);
    write_is("PUT", 200, SAME_PENDING);
    expect_end(EMQX_TLS_OK, EMQX_TLS_ACTION_UPDATED, 1, 1);
    crash();
}
