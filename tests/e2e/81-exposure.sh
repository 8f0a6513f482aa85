#!/usr/bin/env bash
# systemd's own measure of the unit, alone and with the drop-in that opens GPUs to it: 1.5 or less.
set -eu
cd "$(dirname "$0")/../.."
command -v systemd-analyze >/dev/null || { echo "systemd-analyze is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
analyze() { systemd-analyze security --offline=true --no-pager "$1"; }
at_most() { awk -v e="$1" -v most="$2" 'BEGIN { exit !(e != "" && e <= most) }'; }
level() { sed -nE 's/.*exposure level[^:]*: ([0-9.]+).*/\1/p'; }

alone=$(analyze systemd/bellwether.service | level)
mkdir "$work/bellwether.service.d"
cp systemd/bellwether.service "$work/"
cp systemd/gpu.conf "$work/bellwether.service.d/"
analyze "$work/bellwether.service" >"$work/said"
opened=$(level <"$work/said")
echo "exposure $alone, with GPUs $opened"
at_most "$alone" 1.5
grep -q 'char-nvidia\*:rw' "$work/said" # or the drop-in was not read
at_most "$opened" 1.5
