#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# run_once.sh - tests/run.sh, where it runs already in this folder (as it may be doing now), says so.
set -uo pipefail
cd "$(dirname "$0")/../.."
exec 8<tests/run.sh
flock -n 8 # else another has it
said=$(tests/run.sh 2>&1 8<&-)
status=$?
echo "$said"
[ $status = 1 ] && [ "$said" = "Another tests/run.sh is running in this folder: wait until it has ended." ]
