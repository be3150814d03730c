#!/usr/bin/env bash
# What hive starts: makes a chain of the files that the simulator has put here, then runs the node.
#
#   /genesis.json   geth's format; the fork schedule comes from HIVE_* variables
#   /chain.rlp      blocks to import, if there
#   /blocks/*.rlp   one block each, if there; a bad one does not stop the start
#
# Without Docker the same steps run below AURA_HIVE_ROOT.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${AURA_HIVE_ROOT:-}
data="$root/aura-data"

case "${HIVE_LOGLEVEL:-3}" in
    0) log=off ;;
    1) log=error ;;
    2) log=warn ;;
    3) log=info ;;
    4) log=debug ;;
    *) log=trace ;;
esac

# "secretsecret…": the secret that hive's simulators sign with.
secret=7365637265747365637265747365637265747365637265747365637265747365

mkdir -p "$data"
echo "$secret" > "$root/jwt.hex"
jq -f "$here/mapper.jq" "$root/genesis.json" > "$root/mapped-genesis.json"
aura init --chain "$root/mapped-genesis.json" --datadir "$data"

# The blocks before a bad one are kept, and the node starts on the last of them.
import() {
    aura import --datadir "$data" "$1" || echo "aura.sh: $1 was not imported as a whole"
}
if [ -f "$root/chain.rlp" ]; then
    import "$root/chain.rlp"
fi
if [ -d "$root/blocks" ]; then
    # Names are numbers, padded or not.
    find "$root/blocks" -name '*.rlp' | sort -V | while read -r block; do import "$block"; done
fi

export AURA_HOST="${AURA_HOST:-0.0.0.0}" AURA_PORT="${AURA_PORT:-8545}"
export AURA_ENGINE_HOST="${AURA_ENGINE_HOST:-0.0.0.0}" AURA_ENGINE_PORT="${AURA_ENGINE_PORT:-8551}"
exec aura node --config "$here/aura.toml" --datadir "$data" --log "$log" --testing-api --jwt-secret "$root/jwt.hex"
