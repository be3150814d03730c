#!/usr/bin/env bash
# Checks the format of the contracts, lints and compiles them, and runs their tests, gas snapshot included.
# `run.sh lint` leaves out the tests. Other arguments go to `forge test`.
set -euo pipefail
source "$(dirname "$0")/../scripts/env.sh"
cd "$(dirname "$0")"
# The compiler and forge are those of the client tests.
forge=../e2e/node_modules/.bin/forge
[ -x "$forge" ] || { echo "contracts: forge is missing; run scripts/setup.sh" >&2; exit 1; }

# The compiler finds sources below this directory only.
ln -sfn ../e2e/node_modules node_modules

"$forge" fmt --check
# In directories of its own: what it leaves there has no code, and `forge test` would find no tests in it.
FOUNDRY_OUT=cache/lint/out FOUNDRY_CACHE_PATH=cache/lint "$forge" lint
"$forge" build --quiet
[ "${1:-}" = lint ] || "$forge" test "$@"
