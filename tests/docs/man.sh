#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# man.sh MAN3 MAP... - each symbol of the version scripts has a man page, each page the sections that a reader looks for, and groff
# has nothing to say of any.
set -eu
folder=$1
shift
failed=0 count=0
shown=$(mktemp)
trap 'rm -f "$shown"' EXIT
wrong() {
  echo "$*"
  failed=1
}
for symbol in $(sed -n 's/^ *\(emqx_tls_[a-z0-9_]*\);$/\1/p' "$@"); do
  count=$((count + 1))
  [ -f "$folder/$symbol.3" ] || wrong "$symbol has no page"
done
[ "$count" -gt 40 ]
cd "$folder/.."
for page in man3/*.3; do
  case $(head -1 "$page") in .so*) continue ;; esac
  for section in NAME SYNOPSIS DESCRIPTION "SEE ALSO"; do
    grep -q "^\.SH $section$" "$page" || wrong "$page has no $section"
  done
  if grep -q '^\\fBemqx_tls_code emqx_tls_' "$page"; then
    for section in ARGUMENTS "RETURN VALUE" ERRORS THREADS EXAMPLE; do
      grep -q "^\.SH $section$" "$page" || wrong "$page has no $section"
    done
  fi
  if command -v groff >/dev/null; then
    told=$(groff -man -Tutf8 -P-cbou -ww -rLL=78n "$page" 2>&1 >"$shown")
    [ -z "$told" ] || wrong "$page: $told"
    awk -v page="$page" 'length > 80 { print page ": too wide: " $0; bad = 1 } END { exit bad }' "$shown" || failed=1
  fi
done
echo "$count symbols, $(ls man3 | wc -l) pages"
exit $failed
