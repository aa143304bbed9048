#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# image.sh - makes what examples/kubernetes/Containerfile puts into its image, and runs it as the only
# thing in a root. It installs into the system that it runs on, so it is for a fresh root:
# tests/root.sh trixie tests/kubernetes/image.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "${EMQXTLS_ROOT:-}" = 1 ] || { echo "image.sh: only in a root that tests/root.sh has made"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

examples/kubernetes/static.sh "$work/image" >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }
cd "$work"
files=$(cd image && find . -type f | sort | xargs)
[ "$files" = "./emqxtls ./etc/ssl/certs/ca-certificates.crt" ] || { echo "in the image are $files"; exit 1; }

in_image() { # ARGUMENT...
  chroot --userspec=65532:65532 image /emqxtls "$@" 2>&1
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout image/tls.key -out image/tls.crt -days 200 -subj /CN=broker.example 2>/dev/null
chown 65532 image/tls.key
in_image check --cert tls.crt --key tls.key
# Names are looked up by what the command brought along: it finds the host, and nobody listens there.
mkdir image/dev
mknod -m 666 image/dev/null c 1 3
echo '127.0.0.1 platform.test redis.test' >image/etc/hosts
export EMQXCLOUD_PLATFORM_ENDPOINT=https://platform.test:1/v1 EMQXCLOUD_PLATFORM_API_KEY=k EMQXCLOUD_PLATFORM_API_SECRET=s
for quota in memory redis://redis.test:1; do
  in_image status --deployment x --quota-file $quota | tee said && exit 1
  grep -q 'refused the connection\|is it running' said
done
echo "an image of $(du -sk image | cut -f1) KB: all is well"
