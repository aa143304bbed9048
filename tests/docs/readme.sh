#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# readme.sh SOURCE LIBRARY-FOLDER EMULATOR CC... - the program in the README, as it is printed: compiles without a warning, has
# about 30 lines, and does what it should against the emulator.
set -euo pipefail
source=$1 library=$2 emulator=$3
shift 3
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

awk '/^```c$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$source/README.md" >certificate.c
lines=$(wc -l <certificate.c)
if [ "$lines" -lt 20 ] || [ "$lines" -gt 32 ]; then echo "the program has $lines lines"; exit 1; fi
"$@" -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror -I"$source/include" certificate.c \
  -L"$library" -lemqxtls -o certificate

export EMQXCLOUD_PLATFORM_API_KEY=test-key EMQXCLOUD_PLATFORM_API_SECRET=test-secret LD_LIBRARY_PATH=$library
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
"$emulator" --tls-dir "$work" --ready-file ready --deployments ge6a1a75 --lifetime 3600 >out 2>&1 &
pid=$!
until [ -s ready ]; do
  kill -0 $pid 2>/dev/null || { cat out; exit 1; }
  sleep 0.05
done
# shellcheck disable=SC1091
. ./ready
export EMQXCLOUD_PLATFORM_ENDPOINT EMQXTLS_CA_FILE=$work/ca.pem
./certificate ge6a1a75 | tee said
grep -q '^no certificate$' said
if ./certificate another 2>said; then exit 1; fi
cat said
grep -q '^NOT_FOUND: ' said
