#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/hardened.sh - builds the libraries and the command with the flags of Debian's packages
# (hardening=+all) in build-hardened, and reads from the binaries that nothing of ours loses them:
# stack protector, fortified calls, read-only relocations bound at the start, no code on the stack,
# a command that is loaded anywhere. Needs ./tests/packages.sh build.
set -eu
cd "$(dirname "$0")/.."

dir=build-hardened
export DEB_BUILD_MAINT_OPTIONS=hardening=+all
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -f $dir/build.ninja ]; then
  env CC=gcc CFLAGS="$(dpkg-buildflags --get CFLAGS)" CPPFLAGS="$(dpkg-buildflags --get CPPFLAGS)" \
    LDFLAGS="$(dpkg-buildflags --get LDFLAGS)" \
    meson setup $dir --buildtype=plain -Db_pie=true -Dtests=false -Dexamples=false >"$log" || {
    cat "$log"
    exit 1
  }
fi
ninja -C $dir >"$log" || { tail -40 "$log"; exit 1; }

failed=0
wants() { # FILE WHAT PATTERN READELF-ARGUMENT...
  file=$1 what=$2 pattern=$3
  shift 3
  readelf -W "$@" "$file" | grep -Eq "$pattern" || {
    echo "$file: no $what"
    failed=1
  }
}

looked=0
for file in $dir/lib/libemqxtls.so $dir/lib/redis/libemqxtls-redis.so $dir/examples/emqxtls/emqxtls; do
  [ -e "$file" ] || { case $file in *redis*) continue ;; esac; echo "$file was not built"; exit 1; }
  looked=$((looked + 1))
  wants "$file" 'stack protector' '__stack_chk_fail' --dyn-syms
  wants "$file" 'fortified calls' '__[a-z]+_chk\b' --dyn-syms
  wants "$file" 'read-only relocations' 'GNU_RELRO' -l
  wants "$file" 'binding at the start' 'BIND_NOW|FLAGS_1.* NOW' -d
  wants "$file" 'stack without code' 'GNU_STACK.* RW ' -l
  wants "$file" 'position independent code' 'Type: +DYN' -h
  ! readelf -Wd "$file" | grep -Eq 'TEXTREL' || { echo "$file: relocations in its code"; failed=1; }
done
wants $dir/examples/emqxtls/emqxtls 'flag of a position independent program' 'FLAGS_1.* PIE' -d
echo "$looked binaries looked at"
exit $failed
