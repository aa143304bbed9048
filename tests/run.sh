#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/run.sh [all|roots] - installs what is missing, builds with warnings as errors, runs tests. Ends
# with "N passed, N failed".
#
#   (nothing)  every test that is not slow; unit, fuzz and torture tests under ASan and UBSan too
#   all        everything there is, as CI runs it: the slow tests, a build without OpenSSL, all but
#              the slow ones under ASan and UBSan, what has threads under ThreadSanitizer, unit and
#              integration tests under valgrind
#   roots      in fresh roots of Debian 12 and 13: the README's Install block and program; the Debian
#              packages, built twice, compared, installed, used and removed. Needs root or sudo
#
# A test program of cmocka counts with each of its cases.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-quick}
case $mode in
  quick | all | roots) ;;
  *) sed -n '4,14s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

exec 9<tests/run.sh
if ! flock -n 9; then
  echo "Another tests/run.sh is running in this folder: wait until it has ended." >&2
  exit 1
fi

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

say() {
  printf '\n== %s\n' "$*"
}

configure() { # DIR OPTION...
  local dir=$1
  shift
  if [ -f "$dir/build.ninja" ]; then
    meson configure "$dir" "$@" >/dev/null
  else
    meson setup "$dir" -Dwerror=true "$@" >"$results/setup.log" 2>&1 || { cat "$results/setup.log"; return 1; }
  fi
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
  if ninja -C "$dir" >"$results/build.log" 2>&1; then
    meson test -C "$dir" --no-rebuild --print-errorlogs "$@" || true
  else
    tail -60 "$results/build.log"
  fi
  count "$name" "$dir"
}

# The same for some suites: builds only what their tests need.
run_only() { # NAME DIR MESON-TEST-ARGUMENT...
  local name=$1 dir=$2
  shift 2
  say "$name"
  rm -f "$dir"/meson-logs/testlog*.json
  meson test -C "$dir" --print-errorlogs "$@" || true
  count "$name" "$dir"
}

quick() {
  ./tests/packages.sh build tests redis
  configure build-test
  run "all tests that are not slow" build-test --no-suite slow
  configure build-sanitize -Db_sanitize=address,undefined -Db_lundef=false
  run_only "ASan and UBSan" build-sanitize --suite unit --suite fuzz --suite torture --no-suite slow --timeout-multiplier 3
}

everything() {
  ./tests/packages.sh build tests redis slow acme docs bindings
  configure build-test
  run "all tests" build-test

  # Where only the structure of PEM is checked; receipts and probe are not there.
  configure build-plain -Dopenssl=disabled
  run "without OpenSSL" build-plain --suite unit --suite fuzz --suite abi --suite integration --no-suite slow

  configure build-sanitize -Db_sanitize=address,undefined -Db_lundef=false
  run "ASan and UBSan" build-sanitize --no-suite slow --timeout-multiplier 3

  configure build-threads -Db_sanitize=thread -Db_lundef=false
  run_only "ThreadSanitizer" build-threads --suite threads --timeout-multiplier 3

  run "valgrind" build-test --suite unit --suite integration --no-suite slow --no-suite no-valgrind \
    --timeout-multiplier 10 --logbase testlog-valgrind \
    --wrapper "valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite,possible --error-exitcode=99 --child-silent-after-fork=yes --suppressions=$PWD/tests/valgrind.supp"
}

roots() {
  local suite script
  for suite in bookworm trixie; do
    for script in tests/docs/install.sh tests/packaging/deb.sh; do
      say "$suite: $script"
      if tests/root.sh "$suite" "$script" 9<&-; then
        echo "$suite: $script: 1 passed, 0 failed, 0 skipped" >>"$results/counts"
      else
        echo "$suite: $script: 0 passed, 1 failed, 0 skipped" >>"$results/counts"
      fi
    done
  done
}

say "packages"
case $mode in
  quick) quick ;;
  all) everything ;;
  roots) roots ;;
esac

say "result"
cat "$results/counts"
awk '{ passed += $(NF - 5); failed += $(NF - 3) } END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }' \
  FS='[ ,]+' "$results/counts"
