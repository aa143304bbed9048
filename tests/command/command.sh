#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# command.sh EMQXTLS EMULATOR EMQXTLS-RENEW - the command end to end against the emulator; its output is compared as a user reads it.
renew=$(realpath "$3")
# shellcheck source=tests/command/common.sh
. "$(dirname "$0")/common.sh"

# -- usage
run 0 --help && tells '^  ensure '
run 0 --version && tells '^emqxtls [0-9]'
run 2 && tells 'give a command'
run 2 nonsense && tells "no command 'nonsense'"
run 2 status && tells 'needs --deployment'
run 2 ensure -d a --cert first.pem && tells 'needs --cert FILE and --key FILE'
run 2 delete -d a -d b && tells 'takes one --deployment'
run 2 status -d a --wait 1x && tells 'duration'
run 2 status -d a --unknown && tells -- '--unknown'
run 2 status -d 'a
b' "${ca[@]}" && tells 'control character'
# an ID that is missing: the next option is not taken for it
for id in -- --json '' ' a' 'a ' $'a\t'; do
  run 2 delete -d "$id" "${ca[@]}" && tells '^emqxtls: --deployment'
  run 2 delete --deployment="$id" "${ca[@]}" && tells '^emqxtls: --deployment'
done
run 2 ensure -d a --cert no.pem --key first.key "${ca[@]}" && tells 'no.pem: No such file'
chmod 644 second.key
run 2 ensure -d a --cert second.pem --key second.key "${ca[@]}" && tells 'everybody can read'
chmod 600 second.key
run 2 status -d a --api-secret=never-told && tells '^emqxtls: --api-secret is no option' && lacks never-told
run 2 --json -xq status && tells '^emqxtls: -x is no option'
run 2 status --deploymnet a && tells '^emqxtls: --deploymnet is no option: is --deployment meant'
run 2 status --cert && tells '^emqxtls: --cert needs a value'
run 2 status -d && tells '^emqxtls: -d needs a value'
run 2 status -d a --json=yes && tells '^emqxtls: --json takes no value' && lacks yes
run 0 -V && tells '^emqxtls [0-9]'
run 0 help && tells '^  ensure '
run 0 help remove && tells '^emqxtls remove: delete' && tells '--deployment ID' && lacks --cert
run 0 check --help && tells '--host NAME' && lacks --deployment
[ "$(awk 'length > 80' <<<"$output")" = '' ] || { echo "FAILED: check --help is wider than 80 columns"; failed=$((failed + 1)); }
run 2 help nonsense && tells "no command 'nonsense'"
run 2 status -d a --receipt r && tells '^emqxtls: status takes no --receipt'
run 2 check --cert first.pem --key first.key --quota-file memory && tells '^emqxtls: check takes no --quota-file'
run 2 remove -d a --dry-run "${ca[@]}" && tells 'remove takes no --dry-run'
run 2 create -d a --cert first.pem --key first.key --dry-run "${ca[@]}" && tells 'create takes no --dry-run'

# -- lists of deployments: nothing of them is left out without a word
run 2 status --deployments no.txt "${ca[@]}" && tells "can't read --deployments no.txt: No such file"
run 2 status --deployments . -d a "${ca[@]}" && tells "can't read --deployments .: Is a directory"
printf 'a\nb c\n' >two.txt
run 2 status --deployments two.txt "${ca[@]}" && tells "one ID a line, not 'b c"

# -- local
run 0 check --cert first.pem --key first.key && says 'nothing found that the platform would refuse'
run 3 check --cert first.pem --key second.key && tells 'refused: key.*\(key-mismatch\)'
run 3 check --cert short.pem --key short.key && tells 'days'
run 0 check --cert short.pem --key short.key --min-days-left 10
run 0 check --cert short.pem --key short.key --min-days-left 0
head -c 1048577 /dev/zero | tr '\0' '\n' | cat first.pem - >large.pem
run 2 check --cert <(cat large.pem) --key first.key && tells 'not a file of at most 1 MiB'
run 2 check --cert no.pem --key first.key && tells '^emqxtls: no.pem: No such file'
run 2 check --cert . --key first.key && tells '^emqxtls: .: not a file'
output=$("$emqxtls" check --cert first.pem --key - <first.key 2>&1; echo "status $?")
tells 'nothing found' && tells '^status 0$'
output=$("$emqxtls" check --cert - --key first.key < <(cat first.pem) 2>&1; echo "status $?")
tells 'nothing found' && tells '^status 0$'
run 2 check --cert - --key - && tells 'can be given once'
run 3 check --cert first.pem --key - && tells 'key'
unreadable=/sys/class/net/lo/speed # to everybody: it can be opened, and a read fails
[ ! -e $unreadable ] || { run 2 check --cert $unreadable --key first.key && tells 'speed: Invalid argument'; }
run 3 check --cert first.pem --key second.key --json &&
  field '.findings[] | select(.severity=="refused") | .finding' key-mismatch && field .code CHECK && field .exit 3
arrived GET 0

# -- what the check warns of, ensure and create tell too
certificate_of clients extendedKeyUsage=clientAuth
run 0 check --cert clients.pem --key clients.key && tells '^warning: cert: block 0 .*serverAuth.*\(leaf-purpose\)$'
warned=$output
run 0 ensure -d d9 "${ca[@]}" --quota-file memory --cert clients.pem --key clients.key --dry-run && tells '^d9: would create' &&
  tells "^$(sed 's/[][().*]/\\&/g' <<<"$warned")$"
run 0 ensure -d d9 "${ca[@]}" --quota-file memory --cert clients.pem --key clients.key --dry-run --quiet && says ''
run 0 ensure -d d9 "${ca[@]}" --quota-file memory --cert clients.pem --key clients.key --dry-run --json &&
  field '.warnings[0].finding' leaf-purpose && field '.warnings | length' 1
# the same verdict, words and exit status, whatever is handed in
: >empty.pem
openssl x509 -in first.pem -outform DER -out first.der
printf '/etc/ssl/first.pem\n' >path.pem
sed 's/$/\\n/' first.pem | tr -d '\n' >escaped.pem
for file in empty.pem first.der path.pem escaped.pem first.key; do
  run 3 check --cert "$file" --key first.key && words=$(sed -n 's/^refused: [a-z]*: \(.*\) ([a-z0-9-]*)$/\1/p' <<<"$output" | head -1)
  run 3 ensure -d d9 "${ca[@]}" --quota-file memory --cert "$file" --key first.key && says "d9: CHECK: $words"
  run 3 create -d d9 "${ca[@]}" --quota-file memory --cert "$file" --key first.key && says "d9: CHECK: $words"
done
run 0 status -d d9 "${ca[@]}" --quota-file memory
: >arrived

# -- the life of a certificate
run 0 status -d d1 "${ca[@]}" && says 'd1: absent'
run 0 ensure -d d1 "${ca[@]}" --cert first.pem --key first.key --dry-run && says 'd1: would create (1 read, 0 writes); absent'
arrived POST 0
run 3 ensure -d d1 "${ca[@]}" --cert short.pem --key short.key && tells '^d1: CHECK: '
run 0 ensure -d d1 "${ca[@]}" --cert first.pem --key first.key --wait 1m --receipt receipts &&
  tells '^d1: created \([0-9]+ reads?, 1 write\); running, one-way, until .*, cn broker.test$'
arrived POST 1
run 0 ensure -d d1 "${ca[@]}" --cert first.pem --key first.key --wait 1m --receipt receipts &&
  tells '^d1: unchanged \(1 read, 0 writes\); running'
run 0 ensure -d d1 "${ca[@]}" --cert second.pem --key second.key --wait 1m --receipt receipts --json &&
  field .action updated && field .writes 1 && field .state running && field .certain true
run 0 ensure -d d1 "${ca[@]}" --cert second.pem --key second.key --receipt receipts --quiet && says ''
run 3 ensure -d d1 "${ca[@]}" --cert first.pem --key first.key --receipt receipts && tells 'would end before the one in place'
arrived PUT 1
run 0 wait -d d1 "${ca[@]}" --cert second.pem --key second.key && tells '^d1: running'
run 0 status -d d1 -d d2 "${ca[@]}" --json && field 'select(.deployment=="d2").state' absent
printf '# fleet\n d1 \n\nd2 # second\n' >fleet.txt
run 0 status --deployments fleet.txt "${ca[@]}" && tells '^d1: running' && tells '^d2: absent'
run 4 wait -d d2 "${ca[@]}" && tells 'NOT_FOUND'
run 0 remove -d d1 "${ca[@]}" && says 'd1: no certificate any more'
run 0 remove -d d1 "${ca[@]}"
arrived DELETE 1
run 0 quota && tells '^writes: 3 of 6 left$'
run 0 quota --json && field 'select(.class=="writes").used' 3
run 0 status -d d2 "${ca[@]}" --verbose && tells 'GET 127.0.0.1:[0-9]+/public_api/v1/deployments/d2/tls: status 200'

# -- trouble, with its exit status
EMQXCLOUD_PLATFORM_API_SECRET=wrong run 4 status -d d1 "${ca[@]}" && tells 'UNAUTHORIZED'
EMQXCLOUD_PLATFORM_ENDPOINT=https://127.0.0.1:1/v1 run 5 status -d d1 "${ca[@]}" && tells 'could not reach'
run 2 status -d d1 && tells 'certificate does not verify|signed it' && tells -- '--ca-file'
EMQXTLS_CA_FILE=tls/no.pem run 2 status -d d1 && tells 'tls/no.pem'
EMQXCLOUD_PLATFORM_ENDPOINT='' run 2 status -d d1 && tells 'EMQXCLOUD_PLATFORM_ENDPOINT is not set'
fault '{"method": "POST", "cut": 0, "end": "drop"}'
run 6 create -d d3 "${ca[@]}" --cert first.pem --key first.key && tells 'may have been carried out'
fault '{"method": "PUT", "status": 500}'
run 6 update -d d3 "${ca[@]}" --cert second.pem --key second.key && tells 'HTTP'
run 0 delete -d d3 "${ca[@]}" && says 'd3: deleted'
run 5 create -d d4 "${ca[@]}" --cert first.pem --key first.key --json && field .code RATE_LIMITED &&
  field '.retry_after_s > 3000' true && field .exit 5

# -- no write was sent: nothing of it can be unknown
own=("${ca[@]}" --quota-file memory)
for end in '"status": 503' '"cut": 0, "end": "drop"'; do
  fault '{"method": "GET", "times": 3, '"$end"'}'
  run 5 ensure -d d1 "${own[@]}" --cert first.pem --key first.key
  curl -sf -X DELETE "$EMULATOR_CONTROL/faults"
  fault '{"method": "GET", "times": 3, '"$end"'}'
  run 5 remove -d d1 --wait 0 "${own[@]}"
  curl -sf -X DELETE "$EMULATOR_CONTROL/faults"
done
fault '{"method": "GET", "times": 3, "status": 503}'
run 5 status -d d1 "${own[@]}"
curl -sf -X DELETE "$EMULATOR_CONTROL/faults"

# -- a DELETE of which nobody knows, though the reads behind it were answered
curl -sf -d '{"ms": 7200000}' "$EMULATOR_CONTROL/advance"
run 0 create -d d8 "${own[@]}" --cert first.pem --key first.key
run 0 wait -d d8 "${own[@]}"
for wait in 6s 20s 60s; do # where it is over before the DELETE has left: once more, with more time
  fault '{"method": "DELETE", "status": 500}'
  output=$("$emqxtls" remove -d d8 "${own[@]}" --wait $wait 2>&1 </dev/null; echo "status $?")
  curl -sf -X DELETE "$EMULATOR_CONTROL/faults"
  grep -q 'not known' <<<"$output" && break
done
tells 'whether it will be deleted is not known' && tells '^status 6$'

# -- --wait bounds all of it
fault '{"method": "GET", "cut": 0, "end": "stall"}'
run 5 status -d d1 "${own[@]}" --wait 1s && tells CANCELLED

jq -n --rawfile cert first.pem --rawfile key first.key '{tlsType: "one-way", $cert, $key}' >body
curl -sf -d '{"ms": 7200000}' "$EMULATOR_CONTROL/advance"
curl -sf "${ca[@]/--ca-file/--cacert}" -K <(echo "user = test-key:test-secret-never-shown") -d @body "$EMQXCLOUD_PLATFORM_ENDPOINT/deployments/d6/tls" >/dev/null
curl -sf -d '{"deployment": "d6", "status": "pending"}' "$EMULATOR_CONTROL/status"
output=$(timeout 300 "$emqxtls" wait -d d6 "${own[@]}" --wait 0 2>&1; echo "status $?")
tells 'd6: TIMEOUT: ' && tells 'status 5$'
run 0 remove -d d6 "${own[@]}" --wait 0 && says 'd6: deleted'

# -- an answer to a write that breaks off
fault '{"method": "POST", "cut_body": 5, "end": "drop"}'
run 6 create -d d10 "${own[@]}" --cert first.pem --key first.key && tells 'may have been carried out'

# -- what the platform tells may be anything; so may an ID
fault '{"method": "GET", "body": "{\"status\": \"running\", \"cn\": \"a\\u001b[31m\\nd2: running\"}"}'
run 0 status -d d1 "${own[@]}" && says 'd1: running, cn a?[31m?d2: running'
run 0 status -d $'d\377' "${own[@]}" --json && field .deployment 'd?' && field .state absent

# -- output that nobody gets is not done
if [ -w /dev/full ]; then
  for arguments in --help "check --cert first.pem --key first.key" "status -d d1 ${own[*]} --json --resume told"; do
    # shellcheck disable=SC2086
    output=$("$emqxtls" $arguments 2>&1 >/dev/full </dev/null; echo "status $?")
    tells "standard output can't be written" && tells 'status 1$'
  done
  output=$(cat told)
  lacks d1
fi
fault '{"method": "GET", "deployment": "d2", "status": 403}'
"$emqxtls" status -d d1 -d d2 "${own[@]}" --resume noted >&- 2>&-
output=$(tail -n +2 noted)
says d1

# -- where credentials come from
(
  umask 077
  printf 'EMQXCLOUD_PLATFORM_ENDPOINT=%s\nEMQXCLOUD_PLATFORM_API_KEY="test-key"\nexport EMQXCLOUD_PLATFORM_API_SECRET=%s\n' \
    "$EMQXCLOUD_PLATFORM_ENDPOINT" test-secret-never-shown >emqxtls
)
saved=$(env | grep ^EMQXCLOUD)
unset EMQXCLOUD_PLATFORM_ENDPOINT EMQXCLOUD_PLATFORM_API_KEY EMQXCLOUD_PLATFORM_API_SECRET
run 2 status -d d1 "${ca[@]}" && tells 'is not set'
run 0 status -d d1 "${ca[@]}" --secret-file emqxtls
CREDENTIALS_DIRECTORY=$work run 0 status -d d1 "${ca[@]}"
umask 077
endpoint=$(sed -n 's/^EMQXCLOUD_PLATFORM_ENDPOINT=//p' emqxtls)
secrets() { # LINE...: the three variables in the file `as`, the first of them as given
  printf '%b\n' "$@" "EMQXCLOUD_PLATFORM_API_KEY=test-key" "EMQXCLOUD_PLATFORM_API_SECRET=test-secret-never-shown" >as
}
# as people write it
for line in '\xEF\xBB\xBF'EMQXCLOUD_PLATFORM_ENDPOINT="$endpoint" EMQXCLOUD_PLATFORM_ENDPOINT="$endpoint"'\r' \
  "  EMQXCLOUD_PLATFORM_ENDPOINT = $endpoint  " "export EMQXCLOUD_PLATFORM_ENDPOINT=$endpoint" \
  "EMQXCLOUD_PLATFORM_ENDPOINT='$endpoint' # ours" "EMQXCLOUD_PLATFORM_ENDPOINT=$endpoint # ours" \
  "OTHER=x y\n# comment\n\nEMQXCLOUD_PLATFORM_ENDPOINT = \"$endpoint\""; do
  secrets "$line" && run 0 status -d d1 "${ca[@]}" --quota-file memory --secret-file as
done
# what can't be read is told by its line, and shown nowhere
for line in "EMQXCLOUD_PLATFORM_ENDPOINT=$endpoint hidden" "EMQXCLOUD_PLATFORM_ENDPOINT=\"hidden" "EMQXCLOUD_PLATFORM_ENDPOINT=hid\"den" \
  "EMQXCLOUD_PLATFORM_ENDPOINT='hidden'x" "hidden" "EMQXCLOUD_PLATFORM_ENDPOINT=hidden\nEMQXCLOUD_PLATFORM_ENDPOINT=x"; do
  secrets "$line" && run 2 status -d d1 "${ca[@]}" --secret-file as && tells '^emqxtls: as, line [12]: ' && lacks hidden
done
# all three from one source: a secret does not go to the host that another one names
secrets ''
EMQXCLOUD_PLATFORM_ENDPOINT=https://127.0.0.1:1/v1 run 2 status -d d1 "${ca[@]}" --secret-file as && tells 'ENDPOINT is not in as'
printf 'EMQXCLOUD_PLATFORM_ENDPOINT=%s\n' "$endpoint" >as
EMQXCLOUD_PLATFORM_API_KEY=k EMQXCLOUD_PLATFORM_API_SECRET=s run 2 status -d d1 "${ca[@]}" --secret-file as && tells 'API_KEY is not in as'
# a credential of systemd's that can't be read is told, not left out
mkdir -p unreadable/emqxtls
CREDENTIALS_DIRECTORY=$work/unreadable EMQXCLOUD_PLATFORM_ENDPOINT=$endpoint EMQXCLOUD_PLATFORM_API_KEY=test-key \
  EMQXCLOUD_PLATFORM_API_SECRET=test-secret-never-shown run 2 status -d d1 "${ca[@]}" && tells 'unreadable/emqxtls: not a file'
CREDENTIALS_DIRECTORY=$work/none run 2 status -d d1 "${ca[@]}" && tells 'is not set'
chmod 644 emqxtls
run 2 status -d d1 "${ca[@]}" --secret-file emqxtls && tells 'everybody can read'
# on a file system that is read-only its owner can't mend that: taken, with a word
mkdir -p mounted
if unshare -rm sh -c 'mount -t tmpfs none mounted && mount -o remount,ro mounted' 2>/dev/null; then
  # shellcheck disable=SC2016
  output=$(unshare -rm sh -c 'mount -t tmpfs none mounted && cp emqxtls mounted/ && chmod 644 mounted/emqxtls &&
    mount -o remount,ro mounted && exec "$0" status -d d1 --ca-file tls/ca.pem --quota-file memory --secret-file mounted/emqxtls' "$emqxtls" 2>&1
    echo "status $?")
  tells 'defaultMode: 0400' && tells '^status 0$'
fi
umask 022
while IFS= read -r line; do export "${line?}"; done <<<"$saved"

# -- probe
until port=$((10000 + RANDOM % 20000)) && serve $port first; do :; done
run 0 probe --probe "127.0.0.1:$port" --cert first.pem && tells 'serves cn broker.test, until .* UTC, sha256 [0-9a-f]{64}$'
run 5 probe --probe "127.0.0.1:$port" --cert second.pem && tells 'not the certificate of second.pem'
run 0 probe --probe "127.0.0.1:$port" --json && field .sha256 "$(openssl x509 -in first.pem -outform DER | sha256sum | cut -d' ' -f1)"
field .expire "$(date -u -d "$(openssl x509 -in first.pem -noout -enddate | cut -d= -f2)" '+%Y-%m-%d %H:%M:%S')"
run 5 probe --probe 127.0.0.1:1

# -- the table of emqxtls-renew: with CR, without a last line end; a folder is none
printf '# comment\r\nh1 first.pem first.key\r\n\r\nh2 first.pem first.key' >table
(umask 077 && env | grep ^EMQXCLOUD_PLATFORM_ >renew-credentials)
export EMQXTLS=$emqxtls EMQXTLS_STATE=$work/renew EMQXTLS_SECRET_FILE=$work/renew-credentials EMQXTLS_OPTIONS="${ca[*]} --dry-run"
export EMQXTLS_TABLE=table
curl -sf -d '{"ms": 7200000}' "$EMULATOR_CONTROL/advance"
output=$(sh "$renew" 2>&1; echo "status $?")
tells '^h1: would create' && tells '^h2: would create' && tells '^status 0$'
output=$(EMQXTLS_TABLE=. sh "$renew" 2>&1; echo "status $?")
tells "can't read" && tells '^status 2$'

# -- no core dump, which would hold the key
fault '{"cut": 0, "end": "stall", "method": "POST"}'
cat >core.py <<'END'
import os, resource, signal, subprocess, sys, time
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
p = subprocess.Popen(sys.argv[1:])
while not [1 for line in open("arrived") if '"POST"' in line and "/d7/" in line]:
    time.sleep(0.05)
p.send_signal(signal.SIGABRT)
print("dumped" if os.WCOREDUMP(os.waitpid(p.pid, 0)[1]) else "no dump")
END
output=$(timeout 300 python3 core.py "$emqxtls" create -d d7 "${own[@]}" --cert first.pem --key first.key 2>&1)
says 'no dump'
curl -sf -X DELETE "$EMULATOR_CONTROL/faults"

finish
