#!/usr/bin/env bash
# Installs what building and testing need and is not there yet. Changes nothing when run again.
set -euo pipefail
source "$(dirname "$0")/env.sh"

NODE_WANTED=22    # Hardhat 3 needs it
NODE_INSTALLED=22 # what is fetched if the system's is older

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif has sudo; then sudo "$@"
    else die "root or sudo is needed to run: $*"
    fi
}

apt_updated=
apt_install() {
    has apt-get || die "please install these with your package manager, then run again: $*"
    say "installing $*"
    if [ -z "$apt_updated" ]; then
        as_root apt-get update -qq
        apt_updated=1
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Compilers: MDBX, secp256k1 and the allocator are C.
setup_build() {
    has cargo || die "Rust is missing; install it with rustup, then run again"
    local missing=()
    has cc || missing+=(gcc libc6-dev)
    has make || missing+=(make)
    [ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

# Node runs the end-to-end tests, and npm fetches the clients that they drive.
setup_node() {
    local missing=()
    has node || missing+=(nodejs)
    has npm || missing+=(npm)
    # hive's genesis mapper is a program for it.
    has jq || missing+=(jq)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
    if [ "$(node_major)" -lt "$NODE_WANTED" ]; then
        local arch
        case "$(uname -m)" in
            x86_64) arch=x64 ;;
            aarch64) arch=arm64 ;;
            *) die "node $NODE_WANTED or later is needed; the system has $(node --version)" ;;
        esac
        say "the system's node is $(node --version); keeping node $NODE_INSTALLED in $AURA_CACHE/node"
        mkdir -p "$AURA_CACHE/node"
        npm install --prefix "$AURA_CACHE/node" --no-audit --no-fund --no-update-notifier \
            --loglevel=error "node-linux-$arch@$NODE_INSTALLED" npm@10 >&2
        source "$AURA_ROOT/scripts/env.sh"
        [ "$(node_major)" -ge "$NODE_WANTED" ] || die "node $NODE_INSTALLED could not be set up"
    fi
}

# Client packages, exactly as the lock file names them. Their install scripts are not run.
setup_clients() {
    local stamp="$AURA_ROOT/e2e/node_modules/.aura-lock"
    if cmp -s "$AURA_ROOT/e2e/package-lock.json" "$stamp"; then return; fi
    say "installing the clients for the end-to-end tests"
    npm ci --prefix "$AURA_ROOT/e2e" --ignore-scripts --no-audit --no-fund --no-update-notifier \
        --loglevel=error >&2
    cp "$AURA_ROOT/e2e/package-lock.json" "$stamp"
}

# web3.py, exactly as e2e/requirements.txt names it, in an environment of its own.
setup_python() {
    local wanted="$AURA_ROOT/e2e/requirements.txt" stamp="$AURA_PYTHON/.aura-requirements"
    if [ -x "$AURA_PYTHON/bin/python" ] && cmp -s "$wanted" "$stamp"; then return; fi
    local missing=()
    has python3 || missing+=(python3)
    python3 -c "import ensurepip, venv" 2>/dev/null || missing+=(python3-venv)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
    say "installing web3.py for the end-to-end tests"
    python3 -m venv --clear "$AURA_PYTHON"
    "$AURA_PYTHON/bin/pip" install --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --requirement "$wanted" >&2
    cp "$wanted" "$stamp"
}

# A browser, for the page whose wallet talks to the node.
setup_browser() {
    has chromium || apt_install chromium
}

setup_build
# `setup.sh build` is enough to run the node.
if [ "${1:-all}" = all ]; then
    setup_node
    setup_clients
    setup_python
    setup_browser
fi
