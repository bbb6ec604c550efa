#!/usr/bin/env bash
# Runs every check, from formatting to the browser test, and stops at the first that fails.
# The last line is the sum of all tests: `N passed, 0 failed`.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=requirements.sh
source tools/requirements.sh

export CARGO_TERM_COLOR=never NO_COLOR=1 CI=1
unset FORCE_COLOR

scratch=$(mktemp -d)
child=
viewer=
passed=0
failed=0

# Ends whatever the current step has started. `timeout` gives each step a process group of its own.
end_step() {
  if [ -n "$child" ] && kill -TERM -- "-$child" 2>/dev/null; then
    printf 'note: ended what the step had left running\n'
    wait "$child" 2>/dev/null || true
  fi
  child=
}

clean_up() {
  end_step
  if [ -n "$viewer" ]; then kill "$viewer" 2>/dev/null || true; fi
  rm -rf -- "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# step MINUTES TITLE COMMAND..: runs the command in at most that time and shows its output, kept in $scratch/log.
step() {
  local minutes=$1 title=$2 start=$SECONDS status=0
  shift 2
  printf '\n== %s\n' "$title"
  : >"$scratch/log"
  timeout --kill-after=10s "${minutes}m" "$@" >"$scratch/log" 2>&1 </dev/null &
  child=$!
  # Not a pipe: a process that outlives the command would hold it open.
  tail -n +1 -f --pid="$child" -- "$scratch/log" &
  viewer=$!
  wait "$child" || status=$?
  wait "$viewer" || true
  viewer=
  end_step
  if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
    printf '\nFAILED: %s: not done after %s minutes\n' "$title" "$minutes"
    exit 1
  elif [ "$status" -ne 0 ]; then
    printf '\nFAILED: %s: exit %s from: %s\n' "$title" "$status" "$*"
    exit 1
  fi
  printf -- '-- %s: %s s\n' "$title" "$((SECONDS - start))"
}

# count PASSED FAILED: adds up the numbers that two sed scripts find in the last step's output.
count() {
  local ok bad
  ok=$(sum "$1")
  bad=$(sum "$2")
  if [ "$ok" -eq 0 ]; then
    printf 'FAILED: the last step ran no test, or its output has a new form\n'
    exit 1
  fi
  passed=$((passed + ok))
  failed=$((failed + bad))
}

sum() {
  sed -E 's/\x1b\[[0-9;]*m//g' "$scratch/log" | sed -nE "$1" | awk '{ total += $1 } END { print total + 0 }'
}

need_rust rustfmt clippy
need_node
need_compiler
need_python
want_misp
need_chromium
target=$(target_folder)

step 5 "formatting" cargo fmt --all --check
step 40 "clippy" cargo clippy --locked --workspace --all-targets --features bongsu/sigma -- -D warnings
step 50 "unit, property, doc and command-line tests" cargo test --locked --workspace
count 's/^test result: .* ([0-9]+) passed; .*/\1/p' 's/^test result: .* ([0-9]+) failed; .*/\1/p'
# Only the program is built again: crate `sigma` and its library are part of the workspace.
step 15 "the program with its optional parts" cargo test --locked --workspace --features bongsu/sigma --test cli -- sigma::
count 's/^test result: .* ([0-9]+) passed; .*/\1/p' 's/^test result: .* ([0-9]+) failed; .*/\1/p'

step 10 "console: packages" npm --prefix console ci --no-audit --no-fund
step 5 "console: types" npm --prefix console run check
step 5 "console: unit tests" npm --prefix console test
count 's/^ *Tests .*[^0-9]([0-9]+) passed.*/\1/p' 's/^ *Tests .*[^0-9]([0-9]+) failed.*/\1/p'

# The same units as in the tests above, so that nothing is built twice.
step 30 "program" cargo build --locked --workspace --bins --tests
bongsu=$target/debug/bongsu
step 5 "console: the checked-in build is current" "$target/debug/xtask" console-check
step 5 "demo" "$bongsu" demo --once --data "$scratch/demo"
step 10 "browser test" env BONGSU_BIN="$bongsu" npm --prefix console run e2e
count 's/^(# |ℹ )pass ([0-9]+)$/\2/p' 's/^(# |ℹ )fail ([0-9]+)$/\2/p'
step 30 "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

printf '\nall checks passed in %s s\n' "$SECONDS"
printf '%s passed, %s failed\n' "$passed" "$failed"
