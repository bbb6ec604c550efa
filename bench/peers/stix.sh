#!/bin/sh
# The validator of STIX beside stix2-validator on this machine: one table. See ../README.md.
#   bench/peers/stix.sh [FILE..]     (bundles, .zst too; by default ATT&CK ICS and Mobile)
# BONGSU_PEERS_DIR and BONGSU_PEERS_CORE: as for run.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
dir=${BONGSU_PEERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/bongsu-peers}
if [ ! -f "$dir/venv/ready" ] || ! cmp -s "$here/requirements.txt" "$dir/venv/ready"; then
    python3 -m venv "$dir/venv"
    "$dir/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$dir/venv/ready"
fi
CARGO_TARGET_DIR=$dir/target cargo build --quiet --release --locked --manifest-path "$root/Cargo.toml" \
    -p bongsu-threat --example judge
if [ $# -eq 0 ]; then
    set -- "$root"/crates/threat/tests/data/attack/*.json.zst
fi
exec "$dir/venv/bin/python" "$here/stix.py" --judge "$dir/target/release/examples/judge" \
    --core "${BONGSU_PEERS_CORE:-0}" "$@"
