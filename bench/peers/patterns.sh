#!/bin/sh
# Compares our pattern matcher with the OASIS one on this machine and prints one table. See ../README.md.
#   bench/peers/patterns.sh [--observations N] [--rounds N] [--set-patterns N] [--set-observations N]
# BONGSU_PEERS_DIR, BONGSU_PEERS_RUSTFLAGS, BONGSU_PEERS_CORE: as in run.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${BONGSU_PEERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/bongsu-peers}
core=${BONGSU_PEERS_CORE:-0}
venv=$dir/patterns-venv
if [ ! -f "$venv/ready" ] || ! cmp -s "$here/patterns-requirements.txt" "$venv/ready"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement "$here/patterns-requirements.txt"
    cp "$here/patterns-requirements.txt" "$venv/ready"
fi
CARGO_TARGET_DIR=$dir/target RUSTFLAGS="${BONGSU_PEERS_RUSTFLAGS--C target-cpu=native}" \
    CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
    cargo build --quiet --release --locked --manifest-path "$here/../Cargo.toml" --bin patterns
exec "$venv/bin/python" "$here/patterns.py" --patterns "$dir/target/release/patterns" --work "$dir/patterns" \
    --core "$core" "$@"
