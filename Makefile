# The ways in: `make market` shows a market, `make test` checks everything, `make build` makes the binary.

FURIKAE := $(or $(CARGO_TARGET_DIR),target)/release/furikae

.PHONY: bench build market test

build:
	cargo build --locked --release --package cli

# Starts a market on this machine, runs its first day, stays until Ctrl-C. ARGS=--once stops after the day.
market: build
	@$(FURIKAE) market demo $(ARGS)

test:
	@.ci/prepare
	cargo xtask ci

# Measures the table of docs/benchmarks.md that needs no network.
bench:
	cargo run --locked --release --package bench
