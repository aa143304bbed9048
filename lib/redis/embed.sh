#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# embed.sh FILE [SED-EXPRESSION] - a Lua script as C: its text, changed by the expression, and the SHA-1 by which Redis knows it.
set -eu
text=$(mktemp)
trap 'rm -f "$text"' EXIT
sed -e "${2:-}" "$1" >"$text"
printf 'static const char sha1[] = "%s";\n' "$(sha1sum <"$text" | cut -d' ' -f1)"
echo 'static const char script[] ='
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$text"
echo ';'
