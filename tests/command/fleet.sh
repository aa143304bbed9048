#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# fleet.sh EMQXTLS EMULATOR LATER SWEEP ROLLOUT - the command with many deployments against the emulator: the status of SWEEP of them, a
# certificate for ROLLOUT of them, failures of some, a run that is broken off, and a quota that they share.
set -uo pipefail
emqxtls=$(realpath "$1") emulator=$(realpath "$2") later=$(realpath "$3") sweep=$4 rollout=$5
concurrency=16
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
export HOME=$work EMQXCLOUD_PLATFORM_API_KEY=test-key EMQXCLOUD_PLATFORM_API_SECRET=test-secret-never-shown
unset XDG_STATE_HOME STATE_DIRECTORY CREDENTIALS_DIRECTORY http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
preload=
failed=0 passed=0

is() { # WHAT WANTED GOT
  if [ "$2" = "$3" ]; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  printf 'FAILED: %s: wanted %s, got %s\n' "$1" "$2" "$3"
}

within() { # WHAT LEAST MOST GOT
  if [ "$4" -ge "$2" ] && [ "$4" -le "$3" ]; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  printf 'FAILED: %s: wanted %s to %s, got %s\n' "$1" "$2" "$3" "$4"
}

emulate() { # OPTION...
  [ -z "$pid" ] || { kill "$pid"; wait "$pid"; }
  rm -f ready arrived
  "$emulator" --tls-dir tls --ready-file ready --log arrived --pending 0 --lifetime 3600 "$@" >/dev/null &
  pid=$!
  until [ -s ready ]; do
    kill -0 "$pid" || exit 1
    sleep 0.05
  done
  set -a
  # shellcheck disable=SC1091
  . ./ready
  set +a
}

control() { # PATH BODY
  curl -sf -d "$2" "$EMULATOR_CONTROL/$1" || { echo "the emulator does not take $1 $2"; exit 1; }
}

until_all_are_held() {
  until [ "$(count faults_left)" = 0 ]; do sleep 0.01; done
}

count() { # NAME: one of the emulator's counts
  curl -sf "$EMULATOR_CONTROL/counts" | jq ".$1"
}

fleet() { # ARGUMENT...: standard output is in `out`, the rest in `err`, the exit code in $status
  local began
  began=$(date +%s%N)
  LD_PRELOAD=$preload "$emqxtls" "$@" --ca-file tls/ca.pem >out 2>err </dev/null
  status=$?
  took=$((($(date +%s%N) - began) / 1000000))
}

# How many deployments were written to how often: "TIMES NUMBER-OF-DEPLOYMENTS" a line.
writes() {
  jq -r 'select(.carried_out) | .path' arrived | sort | uniq -c | awk '{ print $1 }' | sort -n | uniq -c | awk '{ print $2, $1 }'
}

ids() { # NUMBER
  seq -f 'fleet-%06.0f' "$1"
}

umask 077
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 200 -subj /CN=fleet.test \
  -addext subjectAltName=DNS:fleet.test >/dev/null 2>&1

# -- a sweep: every deployment once, and again with the quota in a file
emulate --scope deployment --forbidden fleet-000013,fleet-000666
ids "$sweep" >sweep.txt
control faults '{"deployment": "fleet-000007", "status": 500, "times": 0}'
for quota in memory quota; do
  before=$(count requests)
  fleet status --deployments sweep.txt --per-deployment --quota-file "$quota" --concurrency $concurrency --json
  is "a sweep's exit status" 4 "$status"
  is "deployments told" "$sweep" "$(jq -r .deployment out | sort -u | wc -l)"
  is "lines" "$sweep" "$(wc -l <out)"
  is "without a certificate" $((sweep - 3)) "$(grep -c '"state":"absent"' out)"
  is "the forbidden ones" 'fleet-000013 fleet-000666' "$(jq -r 'select(.code == "FORBIDDEN").deployment' out | sort | xargs)"
  is "the broken one" 'fleet-000007 HTTP 500' "$(jq -r 'select(.code == "HTTP") | "\(.deployment) \(.code) \(.http_status)"' out)"
  is "requests" "$sweep" $(($(count requests) - before))
  echo "sweep of $sweep, quota in $quota: $took ms"
done
is "over the platform's quota" 0 "$(count over_quota)"
fleet status --deployments sweep.txt --per-deployment --quota-file memory
is "the end's summary" "emqxtls: $((sweep - 3)) done, 3 failed" "$(tail -1 err)"

# -- never more at once than told, and as many: a request is under way for as long as the emulator takes, and longer
emulate --scope deployment --latency 0.05
ids 160 >some.txt
control faults "{\"hold\": true, \"times\": $concurrency}"
fleet status --deployments some.txt --per-deployment --quota-file memory --concurrency $concurrency --quiet &
until_all_are_held # so all of them are under way at once
control release ''
wait $!
is "a quiet sweep's words" "0 0" "$(wc -c <out) $(wc -c <err)"
is "requests that were one too many at once" "" \
  "$(jq .ms arrived | awk -v n=$concurrency '{ at[NR] = $1 } NR > n && at[NR] - at[NR - n] < 48 { print NR }')"

# -- more at once than files may be open: as many as there may be
emulate --scope deployment
fleet_with_few_files() (
  ulimit -n 40
  "$emqxtls" status --deployments some.txt --per-deployment --quota-file memory --concurrency 160 --ca-file tls/ca.pem 2>&1 </dev/null
)
is "failures for want of files" "" "$(fleet_with_few_files | grep TRANSPORT | head -1)"

# -- a rollout: broken off twice, each time with all that is under way, resumed, and no deployment written to twice
emulate --scope deployment
ids "$rollout" >rollout.txt
roll=(ensure --deployments rollout.txt --cert cert.pem --key key.pem --per-deployment --receipt receipts
  --concurrency $concurrency --resume done.txt)
for signal in INT KILL; do # writes that arrive though nobody hears of it, and writes that do not
  arrives=$([ $signal = INT ] && echo true || echo false)
  control faults "{\"method\": \"POST\", \"skip\": $((rollout / 4)), \"carry_out\": $arrives, \"hold\": true,
    \"times\": $concurrency}"
  "$emqxtls" "${roll[@]}" --ca-file tls/ca.pem --json >out 2>err </dev/null &
  run=$!
  until_all_are_held
  kill -$signal $run
  wait $run 2>/dev/null
  status=$?
  control release ''
  if [ $signal = INT ]; then
    within "exit status after an interrupt: try later, or an outcome that is not known" 5 6 "$status"
    is "deployments that were cancelled" 0 "$(jq -r 'select(.code != "OK" and .code != "CANCELLED").code' out | wc -l)"
    within "deployments told of" $((rollout / 4 - concurrency)) $((rollout - 1)) "$(wc -l <out)"
  fi
done
done_before=$(($(wc -l <done.txt) - 1))
reads=$(count reads)
fleet "${roll[@]}" --json
is "what is left" $((rollout - done_before)) "$(wc -l <out)"
is "reads that it cost" "$(wc -l <out)" $(($(count reads) - reads))
# Writes that were broken off on their way may still arrive for a minute and more: a run that may wait does so.
late=$(jq -r 'select(.code == "TIMEOUT" and (.message | contains("may still arrive"))).deployment' out | wc -l)
is "writes that may still arrive" $concurrency "$late"
is "others that are not done" 0 "$(jq -r 'select(.code != "OK" and .code != "TIMEOUT").deployment' out | wc -l)"
is "exit status of this part" 5 "$status"
export LATER_S=140 ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
preload=$later # the others are over when that one begins
fleet "${roll[@]}" --json --wait 150s
is "exit status of the last part" 0 "$status"
is "writes of each deployment" "1 $rollout" "$(writes)"
is "the file of what is done" "" "$(ls done.txt 2>/dev/null)"
requests=$(count writes)
fleet "${roll[@]}" --json
is "exit status when all is in place" 0 "$status"
is "unchanged" "$rollout" "$(jq -r 'select(.action == "unchanged" and .certain).deployment' out | wc -l)"
is "further writes" "$requests" "$(count writes)"
is "over the platform's quota" 0 "$(count over_quota)"
echo "rollout to $rollout: the last run, with nothing to do, $took ms"

# A deployment twice in the list is one.
printf 'twice\ntwice\ntwice # again\n' >twice.txt
fleet ensure --deployments twice.txt -d twice --cert cert.pem --key key.pem --per-deployment --quota-file memory
is "writes to a deployment that is listed four times" 1 "$(jq -r 'select(.carried_out and (.path | contains("twice"))).path' arrived | wc -l)"
is "its summary" "emqxtls: 1 done, 0 failed" "$(tail -1 err)"

# -- one quota for all: 60 come through, the others are told when to come back, and a later run goes on where this one ended
emulate --count-rejected
ids 100 >shared.txt
sweep_on=(status --deployments shared.txt --resume swept.txt --json)
fleet "${sweep_on[@]}" --quota-file first
is "exit status without quota" 5 "$status"
is "deployments read" 60 "$(jq -r 'select(.code == "OK").deployment' out | wc -l)"
is "deployments told to come back in an hour" 40 \
  "$(jq -r 'select(.code == "RATE_LIMITED" and .retry_after_s > 3590 and .retry_after_s < 3700).deployment' out | wc -l)"
fleet "${sweep_on[@]}" --quota-file first --wait 10m
is "exit status where waiting does not help" 5 "$status"
within "what a wait that can't help takes" 0 300000 "$took"
control advance '{"ms": 7200000}'
fleet "${sweep_on[@]}" --quota-file an-hour-later
is "exit status of the second hour" 0 "$status"
is "deployments of the second hour" 40 "$(jq -r 'select(.code == "OK").deployment' out | wc -l)"
is "over the platform's quota" 0 "$(count over_quota)"
is "the file of what is done" "" "$(ls swept.txt 2>/dev/null)"
echo precious >precious.txt
fleet status --deployments shared.txt --resume precious.txt --quota-file memory
is "exit status with a file that is something else" 2 "$status"
is "that file" precious "$(cat precious.txt)"

if grep -rqE 'test-secret-never-shown|PRIVATE KEY' arrived receipts .local out err 2>/dev/null; then
  echo "FAILED: a secret was kept"
  failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
