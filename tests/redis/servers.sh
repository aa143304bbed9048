#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/redis/servers.sh - all tests of the quota in Redis, the slow ones too, on Redis and on
# Valkey, plain and by TLS. Both servers are packages of Debian 13 and newer:
#   tests/root.sh trixie tests/redis/servers.sh
set -eu
cd "$(dirname "$0")/../.."
./tests/packages.sh build redis servers
redis-server --version
valkey-server --version
build=${1:-build-servers}
[ -f "$build/build.ninja" ] || meson setup "$build" -Dwerror=true -Dredis=enabled -Dcommand=false -Dexamples=false -Ddocs=disabled
programs=$(ninja -C "$build" -t targets all | sed -n 's|^\(tests/redis/redis-[a-z]*\): .*|\1|p')
# shellcheck disable=SC2086
ninja -C "$build" $programs
list=$(meson test -C "$build" --no-rebuild --list)
for name in core store blink faults refusals processes; do
  for variant in '' -by-tls -valkey -valkey-by-tls; do
    grep -q "redis-$name$variant\$" <<END || { echo "redis-$name$variant is not among the tests" >&2; exit 1; }
$list
END
  done
done
meson test -C "$build" --no-rebuild --print-errorlogs --suite redis
