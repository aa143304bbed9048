#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# run.sh EMULATOR FOLDER - runs the examples of FOLDER as a user would, against the emulator, and asks its log what arrived.
set -euo pipefail
emulator=$1 examples=$2
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
export EMQXCLOUD_PLATFORM_API_KEY=test-key EMQXCLOUD_PLATFORM_API_SECRET=test-secret-kept-out-of-sight
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY

emulate() { # OPTION...
  rm -f ready log
  "$emulator" --ready-file ready --log log --lifetime 3600 --pending 1 --terminated 1 "$@" >emulator.out 2>&1 &
  pid=$!
  until [ -s ready ]; do
    kill -0 $pid 2>/dev/null || { cat emulator.out; exit 1; }
    sleep 0.05
  done
  # shellcheck disable=SC1091
  . ./ready
  export EMQXCLOUD_PLATFORM_ENDPOINT
}

quiet() {
  kill "$pid"
  wait "$pid" || true
  pid=
}

arrived() { # METHOD COUNT
  local n
  n=$(grep -c "\"method\": *\"$1\"" log || true)
  [ "$n" = "$2" ] || { echo "$n times $1 arrived, not $2"; cat log; exit 1; }
}

says() { # EXPECTED-EXIT-CODE EXPECTED-TEXT PROGRAM ARGUMENT...
  local code=0 expected_code=$1 text=$2 program=$3
  shift 3
  "$examples/$program" "$@" >out 2>&1 || code=$?
  cat out
  [ "$code" = "$expected_code" ] || { echo "$program ended with $code, not $expected_code"; exit 1; }
  grep -qF "$text" out || { echo "$program does not say: $text"; exit 1; }
  if grep -q -e test-secret -e "PRIVATE KEY" out log; then echo "$program shows a secret"; exit 1; fi
}

certificate() { # NAME DAYS: NAME.pem, NAME.key
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" -days "$2" \
    -subj "/CN=$1.example" >/dev/null 2>&1
}
certificate first 365
certificate second 730

emulate --tls-dir "$work"
export EMQXTLS_CA_FILE=$work/ca.pem EMQXTLS_QUOTA_FILE=$work/quota
mkdir -m 700 receipts
export EMQXTLS_RECEIPTS=$work/receipts
says 0 "ge6a1a75 has no certificate" example-status ge6a1a75
says 0 "ge6a1a75: created, running, expires " example-provision ge6a1a75 first.pem first.key
says 0 "ge6a1a75: running, one-way, for first.example, expires " example-status ge6a1a75
says 0 "ge6a1a75: updated, running, expires " example-provision ge6a1a75 second.pem second.key first.pem
says 0 "(1 reads, 0 writes)" example-provision ge6a1a75 second.pem second.key first.pem
says 0 "ge6a1a75: running, two-way, for second.example, expires " example-status ge6a1a75
arrived POST 1
arrived PUT 1
says 0 "ge6a1a75: there is no certificate any more" example-remove ge6a1a75
arrived DELETE 1

# One quota for all these processes, and no other count than the platform's.
reads=$(grep -c '"method": *"GET"' log)
says 0 "quota left: $((59 - reads)) of 60 reads, 3 of 6 writes" example-status ge6a1a75
for name in a b c; do
  "$examples/example-provision" $name first.pem first.key >$name.out 2>&1 &
  others="${others:-} $!"
done
# shellcheck disable=SC2086
wait $others
[ "$(cat a.out b.out c.out | grep -c "created, running")" = 3 ] || { cat a.out b.out c.out; exit 1; }
says 1 "(RATE_LIMITED)" example-provision d first.pem first.key
grep -q "Try again in" out
arrived POST 4
unset EMQXTLS_QUOTA_FILE

# Each run of quota-file is a process of its own, and ten at once are ten reads.
says 0 "60 of 60 reads left" example-quota-file quota-of-10
says 0 "ge6a1a75: no certificate" example-quota-file quota-of-10 ge6a1a75
runs=
for _ in $(seq 9); do
  "$examples/example-quota-file" quota-of-10 ge6a1a75 >>ten.out 2>&1 &
  runs="$runs $!"
done
# shellcheck disable=SC2086
for run in $runs; do wait "$run" || { cat ten.out; exit 1; }; done
says 0 "50 of 60 reads left" example-quota-file quota-of-10
says 0 "6 of 6 writes left" example-quota-file quota-of-10
: >quota-of-10
says 1 "delete it" example-quota-file quota-of-10 ge6a1a75

# What a user gets wrong. What the local check refuses costs no write.
says 2 "usage: " example-status
says 1 "missing.pem: No such file or directory" example-provision ge6a1a75 missing.pem first.key
says 1 "(CHECK)" example-provision another first.pem second.key
says 1 "(CHECK)" example-provision another first.key first.pem
says 1 "not a file of 1 byte to 1 MiB" example-provision ge6a1a75 /dev/null first.key
EMQXCLOUD_PLATFORM_API_SECRET=wrong-secret says 1 "(UNAUTHORIZED)" example-status ge6a1a75
EMQXTLS_CA_FILE=$work/first.pem says 1 "(TRANSPORT)" example-status ge6a1a75
EMQXCLOUD_PLATFORM_API_KEY='' says 1 "api_key is empty" example-status ge6a1a75
quiet

emulate --http
says 0 "ge6a1a75: no certificate" example-custom-transport ge6a1a75
arrived GET 1
quiet
emulate --http --fault '{"body": "{\"status\":\"running\"}", "cut_body": 0, "end": "drop", "times": 0}'
says 1 "the answer did not come whole" example-custom-transport ge6a1a75
quiet
says 1 "(TRANSPORT)" example-custom-transport ge6a1a75
echo "all is well"
