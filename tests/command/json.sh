#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# json.sh EMQXTLS EMULATOR - every outcome of every command with --json: an object with the exit status, and every field of
# emqxtls-json(5) at least once.
# shellcheck source=tests/command/common.sh
. "$(dirname "$0")/common.sh"
own=("${ca[@]}" --quota-file memory --json)
files=(--cert first.pem --key first.key)
lines() { # NUMBER: of objects in the output
  output=$(grep -c '^{' <<<"$output")
  says "$1"
}
outcome() { # COMMAND CODE EXIT: of one object
  field .command "$1" && field .code "$2" && field .exit "$3" && lines 1
}
object() { # EXIT-STATUS COMMAND CODE ARGUMENT...: one object and nothing else on standard output
  local status=$1 command=$2 code=$3
  shift 3
  run "$status" "$@" --json && output=$(grep '^{' <<<"$output") && outcome "$command" "$code" "$status"
}

# -- before anything is done
object 2 '' INVALID
object 2 '' INVALID nonsense
object 2 status INVALID status
object 2 status INVALID status -d a --concurrency many
object 2 status INVALID status -d a --nonsense
object 2 ensure INVALID ensure -d a --cert no.pem --key first.key "${ca[@]}"
object 2 check INVALID check --cert no.pem --key first.key
object 2 status INVALID status -d a --secret-file no-such-file "${ca[@]}"
object 2 status INVALID status -d a --ca-file no-such-file --quota-file memory
object 2 quota INVALID quota --quota-file memory --nonsense
object 1 status STORE status -d a "${ca[@]}" --quota-file first.pem
output=$("$emqxtls" nonsense --json 2>/dev/null)
outcome '' INVALID 2

# -- check
run 0 check "${files[@]}" --json && field '.findings | length' 0 && outcome check OK 0
run 3 check --cert first.pem --key second.key --json && field '.findings[0].part' key && outcome check CHECK 3
certificate_of clients extendedKeyUsage=clientAuth
run 0 check --cert clients.pem --key clients.key --json && field '.findings[0].severity' warning && outcome check OK 0

# -- deployments
run 0 status -d d1 -d d2 "${own[@]}" && lines 2
run 0 ensure -d d1 "${own[@]}" "${files[@]}" --dry-run && field .action 'would create' && field .state absent && outcome ensure OK 0
run 0 ensure -d d1 "${own[@]}" "${files[@]}" --wait 1m && field .action created && outcome ensure OK 0
run 0 status -d d1 "${own[@]}" && field .days_left 199 &&
  field .expire_epoch "$(date -d "$(openssl x509 -in first.pem -noout -enddate | cut -d= -f2)" +%s)" && outcome status OK 0
run 0 wait -d d1 "${own[@]}" && field .state running && outcome wait OK 0
run 0 update -d d1 "${own[@]}" --cert clients.pem --key clients.key && field '.warnings[0].finding' leaf-purpose && outcome update OK 0
fault '{"method": "POST", "status": 422, "body": "{\"code\": \"CERT_BAD\"}"}'
run 4 create -d d2 "${own[@]}" "${files[@]}" && field .api_code CERT_BAD && field .http_status 422 && outcome create UNPROCESSABLE 4
run 0 delete -d d1 "${own[@]}" && outcome delete OK 0
run 0 remove -d d1 "${own[@]}" && field .writes 0 && outcome remove OK 0
curl -sf -d '{"ms": 7200000}' "$EMULATOR_CONTROL/advance"
for i in 1 2 3 4 5 6; do "$emqxtls" delete -d "d$i" "${ca[@]}" >/dev/null 2>&1; done
run 5 delete -d d9 "${ca[@]}" --json && field '.retry_after_s > 3000' true && outcome delete RATE_LIMITED 5

# -- probe and quota
until port=$((10000 + RANDOM % 20000)) && serve $port first; do :; done
run 5 probe --probe "127.0.0.1:$port" --cert second.pem --json && field .matches false && field .days_left 199 && outcome probe OK 5
run 5 probe --probe 127.0.0.1:1 --json && outcome probe TRANSPORT 5
run 0 quota --json && field 'select(.class == "writes").remaining' 0 && field 'select(.class == "writes") | .next_s > 3000' true && lines 2
finish --all
