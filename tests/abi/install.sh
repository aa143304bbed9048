#!/bin/sh
# SPDX-License-Identifier: MIT
#
# install.sh SOURCE CC... - installs into a clean prefix, and builds and runs programs outside of the tree against that.
set -eu
source=$1
shift
here=$source/tests/abi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DESTDIR CFLAGS LDFLAGS CPPFLAGS LD_LIBRARY_PATH

step() {
  echo "-- $*"
}

step "install into a clean prefix"
meson setup "$work/build" "$source" --prefix "$work/prefix" -Dtests=false -Dexamples=false -Dcommand=false \
  -Demulator=disabled >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
meson install -C "$work/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

pc=$(dirname "$(find "$work/prefix" -name emqxtls.pc)")
lib=$(dirname "$pc")
export PKG_CONFIG_PATH="$pc"
mkdir "$work/outside"
cd "$work/outside"

step "every public header is installed, and nothing else of ours"
(cd "$source/include" && find emqxtls -name '*.h' | sort) >expected
[ -f "$pc/emqxtls-redis.pc" ] || sed -i /redis.h/d expected
(cd "$work/prefix/include" && find . -type f | sed 's|^\./||' | sort) >installed
diff expected installed
ls "$lib"/libemqxtls.so "$lib"/libemqxtls.so.0 "$lib"/libemqxtls.a "$lib"/libemqxtls-test.a >/dev/null

step "nothing that is installed names the build"
if grep -rlF -e "$work/build" "$pc" "$work/prefix/include"; then exit 1; fi

step "shared"
# shellcheck disable=SC2046 # the words are meant
"$@" -Wall -Wextra -Werror -o shared "$here/program.c" $(pkg-config --cflags --libs emqxtls)
LD_LIBRARY_PATH=$lib ./shared
readelf -d shared | grep -q 'NEEDED.*\[libemqxtls\.so\.0\]'

step "a test with libemqxtls-test"
# shellcheck disable=SC2046
"$@" -Wall -Wextra -Werror -o test "$here/program_test.c" $(pkg-config --cflags --libs emqxtls-test)
LD_LIBRARY_PATH=$lib ./test

if [ -f "$pc/emqxtls-redis.pc" ]; then
  step "libemqxtls-redis, shared"
  # shellcheck disable=SC2046
  "$@" -Wall -Wextra -Werror -o redis "$here/program_redis.c" $(pkg-config --cflags --libs emqxtls-redis)
  LD_LIBRARY_PATH=$lib ./redis
fi

step "static: in a prefix without the shared library"
rm "$lib"/libemqxtls*.so*
# shellcheck disable=SC2046
"$@" -Wall -Wextra -Werror -o static "$here/program.c" $(pkg-config --cflags --libs --static emqxtls)
./static
if readelf -d static | grep libemqxtls; then exit 1; fi
if [ -f "$pc/emqxtls-redis.pc" ]; then
  # shellcheck disable=SC2046
  "$@" -Wall -Wextra -Werror -o redis "$here/program_redis.c" $(pkg-config --cflags --libs --static emqxtls-redis)
  ./redis
  if readelf -d redis | grep libemqxtls; then exit 1; fi
fi

step "the static libraries define no name that could meet another library's"
if nm -g --defined-only "$lib"/libemqxtls*.a | awk 'NF == 3 { print $3 }' | grep -v -E '^(emqx_tls_|emqxi_)'; then exit 1; fi

echo "all is well"
