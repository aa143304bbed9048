#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# quota.sh EMQXTLS - where the command keeps the quota: a default file for each API key and each way to count, and in Redis, where
# that is there, a prefix for each key.
set -euo pipefail
emqxtls=$1
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
export HOME=$work EMQXCLOUD_PLATFORM_ENDPOINT=https://127.0.0.1/v1 EMQXCLOUD_PLATFORM_API_SECRET=s
unset STATE_DIRECTORY XDG_STATE_HOME

quota() { # API-KEY OPTION...
  EMQXCLOUD_PLATFORM_API_KEY=$1 "$emqxtls" quota "${@:2}" >/dev/null
}

quota one
quota one --per-deployment --deployment d1
quota one
quota two
[ "$(find "$work" -name 'quota-*' | wc -l)" = 3 ]
[ "$(find "$work" -name 'quota-*-per-deployment' | wc -l)" = 1 ]
echo "a run with --per-deployment leaves the other runs their file"

command -v redis-server redis-cli >/dev/null || exit 0
redis-server --port 0 --unixsocket "$work/socket" --dir "$work" --save '' --appendonly yes >"$work/log" &
server=$!
until redis-cli -s "$work/socket" ping >/dev/null 2>&1; do kill -0 "$server" && sleep 0.1; done
if ! quota one --quota-file "unix://$work/socket" 2>"$work/said"; then
  grep -q 'no Redis store' "$work/said" || { cat "$work/said"; exit 1; }
  exit 0
fi
quota one --quota-file "unix://$work/socket"
quota two --quota-file "unix://$work/socket"
quota two --quota-file "unix://$work/socket" --quota-prefix ours
keys=$(redis-cli -s "$work/socket" keys '*' | sort)
[ "$(grep -cE '^\{emqxtls-[0-9a-f]{16}\}:epoch$' <<<"$keys")" = 2 ]
grep -qx 'ours:epoch' <<<"$keys"
[ "$(wc -l <<<"$keys")" = 3 ]
echo "two API keys on one database share no quota, unless a prefix is given"

# A password of the URL comes from the environment or the secret file, so it is in no process list.
redis-cli -s "$work/socket" config set requirepass never-shown >/dev/null
address=unix://:never-shown@$work/socket
! quota one --quota-file "unix://$work/socket" 2>"$work/said"
grep -q 'password' "$work/said"
EMQXTLS_QUOTA=$address quota one
EMQXTLS_QUOTA=unix:///no/such/socket quota one --quota-file memory
umask 077
printf '%s\n' "EMQXCLOUD_PLATFORM_ENDPOINT=$EMQXCLOUD_PLATFORM_ENDPOINT" EMQXCLOUD_PLATFORM_API_KEY=one EMQXCLOUD_PLATFORM_API_SECRET=s \
  "EMQXTLS_QUOTA=$address" >"$work/secrets"
EMQXTLS_QUOTA=unix:///no/such/socket quota two --secret-file "$work/secrets"
EMQXTLS_QUOTA=unix://:wrong-never-shown@$work/socket quota one 2>"$work/said" && exit 1
! grep never-shown "$work/said"
echo "the password of a Redis URL comes from the environment or the secret file, and is shown nowhere"
