#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# replaced.sh EMQXTLS - chain and key that are replaced while they are read, as a mounted Secret of
# Kubernetes is: all at once, by a new target of the link `..data`. The old chain is a pipe, so that
# the swap falls between the two.
set -euo pipefail
emqxtls=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir old new
for name in old new; do
  openssl req -x509 -newkey rsa:2048 -nodes -keyout $name/tls.key -out $name/tls.crt -days 200 -subj "/CN=$name.test" 2>/dev/null
done
mv old/tls.crt chain
mkfifo old/tls.crt
chmod 600 ./*/tls.key
ln -s old ..data
ln -s ..data/tls.crt ..data/tls.key .

"$emqxtls" check --cert tls.crt --key tls.key >said 2>&1 &
check=$!
exec 3>old/tls.crt # as soon as it is opened for reading
ln -s new ..next
mv -T ..next ..data
cat chain >&3
exec 3>&-
status=0
wait $check || status=$?
cat said
[ $status = 5 ] # try later
grep -qx 'emqxtls: tls.crt: the files were replaced while they were read: run it again' said
"$emqxtls" check --cert tls.crt --key tls.key
"$emqxtls" check --cert <(cat new/tls.crt) --key <(cat new/tls.key) # pipes are no such case
