#!/bin/sh
# SPDX-License-Identifier: MIT
#
# lego ... run --run-hook /usr/local/lib/emqxtls/lego.sh
# lego ... renew --renew-hook /usr/local/lib/emqxtls/lego.sh
# lego names the chain in LEGO_CERT_PATH.
set -eu
exec "$(dirname "$0")/emqxtls-renew" "$LEGO_CERT_PATH"
