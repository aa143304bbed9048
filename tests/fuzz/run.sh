#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
# Runs every fuzzer for a time: tests/fuzz/run.sh [SECONDS, 60] [BUILD FOLDER, build-fuzz]
# Installs clang where it is missing, and ends with the first thing that is found. What is found
# along the way is kept in the build folder; an input that breaks something belongs into corpus/,
# with the mend.
set -eu
seconds=${1:-60} build=${2:-build-fuzz}
cd "$(dirname "$0")/../.."
tests/packages.sh build tests fuzz
[ -d "$build" ] || CC="${CC:-clang}" meson setup "$build" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
    -Dbuildtype=debugoptimized
ninja -C "$build" fuzzers
# UBSan would only tell, and go on.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
for program in "$build"/tests/fuzz/fuzz-*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    target=${program##*/fuzz-}
    found=$build/tests/fuzz/found-$target
    mkdir -p "$found"
    "$program" -max_total_time="$seconds" -max_len=2048 -timeout=60 -print_final_stats=1 \
        -artifact_prefix="$found/" "$found" "tests/fuzz/corpus/$target"
done
