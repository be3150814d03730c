#!/usr/bin/env bash
# Compiles the contracts and runs every client test. AURA_BIN names the node, AURA_BENCH_BIN the
# load generator. With arguments, runs only those test files.
set -euo pipefail
source "$(dirname "$0")/../scripts/env.sh"
cd "$(dirname "$0")"
node_modules/.bin/forge build --quiet
[ $# != 0 ] || set -- test/*.test.js test/bridge/*.test.js
# Two files at a time: each starts nodes of its own.
exec node --test --test-reporter=spec --test-concurrency=2 --test-timeout=400000 "$@"
