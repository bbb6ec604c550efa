#!/bin/sh
# Compares Bongsu with other programs on this machine and prints one table. See ../README.md.
#   bench/peers/run.sh [--tle FILE] [--rounds N] [--slow-rounds N] [--days N]
#                      [--only near,deep,exact,screen,days,losses,ingest]
# BONGSU_PEERS_DIR: where the virtual environment, the build and the inputs go (default: ~/.cache/bongsu-peers).
# BONGSU_PEERS_RUSTFLAGS: how Rust is built (default: -C target-cpu=native; empty: as it ships).
# BONGSU_PEERS_CORE: the core that everything is pinned to (default: 0).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${BONGSU_PEERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/bongsu-peers}
core=${BONGSU_PEERS_CORE:-0}
if [ ! -f "$dir/venv/ready" ] || ! cmp -s "$here/requirements.txt" "$dir/venv/ready"; then
    python3 -m venv "$dir/venv"
    "$dir/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$dir/venv/ready"
fi
# As fast as each can be built: Rust for this very processor, over crate borders.
CARGO_TARGET_DIR=$dir/target RUSTFLAGS="${BONGSU_PEERS_RUSTFLAGS--C target-cpu=native}" \
    CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
    cargo build --quiet --release --locked --manifest-path "$here/../Cargo.toml" --bin peers
# One thread each, also where a library would take more.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 RAYON_NUM_THREADS=1
exec "$dir/venv/bin/python" "$here/compare.py" --peers "$dir/target/release/peers" --work "$dir/inputs" \
    --core "$core" "$@"
