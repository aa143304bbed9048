#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# static.sh DIR - builds the command linked statically, with glibc, and puts all that an image needs
# into DIR: the command and the CA certificates. For root in a throw-away Debian (12 or 13), as the
# Containerfile has one. Debian's libcurl.a wants libraries that Debian has only shared: so curl is
# built here from Debian's source, with HTTPS alone.
set -eu
out=$1
tree=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sources=/etc/apt/sources.list
if [ -s $sources ]; then
  sed -n 's/^deb /deb-src /p' $sources >/etc/apt/sources.list.d/of-source.list
else
  sed -i 's/^Types: deb$/Types: deb deb-src/' /etc/apt/sources.list.d/*.sources
fi
"$tree/tests/packages.sh" build
apt-get -q update
apt-get -q -y install --no-install-recommends make libhiredis-dev

cd "$work"
# The newest that the mirror has: one that was listed just now may not be there yet.
for version in $(apt-cache showsrc curl | sed -n 's/^Version: //p' | sort -ruV); do
  apt-get -q source "curl=$version" && break
done
cd curl-*/
./configure --quiet --prefix="$work/curl" --disable-shared --with-openssl \
  --without-zlib --without-brotli --without-zstd --without-libpsl --without-libidn2 \
  --without-nghttp2 --without-librtmp --without-libssh2 \
  --disable-dict --disable-file --disable-ftp --disable-gopher --disable-imap --disable-ldap \
  --disable-ldaps --disable-manual --disable-mqtt --disable-pop3 --disable-rtsp --disable-smb \
  --disable-smtp --disable-telnet --disable-tftp \
  --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --without-ca-path
make -s -j "$(nproc)" -C lib install >/dev/null
make -s -C include install >/dev/null
make -s install-pkgconfigDATA >/dev/null

PKG_CONFIG_PATH=$work/curl/lib/pkgconfig meson setup "$work/build" "$tree" --buildtype release \
  -Ddefault_library=static -Dprefer_static=true -Dc_link_args=-static -Db_pie=false \
  -Dtests=false -Dexamples=false -Demulator=disabled -Ddocs=disabled
ninja -C "$work/build" examples/emqxtls/emqxtls

install -D -s "$work/build/examples/emqxtls/emqxtls" "$out/emqxtls"
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$out/etc/ssl/certs/ca-certificates.crt"
