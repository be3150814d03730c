#!/usr/bin/env bash
# Runs every test: contracts, Rust (unit, integration, documentation), then real clients against the
# built node, then Ethereum's own JSON-RPC tests.
# All parts run even if an earlier one fails; the exit code says whether all passed.
set -uo pipefail
source "$(dirname "$0")/env.sh"
cd "$AURA_ROOT" || exit 1
failed=()

contracts/run.sh || failed+=("contracts")

# All targets: the same features as the tests, so that dependencies are built once.
cargo build --workspace --all-targets || failed+=("build")
cargo test --workspace --no-fail-fast || failed+=("cargo test")

AURA_BIN="$CARGO_TARGET_DIR/debug/aura" AURA_BENCH_BIN="$CARGO_TARGET_DIR/debug/aura-bench" \
    e2e/run.sh || failed+=("end-to-end tests")

AURA_BIN="$CARGO_TARGET_DIR/debug/aura" hive-tests/run.sh || failed+=("hive tests")

if [ ${#failed[@]} != 0 ]; then
    printf 'failed: %s\n' "${failed[@]}"
    exit 1
fi
