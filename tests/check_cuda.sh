#!/usr/bin/env bash
# The kernels of gpu/ compile for every architecture, none of them spills registers, and what gpu/cuda.h says of NVIDIA's
# libraries is what their headers say.  Prints registers and shared memory of each kernel.  Needs a toolkit (see
# gpu/cuda.cmake), not a GPU.
set -u
cd "$(dirname "$0")/.."
packages=$(python3 -c "import sysconfig; print(sysconfig.get_path('purelib'))" 2>/dev/null)
nvcc=
for place in "${BELLWETHER_CUDA_TOOLKIT:-}" "${CUDA_HOME:-}" /usr/local/cuda "$packages/nvidia/cu13" "$(dirname "$(command -v nvcc)")/.."; do
	[ -n "$place" ] && [ -x "$place/bin/nvcc" ] && { nvcc=$place/bin/nvcc; break; }
done
if [ -z "$nvcc" ]; then
	echo "no nvcc: set BELLWETHER_CUDA_TOOLKIT to a toolkit, or to site-packages/nvidia/cu13 of its Python packages"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

for number in 80 86 89 90; do
	if ! "$nvcc" -fatbin -std=c++17 -O3 -Xptxas -v -gencode "arch=compute_$number,code=[sm_$number,compute_$number]" -I . \
		gpu/kernels/kernels.cu -o "$work/$number.fatbin" >"$work/$number.log" 2>&1; then
		cat "$work/$number.log"
		exit 1
	fi
done

# kernel, then of each architecture the registers; a spill is said and fails
awk '
	/Compiling entry function/ { split($0, part, "\x27"); kernel = part[2]; arch = part[4]; sub(/.*_/, "", arch)
		if (!(kernel in seen)) { seen[kernel] = 1; order[++count] = kernel } }
	/bytes spill stores/ { if ($0 !~ / 0 bytes spill stores, 0 bytes spill loads/) { print "SPILLS", kernel, "sm_" arch ":", $0; bad = 1 } }
	/Used [0-9]+ registers/ { match($0, /Used [0-9]+/); used[kernel, arch] = substr($0, RSTART + 5, RLENGTH - 5) }
	END {
		printf "%-28s %6s %6s %6s %6s   registers a thread, no spills\n", "kernel", "sm_80", "sm_86", "sm_89", "sm_90"
		for (i = 1; i <= count; i++)
			printf "%-28s %6d %6d %6d %6d\n", order[i], used[order[i], 80], used[order[i], 86], used[order[i], 89], used[order[i], 90]
		exit bad
	}' "$work"/*.log || failed=1

headers=$(dirname "$nvcc")/../include
if [ -e "$headers/cublasLt.h" ]; then
	${CC:-cc} -std=gnu17 -fsyntax-only -I . -I "$headers" tests/cuda/check_declarations.c || failed=1
else
	echo "cuBLAS's headers are not there: gpu/cuda.h was not held against them"
fi
exit $failed
