#!/usr/bin/env bash
# The short form of ./dev soak kafka.
cd "$(dirname "$0")/../.." && exec python3 tests/lib/soak.py kafka --documents 3000 --kills 12 --broker-restarts 1
