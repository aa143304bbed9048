#!/usr/bin/env sh
# SPDX-License-Identifier: MIT
#
# Put it into acme.sh's deploy folder as emqxtls.sh, then: acme.sh --deploy -d DOMAIN --deploy-hook emqxtls
# acme.sh reads the file and calls emqxtls_deploy DOMAIN KEY CERT CA FULLCHAIN; it keeps the hook for the next renewals. The table of
# emqxtls-renew names the FULLCHAIN in acme.sh's own folder.

emqxtls_deploy() {
  _emqxtls_fullchain="$5"
  "${EMQXTLS_RENEW:-/usr/local/lib/emqxtls/emqxtls-renew}" "$_emqxtls_fullchain"
}
