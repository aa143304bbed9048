#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# unit.sh EMQXTLS EMULATOR HOOKS - emqxtls-renew.service and .timer are good units, the service is
# shut in (systemd's figure for it is below 4.0), and a run of emqxtls-renew makes no system call
# that the service would refuse. Skipped (77) where systemd-analyze or strace is not installed.
set -euo pipefail
emqxtls=$(realpath "$1") emulator=$(realpath "$2") hooks=$(realpath "$3")
command -v systemd-analyze strace >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
service=$work/emqxtls-renew.service

# The one of the build names the command where it is to be installed; here that is the build.
sed "s|^ExecStart=.*|ExecStart=$hooks/emqxtls-renew|" "$hooks/emqxtls-renew.service" >"$service"
cp "$hooks/emqxtls-renew.timer" .
SYSTEMD_UNIT_PATH="$work:" systemd-analyze verify --man=no ./emqxtls-renew.service ./emqxtls-renew.timer 2>said || { cat said; exit 1; }
if grep -F "$work" said; then exit 1; fi # of these units; of others it may say what it likes
systemd-analyze security --offline=true --no-pager --threshold=39 "$service" >said || { cat said; exit 1; }
tail -1 said

expand() { # SET OF SYSTEM CALLS
  systemd-analyze syscall-filter --no-pager "$1" | sed -n '2,$s/^ *//p' | grep -v '^#' | while read -r name; do
    case $name in @*) expand "$name" ;; *) echo "$name" ;; esac
  done
}
touch allowed
sed -n 's/^SystemCallFilter=//p' "$service" | while read -r sets; do
  for set in ${sets#\~}; do case $set in @*) expand "$set" ;; *) echo "$set" ;; esac; done | sort -u >these
  case $sets in
    \~*) comm -23 allowed these ;;
    *) sort -u allowed these ;;
  esac >now
  mv now allowed
done

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 200 -subj /CN=broker.test >/dev/null 2>&1
echo "ge6a1a75 $work/cert.pem $work/key.pem" >table
unset STATE_DIRECTORY CREDENTIALS_DIRECTORY
export EMQXTLS=$emqxtls EMQXTLS_TABLE=$work/table EMQXTLS_STATE=$work/state
cat >run <<'END'
#!/bin/sh
umask 077
env | grep ^EMQXCLOUD_PLATFORM_ >credentials
export EMQXTLS_SECRET_FILE=$PWD/credentials
exec strace -f -o trace "$1"
END
sh -c 'strace -o trace true' 2>said || { echo "strace can't be used here"; exit 77; }
"$emulator" --pending 0.2 --lifetime 3600 -- sh run "$hooks/emqxtls-renew" | tee said
grep -q created said
sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' trace | sort -u >made
grep -q '^sendto$\|^write$' made
refused=$(comm -23 made allowed)
# shellcheck disable=SC2086
[ -z "$refused" ] || { echo "the service would refuse:" $refused; exit 1; }
echo "$(wc -l <made) system calls, all allowed"
