#!/usr/bin/env bash
# Checks the format of the contracts, lints and compiles them, compares what others take from them with the
# build, and runs their tests, gas snapshot included. `run.sh lint` leaves out the tests. Other arguments go to `forge test`.
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

# Bindings and genesis are made from these files.
fresh=cache/fresh
rm -rf "$fresh"
node tools/artifacts.mjs "$fresh"
for directory in artifacts layout; do
    # Lines of code are long.
    diff -ru "$directory" "$fresh/$directory" | cut -c1-160 >&2 || {
        echo "contracts: $directory/ is not what the sources give; if that is meant, run contracts/artifacts.sh" >&2
        exit 1
    }
done

[ "${1:-}" != lint ] || exit 0
"$forge" test "$@"
# Against a real chain: deployment, and what has no place in `forge test`.
[ $# -gt 0 ] || node tools/anvil.mjs
