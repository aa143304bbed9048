#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
# Runs fuzzers for a time: tests/fuzz/run.sh [TARGET] [SECONDS, 60] [BUILD FOLDER, build-fuzz]
# A target is one of those in README.md; without one, or with `all`, each of them runs so long, as
# many side by side as there are processors. Installs clang where it is missing. What is found along
# the way is kept in the build folder; an input that breaks something is told, ends that target's
# run, and belongs into corpus/, with the mend.
set -eu
target=all
case ${1:-} in
    '' | [0-9]*) ;;
    *) target=$1; shift ;;
esac
seconds=${1:-60} build=${2:-build-fuzz}
cd "$(dirname "$0")/../.."
tests/packages.sh build tests redis fuzz
[ -d "$build" ] || CC="${CC:-clang}" meson setup "$build" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
    -Dbuildtype=debugoptimized
ninja -C "$build" fuzzers >"$build/fuzzers.log" 2>&1 || { tail -40 "$build/fuzzers.log"; exit 1; }
# UBSan would only tell, and go on.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

fuzz() { # TARGET
    found=$build/tests/fuzz/found-$1
    dictionary=tests/fuzz/dictionary/$1.dict
    mkdir -p "$found"
    set -- "$1" "$found" "tests/fuzz/corpus/$1"
    # of a long story there are so many features that to weigh them takes longer than to play it
    [ "$1" != call ] || set -- "$@" -entropic=0
    [ "$1" != json ] || set -- "$@" tests/fuzz/corpus/decode_status
    [ ! -f "$dictionary" ] || set -- "$@" "-dict=$dictionary"
    name=$1 log=$found.log
    shift
    if "$build/tests/fuzz/fuzz-$name" -max_total_time="$seconds" -max_len=2048 -timeout=60 -print_final_stats=1 \
        -artifact_prefix="$found/" "$@" >"$log" 2>&1; then
        sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) .*/'"$name"': clean, \1 inputs in \2 s/p' "$log"
    else
        tail -60 "$log"
        echo "$name: FAILED, see $log"
        return 1
    fi
}

if [ "$target" != all ]; then
    [ -x "$build/tests/fuzz/fuzz-$target" ] || { echo "tests/fuzz/run.sh: there is no target '$target'" >&2; exit 2; }
    fuzz "$target"
    exit
fi
ls "$build"/tests/fuzz/ | sed -n 's/^fuzz-\([a-z_]*\)$/\1/p' | xargs -P "$(nproc)" -I '{}' "$0" '{}' "$seconds" "$build"
