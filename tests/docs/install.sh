#!/bin/bash
# SPDX-License-Identifier: MIT
#
# install.sh - the README's Install block and its program, word for word, and the program against
# the emulator. It installs into the system that it runs on, so it is for a fresh root:
# tests/root.sh trixie tests/docs/install.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "${EMQXTLS_ROOT:-}" = 1 ] || { echo "install.sh: only in a root that tests/root.sh has made"; exit 2; }
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT

blocks() { # LANGUAGE NUMBER: that block of the README
  awk -v fence="\`\`\`$1" -v wanted="$2" '$0 == fence { n++; inside = 1; next } /^```$/ { inside = 0 } inside && n == wanted' README.md
}

# The blocks of sh are: the two commands, the program's, the command's, Install.
install=$(blocks sh 4)
run=$(blocks sh 2)
grep -q '^meson install' <<<"$install"
grep -q '^cc certificate.c' <<<"$run"
bash -exc "$install" >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }

export EMQXCLOUD_PLATFORM_API_KEY=test-key EMQXCLOUD_PLATFORM_API_SECRET=test-secret
build/tests/emulator/emqxtls-emulator --tls-dir "$work" --ready-file "$work/ready" --deployments ge6a1a75 --lifetime 300 \
  >"$work/log" 2>&1 &
pid=$!
until [ -s "$work/ready" ]; do
  kill -0 $pid 2>/dev/null || { cat "$work/log"; exit 1; }
  sleep 0.05
done
# shellcheck disable=SC1091
. "$work/ready"
export EMQXCLOUD_PLATFORM_ENDPOINT
export EMQXTLS_CA_FILE=$work/ca.pem
cd "$work"
(cd "$OLDPWD" && blocks c 1) >certificate.c
said=$(bash -exc "$run")
[ "$said" = "no certificate" ] || { echo "the program says: $said"; exit 1; }
echo "README's Install block and program: all is well"
