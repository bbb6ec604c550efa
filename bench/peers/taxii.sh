#!/bin/sh
# Compares our TAXII server with others on this machine and prints one table. See ../README.md.
#   bench/peers/taxii.sh BUNDLE.json [--objects N] [--others-objects N] [--envelope N] [--page N] [--rounds N]
# BUNDLE is a STIX 2.1 bundle, say ATT&CK Enterprise. BONGSU names a built program, else the release build is made.
# BONGSU_PEERS_DIR, BONGSU_PEERS_RUSTFLAGS: as in run.sh. BONGSU_PEERS_CORE: the core of the servers; clients run on another.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${BONGSU_PEERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/bongsu-peers}
venv=$dir/taxii-venv
if [ ! -f "$venv/ready" ] || ! cmp -s "$here/taxii-requirements.txt" "$venv/ready"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement "$here/taxii-requirements.txt"
    cp "$here/taxii-requirements.txt" "$venv/ready"
fi
if [ -z "${BONGSU:-}" ]; then
    CARGO_TARGET_DIR=$dir/target RUSTFLAGS="${BONGSU_PEERS_RUSTFLAGS-}" \
        cargo build --quiet --release --locked --manifest-path "$here/../../Cargo.toml" --package bongsu
    BONGSU=$dir/target/release/bongsu
    export BONGSU
fi
exec "$venv/bin/python" "$here/taxii.py" --core "${BONGSU_PEERS_CORE:-0}" "$@"
