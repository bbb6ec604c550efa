#!/bin/sh
# Compares Bongsu with other programs on this machine and prints one table. See ../README.md.
#   bench/peers/run.sh [--tle FILE] [--rounds N] [--only near,deep,screen,ingest]
# BONGSU_PEERS_DIR: where the virtual environment, the build and the inputs go (default: ~/.cache/bongsu-peers).
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
CARGO_TARGET_DIR=$dir/target RUSTFLAGS="-C target-cpu=native" \
    CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
    cargo build --quiet --release --locked --manifest-path "$here/../Cargo.toml" --bin peers
pin=
if command -v taskset >/dev/null; then pin="taskset -c $core"; else echo "no taskset: nothing is pinned" >&2; fi
# One thread each, also where a library would take more.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 RAYON_NUM_THREADS=1
exec $pin "$dir/venv/bin/python" "$here/compare.py" --peers "$dir/target/release/peers" --work "$dir/inputs" "$@"
