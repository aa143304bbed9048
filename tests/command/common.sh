# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# . common.sh EMQXTLS EMULATOR - what the tests of the command share: a folder to work in, an emulator, some certificates, and how a
# run is judged. Every object of --json is held to its page.
set -uo pipefail
emqxtls=$(realpath "$1") emulator=$(realpath "$2") here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
page=$here/../../docs/emqxtls-json.5.scd
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || exit 1
export HOME=$work TZ=UTC
unset XDG_STATE_HOME STATE_DIRECTORY CREDENTIALS_DIRECTORY
failed=0 passed=0

# run EXIT-STATUS ARGUMENT... : what it printed is in $output (stdout and stderr)
run() {
  local wanted=$1 status
  shift
  output=$("$emqxtls" "$@" 2>&1 </dev/null)
  status=$?
  judge_objects "$@"
  if [ "$status" != "$wanted" ]; then
    failed=$((failed + 1))
    printf 'FAILED: emqxtls %s\n  ended with %s, not %s, and said:\n%s\n' "$*" "$status" "$wanted" "$output"
    return 1
  fi
  passed=$((passed + 1))
}

# An object for every outcome of --json: kept, and held to the page at the end.
judge_objects() { # ARGUMENT...
  local before=
  for word; do
    if [ "$word" = --json ] && [ "$before" != -d ] && [ "$before" != --deployment ]; then
      grep '^{' <<<"$output" >>objects || { failed=$((failed + 1)); printf 'FAILED: emqxtls %s: no object in\n%s\n' "$*" "$output"; }
      return
    fi
    before=$word
  done
}

says() { # TEXT: the whole output
  if [ "$output" = "$1" ]; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  printf 'FAILED: wanted\n%s\nbut it said\n%s\n' "$1" "$output"
}

tells() { # PATTERN: somewhere in the output
  if grep -qE -- "$1" <<<"$output"; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  printf 'FAILED: nothing like "%s" in\n%s\n' "$1" "$output"
}

field() { # JQ-EXPRESSION VALUE
  local is
  is=$(jq -r "$1" <<<"$output" 2>&1)
  if [ "$is" = "$2" ]; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  printf 'FAILED: %s is %s, not %s, in\n%s\n' "$1" "$is" "$2" "$output"
}

lacks() { # TEXT: nowhere in the output
  if ! grep -qF -- "$1" <<<"$output"; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  printf 'FAILED: there is "%s" in\n%s\n' "$1" "$output"
}

arrived() { # METHOD NUMBER
  local is
  is=$(grep -c "\"method\":\"$1\"" arrived)
  if [ "$is" = "$2" ]; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  printf 'FAILED: %s %s arrived, not %s\n' "$is" "$1" "$2"
}

fault() {
  curl -sf -d "$1" "$EMULATOR_CONTROL/faults" || { echo "the emulator does not take $1"; exit 1; }
}

certificate() { # NAME DAYS
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.pem" -days "$2" -subj /CN=broker.test \
    -addext subjectAltName=DNS:broker.test >/dev/null 2>&1
}
certificate_of() { # NAME EXTENSION...: signed by `first`
  local name=$1
  shift
  openssl req -newkey rsa:2048 -nodes -keyout "$name.key" -out "$name.csr" -subj /CN=broker.test >/dev/null 2>&1
  openssl x509 -req -in "$name.csr" -CA first.pem -CAkey first.key -days 150 -out "$name.pem" \
    -extfile <(printf '%s\n' subjectAltName=DNS:broker.test "$@") >/dev/null 2>&1
  cat first.pem >>"$name.pem"
}
seen() { # PATTERN FILE PID: waits until the file has it; false: the process has ended before
  until grep -q "$1" "$2" 2>/dev/null; do
    kill -0 "$3" 2>/dev/null || return 1
    sleep 0.05
  done
}
serve() { # PORT NAME: a TLS port with this certificate; false if it is taken
  openssl s_server -accept "127.0.0.1:$1" -cert "$2.pem" -key "$2.key" -quiet >/dev/null 2>&1 &
  pids+=($!)
  until (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
    kill -0 $! 2>/dev/null || return 1
    sleep 0.05
  done
}

certificate first 200
certificate second 300
certificate short 20

export EMQXCLOUD_PLATFORM_API_KEY=test-key EMQXCLOUD_PLATFORM_API_SECRET=test-secret-never-shown
"$emulator" --tls-dir tls --ready-file ready --log arrived --pending 1 --terminated 1 --lifetime 3600 >/dev/null 2>&1 &
pids+=($!)
until [ -s ready ]; do
  kill -0 $! || exit 1
  sleep 0.05
done
set -a
. ./ready
set +a
unset EMQXTLS_CA_FILE
ca=(--ca-file tls/ca.pem)

# The end of a test; with --all, every field of the page must have come.
finish() {
  if grep -rE 'test-secret-never-shown|PRIVATE KEY' arrived objects receipts .local 2>/dev/null; then
    echo "FAILED: a secret was kept"
    failed=$((failed + 1))
  fi
  : >>objects
  output=$(python3 "$here/objects.py" "$@" "$page" <objects) || { failed=$((failed + 1)); printf 'FAILED: %s\n' "$output"; }
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
