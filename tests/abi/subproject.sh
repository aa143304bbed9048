#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# subproject.sh SOURCE CC... - another meson project takes libemqxtls as a subproject, and by a wrap file. dependency('emqxtls')
# finds it, it is built as the parent says, and the parent's users are given neither a test kit nor a command with it.
set -eu
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DESTDIR CFLAGS LDFLAGS CPPFLAGS PKG_CONFIG_PATH

quiet() { # COMMAND...: shows what it said only if it fails
  "$@" >"$work/log" 2>&1 || { tail -40 "$work/log"; echo "failed: $*"; exit 1; }
}

echo "-- as a subproject, shared as the parent says by saying nothing"
mkdir "$work/parent" "$work/parent/subprojects"
ln -s "$source" "$work/parent/subprojects/libemqxtls"
cp "$source/tests/abi/program.c" "$source/tests/abi/program_test.c" "$work/parent"
cat >"$work/parent/meson.build" <<'TEXT'
project('outside', 'c', 'cpp')
emqxtls = dependency('emqxtls', fallback: 'libemqxtls')
test('program', executable('program', 'program.c', dependencies: emqxtls, install: true))
emqxtls_test = dependency('emqxtls-test', fallback: 'libemqxtls')
cpp = configure_file(input: 'program.c', output: 'program.cpp', copy: true)
test('program-cpp', executable('program-cpp', cpp, dependencies: emqxtls))
test('with-test-library', executable('program_test', 'program_test.c', dependencies: [emqxtls, emqxtls_test]))
TEXT
cd "$work/parent"
quiet meson setup build --prefix /usr
quiet ninja -C build
quiet meson test -C build
[ "$(python3 -c 'import json; print(len(json.load(open("build/meson-info/intro-tests.json"))))')" = 3 ] ||
  { echo "tests of libemqxtls itself came along"; exit 1; }
readelf -d build/program | grep -q 'NEEDED.*\[libemqxtls\.so\.0\]'

echo "-- the parent's install has the library, and no test kit, command, man page or hook"
quiet env DESTDIR="$work/installed" meson install -C build
cd "$work/installed/usr"
find . -type f -o -type l | sort >"$work/files"
grep -q '/libemqxtls.so.0$' "$work/files"
grep -q '/emqxtls.pc$' "$work/files"
if grep -E 'test|/bin/emqxtls|/man|/share|/libexec|systemd' "$work/files"; then exit 1; fi

echo "-- as a wrap, static as the parent says"
mkdir -p "$work/wrapped/subprojects/packagecache"
cp "$work/parent/meson.build" "$work/parent"/*.c "$work/wrapped"
sed -i "s/, fallback: 'libemqxtls'//" "$work/wrapped/meson.build"
cd "$work/wrapped"
tar -C "$source" --anchored --exclude './build*' --exclude ./.git --transform 's|^\.|libemqxtls-0.1.0|' \
  -czf subprojects/packagecache/libemqxtls-0.1.0.tar.gz .
cat >subprojects/libemqxtls.wrap <<TEXT
[wrap-file]
directory = libemqxtls-0.1.0
source_filename = libemqxtls-0.1.0.tar.gz
source_url = https://host.example/libemqxtls-0.1.0.tar.gz
source_hash = $(sha256sum subprojects/packagecache/libemqxtls-0.1.0.tar.gz | cut -d ' ' -f 1)

[provide]
dependency_names = emqxtls, emqxtls-redis, emqxtls-test
TEXT
quiet meson setup build -Ddefault_library=static --prefix /usr
quiet ninja -C build
quiet meson test -C build
if readelf -d build/program | grep libemqxtls; then exit 1; fi
if find build -name 'libemqxtls*.so*' | grep .; then exit 1; fi

echo "all is well"
