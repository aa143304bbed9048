#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/budgets.sh - weighs what a small machine has of the library, prints it, and fails where it is
# more than its limit: sizes (x86-64 static with musl, armhf static, the shared library; -Os), the
# own heap, the stack and its frames, and what an ensure that finds nothing to do writes to the disk.
# docs/gateways.md says what the figures mean. Needs ./tests/packages.sh build budgets.
#
# Limits are in bytes. "Wanted" is what a small machine should need; where a limit is above it, that
# is what has been reached.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=build-budgets
log=$(mktemp)
work=$(mktemp -d)
trap 'rm -rf "$log" "$work"' EXIT
ccache=$(command -v ccache || true)
mkdir -p $dir
failed=0

row() { # WHAT MEASURED LIMIT WANTED
  local verdict=kept
  [ "$2" -le "$3" ] || { verdict='TOO MUCH' && failed=1; }
  [ "$2" -le "$4" ] || verdict="$verdict, wanted $4"
  printf '%-58s %7d of %7d  %s\n' "$@" | sed "s/ *[0-9]*\$/  $verdict/"
}

build() { # NAME COMPILER OPTION...
  local to=$dir/$1 cc=$2
  shift 2
  [ -f "$to/build.ninja" ] || CC="$ccache $cc" meson setup "$to" --buildtype minsize -Db_ndebug=true -Dtests=false \
    -Dexamples=false -Dcommand=false -Demulator=disabled -Ddocs=disabled -Dredis=disabled "$@" >"$log" 2>&1 ||
    { cat "$log" && exit 1; }
  ninja -C "$to" >"$log" 2>&1 || { tail -40 "$log" && exit 1; }
}

# The parts that a gateway with another HTTP and TLS stack leaves out.
small=(-Ddefault_library=static -Dlibcurl=disabled -Djansson=disabled -Dopenssl=disabled)
sections='-ffunction-sections -fdata-sections'

link() { # NAME COMPILER FLAG...: the static program
  local name=$1 cc=$2
  shift 2
  "$cc" -Os -static "$@" -Iinclude tests/budgets/program.c $dir/"$name"/lib/libemqxtls.a -o "$work/$name" \
    -Wl,--gc-sections -Wl,-Map="$work/$name.map"
  read -r all unwinding < <(python3 tests/budgets/own_part.py "$work/$name.map")
}

# A certificate with many names, and its key: 10 KiB of PEM.
material() {
  local names
  names=$(printf 'DNS:sub-%03d.mqtt.devices.example.com,' $(seq 160))
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 300 \
    -subj /CN=mqtt.example.com -addext "subjectAltName=${names%,}" -addext basicConstraints=critical,CA:FALSE 2>"$log" ||
    { cat "$log" && exit 1; }
}

run() { # PROGRAM: sets idle, peak, stack
  rm -rf "$work/state"
  mkdir -m 700 "$work/state"
  read -r idle peak stack < <("$work/$1" "$work/cert.pem" "$work/key.pem" "$work/state")
}

material
build musl musl-gcc "${small[@]}" -Dc_args="$sections"
link musl musl-gcc
row 'x86-64 musl: get, update, quota in memory: own part' "$all" 73000 45056
echo "  of it the tables for unwinding: $unwinding"
run musl
row 'heap: idle' "$idle" 4096 4096
row 'heap: PUT of 10 KiB' "$peak" 23000 20480
row 'stack, without OpenSSL' "$stack" 16384 16384
link musl musl-gcc -DENSURE
row 'x86-64 musl: ensure, quota in a file: own part' "$all" 115000 90112
echo "  of it the tables for unwinding: $unwinding"
run musl
row 'heap: ensure of 10 KiB, quota in a file' "$peak" 40000 28672
row 'stack: ensure, without OpenSSL' "$stack" 16384 16384

build armhf arm-linux-gnueabihf-gcc "${small[@]}" -Dc_args="$sections" --cross-file tests/budgets/armhf.ini
link armhf arm-linux-gnueabihf-gcc
row 'armhf: get, update, quota in memory: own part' "$all" 53000 45056
link armhf arm-linux-gnueabihf-gcc -DENSURE
row 'armhf: ensure, quota in a file: own part' "$all" 85000 90112

# All parts, as a distribution has it.
build shared gcc -Dc_args=-fstack-usage
read -r text < <(size -A $dir/shared/lib/libemqxtls.so | awk '$1 == ".text" { print $2 }')
row 'shared library, all parts: .text' "$text" 95000 81920
read -r frame name < <(find $dir/shared/lib -name '*.su' -exec cat {} + | sort -t"$(printf '\t')" -k2nr |
  awk -F'\t' 'NR == 1 { sub(/.*:/, "", $1); print $2, $1 }')
row "largest frame: $name" "$frame" 2048 2048
gcc -Os -DENSURE -Iinclude tests/budgets/program.c -o "$work/shared" $dir/shared/lib/libemqxtls.so "-Wl,-rpath,$PWD/$dir/shared/lib"
run shared
row 'stack: ensure with receipts, OpenSSL included' "$stack" 18432 16384
strace -f -e trace=write,pwrite64,pwritev,fsync,fdatasync,rename,renameat -o "$work/trace" \
  "$work/shared" "$work/cert.pem" "$work/key.pem" "$work/state" >"$log"
row 'ensure with nothing to do: blocks written to files' "$(grep -c '^[0-9]* *pwrite' "$work/trace")" 2 1
row 'ensure with nothing to do: syncs' "$(grep -c '^[0-9]* *f.*sync' "$work/trace" || true)" 1 1
exit $failed
