#!/usr/bin/env bash
# Prints the figures of docs/reference/figures.md. Give it an idle machine.
#
#   tools/figures.sh                          all, some twenty minutes after the builds
#   tools/figures.sh --only demo,label        some of: demo record link label bundle policy pairs orbit
#   BONGSU_FIGURES_ENTRIES=1000000            entries of `record` and `policy`
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=requirements.sh
source tools/requirements.sh

all=demo,record,link,label,bundle,policy,pairs,orbit
only=$all
while [ $# -gt 0 ]; do
  case $1 in
    --only) only=${2:?--only needs names}; shift 2 ;;
    --only=*) only=${1#--only=}; shift ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) printf 'figures.sh: %s is not known; --help says what is\n' "$1" >&2; exit 2 ;;
  esac
done
for name in ${only//,/ }; do
  case ,$all, in
    *",$name,"*) ;;
    *) printf 'figures.sh: %s is none of %s\n' "$name" "$all" >&2; exit 2 ;;
  esac
done
wanted() { case ,$only, in *",$1,"*) printf '\n== %s\n' "$1" ;; *) return 1 ;; esac; }

need_rust
need_compiler
entries=${BONGSU_FIGURES_ENTRIES:-1000000}
scratch=$(mktemp -d -p "${BONGSU_FIGURES_DIR:-.}" figures.XXXXXX)
trap 'rm -rf -- "$scratch"' EXIT

build_bongsu() {
  cargo build --release --locked --package bongsu --bin bongsu >&2 </dev/null
  bongsu=$(target_folder)/release/bongsu
}

# The median of each step of the demo, five runs.
demo() {
  need_node
  build_bongsu
  for _ in 1 2 3 4 5; do
    "$bongsu" demo --once --format ndjson >>"$scratch/demo" </dev/null
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
  ' "$scratch/demo"
}

# A dry run of the sample policy over a record of findings, by the clock of the shell.
policy() {
  build_bongsu
  cargo run --release --locked -p bongsu-bench --bin record -- \
    --entries "$entries" --group 4096 --folder "$scratch/policy" --keep </dev/null >/dev/null
  local run start seconds
  for run in 1 2 3; do
    start=$(date +%s.%N)
    "$bongsu" label policy dry-run --store "$scratch/policy" --policy samples/label/kor-national.cedar \
      --days 90 --now 2026-03-11T00:00:00Z --format ndjson >"$scratch/dry-run" </dev/null
    seconds=$(date +%s.%N | awk -v start="$start" '{ printf "%.2f", $1 - start }')
    printf 'dry run %s over %s entries, s    %s\n' "$run" "$entries" "$seconds"
  done
  head -n 1 "$scratch/dry-run"
  rm -rf -- "$scratch/policy"
}

bench() { cargo bench --locked -p bongsu-bench --bench "$1" </dev/null; }

if wanted demo; then demo; fi
if wanted record; then
  cargo run --release --locked -p bongsu-bench --bin record -- \
    --entries "$entries" --group 2048 --folder "$scratch/record" </dev/null
fi
if wanted link; then
  mkdir "$scratch/link"
  cargo run --release --locked -p bongsu-bench --bin link -- --folder "$scratch/link" </dev/null
fi
if wanted label; then bench label; fi
if wanted bundle; then bench bundle; fi
if wanted policy; then policy; fi
if wanted pairs; then
  # Times of hidden and of absent items, and of a view with a million entries.
  cargo test --release --locked -p bongsu-node --lib -- --ignored --nocapture --test-threads 1 pairs::report </dev/null
fi
if wanted orbit; then
  for name in read propagate approach coverage; do bench "$name"; done
  printf 'beside other programs: bench/peers/run.sh\n'
fi
