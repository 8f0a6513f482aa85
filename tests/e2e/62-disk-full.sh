#!/usr/bin/env bash
# A full disk stops the intake, says so, loses nothing.
cd "$(dirname "$0")/../.." && exec python3 tests/lib/soak.py disk --documents 20000
