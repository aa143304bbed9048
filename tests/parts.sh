#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/parts.sh [PART...] - each part of the library left out alone, and all of them together: it
# builds without a warning, exports the same functions, and the tests that it can run pass. A part
# is an option of meson_options.txt; `all` is every one of them.
#
# Build folders are kept in build-parts; with ccache a second run takes seconds.
set -eu
cd "$(dirname "$0")/.."
all='libcurl jansson openssl file-store provision redis'
[ $# -gt 0 ] || set -- $all all
command -v ccache >/dev/null && [ -z "${CC:-}" ] && export CC='ccache gcc'
mkdir -p build-parts
failed=0
for part; do
    dir=build-parts/$part
    options=
    for name in $([ "$part" = all ] && echo "$all" || echo "$part"); do
        options="$options -D$name=disabled"
    done
    [ -f "$dir/build.ninja" ] || meson setup "$dir" -Dwerror=true -Dcommand=false -Ddocs=disabled $options >"$dir.log" 2>&1 || {
        cat "$dir.log"
        failed=$((failed + 1))
        continue
    }
    echo "== without $part"
    meson test -C "$dir" --print-errorlogs --suite unit --suite fuzz --suite abi --no-suite slow >"$dir.log" 2>&1 || {
        cat "$dir.log"
        failed=$((failed + 1))
    }
    sed -n 's/^\(Ok\|Fail\|Skipped\|Timeout\): */\1 /p' "$dir.log" | tr '\n' ' '
    echo
done
exit $((failed > 0))
