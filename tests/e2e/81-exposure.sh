#!/usr/bin/env bash
# systemd's own measure of the unit: 1.5 or less.
set -eu
cd "$(dirname "$0")/../.."
command -v systemd-analyze >/dev/null || { echo "systemd-analyze is not installed"; exit 77; }
exposure=$(systemd-analyze security --offline=true --no-pager systemd/bellwether.service | sed -nE 's/.*exposure level[^:]*: ([0-9.]+).*/\1/p')
echo "exposure $exposure"
awk -v e="$exposure" 'BEGIN { exit !(e != "" && e <= 1.5) }'
