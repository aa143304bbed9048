#!/bin/sh
# SPDX-License-Identifier: MIT
#
# subproject.sh SOURCE CC... - another meson project takes libemqxtls as a subproject: dependency('emqxtls') finds it.
set -eu
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DESTDIR CFLAGS LDFLAGS CPPFLAGS PKG_CONFIG_PATH

mkdir "$work/subprojects"
ln -s "$source" "$work/subprojects/libemqxtls"
cp "$source/tests/abi/program.c" "$source/tests/abi/program_test.c" "$work"
cat >"$work/meson.build" <<'END'
project('outside', 'c')
emqxtls = dependency('emqxtls', fallback: 'libemqxtls')
test('program', executable('program', 'program.c', dependencies: emqxtls))
emqxtls_test = dependency('emqxtls-test', fallback: 'libemqxtls')
test('with-test-library', executable('program_test', 'program_test.c', dependencies: [emqxtls, emqxtls_test]))
END
cd "$work"
{ meson setup build && ninja -C build; } >log 2>&1 || { cat log; exit 1; }
meson test -C build --print-errorlogs
[ "$(python3 -c 'import json; print(len(json.load(open("build/meson-info/intro-tests.json"))))')" = 2 ] ||
  { echo "tests of libemqxtls itself came along"; exit 1; }
