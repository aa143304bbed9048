#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# metrics.sh EMQXTLS EMULATOR - status --openmetrics: what it prints is OpenMetrics and the older Prometheus text, complete also where
# a deployment can't be read; the file is replaced all at once; --min-days-left for cron.
# shellcheck source=tests/command/common.sh
. "$(dirname "$0")/common.sh"
own=("${ca[@]}" --quota-file memory)
E=emqxtls_certificate_expiry_timestamp_seconds

# A reader of each format that nobody here wrote, where it is installed. The samples are in $output, a line each.
read_back() { # FILE
  /usr/bin/python3 - "$1" <<'END'
import sys
try:
    from prometheus_client.openmetrics.parser import text_fd_to_metric_families as openmetrics
    from prometheus_client.parser import text_fd_to_metric_families as prometheus
except ImportError:
    sys.exit(print("prometheus_client is not installed"))
samples = [[(s.name, sorted(s.labels.items()), s.value) for f in parse(open(sys.argv[1])) for s in f.samples] for parse in (openmetrics, prometheus)]
assert samples[0] == samples[1] and samples[0], samples
print(len(samples[0]), "samples are read back")
END
}

run 0 ensure -d m1 "${own[@]}" --cert first.pem --key first.key --wait 1m
fault '{"method": "GET", "deployment": "m3", "status": 403}'
run 4 status -d m1 -d 'm"2\' -d m3 "${own[@]}" --openmetrics -o metrics && lacks '# TYPE' && tells '^m3: FORBIDDEN'
output=$(cat metrics)
tells "^# TYPE $E gauge$" && tells "^# UNIT $E seconds$" && tells "^# HELP $E " && tells '^# TYPE emqxtls_certificate_state gauge$'
tells "^$E\{deployment=\"m1\"\} $(date -d "$(openssl x509 -in first.pem -noout -enddate | cut -d= -f2)" +%s)$"
tells '^emqxtls_certificate_state\{deployment="m1",state="running"\} 1$' && tells '^emqxtls_certificate_state\{deployment="m1",state="failed"\} 0$'
tells '^emqxtls_certificate_state\{deployment="m\\"2\\\\",state="absent"\} 1$'
tells '^emqxtls_read_success\{deployment="m3"\} 0$' && lacks "$E{deployment=\"m3\"}" && lacks 'state{deployment="m3"'
tells '^emqxtls_quota_remaining\{class="reads"\} 57$' && tells '^emqxtls_quota_remaining\{class="writes"\} 6$'
output=$(tail -n 1 metrics)
says '# EOF'
output=$(read_back metrics 2>&1)
tells 'read back|not installed'
run 0 status -d m1 "${own[@]}" --openmetrics --per-deployment && tells '^emqxtls_quota_remaining\{deployment="m1",class="reads"\} 59$' &&
  tells '^# EOF$' && lacks 'm1: running'
# a collector that reads meanwhile has the old file, whole; nothing is left beside it
exec 5<metrics
run 0 status -d m1 "${own[@]}" --openmetrics --output metrics
output=$(tail -n 1 <&5)
says '# EOF'
exec 5<&-
output=$(ls metrics*)
says metrics
run 1 status -d m1 "${own[@]}" --openmetrics -o no-folder/metrics && tells "can't write --output no-folder/metrics: No such file"
run 2 status -d m1 --output metrics && tells -- '--output is for --openmetrics'
run 2 status -d m1 --openmetrics --json
run 2 wait -d m1 --openmetrics && tells 'wait takes no --openmetrics'

# -- cron: silent if all is well
run 0 status -d m1 "${own[@]}" --quiet --min-days-left 45 && says ''
run 3 status -d m1 -d m2 "${own[@]}" --quiet --min-days-left 201 && tells '^m1: running, .*: fewer than 201 days are left$' &&
  tells '^m2: absent: fewer than 201 days are left$'
run 3 status -d m1 "${own[@]}" --min-days-left 201 --json && field .exit 3 && field .code OK && field .days_left 199
finish
