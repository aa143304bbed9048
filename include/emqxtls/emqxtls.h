/* SPDX-License-Identifier: MIT
 *
 * emqxtls.h - all of libemqxtls: keeps the TLS certificate of EMQX Platform deployments right,
 * inside the quota.
 */
#ifndef EMQXTLS_EMQXTLS_H
#define EMQXTLS_EMQXTLS_H

#include <emqxtls/base.h>
#include <emqxtls/values.h>
#include <emqxtls/transport.h>
#include <emqxtls/limiter.h>
#include <emqxtls/check.h>
#include <emqxtls/client.h>
#include <emqxtls/provision.h>

#endif
