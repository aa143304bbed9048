/* SPDX-License-Identifier: MIT
 *
 * The check in a build without OpenSSL.
 */
#include "check/rules.h"

void emqxi_check_x509(emqxi_check *c)
{
    emqxi_found(c, EMQX_TLS_FINDING_NOT_CHECKED, EMQX_TLS_PART_REQUEST, 0,
                "only the structure of the PEM was checked: this library was built without "
                "OpenSSL; look at validity, key and "
                "chain yourself");
}
