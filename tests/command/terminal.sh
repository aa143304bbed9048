#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# terminal.sh EMQXTLS EMULATOR - what a terminal of 40 to 200 columns shows while it runs, and what one that is dumb does not; the
# drawing of the quota; Ctrl-C.
# shellcheck source=tests/command/common.sh
. "$(dirname "$0")/common.sh"
script -qec true /dev/null >/dev/null 2>&1 || { echo "no terminal can be had here"; exit 77; }

jq -n --rawfile cert first.pem --rawfile key first.key '{tlsType: "one-way", $cert, $key}' |
  curl -sf --cacert tls/ca.pem -K <(echo "user = test-key:test-secret-never-shown") -d @- "$EMQXCLOUD_PLATFORM_ENDPOINT/deployments/d5/tls" >/dev/null
curl -sf -d '{"deployment": "d5", "status": "pending"}' "$EMULATOR_CONTROL/status"

on_terminal() { # COLUMNS ARGUMENT...: starts it; what it shows is in `shown`, its process in `waiting`
  local columns=$1
  shift
  rm -f shown waiting
  script -qfec "stty cols $columns; echo \$\$ >waiting; exec '$emqxtls' $*" shown </dev/null >/dev/null 2>&1 &
}
interrupt() {
  kill -INT "$(cat waiting)"
  wait $!
  output=$(tr '\r' '\n' <shown)
}
widest() { # of the lines that were written over, without what moves the cursor
  output=$(sed -n 's/^\x1b\[K//p' <<<"$output" | awk '{ if (length > n) n = length } END { print n + 0 }')
}

export TERM=xterm
for columns in 40 80 200; do
  on_terminal $columns wait -d d5 "${ca[*]}" --wait 10m
  wanted='s, next look'
  [ $columns != 40 ] || wanted='pending, ' # there is no room for more
  seen "$wanted" shown $!
  interrupt
  tells 'd5: pending, [0-9]+ s' && tells CANCELLED && lacks '[31m'
  [ $columns = 40 ] || { tells 'd5: pending, [0-9]+ s, next look in [0-9]+ s, quota left: [0-9]+ reads, 6 writes'; }
  [ $columns != 40 ] || { lacks 'quota left' && lacks ', next look in [0-9]*$'; }
  widest
  [ "$output" -lt $columns ] || { failed=$((failed + 1)); echo "FAILED: a line of $output in $columns columns"; }
done

# -- many: nothing is said of what is left where nothing is known
fault '{"method": "GET", "cut": 0, "end": "stall", "times": 0}'
on_terminal 80 status -d d6 -d d7 "${ca[*]}"
seen '0 of 2, 2 under way' shown $!
interrupt
lacks 'about 0 s'
curl -sf -X DELETE "$EMULATOR_CONTROL/faults"

# -- a dumb terminal, and a log, get lines alone
for term in dumb ''; do
  output=$(TERM=$term script -qec "stty cols 80; '$emqxtls' status -d d5 ${ca[*]}" /dev/null </dev/null)
  tells '^d5: pending' && lacks $'\033'
done
NO_COLOR=1 output=$(script -qec "'$emqxtls' status -d d5 ${ca[*]}" /dev/null </dev/null)
if grep -q $'\033\[[0-9;]*m' <<<"$output"; then failed=$((failed + 1)); echo "FAILED: colours"; fi

# -- the quota is drawn
for i in 1 2 3 4 5 6; do "$emqxtls" delete -d "d$i" "${ca[@]}" >/dev/null 2>&1; done
for columns in 40 80 200; do
  output=$(script -qec "stty cols $columns; '$emqxtls' quota" /dev/null </dev/null | tr -d '\r')
  tells '^writes: none of 6 left, the next in [0-9]+ s' && tells '^    \[#+\.*\]' && tells '^    now \|-*[1-6]+\| [0-9:]{8}$' && tells '^    first at [0-9:]{8}, all at [0-9:]{8}$'
  output=$(awk -v n=$columns '/^ / && length > n' <<<"$output" | head -1)
  says ''
done
finish
