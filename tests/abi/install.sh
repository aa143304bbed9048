#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# install.sh SOURCE quick|all CC... - installs the shared library, the static one, both, and into folders given as absolute paths; and
# builds and runs programs outside of the tree against what was installed: in C and C++, with pkg-config, CMake and meson. Quick:
# both libraries, with pkg-config.
set -eu
source=$1 how_much=$2
shift 2
here=$source/tests/abi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DESTDIR CFLAGS CXXFLAGS LDFLAGS CPPFLAGS LD_LIBRARY_PATH CMAKE_PREFIX_PATH
cc=$*
export CC="$cc"

step() {
  echo "-- $*"
}

quiet() { # COMMAND...: shows what it said only if it fails
  "$@" >"$work/log" 2>&1 || { tail -40 "$work/log"; echo "failed: $*"; exit 1; }
}

# into NAME OPTION...: installs into a prefix of its own. The objects are the same for all, so they are compiled once.
into() {
  prefix=$work/$1 && shift
  if [ -d "$work/build" ]; then
    quiet meson configure "$work/build" --prefix "$prefix" "$@"
  else
    quiet meson setup "$work/build" "$source" --prefix "$prefix" "$@" -Dtests=false -Dexamples=false -Dcommand=false \
      -Demulator=disabled -Ddocs=disabled
  fi
  quiet meson install -C "$work/build"
  PKG_CONFIG_PATH=$(dirname "$(find "$work" -path "$prefix*" -name emqxtls.pc)")
  lib=$(dirname "$PKG_CONFIG_PATH")
  export PKG_CONFIG_PATH LD_LIBRARY_PATH="$lib"
}

compile() { # NAME MODULE PKG-CONFIG-OPTION...: tests/abi/NAME.c as C and as C++
  name=$1 module=$2
  shift 2
  # shellcheck disable=SC2046,SC2086 # the words are meant
  for language in c c++; do
    quiet $cc -x $language -Wall -Wextra -Werror -o "$work/$name" "$here/$name.c" -x none \
      $(pkg-config --cflags --libs "$@" "$module") $([ $language = c ] || echo -lstdc++)
    quiet "$work/$name"
  done
}

# by_pkg_config OPTION...: with --static as well as without
by_pkg_config() {
  compile program emqxtls "$@"
  compile program_test emqxtls-test "$@"
  [ ! -f "$PKG_CONFIG_PATH/emqxtls-redis.pc" ] || compile program_redis emqxtls-redis "$@"
}

# The examples of the event loops that are there, with the adapters that were installed.
event_loops() {
  for loop in libuv:libuv libevent:libevent_core glib:glib-2.0 poll: epoll:; do
    module=${loop#*:}
    if [ -n "$module" ] && ! pkg-config --exists "$module" 2>/dev/null; then continue; fi
    # shellcheck disable=SC2046,SC2086 # the words are meant
    quiet $cc -Wall -Wextra -Werror -o "$work/loop" "$source/examples/event-loops/${loop%:*}.c" "$source/examples/event-loops/reads.c" \
      $(pkg-config --cflags --libs emqxtls $module)
    ! "$work/loop" 2>"$work/log" && grep -q '^usage: ' "$work/log"
  done
}

by_cmake() { # CMAKE-ARGUMENT...
  rm -rf "$work/cmake"
  quiet cmake -S "$here/outside" -B "$work/cmake" "$@"
  quiet cmake --build "$work/cmake"
  quiet ctest --test-dir "$work/cmake" --output-on-failure
}

by_meson() {
  rm -rf "$work/meson"
  mkdir "$work/meson"
  cp -r "$here/outside" "$here"/program*.c "$work/meson"
  quiet meson setup "$work/meson/build" "$work/meson/outside"
  quiet meson test -C "$work/meson/build"
}

needs_shared() { # PROGRAM
  readelf -d "$1" | grep -q 'NEEDED.*\[libemqxtls\.so\.0\]'
}

needs_no_shared() {
  if readelf -d "$1" | grep libemqxtls; then exit 1; fi
}

step "both: every public header is installed, and nothing else of ours; nothing names the build"
into both -Ddefault_library=both
(cd "$source/include" && { find emqxtls -name '*.h'; echo emqxtls/emqxtls.ffi.h; } | sort) >"$work/expected"
[ -f "$PKG_CONFIG_PATH/emqxtls-redis.pc" ] || sed -i /redis.h/d "$work/expected"
(cd "$prefix/include" && find . -type f | sed 's|^\./||' | sort) >"$work/installed"
diff "$work/expected" "$work/installed"
ls "$lib"/libemqxtls.so "$lib"/libemqxtls.so.0 "$lib"/libemqxtls.a "$lib"/libemqxtls-test.a >/dev/null
if grep -rlF -e "$work/build" "$PKG_CONFIG_PATH" "$lib/cmake" "$prefix/include"; then exit 1; fi

step "both: the static libraries define no name that could meet another library's, and none twice"
nm -g --defined-only "$lib"/libemqxtls*.a | awk 'NF == 3 { print $3 }' | sort >"$work/names"
if grep -v -E '^(emqx_tls_|emqxi_)' "$work/names" || uniq -d "$work/names" | grep .; then exit 1; fi

static_alone() { # what only a prefix without the shared library shows
  rm "$lib"/libemqxtls*.so*
  by_pkg_config --static
  needs_no_shared "$work/program"
}

step "both: by pkg-config, shared"
by_pkg_config
event_loops
needs_shared "$work/program"
if [ "$how_much" = quick ]; then
  step "both: by pkg-config, static"
  static_alone
  echo "all is well"
  exit 0
fi

step "both: by CMake and meson, shared"
by_cmake -DCMAKE_PREFIX_PATH="$prefix"
needs_shared "$work/cmake/program"
by_meson
needs_shared "$work/meson/build/program"

step "both: the static ones by CMake, and by pkg-config where only they are there"
by_cmake -DCMAKE_PREFIX_PATH="$prefix" -DEMQXTLS_USE_STATIC_LIBS=ON
needs_no_shared "$work/cmake/program"
static_alone

step "shared alone, moved to another place"
into shared -Ddefault_library=shared
by_pkg_config
mv "$prefix" "$prefix-moved"
LD_LIBRARY_PATH=$prefix-moved${lib#"$prefix"}
by_cmake -DCMAKE_PREFIX_PATH="$prefix-moved"
needs_shared "$work/cmake/program"

step "static alone"
into static -Ddefault_library=static
if ls "$lib" | grep '\.so'; then exit 1; fi
by_pkg_config
by_pkg_config --static
by_cmake -DCMAKE_PREFIX_PATH="$prefix"
by_meson

step "folders given as absolute paths"
into absolute -Ddefault_library=both -Dlibdir="$work/absolute-lib/x" -Dincludedir="$work/absolute-include"
by_pkg_config
by_cmake -Demqxtls_DIR="$lib/cmake/emqxtls"
by_meson

step "CMake is refused a version that is not there"
for version in 0.2 1.0; do
  cat >"$work/CMakeLists.txt" <<TRY
cmake_minimum_required(VERSION 3.18)
project(refused NONE)
find_package(emqxtls $version CONFIG QUIET)
if(emqxtls_FOUND OR NOT emqxtls_CONSIDERED_VERSIONS)
  message(FATAL_ERROR "version $version was found, or none was considered")
endif()
TRY
  quiet cmake -S "$work" -B "$work/refused" -Demqxtls_DIR="$lib/cmake/emqxtls"
done

echo "all is well"
