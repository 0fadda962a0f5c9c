#!/usr/bin/env bash
# Everything that must hold before a change lands: format, lints, rules of the house, tests, documentation.
# CI runs exactly this. Needs a Postgres on the machine (Debian, Ubuntu: apt-get install postgresql).
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n==> %s\n' "$*"; "$@"; }

step cargo fmt --all -- --check
step cargo clippy --workspace --all-targets --locked -- -D warnings
step cargo xtask tidy
step env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
step cargo test --workspace --locked
