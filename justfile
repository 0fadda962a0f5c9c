# Every command a developer repeats. CI calls the same ones. `just` alone lists them.

_default:
    @just --list

# What CI runs: format, lints, tidy, tests, docs.
check: fmt-check clippy tidy test doc

# Format everything.
fmt:
    cargo fmt --all

fmt-check:
    cargo fmt --all -- --check

clippy:
    cargo clippy --workspace --all-targets -- -D warnings

# Rules of the house as code: floors, printing, file sizes.
tidy:
    cargo xtask tidy

# The whole suite, on real servers.
test:
    cargo test --workspace

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Licences, advisories, duplicates (needs `cargo install cargo-deny`).
deny:
    cargo deny check

# The optimised binary, at target/release/snapbench.
build:
    cargo build --release --bin snapbench

# The benchmarks, each beside its rival (see bench/README.md).
bench: build
    bench/all.sh
