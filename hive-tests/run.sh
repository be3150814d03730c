#!/usr/bin/env bash
# Does without Docker what the public hive harness does with the client in clients/aura.
# AURA_BIN names the node. An argument runs only the checks whose names contain it. AURA_SHARED names
# the folder with Ethereum's test data; without that data nothing is run, which is said.
set -euo pipefail
source "$(dirname "$0")/../scripts/env.sh"
cd "$(dirname "$0")"
export AURA_BIN="${AURA_BIN:-$CARGO_TARGET_DIR/debug/aura}"
node --test --test-reporter=dot lib/*.test.js
exec node run.js "$@"
