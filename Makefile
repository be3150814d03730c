# `make dev` and `make test` set up what is missing by themselves.

CARGO_TARGET_DIR ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/aura/target
export CARGO_TARGET_DIR
# Where rustup puts cargo, for shells that were not told yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

# The dev profile optimizes dependencies fully, and `make test` uses what it built.
PROFILE ?= dev
# Chain data of `make dev`; it survives restarts. `rm -r .data` starts afresh.
DATADIR ?= .data/dev
ARGS ?=

.PHONY: setup dev test fuzz bench lint fmt

setup:
	scripts/setup.sh

dev:
	scripts/setup.sh build
	cargo run --profile $(PROFILE) --bin aura -- dev $(if $(findstring --datadir,$(ARGS)),,--datadir $(DATADIR)) $(ARGS)

test: setup
	scripts/test.sh

# Property and fuzz tests with more cases: FUZZ_RUNS (Solidity), PROPTEST_CASES (Rust),
# RPC_FUZZ_REQUESTS (JSON-RPC).
fuzz: setup
	scripts/fuzz.sh

bench: setup
	scripts/bench.sh $(ARGS)

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	contracts/run.sh lint
	@if command -v cargo-deny >/dev/null; then cargo deny check; else echo "cargo-deny is not installed: licences and advisories were not checked"; fi

fmt: setup
	cargo fmt --all
	cd contracts && ../e2e/node_modules/.bin/forge fmt
