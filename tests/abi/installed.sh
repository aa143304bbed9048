#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# installed.sh BUILD - what a user of the command needs is installed, each file names the others where they are, and the command
# runs from there against the emulator that came along.
set -eu
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DESTDIR EMQXTLS_TABLE EMQXTLS_STATE EMQXTLS_SECRET_FILE EMQXTLS STATE_DIRECTORY XDG_STATE_HOME CREDENTIALS_DIRECTORY

option() {
  meson introspect --buildoptions "$build" |
    python3 -c 'import json, sys; print({o["name"]: o["value"] for o in json.load(sys.stdin)}[sys.argv[1]])' "$1"
}
prefix=$(option prefix)
root=$work/root
meson install -C "$build" --no-rebuild --quiet --destdir "$root" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
there() { # PATH BELOW THE PREFIX
  [ -e "$root$prefix/$1" ] || { echo "$prefix/$1 is not installed"; exit 1; }
}

hooks=$(option libexecdir)/emqxtls
there bin/emqxtls
there "$(option includedir)/emqxtls/emqxtls.ffi.h"
for name in glib libevent libuv poll; do there "$(option includedir)/emqxtls/adapters/$name.h"; done
there "$(option datadir)/emqxtls/abi.json"
there bin/emqxtls-emulator
for name in emqxtls-renew acme.sh certbot.sh dehydrated.sh lego.sh; do there "$hooks/$name"; done
there lib/systemd/system/emqxtls-renew.timer
there share/bash-completion/completions/emqxtls
there share/zsh/site-functions/_emqxtls
there share/fish/vendor_completions.d/emqxtls.fish
for name in guide.md quota.md renewals.md emulator.md README.md examples/status.c examples/provision.c examples/event-loops/libuv.c; do
  there "share/doc/libemqxtls/$name"
done
if command -v scdoc >/dev/null; then
  there share/man/man1/emqxtls.1
  there share/man/man5/emqxtls-json.5
  there share/man/man1/emqxtls-emulator.1
fi

if command -v doxygen >/dev/null; then
  there share/man/man3/emqx_tls_ensure.3
  there share/man/man3/libemqxtls.3
fi

# No path is left to be filled in, and those that are named exist.
if grep -rn '@[a-z]*@' "$root$prefix/$hooks" "$root$prefix/lib/systemd"; then exit 1; fi
grep -q "^ExecStart=$prefix/$hooks/emqxtls-renew$" "$root$prefix/lib/systemd/system/emqxtls-renew.service"
grep -q "EMQXTLS:-$prefix/bin/emqxtls}" "$root$prefix/$hooks/emqxtls-renew"
grep -q "$prefix/$hooks/emqxtls-renew" "$root$prefix/$hooks/acme.sh"
if grep -rlF "$build" "$root$prefix/$hooks" "$root$prefix/lib/systemd" "$root$prefix/share"; then exit 1; fi

# The hook, as it is installed, with the command and the emulator beside it.
export LD_LIBRARY_PATH="$root$prefix/$(option libdir)" EMQXTLS="$root$prefix/bin/emqxtls" EMQXTLS_STATE="$work/state"
cd "$work"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 200 -subj /CN=broker.test >log 2>&1
echo "ge6a1a75 $work/cert.pem $work/key.pem" >table
export EMQXTLS_TABLE="$work/table" EMQXTLS_SECRET_FILE="$work/credentials"
"$root$prefix/bin/emqxtls-emulator" --pending 0.2 --lifetime 60 -- sh -c '
  (umask 077 && env | grep ^EMQXCLOUD_PLATFORM_ >credentials)
  exec "$1" "$PWD/cert.pem"' sh "$root$prefix/$hooks/emqxtls-renew" | tee said
grep -q created said
