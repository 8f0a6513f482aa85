#!/usr/bin/env bash
# The long crash tests, one after another: ./dev soak [kafka|rss|disk]
set -eu
cd "$(dirname "$0")/../.."
cmake -S . -B build -DBELLWETHER_TESTS=ON >/dev/null && ninja -C build produce bellwether >/dev/null
soak() { python3 tests/lib/soak.py "$@" || [ $? -eq 77 ]; }
case "${1:-all}" in
kafka | all) soak kafka --documents 20000 --kills 60 --broker-restarts 2 ;;&
rss | all) soak rss --documents 2000 --kills 30 ;;&
disk | all) soak disk --documents 20000 ;;
esac
