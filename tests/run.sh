#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/run.sh [all|build|roots|coverage|mutants] - installs what is missing, builds with warnings as errors, runs
# tests. Ends with "N passed, N failed".
#
#   (nothing)  every test that is not slow; unit, fuzz and torture tests under ASan and UBSan too
#   all        everything there is, as CI runs it: the slow tests; a build without OpenSSL; ASan and
#              UBSan, by gcc or by clang; a moment of fuzzing; ThreadSanitizer; valgrind; analysers;
#              the README's Install block and program in fresh roots of Debian 12 and 13, and there
#              the quota in Redis 8 and Valkey 8
#   build      builds alone, by gcc and by clang
#   roots      in fresh roots of Debian 12 and 13: the tests that are not slow, once as root and once
#              as an ordinary user; the Debian packages, built twice, compared, installed, used and
#              removed; the renewals' page, step by step; what is in the image for Kubernetes. In
#              one of Debian sid: the builds. Needs root or sudo
#   coverage   how many lines and branches of lib the tests reach, by file (tests/coverage.sh)
#   mutants    do the tests see small errors in what decides? (tests/mutants.py); half an hour
#
# A test program of cmocka counts with each of its cases.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-quick}
case $mode in
  quick | all | build | roots | coverage | mutants) ;;
  *) sed -n '4,20s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

exec 9<tests/run.sh
if ! flock -n 9; then
  echo "Another tests/run.sh is running in this folder: wait until it has ended." >&2
  exit 1
fi

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp
export MESON_TESTTHREADS=$((2 * $(nproc))) # many tests wait more than they work
results=$(mktemp -d)
behind=() # what runs behind this
trap 'kill "${behind[@]}" 2>/dev/null || true; rm -rf "$results"' EXIT
trap 'exit 130' HUP INT TERM

say() {
  printf '\n== %s (at %d s)\n' "$*" $SECONDS
}

configure() { # DIR OPTION...
  local dir=$1 log
  shift
  log=$results/setup-$dir.log
  if [ -f "$dir/build.ninja" ]; then
    meson configure "$dir" "$@" >/dev/null
  else
    meson setup "$dir" -Dwerror=true "$@" >"$log" 2>&1 || { cat "$log"; return 1; }
  fi
}

build() { # DIR
  ninja -C "$1" >"$results/build-$1.log" 2>&1 || { tail -60 "$results/build-$1.log"; return 1; }
}

count() { # NAME DIR
  python3 tests/count.py "$1" "$2"/meson-logs/testlog*.json >>"$results/counts"
}

# A step that does not build counts as one failure, and the others still run.
run() { # NAME DIR MESON-TEST-ARGUMENT...
  local name=$1 dir=$2
  shift 2
  say "$name"
  rm -f "$dir"/meson-logs/testlog*.json
  if build "$dir"; then
    meson test -C "$dir" --no-rebuild --print-errorlogs "$@" || true
  fi
  count "$name" "$dir"
}

# The same for some suites: builds only what their tests need.
run_only() { # NAME DIR MESON-TEST-ARGUMENT...
  local name=$1 dir=$2
  shift 2
  say "$name"
  rm -f "$dir"/meson-logs/testlog*.json
  meson test -C "$dir" --print-errorlogs "$@" 2>&1 | sed '/^\[[0-9]*\/[0-9]*\] /d' || true # without ninja's steps
  count "$name" "$dir"
}

# Counts as one test.
check() { # NAME COMMAND...
  local name=$1
  shift
  say "$name"
  if "$@" 9<&-; then
    echo "$name: 1 passed, 0 failed, 0 skipped" >>"$results/counts"
  else
    echo "$name: 0 passed, 1 failed, 0 skipped" >>"$results/counts"
  fi
}

# While the rest goes on; what it says is shown in the end, by `join`.
in_background() { # FUNCTION ARGUMENT...
  "$@" >"$results/said-${#behind[@]}" 2>&1 &
  behind+=($!)
}

join() {
  local i
  for i in "${!behind[@]}"; do
    wait "${behind[$i]}" || echo "a part of this broke off: 0 passed, 1 failed, 0 skipped" >>"$results/counts"
    cat "$results/said-$i"
  done
  behind=()
}

# ASan and UBSan, by the compiler that CC names.
sanitized() { # NAME DIR MESON-TEST-ARGUMENT...
  configure "$2" -Db_sanitize=address,undefined -Db_lundef=false
  run_only "$@" --no-suite slow --no-suite proof --timeout-multiplier 20
}

quick() {
  ./tests/packages.sh build tests redis
  configure build-test
  in_background sanitized "ASan and UBSan" build-sanitize --suite unit --suite fuzz --suite torture
  run "all tests that are not slow" build-test --no-suite slow
  join
}

fresh_roots() {
  local as=
  [ "$(id -u)" = 0 ] || as='sudo -n'
  # Where this is refused (in a container, say) no root can be made.
  if ! $as unshare --mount --pid --fork mount -t proc proc /proc; then
    echo "no fresh root can be made here: 0 passed, 0 failed, 2 skipped" >>"$results/counts"
    return
  fi
  check "README's Install block on bookworm" tests/root.sh bookworm tests/docs/install.sh
  check "README's Install block on trixie, and the quota in its Redis and Valkey" \
    tests/root.sh trixie sh -c 'tests/docs/install.sh && tests/redis/servers.sh'
}

threads() {
  configure build-threads -Db_sanitize=thread -Db_lundef=false
  run_only "ThreadSanitizer" build-threads --suite threads --timeout-multiplier 20
}

under_valgrind() {
  run "valgrind" build-test --suite unit --suite integration --no-suite slow --no-suite no-valgrind \
    --timeout-multiplier 50 --logbase testlog-valgrind \
    --wrapper "valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite,possible --error-exitcode=99 --child-silent-after-fork=yes --suppressions=$PWD/tests/valgrind.supp"
}

# Each test once: what ./tests/run.sh tries by gcc's sanitizers is tried by clang's here.
sanitizers() {
  sanitized "ASan and UBSan" build-sanitize --no-suite unit --no-suite fuzz --no-suite torture
  CC=clang configure build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
  run_only "ASan and UBSan by clang" build-fuzz --suite unit --suite fuzz --suite torture --no-suite slow --timeout-multiplier 20
  check "fuzzers" tests/fuzz/run.sh 2
  threads
}

# Three lanes: many tests wait more than they work, and a configuration keeps one core alone.
everything() {
  ./tests/packages.sh build tests redis slow acme docs bindings fuzz analyse roots budgets
  configure build-test
  build build-test || true # before the others take a core
  in_background fresh_roots
  in_background sanitizers
  run "all tests" build-test

  # Where only the structure of PEM is checked; receipts and probe are not there.
  configure build-plain -Dopenssl=disabled
  run "without OpenSSL" build-plain --suite unit --suite fuzz --suite abi --suite integration --no-suite slow

  check "without jansson; without all that can be left out" tests/parts.sh jansson all

  under_valgrind
  check "analysers" tests/analyse.sh
  check "hardened binaries" tests/hardened.sh
  check "budgets of a small machine" tests/budgets.sh
  join
}

builds() {
  ./tests/packages.sh build tests redis fuzz
  configure build-test
  check "build by gcc" build build-test
  CC=clang configure build-clang
  check "build by clang" build build-clang
}

roots() {
  check "bookworm, as root" tests/root.sh bookworm tests/run.sh
  check "trixie, as an ordinary user" tests/root.sh -u trixie tests/run.sh
  check "trixie: quickstart, as an ordinary user" tests/root.sh -u trixie examples/quickstart.sh
  check "bookworm: packages" tests/root.sh bookworm tests/packaging/deb.sh
  check "trixie: packages" tests/root.sh trixie tests/packaging/deb.sh
  check "trixie: the steps of the renewals' page" tests/root.sh trixie tests/hooks/readme.sh
  check "trixie: the image for Kubernetes" tests/root.sh trixie tests/kubernetes/image.sh
  check "sid: builds" tests/root.sh sid tests/run.sh build
}

say "packages"
case $mode in
  quick) quick ;;
  all) everything ;;
  build) builds ;;
  roots) roots ;;
  coverage) ./tests/packages.sh build tests redis; check "coverage" tests/coverage.sh ;;
  mutants) ./tests/packages.sh build tests; check "mutants" tests/mutants.py ;;
esac

say "result"
cat "$results/counts"
awk '{ passed += $(NF - 5); failed += $(NF - 3) } END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }' \
  FS='[ ,]+' "$results/counts"
