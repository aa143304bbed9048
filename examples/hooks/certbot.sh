#!/bin/sh
# SPDX-License-Identifier: MIT
#
# certbot renew --deploy-hook /usr/local/lib/emqxtls/certbot.sh     (or put it into /etc/letsencrypt/renewal-hooks/deploy)
# certbot names the renewed lineage's folder in RENEWED_LINEAGE. It tells of a hook that fails, but ends with 0 all the same: the
# timer of emqxtls-renew repeats it.
set -eu
exec "$(dirname "$0")/emqxtls-renew" "$RENEWED_LINEAGE/fullchain.pem"
