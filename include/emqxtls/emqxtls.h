/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
/**
 * @file emqxtls.h
 * @brief All of libemqxtls: keeps the TLS certificate of EMQX Platform deployments right, inside
 * the quota.
 *
 * @code
 * emqx_tls_config config;
 * emqx_tls_config_init(&config);
 * printf("libemqxtls %s\n", emqx_tls_version());
 * @endcode
 */
#ifndef EMQXTLS_EMQXTLS_H
#define EMQXTLS_EMQXTLS_H

#include <emqxtls/base.h>
#include <emqxtls/version.h>
#include <emqxtls/values.h>
#include <emqxtls/transport.h>
#include <emqxtls/limiter.h>
#include <emqxtls/check.h>
#include <emqxtls/client.h>
#include <emqxtls/provision.h>

#endif
