#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# build-deb.sh OUTDIR - builds Debian packages from this checkout, and leaves them in OUTDIR. The checkout stays as it is. The
# same checkout gives the same bytes wherever it lies, whoever builds it. Needs dpkg-dev, debhelper and what debian/control names.
set -eu
[ $# = 1 ] || { sed -n '4,5s/^# //p' "$0"; exit 2; }
source=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
umask 022
export LC_ALL=C.UTF-8 TZ=UTC
unset DESTDIR CFLAGS CXXFLAGS CPPFLAGS LDFLAGS CC CXX

# Not in TMPDIR: a blank in the path would tear the compiler's options apart.
work=$(mktemp -d /var/tmp/emqxtls-deb.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$source/meson.build")
tree=$work/libemqxtls-$version
mkdir "$tree"
tar -C "$source" --anchored --exclude ./.git --exclude './build*' --exclude './subprojects' -cf - . | tar -C "$tree" -xf -
cp -R "$tree/examples/packaging/debian" "$tree/debian"
(cd "$tree" && dpkg-buildpackage --build=binary --no-sign) >"$work/log" 2>&1 ||
  { tail -60 "$work/log"; echo "build-deb.sh: the build failed, see above" >&2; exit 1; }
cp "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo "$out"
cd "$out" && ls ./*.deb
