#!/usr/bin/env bash
# Every test, one line each, and a count at the end.  A test is a command: exit 0 passes, 77 is a skip whose last line
# says why, anything else fails and shows its output.
#
#   test_all.sh [NAME...]   only the tests whose name contains one of the words
#
# Build trees stay between runs (build*/), so that a second run is quick.
set -u
cd "$(dirname "$0")/../.."
export BELLWETHER="$PWD/build/bellwether"
only=("$@")
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

wanted() {
	[ ${#only[@]} -eq 0 ] && return 0
	local word
	for word in "${only[@]}"; do case $1 in *"$word"*) return 0 ;; esac; done
	return 1
}

# t NAME COMMAND...
t() {
	local name=$1 began=$SECONDS rc
	shift
	wanted "$name" || return 0
	"$@" >"$log" 2>&1 </dev/null
	rc=$?
	case $rc in
	0) passed=$((passed + 1)); printf 'ok    %-44s %4d s\n' "$name" $((SECONDS - began)) ;;
	77) skipped=$((skipped + 1)); printf 'skip  %-44s %s\n' "$name" "$(tail -1 "$log")" ;;
	*)
		failed=$((failed + 1))
		printf 'FAIL  %-44s %4d s, exit %d\n' "$name" $((SECONDS - began)) $rc
		tail -40 "$log" | sed 's/^/      /'
		;;
	esac
}

configure_and_build() {
	local dir=$1
	shift
	mkdir -p "$dir"
	cmake -S . -B "$dir" -G Ninja "$@" && ninja -C "$dir"
}

# unit_tests LABEL DIR: each binary of the tree is one test
unit_tests() {
	local label=$1 dir=$2 test
	for test in "$dir"/test_*; do
		[ -f "$test" ] && [ -x "$test" ] && t "$label/$(basename "$test" | sed s/^test_//)" timeout 300 "$test"
	done
}

valgrind_test() {
	command -v valgrind >/dev/null || { echo "valgrind is not installed"; return 77; }
	CK_FORK=no timeout 600 valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite \
		--errors-for-leak-kinds=definite "$@"
}

# Each fuzzer over its seeds and a fixed number of mutations.
fuzz() {
	local name=$1 seeds=$2
	local options=(-runs="${FUZZ_RUNS:-20000}" -max_total_time=30 -timeout=10 -rss_limit_mb=2048 -seed=1 -print_final_stats=1)
	local found
	found=$(mktemp -d)
	[ -d "$seeds" ] && cp -r "$seeds"/. "$found"/ 2>/dev/null
	"build-fuzz/fuzz_$name" "${options[@]}" -artifact_prefix="$found/crash-" "$found"
	local rc=$?
	rm -rf "$found"
	return $rc
}

t check/includes tests/check_includes.sh
t build/gcc configure_and_build build-gcc -DCMAKE_C_COMPILER=gcc -DBELLWETHER_WERROR=ON
unit_tests unit build-gcc
for script in tests/e2e/[0-9]*.sh; do
	t "e2e/$(basename "$script" .sh)" timeout 600 bash "$script"
done
t build/clang configure_and_build build-clang -DCMAKE_C_COMPILER=clang -DBELLWETHER_WERROR=ON -DBELLWETHER_TESTS=ON
t build/asan configure_and_build build-asan -DBELLWETHER_SANITIZE=address,undefined -DBELLWETHER_WERROR=ON
unit_tests asan build-asan
t build/tsan configure_and_build build-tsan -DBELLWETHER_SANITIZE=thread -DBELLWETHER_WERROR=ON
export TSAN_OPTIONS="suppressions=$PWD/tests/lib/tsan.supp halt_on_error=1 second_deadlock_stack=1"
unit_tests tsan build-tsan
t build/fuzz configure_and_build build-fuzz -DCMAKE_C_COMPILER=clang -DBELLWETHER_FUZZ=ON -DBELLWETHER_TESTS=OFF \
	-DBELLWETHER_SANITIZE=address,undefined
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	name=${name#fuzz_}
	t "fuzz/$name" fuzz "$name" "tests/fuzz/seeds/$name"
done
for name in base config feed tokenizer message topics watch; do
	[ -x build-gcc/test_$name ] && t "valgrind/$name" valgrind_test build-gcc/test_$name
done

printf '\n%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
