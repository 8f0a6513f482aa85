#!/usr/bin/env bash
# Headlines a second on this machine's GPU, by precision, texts a call and threads (each a stream of its own).  Builds with
# CUDA in build-cuda/; see gpu/cuda.cmake for where a toolkit is looked for.
set -u
cd "$(dirname "$0")/../.."
if ! cmake -S . -B build-cuda -G Ninja -DBELLWETHER_CUDA=ON -DBELLWETHER_BENCH=ON -DBELLWETHER_TESTS=OFF \
	${BELLWETHER_CUDA_TOOLKIT:+-DBELLWETHER_CUDA_TOOLKIT="$BELLWETHER_CUDA_TOOLKIT"} >build-cuda.log 2>&1 ||
	! ninja -C build-cuda bench_encoder bellwether >>build-cuda.log 2>&1; then
	grep -m1 -A2 -E 'nvcc|rror' build-cuda.log
	exit 77
fi
said=$(echo "Northwind lands" | build-cuda/bellwether score --device cuda 2>&1 >/dev/null) || { echo "$said"; exit 77; }

# Headlines of 15 to 45 words about companies that do not exist.
headlines() {
	awk 'BEGIN { srand(1); n = split("Orvane Northwind shares fall rise after profit warning bank cuts raises outlook on weak demand quarterly results beat estimates the of for in deal talks regulator fine", word, " ")
		for (i = 0; i < 65536; i++) { line = ""; for (k = 15 + int(rand() * 30); k > 0; k--) line = line " " word[1 + int(rand() * n)]; print line } }'
}
nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,power.limit --format=csv,noheader 2>/dev/null
for precision in bf16 fp32; do
	for threads in 1 2 4; do
		headlines | build-cuda/bench_encoder --device cuda --precision $precision --threads $threads --calls 1,64,1024,16384
	done
done
