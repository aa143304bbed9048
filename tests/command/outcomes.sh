#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# outcomes.sh EMQXTLS EMULATOR - what was written is told, however a run ends: by a signal, with a reader that is gone, with a change
# of type, for a deployment that may not be meant.
# shellcheck source=tests/command/common.sh
. "$(dirname "$0")/common.sh"
own=("${ca[@]}" --quota-file memory)
put=("${own[@]}" --cert first.pem --key first.key)
state() { # DEPLOYMENT STATE: from now on
  curl -sf -d "{\"deployment\": \"$1\", \"status\": \"$2\"}" "$EMULATOR_CONTROL/status"
}

ended() { # right behind `wait`
  local status=$?
  output=$(cat said)$'\n'"status $status"
}

# stopped SIGNAL METHOD ARGUMENT... : what it said, and "status N", of a run that gets the signal when METHOD was answered, and while
# it waits for what comes of it
stopped() {
  local signal=$1 method=$2
  shift 2
  : >arrived
  "$emqxtls" "$@" >said 2>&1 </dev/null &
  local run=$!
  seen "\"method\":\"$method\".*\"status\":2\|\"status\":2.*\"method\":\"$method\"" arrived $run
  kill -"$signal" $run
  wait $run
  ended
  judge_objects "$@"
}

# -- a signal behind a write: what was written is told
for signal in INT TERM HUP; do
  fault '{"method": "GET", "body": "{\"tlsType\": \"one-way\", \"status\": \"pending\"}", "skip": 1, "times": 0}'
  stopped $signal POST ensure -d "s-$signal" "${put[@]}" --wait 10m
  tells "^s-$signal: CANCELLED: .*; (created \(1 read, 1 write\)|a write was sent, and its outcome is not known)$" && tells '^status [56]$'
  curl -sf -X DELETE "$EMULATOR_CONTROL/faults"
  curl -sf -d '{"ms": 7200000}' "$EMULATOR_CONTROL/advance"
done
fault '{"method": "GET", "body": "{\"tlsType\": \"one-way\", \"status\": \"pending\"}", "skip": 1, "times": 0}'
stopped TERM POST ensure -d s-json "${put[@]}" --wait 10m --json
tells '"writes":1' && tells '"code":"CANCELLED"' && tells '"action":"(created|none)"'
curl -sf -X DELETE "$EMULATOR_CONTROL/faults"
run 0 ensure -d s-remove "${put[@]}" --wait 1m
fault '{"method": "GET", "body": "{\"tlsType\": \"one-way\", \"status\": \"terminated\"}", "skip": 1, "times": 0}'
stopped HUP DELETE remove -d s-remove "${own[@]}"
tells '^s-remove: CANCELLED: .*; (its certificate is being deleted|a write was sent, and its outcome is not known)$' && tells '^status [56]$'
curl -sf -X DELETE "$EMULATOR_CONTROL/faults"
# nohup keeps its word
fault '{"method": "GET", "cut": 0, "end": "stall"}'
: >arrived
(trap '' HUP; exec "$emqxtls" status -d s-nohup "${own[@]}" --wait 1s >said 2>&1 </dev/null) &
seen s-nohup arrived $!
kill -HUP $!
wait $!
ended
tells '^s-nohup: CANCELLED' && tells '^status 5$'
curl -sf -X DELETE "$EMULATOR_CONTROL/faults"

# -- a write while its answer is awaited: not known
curl -sf -d '{"ms": 7200000}' "$EMULATOR_CONTROL/advance"
fault '{"method": "POST", "cut": 0, "end": "stall"}'
: >arrived
"$emqxtls" create -d s-create "${put[@]}" --json >said 2>&1 </dev/null &
seen '"POST"' arrived $!
kill -TERM $!
wait $!
ended
tells '"exit":6' && tells '"delivery":"maybe"' && tells '^status 6$'
curl -sf -X DELETE "$EMULATOR_CONTROL/faults"

# -- nobody reads standard output: the outcome goes to standard error, and nothing dies of it
curl -sf -d '{"ms": 7200000}' "$EMULATOR_CONTROL/advance"
unread() { # ARGUMENT...: what it said on standard error, with a reader that is gone
  mkfifo pipe
  sleep 600 <pipe &
  local reader=$!
  exec 7>pipe
  kill $reader
  wait $reader 2>/dev/null
  output=$("$emqxtls" "$@" 2>&1 >&7 </dev/null; echo "status $?")
  exec 7>&-
  rm pipe
}
unread ensure -d p1 "${put[@]}"
tells '^p1: created \(1 read, 1 write\)' && tells "standard output can't be written" && tells '^status 1$'
unread ensure -d p2 "${put[@]}" --json
tells '^p2: created \(1 read, 1 write\)' && tells '^status 1$'
run 0 ensure -d p1 "${put[@]}" --wait 1m && tells '^p1: unchanged'

# -- a change of type is named
run 0 ensure -d p1 "${put[@]}" --cacert second.pem --dry-run && tells '^p1: would update, from one-way to two-way \(1 read, 0 writes\); running, one-way'
run 0 ensure -d p1 "${put[@]}" --cacert second.pem --dry-run --json && field .action 'would update' && field .type_changes true &&
  field .dry_run true && field .writes 0
run 0 ensure -d p1 "${put[@]}" --cacert second.pem --wait 1m && tells '^p1: updated, from one-way to two-way \('
run 0 ensure -d p1 "${put[@]}" --dry-run && tells '^p1: would update, from two-way to one-way'

# -- what is in place is in place; what the check would refuse, had it to be written, is a warning
run 0 ensure -d p1 "${put[@]}" --cacert second.pem --min-days-left 300 && tells '^p1: unchanged' && tells '^p1: warning: .*days'
run 0 ensure -d p1 "${put[@]}" --cacert second.pem --min-days-left 300 --json && field '.warnings | map(.finding) | contains(["days-left"])' true
run 3 ensure -d p9 "${put[@]}" --min-days-left 300 && tells '^p9: CHECK: '

# -- remove where nothing is: is it the ID that is meant?
run 0 remove -d wrong-name "${own[@]}" && says "wrong-name: there was no certificate; is this the deployment's ID?"
run 0 remove -d wrong-name "${own[@]}" --json && field .writes 0 && field .state absent
run 0 remove -d p1 "${own[@]}" && says 'p1: no certificate any more'

# -- a server's certificate that does not verify is not mended by trying again
EMQXTLS_CA_FILE=first.pem run 2 status -d p1 --quota-file memory && tells 'TRANSPORT: .*--ca-file'
EMQXTLS_CA_FILE=first.pem run 2 ensure -d p1 --quota-file memory --cert first.pem --key first.key --json && field .permanent true &&
  field .exit 2 && field .delivery not-sent
EMQXTLS_CA_FILE=first.pem run 2 create -d p1 --quota-file memory --cert first.pem --key first.key && tells 'TRANSPORT: .*--ca-file'
finish
