#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# options.sh PAGE PROGRAM - the man page of a program names the options of its --help, and no others.
set -eu
page=$1 program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
options() {
  grep -oE -- '--[a-z][a-z-]+' | sort -u
}
"$program" --help | grep -E '^ *(-[a-zA-Z], )?--' | options >"$work/help"
sed -n '/^# OPTIONS/,/^# EXIT STATUS/p' "$page" | options >"$work/page"
[ "$(wc -l <"$work/help")" -gt 10 ]
diff "$work/help" "$work/page"
