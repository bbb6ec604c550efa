#!/usr/bin/env bash
# Builds the console and the program, then runs the demo. Arguments go to `bongsu demo`, say `--once`.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=requirements.sh
source tools/requirements.sh

# shellcheck disable=SC2119 # no component is needed here
need_rust
need_node
need_compiler

echo "== console" >&2
(
  cd console
  # npm writes this file at the end of a complete installation.
  if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    npm ci --no-audit --no-fund
  fi
  npm run build
) >&2 </dev/null

echo "== bongsu (the first build takes some minutes)" >&2
cargo build --release --locked --package bongsu --bin bongsu >&2 </dev/null

exec "$(target_folder)/release/bongsu" demo "$@"
