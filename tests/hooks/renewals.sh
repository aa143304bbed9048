#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# renewals.sh CLIENT EMQXTLS EMULATOR HOOKS - obtains a certificate from a local ACME server with a real client (certbot, lego or
# dehydrated; acme.sh is played by calling its hook as it does), lets the hook push it to the emulator, renews it, breaks the
# hook, and lets the daily run repair that. All on loopback. Skipped (77) where the client or the ACME server is not installed.
set -euo pipefail
client=$1 emqxtls=$(realpath "$2") emulator=$(realpath "$3") hooks=$(realpath "$4")

command -v pebble >/dev/null || exit 77
[ "$client" = acme.sh ] || command -v "$client" >/dev/null || exit 77

work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'echo "line $LINENO failed; what was said:"; cat "$work"/*.out 2>/dev/null | tail -60' ERR
cd "$work"

free_port() {
  local port
  until port=$((10000 + RANDOM % 20000)) && ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo $port
}

wait_for() { # COMMAND...: as long as what was started last runs
  until "$@" >/dev/null 2>&1; do
    kill -0 "${pids[-1]}" 2>/dev/null || { echo "gave up waiting for: $*"; return 1; }
    sleep 0.1
  done
}

# -- the ACME server, with a certificate of its own for its API, giving out certificates of 90 days
openssl req -x509 -newkey rsa:2048 -nodes -keyout acme-key.pem -out acme-cert.pem -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 >/dev/null 2>&1
acme_port=$(free_port)
cat >pebble.json <<END
{"pebble": {"listenAddress": "127.0.0.1:$acme_port", "managementListenAddress": "127.0.0.1:$(free_port)",
 "certificate": "$work/acme-cert.pem", "privateKey": "$work/acme-key.pem", "httpPort": $(free_port), "tlsPort": $(free_port),
 "ocspResponderURL": "", "externalAccountBindingRequired": false, "certificateValidityPeriod": 7776000}}
END
PEBBLE_VA_ALWAYS_VALID=1 PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 timeout 3600 pebble -config pebble.json >pebble.out 2>&1 &
pids+=($!)
acme=https://localhost:$acme_port/dir
wait_for curl -sf --cacert acme-cert.pem "$acme"

# -- the platform
export EMQXCLOUD_PLATFORM_API_KEY=renewal-key EMQXCLOUD_PLATFORM_API_SECRET=renewal-secret
mkdir served state
"$emulator" --tls-dir "$work/platform" --ready-file "$work/ready" --log "$work/arrived" --serve-dir "$work/served" --pending 1 \
  --lifetime 3600 >emulator.out 2>&1 &
pids+=($!)
wait_for test -s ready
endpoint=$(sed -n 's/^EMQXCLOUD_PLATFORM_ENDPOINT=//p' ready)

# -- what an administrator sets up
(umask 077 && cat >credentials <<END
EMQXCLOUD_PLATFORM_ENDPOINT=$endpoint
EMQXCLOUD_PLATFORM_API_KEY=$EMQXCLOUD_PLATFORM_API_KEY
EMQXCLOUD_PLATFORM_API_SECRET=$EMQXCLOUD_PLATFORM_API_SECRET
END
)
unset EMQXCLOUD_PLATFORM_API_KEY EMQXCLOUD_PLATFORM_API_SECRET
export EMQXTLS=$emqxtls EMQXTLS_TABLE=$work/table EMQXTLS_STATE=$work/state EMQXTLS_SECRET_FILE=$work/credentials
export EMQXTLS_WAIT=10m EMQXTLS_OPTIONS="--ca-file $work/platform/ca.pem"
cp -r "$hooks" "$work/hooks"
export EMQXTLS_RENEW=$work/hooks/emqxtls-renew

case $client in
  certbot) chain=$work/le/live/broker.test/fullchain.pem key=$work/le/live/broker.test/privkey.pem ;;
  lego) chain=$work/lego/certificates/broker.test.crt key=$work/lego/certificates/broker.test.key ;;
  dehydrated) chain=$work/certs/broker.test/fullchain.pem key=$work/certs/broker.test/privkey.pem ;;
  acme.sh) chain=$work/acme/broker.test/fullchain.cer key=$work/acme/broker.test/broker.test.key ;;
esac
printf '# id chain key\nge6a1a75 %s %s\nother %s/nothing.pem %s/nothing.key\n' "$chain" "$key" "$work" "$work" >table

# -- each client, as its user would call it: once to obtain, again to renew
case $client in
  certbot)
    export REQUESTS_CA_BUNDLE=$work/acme-cert.pem
    bot=(certbot --server "$acme" --config-dir "$work/le" --work-dir "$work/le-work" --logs-dir "$work/le-logs" -n)
    obtain() { # OPTION...
      "${bot[@]}" certonly --standalone --http-01-port "$(free_port)" -d broker.test --agree-tos -m a@broker.test --no-eff-email \
        --key-type rsa --rsa-key-size 2048 --deploy-hook "$work/hooks/certbot.sh" "$@"
    }
    renew() { "${bot[@]}" renew --force-renewal --no-random-sleep-on-renew; }
    ;;
  lego)
    export LEGO_CA_CERTIFICATES=$work/acme-cert.pem
    lego=(lego --server "$acme" --path "$work/lego" --email a@broker.test --accept-tos --domains broker.test --key-type rsa2048
      --http --http.port "127.0.0.1:$(free_port)")
    obtain() { "${lego[@]}" run --run-hook "$work/hooks/lego.sh"; }
    renew() { "${lego[@]}" renew --days 3650 --no-random-sleep --renew-hook "$work/hooks/lego.sh"; }
    ;;
  dehydrated)
    mkdir -p wellknown
    cat >config <<END
CA=$acme
CURL_OPTS="--cacert $work/acme-cert.pem"
BASEDIR=$work
CERTDIR=$work/certs
WELLKNOWN=$work/wellknown
HOOK=$work/hooks/dehydrated.sh
KEY_ALGO=rsa
KEYSIZE=2048
CONTACT_EMAIL=a@broker.test
END
    printf 'broker.test\nweb.test\n' >domains.txt
    obtain() { dehydrated -f config --register --accept-terms && dehydrated -f config --cron --keep-going; }
    renew() { dehydrated -f config --cron --keep-going --force; }
    ;;
  acme.sh)
    # Its own server side is lego's here; the hook is sourced and called as acme.sh does, with its variables and arguments, and
    # keeps what it saves. Only the first time are the variables of emqxtls-renew set, as they are not in cron.
    command -v lego >/dev/null || exit 77
    export LEGO_CA_CERTIFICATES=$work/acme-cert.pem
    lego=(lego --server "$acme" --path "$work/lego" --email a@broker.test --accept-tos --domains broker.test --key-type rsa2048
      --http --http.port "127.0.0.1:$(free_port)")
    deploy() {
      mkdir -p acme/broker.test
      cp lego/certificates/broker.test.crt acme/broker.test/fullchain.cer
      cp lego/certificates/broker.test.key acme/broker.test/broker.test.key
      sh -c '_savedeployconf() { printf %s "$2" >"acme/SAVED_$1"; } && _readdomainconf() { cat "acme/$1" 2>/dev/null; } &&
        . "$1/hooks/acme.sh" && emqxtls_deploy broker.test "$1/acme/broker.test/broker.test.key" \
        "$1/acme/broker.test/broker.test.cer" "$1/acme/broker.test/ca.cer" "$1/acme/broker.test/fullchain.cer"' sh "$work"
    }
    obtain() { "${lego[@]}" run && deploy; }
    renew() (
      unset EMQXTLS EMQXTLS_RENEW EMQXTLS_TABLE EMQXTLS_STATE EMQXTLS_SECRET_FILE EMQXTLS_WAIT EMQXTLS_OPTIONS
      "${lego[@]}" renew --days 3650 --no-random-sleep && deploy
    )
    ;;
esac

fingerprint() {
  openssl x509 -in "$1" -noout -fingerprint -sha256
}

arrived() { # METHOD: how many of it were seen
  grep -c "\"method\":\"$1\"" arrived || true
}

expect() { # WHAT IS WANTED
  if [ "$2" != "$3" ]; then
    echo "$1: $2, but $3 was wanted"
    cat ./*.out arrived
    exit 1
  fi
}

obtain >obtain.out 2>&1
expect "certificate that is served after the first run" "$(fingerprint served/ge6a1a75.cert.pem)" "$(fingerprint "$chain")"
expect "creations" "$(arrived POST)" 1
first=$(fingerprint "$chain")

renew >renew.out 2>&1
[ "$(fingerprint "$chain")" != "$first" ]
expect "certificate that is served after the renewal" "$(fingerprint served/ge6a1a75.cert.pem)" "$(fingerprint "$chain")"
expect "updates" "$(arrived PUT)" 1

# The daily run has nothing to write.
hooks/emqxtls-renew "$chain" >daily.out 2>&1
expect "writes after a daily run with nothing to do" "$(arrived PUT) $(arrived POST)" "1 1"

# A hook that can't reach the platform fails, is seen to fail, and the daily run repairs it.
sed -i.good 's/_SECRET=.*/_SECRET=wrong/' credentials
[ "$client" != dehydrated ] || web=$(fingerprint certs/web.test/fullchain.pem)
renew >broken.out 2>&1 || true
grep -q 'UNAUTHORIZED' broken.out
# dehydrated goes on behind it, with one that is none of the table's, and says so.
if [ "$client" = dehydrated ]; then
  [ "$(fingerprint certs/web.test/fullchain.pem)" != "$web" ]
  grep -q "no row for $work/certs/web.test/fullchain.pem" broken.out
fi
status=0
hooks/emqxtls-renew "$chain" >daily-broken.out 2>&1 || status=$?
expect "exit status of a daily run that is refused" "$status" 4
mv credentials.good credentials
hooks/emqxtls-renew "$chain" >repaired.out 2>&1
expect "certificate that is served after the repair" "$(fingerprint served/ge6a1a75.cert.pem)" "$(fingerprint "$chain")"
expect "updates in all" "$(arrived PUT)" 2

# A row whose files are not there fails in the daily run, which goes through all of them.
status=0
hooks/emqxtls-renew >moved.out 2>&1 || status=$?
expect "exit status of a daily run with a row whose files have moved" "$status" 2
grep -q 'ge6a1a75: unchanged' moved.out
grep -q "$work/nothing.pem: No such file" moved.out

# certbot gives a second certificate of the same name another folder.
if [ "$client" = certbot ]; then
  obtain --duplicate >second.out 2>&1
  grep -q "no row for $work/le/live/broker.test-0001/fullchain.pem. The nearest is that of 'ge6a1a75'" second.out
fi

if grep -rlE 'renewal-secret|PRIVATE KEY' ./*.out arrived; then
  echo "a secret was told"
  exit 1
fi
echo "$client: obtained, renewed, failed and repaired"
