#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# headers.sh FOLDER LANGUAGE STANDARD COMPILER... - each public header compiles alone, and twice, without a warning.
set -eu
folder=$1 language=$2 standard=$3
shift 3
[ $# -gt 0 ] || { echo "no compiler for $language"; exit 77; }
failed=0 count=0
for header in "$folder"/emqxtls/*.h; do
  name=emqxtls/$(basename "$header")
  count=$((count + 1))
  printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' "$name" "$name" |
    "$@" -x "$language" -std="$standard" -Wall -Wextra -Wpedantic -Werror -I"$folder" -fsyntax-only - ||
    { echo "$name does not compile alone as $standard"; failed=1; }
done
[ "$count" -gt 5 ]
exit $failed
