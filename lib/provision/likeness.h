/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * likeness - does a status show this certificate? Pure: no I/O, no clock, no memory.
 */
#ifndef EMQXI_LIKENESS_H
#define EMQXI_LIKENESS_H

#include "base/base.h"
#include "check/identity.h"

#define EMQXI_ZONE_MAX (14 * 3600) /* seconds: no time zone is further from UTC */

enum emqxi_likeness {
    EMQXI_DIFFERENT, /* something told differs */
    EMQXI_UNTOLD,    /* nothing told differs, but `expire` could not be compared */
    EMQXI_SAME       /* `expire` is the same, and nothing told differs */
};

/* offset_s: the zone of the platform's `expire`. A bare date is compared by day. `known`: what the
 * platform is known to tell as `cn` of it besides its names, or "". Without names none is
 * compared. */
enum emqxi_likeness emqxi_compare(const emqx_tls_status *status, const emqxi_identity *wanted,
                                  int32_t offset_s, const char *known);

/* Does it tell `expire` without a time of day? */
bool emqxi_bare_date(const emqx_tls_status *status);

/* Does what is wanted end before what the status shows? */
bool emqxi_earlier(const emqx_tls_status *status, const emqxi_identity *wanted, int32_t offset_s);

/* Is the difference between `expire` as it was read and the leaf's end one of time zones: whole
 * quarter hours within 14 h? A bare date fits many: of these the one nearest to near_s. */
bool emqxi_zone_of(const emqx_tls_status *status, const emqxi_identity *wanted, int32_t near_s,
                   int32_t *offset_s);

#endif
