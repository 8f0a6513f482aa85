#!/usr/bin/env bash
# A real Prometheus Alertmanager for tests: Debian's, unpacked beside the system rather than installed into it.
#
#   alertmanager.sh path    prints where the program lies, after fetching it where it is neither installed nor kept
#
# It is kept in ${BELLWETHER_CACHE:-~/.cache/bellwether}/alertmanager.  Where it cannot be had, says why on the last line
# and exits with 77, which is a skip.
set -euo pipefail

cache=${BELLWETHER_CACHE:-${HOME:-/tmp}/.cache/bellwether}/alertmanager
program=$cache/usr/bin/prometheus-alertmanager

skip() {
	echo "$1"
	exit 77
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
		(cd "$new" && timeout -k 10 120 apt-get download prometheus-alertmanager) >"$cache/fetch.log" 2>&1 ||
			skip "prometheus-alertmanager cannot be fetched (see $cache/fetch.log)"
		dpkg-deb -x "$new"/prometheus-alertmanager_*.deb "$new/tree"
		cp -r "$new/tree/." "$cache"
	fi
	exec 9>&-
fi
"$program" --version >/dev/null 2>&1 || skip "$program does not run here"
echo "$program"
