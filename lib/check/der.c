/* SPDX-License-Identifier: MIT */
#include "check/der.h"

bool emqxi_der_take(emqxi_der *from, unsigned tag, emqxi_der *content)
{
    const unsigned char *p = from->p;
    if (from->len < 2 || p[0] != tag)
        return false;
    size_t head = 2, len = p[1];
    if (len >= 0x80) {
        size_t n = len & 0x7F;
        head += n;
        len = 0;
        if (n < 1 || n > 4 || from->len < head)
            return false;
        for (size_t i = 2; i < head; i++)
            len = len << 8 | p[i];
    }
    if (len > from->len - head)
        return false;
    *content = (emqxi_der){p + head, len};
    from->p += head + len;
    from->len -= head + len;
    return true;
}
