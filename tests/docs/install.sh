#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# install.sh - the README's Install block and its program, word for word, and the program against
# the emulator. It installs into the system that it runs on, so it is for a fresh root:
# tests/root.sh trixie tests/docs/install.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "${EMQXTLS_ROOT:-}" = 1 ] || { echo "install.sh: only in a root that tests/root.sh has made"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

block() { # LANGUAGE PATTERN: the first block of the README that has such a line
  awk -v fence="\`\`\`$1" -v wanted="$2" '
    $0 == fence { inside = 1; text = ""; next }
    /^```$/ { if (inside && text ~ wanted) { printf "%s", text; exit } inside = 0 }
    inside { text = text $0 "\n" }' README.md
}

install=$(block sh 'meson install')
run=$(block sh 'cc certificate.c' | grep -v ' bash ') # the last line is a shell to work in
bash -exc "$install" >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }

block c 'int main' >"$work/certificate.c"
cd "$work"
said=$(bash -exc "$run" 2>"$work/log") || { cat "$work/log"; exit 1; }
[ "$said" = "no certificate" ] || { echo "the program says: $said"; exit 1; }
echo "README's Install block and program: all is well"
