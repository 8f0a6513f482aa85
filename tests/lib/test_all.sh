#!/usr/bin/env bash
# Every test, one line each, and a count at the end.  A test is a command: exit 0 passes, 77 is a skip whose last line
# says why, anything else fails and shows its output.
#
#   test_all.sh [NAME...]   only the tests whose name contains one of the words: "unit/window", "asan", "e2e/30"
#
# Build trees stay between runs (build*/), so that a second run is quick.
set -u
cd "$(dirname "$0")/../.."
export BELLWETHER="$PWD/build/bellwether"
only=("$@")
passed=0 failed=0 skipped=0
jobs=$(($(nproc) + 1))
export CK_TIMEOUT_MULTIPLIER=10 # a time-out is for what hangs, not for what waits on a busy machine
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wanted() {
	[ ${#only[@]} -eq 0 ] && return 0
	local word
	for word in "${only[@]}"; do case $1 in *"$word"*) return 0 ;; esac; done
	return 1
}

# report NAME SECONDS RC LOG
report() {
	case $3 in
	0) passed=$((passed + 1)); printf 'ok    %-44s %4d s\n' "$1" "$2" ;;
	77) skipped=$((skipped + 1)); printf 'skip  %-44s %s\n' "$1" "$(tail -1 "$4")" ;;
	*)
		failed=$((failed + 1))
		printf 'FAIL  %-44s %4d s, exit %d\n' "$1" "$2" "$3"
		tail -40 "$4" | sed 's/^/      /'
		;;
	esac
}

# run_one NAME COMMAND...
run_one() {
	local name=$1 began=$SECONDS rc
	shift
	"$@" >"$work/log" 2>&1 </dev/null
	rc=$?
	report "$name" $((SECONDS - began)) $rc "$work/log"
}

# Side by side, since most of them wait for something: start NAME COMMAND..., then collect.
started=()
start() {
	local name=$1 slot=$work/${#started[@]}
	shift
	wanted "$name" || return 0
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	started+=("$name")
	(
		began=$SECONDS
		"$@" >"$slot.log" 2>&1 </dev/null
		echo "$((SECONDS - began)) $?" >"$slot.rc"
	) &
}

collect() {
	local i seconds rc
	wait
	for i in "${!started[@]}"; do
		read -r seconds rc <"$work/$i.rc"
		report "${started[$i]}" "$seconds" "$rc" "$work/$i.log"
		rm -f "$work/$i".*
	done
	started=()
}

configure_and_build() {
	local dir=$1 options=$2
	shift 2
	mkdir -p "$dir"
	# shellcheck disable=SC2086
	cmake -S . -B "$dir" -G Ninja $options && ninja -C "$dir" "$@"
}

# tree DIR "CMAKE OPTIONS" TEST...: a build, where it or one of the tests that need it is wanted; where only some of
# those are, only their programs.
tree() {
	local dir=$1 options=$2 name=build/${1#build-} test targets=()
	shift 2
	if ! wanted "$name"; then
		for test in "$@"; do
			wanted "$test" || continue
			case $test in fuzz/*) targets+=("fuzz_${test#*/}") ;; *) targets+=("test_${test#*/}") ;; esac
		done
		[ ${#targets[@]} -gt 0 ] || return 0
	fi
	run_one "$name" configure_and_build "$dir" "$options" "${targets[@]}"
}

# unit_tests LABEL DIR TEST...
unit_tests() {
	local label=$1 dir=$2 test
	shift 2
	for test in "$@"; do
		start "$label/$test" timeout 300 "$dir/test_$test"
	done
	collect
}

valgrind_test() {
	command -v valgrind >/dev/null || { echo "valgrind is not installed"; return 77; }
	CK_FORK=no timeout 600 valgrind -q --suppressions=tests/lib/valgrind.supp --error-exitcode=9 --leak-check=full --show-leak-kinds=definite \
		--errors-for-leak-kinds=definite "$@"
}

# Each fuzzer over its seeds and a fixed number of mutations; the long runs are ./dev soak's.
fuzz() {
	local name=$1 found rc
	local options=(-runs="${FUZZ_RUNS:-20000}" -max_total_time="${FUZZ_SECONDS:-30}" -timeout=10 -rss_limit_mb=2048 -seed=1)
	[ -f "tests/fuzz/$name.dict" ] && options+=(-dict="tests/fuzz/$name.dict")
	found=$(mktemp -d -p "$work")
	[ -d "tests/fuzz/seeds/$name" ] && cp -r "tests/fuzz/seeds/$name"/. "$found"/
	"build-fuzz/fuzz_$name" "${options[@]}" -artifact_prefix="$found/crash-" "$found"
	rc=$?
	rm -rf "$found"
	return $rc
}

mapfile -t units < <(basename -as .c tests/unit/test_*.c | sed 's/^test_//')
mapfile -t fuzzers < <(basename -as .c tests/fuzz/fuzz_*.c | sed 's/^fuzz_//')
threaded=(base workers encoder classifier kafka file_source rss topics writer webhook)
parsers=(base config feed html_text json message payload story tokenizer watch weights)

wanted check/includes && run_one check/includes tests/check_includes.sh
tree build-gcc "-DCMAKE_C_COMPILER=gcc -DBELLWETHER_WERROR=ON" "${units[@]/#/unit/}" "${parsers[@]/#/valgrind/}"
unit_tests unit build-gcc "${units[@]}"
for script in tests/e2e/[0-9]*.sh; do
	start "e2e/$(basename "$script" .sh)" timeout 600 bash "$script"
done
collect
tree build-clang "-DCMAKE_C_COMPILER=clang -DBELLWETHER_WERROR=ON"
tree build-asan "-DBELLWETHER_SANITIZE=address,undefined -DBELLWETHER_WERROR=ON" "${units[@]/#/asan/}"
unit_tests asan build-asan "${units[@]}"
tree build-tsan "-DBELLWETHER_SANITIZE=thread -DCMAKE_C_COMPILER=clang" "${threaded[@]/#/tsan/}"
export TSAN_OPTIONS="suppressions=$PWD/tests/lib/tsan.supp halt_on_error=1 second_deadlock_stack=1"
unit_tests tsan build-tsan "${threaded[@]}"
tree build-fuzz "-DCMAKE_C_COMPILER=clang -DBELLWETHER_FUZZ=ON -DBELLWETHER_TESTS=OFF -DBELLWETHER_SANITIZE=address,undefined" \
	"${fuzzers[@]/#/fuzz/}"
for name in "${fuzzers[@]}"; do
	start "fuzz/$name" fuzz "$name"
done
collect
for name in "${parsers[@]}"; do
	start "valgrind/$name" valgrind_test "build-gcc/test_$name"
done
collect

if [ $((passed + failed + skipped)) -eq 0 ]; then
	echo "there is no test whose name contains: ${only[*]}" >&2
	exit 2
fi
printf '\n%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
