#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# headers.sh FOLDER LANGUAGE STANDARD COMPILER... - each public header compiles alone, and twice, without a warning; of the adapters
# for event loops those whose loop is there.
set -eu
folder=$1 language=$2 standard=$3
shift 3
[ $# -gt 0 ] || { echo "no compiler for $language"; exit 77; }
failed=0 count=0

compiles() { # HEADER COMPILER...
  name=${1#"$folder"/}
  shift
  count=$((count + 1))
  printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' "$name" "$name" |
    "$@" -x "$language" -std="$standard" -Wall -Wextra -Wpedantic -Werror -I"$folder" -fsyntax-only - ||
    { echo "$name does not compile alone as $standard"; failed=1; }
}

for header in "$folder"/emqxtls/*.h; do compiles "$header" "$@"; done
[ "$count" -gt 5 ]
for adapter in glib:glib-2.0 libevent:libevent_core libuv:libuv poll:; do
  module=${adapter#*:} header=$folder/emqxtls/adapters/${adapter%:*}.h
  if [ -z "$module" ]; then
    compiles "$header" "$@"
  elif flags=$(pkg-config --cflags "$module" 2>/dev/null); then
    # shellcheck disable=SC2086,SC2046 # words; -isystem: the warnings of others are not ours
    compiles "$header" "$@" -D_GNU_SOURCE $(echo " $flags" | sed 's/ -I/ -isystem /g')
  else
    echo "left out: $header, there is no $module"
  fi
done
exit $failed
