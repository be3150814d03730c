#!/usr/bin/env bash
# Runs the fuzz and property tests with many cases, each time from other seeds, which are printed.
# FUZZ_RUNS: cases of each Solidity test. FUZZ_SEED: repeats a run of them.
# RPC_FUZZ_REQUESTS: mutated requests to a node. RPC_FUZZ_SEED: repeats a run of them.
# PROPTEST_CASES: cases of each Rust test. proptest keeps the seeds that failed, and begins with them.
set -uo pipefail
source "$(dirname "$0")/env.sh"
cd "$AURA_ROOT" || exit 1
failed=()

FUZZ_RUNS="${FUZZ_RUNS:-2000}"
FUZZ_SEED="${FUZZ_SEED:-0x$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')}"
echo "fuzz: contracts, FUZZ_RUNS=$FUZZ_RUNS FUZZ_SEED=$FUZZ_SEED"
FOUNDRY_FUZZ_RUNS="$FUZZ_RUNS" contracts/run.sh --match-test testFuzz --fuzz-seed "$FUZZ_SEED" ||
    failed+=("contracts")

# Crates whose tests take their number of cases from the environment.
export PROPTEST_CASES="${PROPTEST_CASES:-500}"
echo "fuzz: Rust, PROPTEST_CASES=$PROPTEST_CASES"
cargo test -p aura-keccak -p aura-smt -p aura-chain --no-fail-fast || failed+=("cargo test")

# Requests over HTTP and WebSocket against a node; decimal, as the tool takes it.
RPC_FUZZ_REQUESTS="${RPC_FUZZ_REQUESTS:-1000000}"
RPC_FUZZ_SEED="${RPC_FUZZ_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}"
echo "fuzz: JSON-RPC, RPC_FUZZ_REQUESTS=$RPC_FUZZ_REQUESTS RPC_FUZZ_SEED=$RPC_FUZZ_SEED"
cargo run --bin aura-bench -- fuzz --requests "$RPC_FUZZ_REQUESTS" --seed "$RPC_FUZZ_SEED" ||
    failed+=("JSON-RPC")

if [ ${#failed[@]} != 0 ]; then
    printf 'failed: %s\n' "${failed[@]}"
    exit 1
fi
