#!/bin/sh
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# make.sh DOXYGEN PYTHON SCRIPT INCLUDE VERSION OUTDIR - reads the public headers with Doxygen, which fails on anything that is not
# documented, and has SCRIPT (man.py, or site.py of the site) write OUTDIR.
set -eu
doxygen=$1 python=$2 script=$3 include=$4 version=$5 out=$6
xml=$(mktemp -d)
trap 'rm -rf "$xml"' EXIT
EMQXTLS_INCLUDE=$include EMQXTLS_XML=$xml "$doxygen" "$(dirname "$0")/Doxyfile" >"$xml/log" 2>&1 || { cat "$xml/log"; exit 1; }
rm -rf "$out"
PYTHONDONTWRITEBYTECODE=1 "$python" "$script" "$xml" "$include" "$version" "$out"
