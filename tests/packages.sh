#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tests/packages.sh GROUP... - installs on Debian 12 (and what is like it) the packages that are missing for:
#   build   the library, its examples and the emulator
#   tests   ./tests/run.sh
#   redis   libemqxtls-redis and its tests
#   acme    the renewal hooks' tests
#   fuzz    tests/fuzz/run.sh
#   bench   the benchmarks; where no policy forbids it, Debian starts nginx on port 80 then: systemctl disable --now nginx
# Silent, and no root needed, when all is there.
set -eu

build='gcc libc6-dev pkg-config meson ninja-build libcurl4-openssl-dev libjansson-dev libssl-dev openssl ca-certificates'
# The last two lines are what Debian's libcurl.pc wants for a static link and does not depend on.
tests='g++ cmake binutils libcmocka-dev mosquitto valgrind python3 curl jq bsdutils scdoc libuv1-dev nginx-light
  libbrotli-dev libidn2-dev libkrb5-dev libldap-dev libnghttp2-dev
  libpsl-dev librtmp-dev libssh2-1-dev libzstd-dev zlib1g-dev'
redis='libhiredis-dev redis-server'
acme='pebble certbot lego dehydrated'
fuzz='clang libclang-rt-dev'
bench='nginx-light valgrind python3 curl jq'

[ $# -gt 0 ] || { sed -n '4,10s/^# //p' "$0"; exit 2; }

wanted=
for group in "$@"; do
  case $group in
    build) wanted="$wanted $build" ;;
    tests) wanted="$wanted $tests" ;;
    redis) wanted="$wanted $redis" ;;
    acme) wanted="$wanted $acme" ;;
    fuzz) wanted="$wanted $fuzz" ;;
    bench) wanted="$wanted $bench" ;;
    *) echo "tests/packages.sh: there is no group '$group'" >&2; exit 2 ;;
  esac
done

missing=
for package in $wanted; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "Installing:$missing"
if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null; then
  as_root=sudo
else
  echo "This needs root or sudo. As root: apt-get install --no-install-recommends$missing" >&2
  exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=240 "$@" >"$log" 2>&1
}
# The lists of a fresh machine are empty or old.
# shellcheck disable=SC2086
if ! { apt update && apt install --no-install-recommends $missing; }; then
  tail -20 "$log" >&2
  echo "tests/packages.sh: apt-get failed, see above" >&2
  exit 1
fi
