#!/usr/bin/env bash
# Static analysis of src/ with slither (PyPI: slither-analyzer), which has to be on the path. Its findings, with
# the answer to each, are in docs/security.md. Not part of run.sh.
set -euo pipefail
source "$(dirname "$0")/../../scripts/env.sh"
cd "$(dirname "$0")/.."
ln -sfn ../e2e/node_modules node_modules
# slither would start the compiler itself; it takes what forge has built, and looks for it below its directory.
work=cache/slither
rm -rf "$work"
mkdir -p "$work"
for entry in foundry.toml src test script node_modules; do ln -s "../../$entry" "$work/$entry"; done
FOUNDRY_OUT="$work/out" FOUNDRY_CACHE_PATH="$work/cache" \
    node_modules/.bin/forge build --build-info --skip test script --force --quiet
export PATH="$PWD/node_modules/.bin:$PATH"
cd "$work"
exec slither . --foundry-ignore-compile --foundry-out-directory out --filter-paths 'node_modules|test/' "$@"
