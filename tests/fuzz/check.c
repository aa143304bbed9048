/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * A good request with some changes: four bytes each, what and where (two bytes) and the value. Keys
 * are new in every run, and none is in the corpus; the changes are what is kept.
 */
#include "check_edit.h"

static void change(edit_request *e, const uint8_t op[4])
{
    size_t part = op[0] % EDIT_PARTS, at = (size_t)op[1] << 8 | op[2];
    pki_text *t = &e->parts[part];
    if (op[0] & 0x80) {
        edit_der(e, part, at, op[3]);
    } else if (t->len > 0 && op[0] & 0x40) { /* cut out */
        size_t n = EMQXI_MIN(op[3], t->len - at % t->len);
        memmove(t->data + at % t->len, t->data + at % t->len + n, t->len - at % t->len - n);
        t->len -= n;
    } else if (op[0] & 0x20) { /* a part behind another */
        pki_text copy = {0};
        pki_append(&copy, e->parts[op[3] % EDIT_PARTS].data, e->parts[op[3] % EDIT_PARTS].len);
        pki_append(t, copy.data, copy.len);
        free(copy.data);
    } else if (t->len > 0) {
        t->data[at % t->len] = (char)op[3];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    edit_request e;
    edit_make(&e);
    for (size_t i = 0; i + 4 <= EMQXI_MIN(size, 64u); i += 4)
        change(&e, data + i);
    edit_check(&e);
    edit_free(&e);
    return 0;
}
