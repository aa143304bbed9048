#!/bin/sh
# SPDX-License-Identifier: MIT
#
# HOOK=/usr/local/lib/emqxtls/dehydrated.sh in dehydrated's config.
# dehydrated calls it as: deploy_cert DOMAIN KEYFILE CERTFILE FULLCHAINFILE CHAINFILE TIMESTAMP; other operations are none of ours.
set -eu
[ "${1-}" = deploy_cert ] || exit 0
exec "$(dirname "$0")/emqxtls-renew" "$5"
