#!/usr/bin/env bash
# The arrows between rooms go one way (see each line of `allowed`), only alerts/store opens SQLite, and every header
# compiles alone.
set -u
cd "$(dirname "$0")/.."
failed=0
rooms=()
for room in daemon ingest model gpu alerts; do [ -d $room ] && rooms+=($room); done

# room: the rooms whose headers it may include
allowed() {
	case $1 in
	daemon/base) echo "daemon/base" ;;
	ingest) echo "ingest daemon/base" ;;
	model) echo "model gpu/gpu.h daemon/base" ;;
	gpu) echo "gpu model/ops.h daemon/base" ;;
	alerts) echo "alerts daemon/base" ;;
	daemon) echo "daemon ingest model alerts gpu" ;;
	esac
}

room_of() {
	case $1 in
	daemon/base/*) echo daemon/base ;;
	*) echo "${1%%/*}" ;;
	esac
}

while IFS=: read -r file line include; do
	target=$(sed -E 's/.*"([^"]+)".*/\1/' <<<"$include")
	ok=no
	for room in $(allowed "$(room_of "$file")"); do
		case $target in "$room" | "$room"/*) ok=yes ;; esac
	done
	if [ $ok = no ]; then
		echo "$file:$line: must not include \"$target\""
		failed=1
	fi
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' --include='*.[ch]' --include='*.cu' --include='*.cuh' "${rooms[@]}")

if grep -rlE 'include.*sqlite3\.h' --include='*.[ch]' "${rooms[@]}" | grep -v '^alerts/store/'; then
	echo "only alerts/store/ may include sqlite3.h"
	failed=1
fi

compile_alone() {
	local said
	# A body that is included once for each kind of something says so, and compiles there.
	grep -q '(no guard)' "$1" && ! grep -q '^#ifndef' "$1" && return
	said=$(echo "#include \"$1\"" | ${CC:-cc} -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fopenmp-simd -I. -fsyntax-only -x c - 2>&1) && return
	printf '%s does not compile alone:\n%s\n' "$1" "$(head -5 <<<"$said")"
	return 1
}
export -f compile_alone
find "${rooms[@]}" -name '*.h' -print0 | xargs -0 -n 1 -P "$(nproc)" bash -c 'compile_alone "$1"' _ || failed=1
exit $failed
