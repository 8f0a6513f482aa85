#!/usr/bin/env bash
# A real Prometheus Alertmanager for tests: Debian's, unpacked beside the system rather than installed into it.
#
#   alertmanager.sh path    prints where the program lies, after fetching it where it is neither installed nor kept
#
# It is kept in ${BELLWETHER_CACHE:-~/.cache/bellwether}/alertmanager.  Where it cannot be had, says why on the last line
# and exits with 77, which is a skip.
set -euo pipefail

cache=${BELLWETHER_CACHE:-${HOME:-/tmp}/.cache/bellwether}/alertmanager
program=$cache/run

skip() {
	echo "$1"
	exit 77
}

download() {
	timeout -k 10 120 apt-get download prometheus-alertmanager && return
	[ "$(id -u)" = 0 ] && timeout -k 10 120 apt-get update && timeout -k 10 120 apt-get download prometheus-alertmanager
}

# Debian's program looks for its templates in one absolute place.  The copy looks in its working directory: a path of the
# same length, which the directory's own name fits into.
unpack() {
	local templates=/usr/share/prometheus/alertmanager here=/proc/self/cwd////////////////////
	dpkg-deb -x "$1"/prometheus-alertmanager_*.deb "$1/tree"
	LC_ALL=C sed -i "s#$templates#$here#g" "$1/tree/usr/bin/prometheus-alertmanager"
	cp -r "$1/tree/." "$cache"
	printf '#!/bin/sh\ncd "%s" && exec "%s" "$@"\n' "$cache$templates" "$cache/usr/bin/prometheus-alertmanager" >"$1/run"
	chmod +x "$1/run"
	mv "$1/run" "$program"
}

[ "${1:-}" = path ] || skip "usage: alertmanager.sh path"
command -v prometheus-alertmanager && exit
if [ ! -x "$program" ]; then
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip "no prometheus-alertmanager, and no apt-get to fetch it by"
	mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || skip "$cache cannot be written"
	exec 9>"$cache/lock"
	flock 9
	if [ ! -x "$program" ]; then
		new=$(mktemp -d "$cache/new-XXXXXX")
		trap 'rm -rf "$new"' EXIT
		chmod 755 "$new" # apt's own user writes there
		(cd "$new" && download) >"$cache/fetch.log" 2>&1 || skip "prometheus-alertmanager cannot be fetched (see $cache/fetch.log)"
		unpack "$new"
	fi
	exec 9>&-
fi
"$program" --version >/dev/null 2>&1 || skip "$program does not run here"
echo "$program"
