# Every command a developer repeats. CI calls the same ones. `just` alone lists them.

_default:
    @just --list

# What CI runs: format, lints, tidy, docs, tests.
check:
    ./check.sh

# Format everything.
fmt:
    cargo fmt --all

# Lints, warnings denied.
clippy:
    cargo clippy --workspace --all-targets -- -D warnings

# Rules of the house as code: floors, printing, file sizes.
tidy:
    cargo xtask tidy

# The whole suite, on real servers.
test:
    cargo test --workspace

# The documentation, warnings denied.
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
