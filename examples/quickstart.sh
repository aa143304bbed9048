#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# examples/quickstart.sh - the life of a certificate in a minute, on this machine alone: installs what is missing (Debian 12, as
# root or with sudo), builds, and goes from "no certificate" to a renewed one and back, against an emulator of the platform on
# loopback. It leaves build-quickstart/ behind and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$PWD/build-quickstart
deployment=ge6a1a75
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done; rm -rf "$work"' EXIT
began=$(date +%s)

step() {
  if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}

run() { # ARGUMENT...: runs the command, and shows it with the folder left out
  echo "  \$ emqxtls $*" | sed "s|$work/||g; s| --quota-file quota||"
  "$build/examples/emqxtls/emqxtls" "$@" | sed "s|^|    |; s|$work/||g"
}

step "1. Install what is missing, and build"
./tests/packages.sh build
if [ ! -f "$build/build.ninja" ]; then
  meson setup "$build" -Dtests=false -Dbuildtype=debugoptimized >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
fi
ninja -C "$build" >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }
echo "  The library, the command emqxtls and the emulator are in build-quickstart/."

step "2. Start the platform's emulator on loopback, over TLS with its own CA"
export EMQXCLOUD_PLATFORM_API_KEY=quickstart-key EMQXCLOUD_PLATFORM_API_SECRET
EMQXCLOUD_PLATFORM_API_SECRET=$(openssl rand -hex 16)
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
mkdir "$work/served"
"$build/tests/emulator/emqxtls-emulator" --tls-dir "$work" --ready-file "$work/ready" --log "$work/arrived" \
  --serve-dir "$work/served" --pending 3 --lifetime 600 >"$work/emulator.out" 2>&1 &
pids+=($!)
until [ -s "$work/ready" ]; do
  kill -0 $! 2>/dev/null || { cat "$work/emulator.out"; exit 1; }
  sleep 0.05
done
set -a
# shellcheck disable=SC1091
. "$work/ready"
set +a
platform=(--deployment $deployment --quota-file "$work/quota")
echo "  It plays $EMQXCLOUD_PLATFORM_ENDPOINT: the same calls, checks and quota."
echo "  Endpoint, key and secret are in the environment, where the platform's own tools look for them too;"
echo "  the CA to trust is in EMQXTLS_CA_FILE."
echo "  Every run of the command counts in one file, so the quota of 60 reads and 6 writes in an hour holds across them."

step "3. Make a key and a certificate with its chain, by a CA of our own"
quiet() {
  "$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}
key() {
  quiet openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}
issue() { # NAME SUBJECT DAYS EXTENSIONS: NAME.pem for NAME.key, signed by ca
  quiet openssl req -new -key "$work/$1.key" -subj "$2" -out "$work/$1.csr"
  quiet openssl x509 -req -in "$work/$1.csr" -CA "$work/issuer.pem" -CAkey "$work/issuer.key" -days "$3" \
    -extfile <(echo "$4") -out "$work/$1.pem"
}
key "$work/root.key"
quiet openssl req -x509 -new -key "$work/root.key" -subj "/CN=Quickstart root" -days 3650 -out "$work/root.pem"
cp "$work/root.key" "$work/issuer.key"
cp "$work/root.pem" "$work/issuer.pem"
key "$work/between.key"
issue between "/CN=Quickstart intermediate" 3000 "basicConstraints=critical,CA:TRUE"
cp "$work/between.key" "$work/issuer.key"
cp "$work/between.pem" "$work/issuer.pem"
for name in first renewed; do
  key "$work/$name.key"
  issue "$name" "/CN=mqtt.example.com" "$([ $name = first ] && echo 200 || echo 365)" "subjectAltName=DNS:mqtt.example.com"
  cat "$work/$name.pem" "$work/between.pem" >"$work/$name-chain.pem"
done
echo "  first-chain.pem (200 days) and renewed-chain.pem (365 days), each with its key: leaf first, then the intermediate."

first=(--cert "$work/first-chain.pem" --key "$work/first.key")
renewed=(--cert "$work/renewed-chain.pem" --key "$work/renewed.key")

step "4. Look at certificate and key as the platform would: no network, no quota"
run check "${first[@]}" --host mqtt.example.com

step "5. Ensure it: there is none on the deployment, so it is created"
run status "${platform[@]}"
run ensure "${platform[@]}" "${first[@]}" --receipt "$work/receipts"

step "6. It is pending for a while. Wait until it runs"
run wait "${platform[@]}" "${first[@]}" --wait 5m

step "7. Renew: the other certificate is in place, so it is updated, with one write. A third time there is nothing to write"
run ensure "${platform[@]}" "${renewed[@]}" --receipt "$work/receipts" --wait 5m
run ensure "${platform[@]}" "${renewed[@]}" --receipt "$work/receipts" --wait 5m

step "8. Probe: connect to a TLS port and compare what it serves, as for a broker's port 8883"
# What the emulator was given is served here as the deployment would.
serve() { # PORT: false if it is taken
  openssl s_server -accept "127.0.0.1:$1" -cert "$work/served/$deployment.cert.pem" -cert_chain "$work/between.pem" \
    -key "$work/served/$deployment.key.pem" -quiet >"$work/server.out" 2>&1 &
  pids+=($!)
  until (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
    kill -0 $! 2>/dev/null || return 1
    sleep 0.05
  done
}
until port=$((10000 + RANDOM % 20000)) && serve $port; do :; done
run probe --probe "127.0.0.1:$port" --cert "$work/renewed-chain.pem" --wait 5m

step "9. What is left of the quota"
run quota --quota-file "$work/quota"

step "10. Remove it, and wait until it is gone"
run remove "${platform[@]}"
run status "${platform[@]}"

step "11. What the emulator has counted"
writes=$(grep -c -E '"method": *"(POST|PUT|DELETE)"' "$work/arrived")
echo "  $(grep -c '"method"' "$work/arrived") requests arrived, $writes of them writes: a create, an update, a delete."
[ "$writes" = 3 ]
if grep -q -e "$EMQXCLOUD_PLATFORM_API_SECRET" -e "PRIVATE KEY" "$work/arrived"; then exit 1; fi

step "Done in $(($(date +%s) - began)) s."
echo "With your own endpoint and key in those three variables, the same command does this to a real deployment."
echo "Next: README.md has a whole program of 30 lines, docs/guide.md explains the calls."
