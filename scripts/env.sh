# Sourced by the other scripts: where things are kept that do not belong into the tree.

AURA_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
AURA_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/aura"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$AURA_CACHE/target}"

# Clients under test need Node 22; where the system's is older, setup.sh keeps one here.
AURA_NODE="$AURA_CACHE/node/node_modules"
if [ -x "$AURA_NODE/.bin/node" ]; then
    export PATH="$AURA_NODE/.bin:$PATH"
fi

# web3.py is installed into this environment.
export AURA_PYTHON="$AURA_CACHE/python"

# Prints the major version of `node`, or 0.
node_major() {
    node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0
}
