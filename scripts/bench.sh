#!/usr/bin/env bash
# Aura and anvil by turns, with the settings of docs/benchmarks.md. Arguments go to `compare`.
set -euo pipefail
source "$(dirname "$0")/env.sh"
cd "$AURA_ROOT"
cargo build --release --bin aura --bin aura-bench
bin="$CARGO_TARGET_DIR/release"
"$bin/aura-bench" compare --aura "$bin/aura" --anvil e2e/node_modules/.bin/anvil "$@"
