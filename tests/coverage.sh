#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/coverage.sh - runs the tests of lib, and prints how many of its lines and branches they reach,
# by file. What they do not reach stands in tests/coverage.known, with the reason; anything else
# fails, and so does less than 96 % of the lines or 90 % of the branches. Needs ./tests/packages.sh
# build tests redis; takes minutes.
#
# Three builds by gcc: with everything, without OpenSSL and jansson, and without all that can be left
# out. They count what a child of a test does as well, which would end without writing it down.
set -euo pipefail
cd "$(dirname "$0")/.."

covered() { # DIR SUITES OPTION...
  local dir=$1 suites=$2 suite wanted=() names
  shift 2
  [ -f "$dir/build.ninja" ] ||
    CC=${CC:-gcc} meson setup "$dir" -Dbuildtype=debug -Db_coverage=true -Dc_args=-D_exit=exit -Ddocs=disabled "$@" >"$dir.log" 2>&1 ||
    { cat "$dir.log"; return 1; }
  find "$dir" -name '*.gcda' -delete
  for suite in $suites; do wanted+=(--suite "$suite"); done
  # `installed` links what is installed to programs that are built without this
  mapfile -t names < <(meson test -C "$dir" --list "${wanted[@]}" --no-suite slow 2>/dev/null | sed -n 's|^libemqxtls:.* / ||p' | grep -vx installed)
  meson test -C "$dir" --print-errorlogs "${names[@]}" >"$dir.log" 2>&1 ||
    { tail -60 "$dir.log"; return 1; }
}

mkdir -p build-coverage
covered build-coverage/all 'unit torture fuzz redis integration abi process command examples'
covered build-coverage/plain 'unit fuzz redis' -Dopenssl=disabled -Djansson=disabled
covered build-coverage/none 'unit fuzz abi' -Dopenssl=disabled -Djansson=disabled -Dlibcurl=disabled -Dfile-store=disabled \
  -Dprovision=disabled -Dredis=disabled
python3 tests/coverage.py tests/coverage.known build-coverage/all build-coverage/plain build-coverage/none
