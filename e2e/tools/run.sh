#!/usr/bin/env bash
# Runs one of these tools with the Node and the Python that setup.sh keeps.
set -euo pipefail
source "$(dirname "$0")/../../scripts/env.sh"
tool="$1"
shift
exec node "$AURA_ROOT/e2e/tools/$tool" "$@"
