#!/usr/bin/env bash
# Prints the figures of docs/reference/figures.md: `bongsu demo --once` five times, the median of each step.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=requirements.sh
source tools/requirements.sh

need_rust
need_node
need_compiler
cargo build --release --locked --package bongsu --bin bongsu >&2 </dev/null
bongsu=$(target_folder)/release/bongsu
runs=$(mktemp)
trap 'rm -f -- "$runs"' EXIT
for _ in 1 2 3 4 5; do
  "$bongsu" demo --once --format ndjson >>"$runs" </dev/null
done
node -e '
  const runs = require("node:fs").readFileSync(process.argv[1], "utf8").trim().split("\n").map(JSON.parse);
  const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const line = (name, value) => console.log(`${name.padEnd(34)} ${value}`);
  for (const [i, { step }] of runs[0].steps.entries())
    line(`${step}, ms`, median(runs.map((r) => r.steps[i].milliseconds)));
  line("whole story, ms", median(runs.map((r) => r.steps.reduce((sum, s) => sum + s.milliseconds, 0))));
  line("commit to visible, ms", median(runs.map((r) => r.counts.commit_to_visible_milliseconds)));
  for (const name of ["objects", "protected", "approaches", "incidents", "shared_findings", "withheld_findings"])
    line(name, runs[0].counts[name]);
  if (runs.some((r) => !r.ok)) process.exit(1);
' "$runs"
