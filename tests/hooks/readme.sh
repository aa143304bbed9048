#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# readme.sh - the steps of examples/hooks/README.md, word for word, in the order of the page, with a
# certificate that certbot has from a local ACME server, renewed by certbot. It installs into the
# system that it runs on, so it is for a fresh root: tests/root.sh trixie tests/hooks/readme.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "${EMQXTLS_ROOT:-}" = 1 ] || { echo "readme.sh: only in a root that tests/root.sh has made"; exit 2; }
page=$PWD/examples/hooks/README.md
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'echo "line $LINENO failed; what was said:"; tail -40 "$work"/*.log' ERR

block() { # PAGE PATTERN: the first shell block that has such a line
  awk -v wanted="$2" '
    /^```sh$/ { inside = 1; text = ""; next }
    /^```$/ { if (inside && text ~ wanted) { printf "%s", text; exit } inside = 0 }
    inside { text = text $0 "\n" }' "$1"
}

step() { # NAME PATTERN [SED-SCRIPT: what a reader fills in]
  local text
  text=$(block "$page" "$2" | sed -E "${3:-}")
  [ -n "$text" ] || { echo "the page has no step: $1"; exit 1; }
  echo "== $1"
  bash -exc "$text" 2>&1 | tee "$work/step.log" | sed 's/^/   /'
}

install=$(block README.md 'meson install')
bash -exc "$install" >"$work/install.log" 2>&1
tests/packages.sh acme >"$work/packages.log" 2>&1
apt-get install -y --no-install-recommends systemd curl >"$work/systemd.log" 2>&1

# The platform, and an ACME server, whose certificates are for 90 days.
cd "$work"
export EMQXCLOUD_PLATFORM_API_KEY=key EMQXCLOUD_PLATFORM_API_SECRET=secret
mkdir served
emqxtls-emulator --tls-dir platform --ready-file ready --serve-dir served --lifetime 3600 --pending 1 >emulator.log 2>&1 &
pids+=($!)
openssl req -x509 -newkey rsa:2048 -nodes -keyout acme.key -out acme.pem -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost >openssl.log 2>&1
cat >pebble.json <<END
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "$work/acme.pem",
 "privateKey": "$work/acme.key", "httpPort": 5002, "tlsPort": 5001, "certificateValidityPeriod": 7776000}}
END
PEBBLE_VA_ALWAYS_VALID=1 PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 pebble -config pebble.json >pebble.log 2>&1 &
pids+=($!)
until [ -s ready ] && curl -sf --cacert acme.pem https://localhost:14000/dir >/dev/null; do
  kill -0 "${pids[@]}"
  sleep 0.1
done
# shellcheck disable=SC1091
. ./ready
export REQUESTS_CA_BUNDLE=$work/acme.pem EMQXTLS_CA_FILE=$work/platform/ca.pem
certbot certonly --server https://localhost:14000/dir --standalone --http-01-port 5080 -d broker.example -n --agree-tos \
  -m a@broker.example --key-type rsa --rsa-key-size 2048 >certbot.log 2>&1

serves() { # the emulator has what certbot has
  cmp served/ge6a1a75.cert.pem /etc/letsencrypt/live/broker.example/fullchain.pem
}

# What is given in the page's place of HOST and the dots is the reader's own.
step "the table" 'etc/emqxtls/deployments'
step "the credentials" 'etc/emqxtls/credentials' "s|^(EMQXCLOUD_PLATFORM_ENDPOINT)=.*|\1=$EMQXCLOUD_PLATFORM_ENDPOINT|
  s|^(EMQXCLOUD_PLATFORM_API_KEY)=.*|\1=$EMQXCLOUD_PLATFORM_API_KEY|
  s|^(EMQXCLOUD_PLATFORM_API_SECRET)=.*|\1=$EMQXCLOUD_PLATFORM_API_SECRET|"
unset EMQXCLOUD_PLATFORM_ENDPOINT EMQXCLOUD_PLATFORM_API_KEY EMQXCLOUD_PLATFORM_API_SECRET
step "once by hand" 'emqxtls-renew\n'
grep -q 'ge6a1a75: created' step.log
serves
step "certbot's hook" 'renewal-hooks'
certbot renew --force-renewal --no-random-sleep-on-renew >renew.log 2>&1
grep -q 'ge6a1a75: updated' renew.log
serves
step "the timer" 'enable --now' 's/ --now//' # no systemd runs here
[ -L /etc/systemd/system/timers.target.wants/emqxtls-renew.timer ]
[ "$(stat -c %a /etc/emqxtls/credentials)" = 600 ]
step "again by hand" 'emqxtls-renew\n'
grep -q 'ge6a1a75: unchanged' step.log
echo "the steps of examples/hooks/README.md: all is well"
