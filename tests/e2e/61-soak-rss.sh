#!/usr/bin/env bash
# The short form of ./dev soak rss.
cd "$(dirname "$0")/../.." && exec python3 tests/lib/soak.py rss --documents 400 --kills 8
