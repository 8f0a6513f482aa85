#!/usr/bin/env bash
# Figures, each beside its peer or its goal: ./dev bench [NAME...]
#
#   pipeline   documents a second from Kafka to the database; append to webhook; memory; start to ready
#   parts      the watch list, the store and the writer alone
#   crises     real crises beside EARS C2 and ElastAlert2's ratio (BELLWETHER_DATA names the data's folder)
#   nab        NAB realTweets (BELLWETHER_DATA too)
#   scale      10,000 topics with a year of history: time to start, memory, disk, time of a batch, of a replay
#   budget     do the false alarms stay within the budget, and what is found within it?  (made-up topics)
#   encoder    every precision beside ONNX Runtime, the machine's peak and Hugging Face's answers (BELLWETHER_DATA too)
#   tokenizer  MB/s and ids beside Hugging Face's tokenizers (BELLWETHER_DATA too)
#   gpu        headlines a second on this machine's GPU (needs nvcc)
#   train      steps of training beside PyTorch: tokens a second, memory, losses (BELLWETHER_DATA too)
#   explain    deletion test: how much do the words matter that explanations name?  (BELLWETHER_DATA too; no peers)
#
# The last five run only where they are named.  Encoder, tokenizer and train put their peers into an environment of their own
# (BELLWETHER_BENCH_ENV names its folder; up to 8 GB); BENCH_ARGS are further arguments for these, for nab and for budget.
set -u
cd "$(dirname "$0")/../.."
export BELLWETHER="$PWD/build/bellwether" PRODUCE="$PWD/build/produce"
wanted="${*:-pipeline parts scale crises nab budget}"

heading() { printf '\n== %s\n' "$*"; }
run() {
	"$@"
	local rc=$?
	[ $rc -eq 0 ] || [ $rc -eq 77 ] || echo "exit $rc: $*"
}
replay() { # OPTIONS...
	local TIMEFORMAT='  %U s of CPU, %S s of the system, %R s in all'
	time run "$BELLWETHER" replay --config "$scratch/scale.yaml" --quiet "$@" | grep '^fired'
}
scratch=$(mktemp -d -p /var/tmp bellwether-bench-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
printf '%s, %s cores, load %s\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"

for name in $wanted; do
	case $name in
	pipeline)
		for what in throughput latency memory start; do
			heading "pipeline: $what"
			run python3 tests/bench/pipeline.py $what
		done
		;;
	parts)
		heading "watch list and stories"
		run build/bench_topics
		heading "store"
		run build/bench_store "$scratch"
		heading "writer"
		run build/bench_writer "$scratch"
		;;
	gpu)
		heading "GPU"
		run tests/bench/gpu.sh
		;;
	scale)
		heading "10,000 topics with a year of history"
		run build/bench_scale make "$scratch"
		run build/bench_scale measure "$scratch"
		run build/bench_scale tape "$scratch"
		heading "replay of the stored history, then of a million documents as JSON lines"
		replay --since 2000-01-01
		replay --input "$scratch/scale.jsonl"
		;;
	crises)
		heading "crises"
		run python3 tests/bench/crises.py --data "${BELLWETHER_DATA:-}"
		;;
	nab)
		heading "NAB realTweets"
		# shellcheck disable=SC2086 # several arguments
		run python3 tests/bench/nab.py --data "${BELLWETHER_DATA:-}" ${BENCH_ARGS:-}
		;;
	budget)
		heading "false-alarm budget"
		mkdir -p build/bench
		# shellcheck disable=SC2086 # several arguments
		run build/bench_synthetic -o build/bench/synthetic.tsv ${BENCH_ARGS:--a 10 -n 50}
		run python3 tests/bench/synthetic_plot.py build/bench/synthetic.tsv build/bench
		;;
	encoder | tokenizer | train | explain)
		heading "$name"
		# shellcheck disable=SC2086 # several arguments
		run python3 "tests/bench/$name.py" --data "${BELLWETHER_DATA:-}" --out build/bench ${BENCH_ARGS:-}
		;;
	*) echo "there is no bench $name: pipeline, parts, scale, crises, nab, budget, encoder, tokenizer, gpu, train, explain" && exit 2 ;;
	esac
done
