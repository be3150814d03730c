#!/usr/bin/env bash
# Deploys the contracts of L1: `deploy.sh --rpc-url URL [--private-key KEY | --account NAME …]`.
#
#   PROFILE         mainnet, dev, or a file             (profiles/README.md)
#   ROLES           file of roles                       (default with dev: profiles/dev-roles.json)
#   GENESIS_OUTPUT  file with the output of L2's genesis
#   L2_CHAIN_ID     number
#   OUT             where the deployment file is written
set -euo pipefail
source "$(dirname "$0")/../scripts/env.sh"
caller=$PWD
cd "$(dirname "$0")"
ln -sfn ../e2e/node_modules node_modules

: "${PROFILE:?mainnet, dev, or a file}" "${GENESIS_OUTPUT:?}" "${L2_CHAIN_ID:?}" "${OUT:?}"
[ "$PROFILE" != dev ] || ROLES="${ROLES:-$PWD/profiles/dev-roles.json}"
: "${ROLES:?a file of roles}"
[ -f "profiles/$PROFILE.json" ] && PROFILE="$PWD/profiles/$PROFILE.json"
absolute() { (cd "$caller" && realpath -m "$1"); }
PROFILE=$(absolute "$PROFILE") ROLES=$(absolute "$ROLES")
GENESIS_OUTPUT=$(absolute "$GENESIS_OUTPUT") OUT=$(absolute "$OUT")
export PROFILE ROLES GENESIS_OUTPUT L2_CHAIN_ID OUT

# The profile of foundry that may read and write these files. One transaction after the other, as their order
# makes the addresses.
FOUNDRY_PROFILE=deploy node_modules/.bin/forge script script/Deploy.s.sol:Deploy --slow --broadcast "$@"
