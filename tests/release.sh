#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/release.sh [--try] - verifies the check list of a release, makes its archive, and builds and tests that alone: one version in
# all places, the list of changes, symbols, the ABI that is kept for later releases, pages, all tests that are not slow. Nothing is
# published. Leaves build-release-archive/meson-dist/libemqxtls-VERSION.tar.xz and its checksum.
# With --try the release may be without its date, and the tree have changes that are not committed (and not in the archive).
set -eu
cd "$(dirname "$0")/.."
case ${1:-} in
  '') dated=--dated ;;
  --try) dated= ;;
  *) sed -n '4,8s/^# //p' "$0"; exit 2 ;;
esac

echo "-- the check list"
# shellcheck disable=SC2086 # nothing, where it is empty
python3 tests/release.py . $dated
./tests/packages.sh build tests redis docs

echo "-- the archive, built alone"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quiet() { # COMMAND...: shows what it said only if it fails
  "$@" >"$work/log" 2>&1 || { tail -40 "$work/log"; echo "failed: $*"; exit 1; }
}
rm -rf build-release-archive
quiet meson setup build-release-archive -Dwerror=true -Ddocs=enabled
quiet meson dist -C build-release-archive --no-tests --allow-dirty
ls build-release-archive/meson-dist
tar -C "$work" -xf build-release-archive/meson-dist/libemqxtls-*.tar.xz
cd "$work"/libemqxtls-*
quiet meson setup build -Dwerror=true -Ddocs=enabled
quiet ninja -C build

echo "-- the ABI that is kept is that of the archive"
python3 tests/abi/compat.py --keep build/lib/abi.json "$work/released.json"
cmp "$work/released.json" tests/abi/released.json && cmp build/lib/emqxtls.ffi.h tests/abi/released.ffi.h || {
  echo "keep it: tests/abi/compat.py --keep BUILD/lib/abi.json tests/abi/released.json; cp BUILD/lib/emqxtls.ffi.h tests/abi/released.ffi.h"
  exit 1
}

echo "-- the archive, tested alone: headers, ABI, pages, units, integration"
meson test -C build --no-suite slow --no-suite hooks
echo "Now: ./tests/run.sh all, then tag, and publish the archive with its checksum."
