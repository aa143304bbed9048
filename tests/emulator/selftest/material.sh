#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
# Makes the keys and certificates of selftest/check.c in the folder $1, with the openssl command.
set -e
cd "$1"
self() { # name days algorithm...
  name=$1 days=$2
  shift 2
  openssl req -x509 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.pem" -days "$days" "$@" 2>/dev/null
}
ec='-newkey ec -pkeyopt ec_paramgen_curve'
self p256 90 $ec:P-256
self p384 90 $ec:P-384
self p521 90 $ec:P-521
self explicit 90 $ec:P-256 -pkeyopt ec_param_enc:explicit
self rsa1024 90 -newkey rsa:1024
self rsa2048 90 -newkey rsa:2048
self rsa3072 90 -newkey rsa:3072
self ed25519 90 -newkey ed25519
self days61 61 $ec:P-256
self days59 59 $ec:P-256
openssl pkey -in p256.key -aes256 -passout pass:x -out encrypted.key
openssl ec -in p256.key -aes256 -passout pass:x -out encrypted-sec1.key 2>/dev/null
openssl ec -in p256.key -out sec1.key 2>/dev/null
openssl rsa -in rsa2048.key -traditional -out pkcs1.key 2>/dev/null
issue() { # leaf issuer constraints
  openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf 'basicConstraints=critical,CA:%s\n' "$3" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 90 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
issue middle p256 TRUE
issue leaf middle FALSE
issue mixed rsa2048 FALSE
cat leaf.pem middle.pem > chain.pem
cat leaf.pem middle.pem p256.pem > chain-root.pem
cat middle.pem leaf.pem > reversed.pem
cat leaf.pem p256.pem > gap.pem
cat mixed.pem rsa2048.pem > mixed-chain.pem
printf 'no certificate\n' > text.pem
: > empty
