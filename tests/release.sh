#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/release.sh - verifies the check list of a release, makes its archive, and builds and tests that alone. Nothing is published.
# Leaves build-release-archive/meson-dist/libemqxtls-VERSION.tar.xz and its checksum.
set -eu
cd "$(dirname "$0")/.."
echo "-- the check list"
python3 tests/release.py . --dated
./tests/packages.sh build tests redis docs
echo "-- the archive, built and tested alone: headers, ABI, pages, units, integration"
rm -rf build-release-archive
meson setup build-release-archive -Dwerror=true -Ddocs=enabled >/dev/null
meson dist -C build-release-archive --no-tests >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" -xf build-release-archive/meson-dist/libemqxtls-*.tar.xz
cd "$work"/libemqxtls-*
meson setup build -Dwerror=true -Ddocs=enabled >/dev/null
ninja -C build >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }
meson test -C build --no-suite slow --no-suite hooks
echo "Now: ./tests/run.sh all, then tag, and publish the archive with its checksum."
