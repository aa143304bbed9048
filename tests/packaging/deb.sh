#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# deb.sh - in a root made by tests/root.sh: builds the Debian packages twice, in different folders (one has a blank in its name),
# with another umask and time zone, and compares them byte by byte; looks at them with lintian; installs, uses and removes them.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "${EMQXTLS_ROOT:-}" = 1 ] || { echo "this installs packages: tests/root.sh bookworm tests/packaging/deb.sh"; exit 2; }

step() {
  echo "-- $*"
}

quiet() { # COMMAND...: shows what it said only if it fails
  "$@" >/tmp/log 2>&1 || { tail -60 /tmp/log; echo "failed: $*"; exit 1; }
}

step "what the build needs"
./tests/packages.sh build deb

step "two builds, the same bytes"
mkdir "/tmp/another place"
tar -cf - --exclude ./.git --exclude './build*' . | tar -C "/tmp/another place" -xf -
quiet examples/packaging/build-deb.sh /tmp/debs
(umask 077 && TZ=Asia/Tokyo quiet "/tmp/another place/examples/packaging/build-deb.sh" "/tmp/other debs")
ls /tmp/debs
for package in libemqxtls0 libemqxtls-redis0 libemqxtls-dev emqxtls libemqxtls0-dbgsym libemqxtls-redis0-dbgsym emqxtls-dbgsym; do
  [ "$(find /tmp/debs -name "${package}_*.deb" | wc -l)" = 1 ] || { echo "there is no $package"; exit 1; }
done
for package in /tmp/debs/*.deb; do
  cmp "$package" "/tmp/other debs/$(basename "$package")"
done

step "lintian"
lintian --allow-root --display-info --fail-on error,warning,info /tmp/debs/*.changes

step "installed"
find / -xdev \( -path /tmp -o -path /proc -o -path "$PWD" -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \) -prune \
  -o -name '*emqx*' -print | sort >/tmp/before
quiet apt-get -q -y install --no-install-recommends /tmp/debs/*.deb
dpkg --verify libemqxtls0 libemqxtls-dev libemqxtls-redis0 emqxtls
[ -x "$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/emqxtls-renew.service)" ]

step "used"
quiet apt-get -q -y install --no-install-recommends cmake g++ pkgconf openssl
(cd /tmp && mkdir tree && tar -C "$OLDPWD" -cf - tests/abi examples/packaging | tar -C tree -xf -)
for name in program command; do
  (cd /tmp/tree && quiet sh "examples/packaging/debian/tests/$name")
done

step "removed, and nothing is left"
mapfile -t ours < <(dpkg-query -W -f '${Package}\n' '*emqxtls*')
quiet apt-get -q -y purge "${ours[@]}"
find / -xdev \( -path /tmp -o -path /proc -o -path "$PWD" -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \) -prune \
  -o -name '*emqx*' -print | sort | diff /tmp/before -
echo "all is well"
