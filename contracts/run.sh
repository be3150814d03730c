#!/usr/bin/env bash
# Checks the format of the contracts, lints and compiles them, compares what others take from them with the
# build and docs/security.md with the tests, and runs these, gas snapshot included. `run.sh lint` leaves the tests
# out. Other arguments go to `forge test`.
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

fresh=cache/fresh
rm -rf "$fresh"
mkdir -p "$fresh/vectors"
# Fails, with a readable difference, unless a committed directory is what was just written. Lines of code are long.
same() {
    diff -ru --exclude='*.md' --exclude='*.mjs' "$1" "$2" | cut -c1-160 >&2 || {
        echo "contracts: $1 is not what its sources give; if that is meant, run $3" >&2
        exit 1
    }
}
# Bindings and genesis are made from these files.
node tools/artifacts.mjs "$fresh"
same artifacts "$fresh/artifacts" contracts/artifacts.sh
same layout "$fresh/layout" contracts/artifacts.sh
node ../testdata/bridge/generate.mjs "$fresh/vectors"
same ../testdata/bridge "$fresh/vectors" "testdata/bridge/generate.mjs"
node tools/security.mjs

[ "${1:-}" != lint ] || exit 0
"$forge" test "$@"
# Against a real chain: deployment, and what has no place in `forge test`.
[ $# -gt 0 ] || node tools/anvil.mjs
