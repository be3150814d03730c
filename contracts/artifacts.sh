#!/usr/bin/env bash
# Writes `artifacts/` and `layout/` from the sources, after a change of code that is meant.
set -euo pipefail
source "$(dirname "$0")/../scripts/env.sh"
cd "$(dirname "$0")"
ln -sfn ../e2e/node_modules node_modules
node_modules/.bin/forge build --quiet
node tools/artifacts.mjs .
