#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
# Builds all fuzzers for a continuous fuzzing service, by OSS-Fuzz's conventions: CC, CFLAGS and
# LIB_FUZZING_ENGINE are the service's; OUT gets the programs, their shared libraries (found by
# $ORIGIN/lib), dictionaries, options and corpora as TARGET_seed_corpus.zip. In its image run
# tests/packages.sh build tests redis first. By hand:
#   CC=clang CFLAGS='-g -O1 -fsanitize=address,fuzzer-no-link' LIB_FUZZING_ENGINE=-fsanitize=fuzzer \
#     OUT=/tmp/out tests/fuzz/build.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${CC:?}" "${LIB_FUZZING_ENGINE:?}" "${OUT:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2016 # $ORIGIN is the linker's
LDFLAGS="${LDFLAGS:-} -Wl,-rpath,\$ORIGIN/lib" meson setup "$work/build" -Dfuzz=true -Db_lundef=false -Dbuildtype=plain \
  -Dcommand=false -Dexamples=false -Demulator=auto -Ddocs=disabled >"$work/log" || { cat "$work/log"; exit 1; }
ninja -C "$work/build" fuzzers >"$work/log" || { tail -40 "$work/log"; exit 1; }
mkdir -p "$OUT/lib"
for program in "$work"/build/tests/fuzz/fuzz-*; do
  [ -f "$program" ] && [ -x "$program" ] || continue
  target=${program##*/fuzz-}
  cp "$program" "$OUT/$target"
  ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' |
    grep -Ev '/(libc|libm|libdl|libpthread|librt|ld-linux[^/]*)\.so' | xargs -r cp -L -t "$OUT/lib"
  (cd "tests/fuzz/corpus/$target" && python3 -m zipfile -c "$OUT/${target}_seed_corpus.zip" ./*)
  [ ! -f "tests/fuzz/dictionary/$target.dict" ] || cp "tests/fuzz/dictionary/$target.dict" "$OUT"
  printf '[libfuzzer]\nmax_len = 2048\n' >"$OUT/$target.options"
done
