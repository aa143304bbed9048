#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/packages.sh GROUP... - installs on Debian 12 and 13 (and what is like them) the packages
# that are missing for:
#   build   the library, its examples and the emulator
#   tests   ./tests/run.sh
#   redis   libemqxtls-redis and its tests
#   servers  tests/redis/servers.sh (Debian 13 or newer)
#   slow    what ./tests/run.sh all needs besides, with acme and fuzz; schemas of Kubernetes by npm
#   acme    the renewal hooks' tests
#   bindings  tests/bindings: Debian's packages, and koffi by npm
#   docs    man pages, the reference and the site, and their tests
#   deb     examples/packaging/build-deb.sh
#   fuzz    tests/fuzz/run.sh
#   analyse tests/analyse.sh
#   roots   tests/root.sh
#   budgets tests/budgets.sh
#   bench   the benchmarks
# Silent, and no root needed, when all is there. A daemon that comes with a package (nginx,
# mosquitto, redis) is neither started nor left enabled; one that was there already stays as it is.
set -eu

# dpkg-dev: by it meson knows the folder where Debian looks for libraries.
build='gcc libc6-dev dpkg-dev pkg-config meson ninja-build libcurl4-openssl-dev libjansson-dev libssl-dev openssl ca-certificates'
# The last three lines are what a static link of Debian's libcurl wants and libcurl4-openssl-dev
# does not depend on: on Debian 12 all of it, on 13 the last line.
tests='g++ cmake binutils libcmocka-dev mosquitto python3 python3-cffi luajit curl jq bsdutils scdoc
  libuv1-dev libevent-dev libglib2.0-dev nginx-light python3-prometheus-client
  libbrotli-dev libidn2-dev libkrb5-dev libldap-dev libnghttp2-dev
  libpsl-dev librtmp-dev libssh2-1-dev libzstd-dev zlib1g-dev
  libunistring-dev libgpg-error-dev'
redis='libhiredis-dev redis-server'
servers='libcmocka-dev valkey-server'
slow='valgrind abigail-tools python3-cryptography-vectors strace systemd bubblewrap python3-yaml'
acme='pebble certbot lego dehydrated'
bindings='golang-go cargo rustc luajit python3 g++ pkg-config'
deb='build-essential debhelper lintian doxygen python3 scdoc libhiredis-dev'
docs='doxygen python3 python3-markdown scdoc groff-base reuse codespell'
fuzz='clang libclang-rt-dev'
analyse='gcc clang-tidy cppcheck python3'
roots='debootstrap debian-archive-keyring'
budgets='musl-tools gcc-arm-linux-gnueabihf libc6-dev-armhf-cross strace openssl'
bench='nginx-light valgrind python3 curl jq'

[ $# -gt 0 ] || { sed -n '4,19s/^# //p' "$0"; exit 2; }

wanted=
npm=
for group in "$@"; do
  case $group in
    build) wanted="$wanted $build" ;;
    tests) wanted="$wanted $tests" ;;
    redis) wanted="$wanted $redis" ;;
    servers) wanted="$wanted $servers" ;;
    slow) wanted="$wanted $slow"; npm="$npm kubernetes-models @kubernetes-models/cert-manager typescript@5" ;;
    acme) wanted="$wanted $acme" ;;
    docs) wanted="$wanted $docs" ;;
    bindings) wanted="$wanted $bindings"; npm="$npm koffi" ;;
    deb) wanted="$wanted $deb" ;;
    fuzz) wanted="$wanted $fuzz" ;;
    analyse) wanted="$wanted $analyse" ;;
    roots) wanted="$wanted $roots" ;;
    budgets) wanted="$wanted $budgets" ;;
    bench) wanted="$wanted $bench" ;;
    *) echo "tests/packages.sh: there is no group '$group'" >&2; exit 2 ;;
  esac
done

# These are on no Debian. npm of another source than Debian's is part of its nodejs.
if [ -n "$npm" ] && ! command -v npm >/dev/null; then
  wanted="$wanted nodejs npm"
elif [ -n "$npm" ]; then
  modules=$(npm root -g)
  packages=$npm npm=
  for package in $packages; do
    [ -d "$modules/${package%@[0-9]*}" ] || npm="$npm $package"
  done
fi

missing=
for package in $wanted; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing$npm" ] || exit 0

if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null && exec sudo -- "$0" "$@"
  echo "This needs root or sudo. As root: apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

new_units=
for unit in nginx.service mosquitto.service redis-server.service valkey-server.service certbot.timer; do
  [ -e "/lib/systemd/system/$unit" ] || new_units="$new_units $unit"
done

echo "Installing:$missing$npm"
log=$(mktemp)
# Asked by packages before they start a daemon. One that is there already is somebody's decision.
policy=/usr/sbin/policy-rc.d
if [ -e $policy ]; then
  trap 'rm -f "$log"' EXIT
else
  trap 'rm -f "$log" $policy' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
fi
apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=240 "$@" >"$log" 2>&1 </dev/null
}
# The lists of a fresh machine are empty or old.
# shellcheck disable=SC2086
if [ -n "$missing" ] && ! { apt update && apt install --no-install-recommends $missing; }; then
  tail -20 "$log" >&2
  echo "tests/packages.sh: apt-get failed, see above" >&2
  exit 1
fi

for unit in $new_units; do
  # What systemctl disable does, which is not there where no systemd runs.
  find /etc/systemd/system -type l -lname "*/$unit" -delete
  name=${unit%.*}
  [ ! -e "/etc/init.d/$name" ] || update-rc.d "$name" disable >/dev/null 2>&1 || true
done

# shellcheck disable=SC2086
if [ -n "$npm" ] && ! npm install -g $npm >"$log" 2>&1 </dev/null; then
  tail -20 "$log" >&2
  echo "tests/packages.sh: npm install -g$npm failed, see above" >&2
  exit 1
fi
