# shellcheck shell=bash
# What the scripts beside this one need of the machine. Read with `source`.
#
# A Rust toolchain and Node are taken as given. Everything else is installed with the system's package manager
# when it is apt and we may use it; otherwise these functions say what to install and exit 2.

# stop MESSAGE [HINT]: says what is missing and what to do, and ends the script.
stop() {
  printf 'error: %s\n' "$1" >&2
  if [ -n "${2:-}" ]; then
    printf 'hint: %s\n' "$2" >&2
  fi
  exit 2
}

# install PACKAGE..: with apt-get, as root or with a sudo that asks nothing. Returns 1 when that may not be.
install() {
  local as_root=()
  command -v apt-get >/dev/null || return 1
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
  fi
  printf 'installing %s\n' "$*" >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2 </dev/null || return 1
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "$@" >&2 </dev/null
}

# need_rust [COMPONENT..]: a toolchain that is new enough, with its components (rustfmt, clippy).
need_rust() {
  local wanted found component
  command -v cargo >/dev/null || stop "cargo is not installed" "install Rust from https://rustup.rs"
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  found=$(cargo --version | cut -d ' ' -f 2)
  newer "$found" "$wanted" || stop "cargo $found is too old: $wanted or newer is needed" "rustup update stable"
  for component in "$@"; do
    if ! cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1; then
      command -v rustup >/dev/null && rustup component add "$component" >&2 && continue
      stop "cargo ${component/rustfmt/fmt} is not installed" "rustup component add $component"
    fi
  done
}

# need_node: Node with npm, new enough for the console.
need_node() {
  local wanted found
  wanted=$(sed -n 's/.*"node": ">=\([0-9.]*\)".*/\1/p' console/package.json)
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    stop "node and npm are not installed" "install Node $wanted or newer from https://nodejs.org"
  fi
  found=$(node --version)
  found=${found#v}
  newer "$found" "$wanted" || stop "node $found is too old: $wanted or newer is needed" "see https://nodejs.org"
}

# newer FOUND WANTED: whether version FOUND is WANTED or a later one.
newer() {
  [ "$(printf '%s\n%s\n' "$2" "${1%%-*}" | sort -V | head -n 1)" = "$2" ]
}

# need_compiler: a C compiler with headers, for SQLite, zstd and ring.
need_compiler() {
  if compiles_c; then return; fi
  install gcc libc6-dev || stop "there is no C compiler" "apt-get install gcc libc6-dev (or your system's like)"
  compiles_c || stop "the C compiler cannot build a program" "apt-get install --reinstall gcc libc6-dev"
}

compiles_c() {
  printf '#include <stdio.h>\nint main(void) { return 0; }\n' | "${CC:-cc}" -x c -o /dev/null - 2>/dev/null
}

# need_python: sets PYTHON to a Python with `cryptography`, for the second verifier of evidence.
need_python() {
  find_python && return
  install python3 python3-cryptography || stop "there is no Python with the package cryptography" \
    "apt-get install python3-cryptography, or set PYTHON to a Python that has it"
  find_python || stop "python3-cryptography was installed but no Python finds it" "set PYTHON to one that does"
}

find_python() {
  local name
  for name in ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3; do
    if "$name" -c 'from cryptography.hazmat.primitives.asymmetric import ed25519' 2>/dev/null; then
      export PYTHON=$name
      return
    fi
  done
  return 1
}

# want_misp: sets MISP_PYTHON to a Python with PyMISP and misp-stix, with which the bridge to MISP is compared. Only a
# test uses it, so that a machine without a network goes on without it and says so; BONGSU_NEED_MISP=1 makes it an error.
want_misp() {
  local folder=${XDG_CACHE_HOME:-$HOME/.cache}/bongsu-misp-oracle
  has_misp && return
  printf 'installing pymisp, misp-stix and stix2-validator in %s\n' "$folder" >&2
  if python3 -m venv "$folder" >&2 </dev/null &&
    "$folder/bin/pip" install -q pymisp==2.5.34.4 misp-stix==2026.10.12 stix2-validator==3.3.2 >&2 </dev/null &&
    has_misp; then
    return
  fi
  [ -z "${BONGSU_NEED_MISP:-}" ] || stop "there is no Python with pymisp and misp-stix" "pip install pymisp misp-stix"
  printf 'NOT RUN: the comparison with PyMISP and misp-stix, which could not be installed\n' >&2
}

has_misp() {
  local name
  for name in ${MISP_PYTHON:+"$MISP_PYTHON"} "${XDG_CACHE_HOME:-$HOME/.cache}/bongsu-misp-oracle/bin/python" python3; do
    if "$name" -c 'import pymisp, misp_stix_converter' 2>/dev/null; then
      export MISP_PYTHON=$name BONGSU_NEED_MISP=1
      return
    fi
  done
  return 1
}

# need_chromium: sets CHROMIUM to a browser for the console's test.
need_chromium() {
  find_chromium && return
  install chromium || stop "there is no Chromium for the browser test" \
    "apt-get install chromium, or set CHROMIUM to the path of a Chromium or Chrome"
  find_chromium || stop "chromium was installed but is not on PATH" "set CHROMIUM to its path"
}

find_chromium() {
  local name
  if [ -n "${CHROMIUM:-}" ]; then
    [ -x "$CHROMIUM" ] || stop "CHROMIUM is $CHROMIUM, which cannot be run" "unset it or set it to a browser"
    export CHROMIUM
    return
  fi
  for name in chromium chromium-browser google-chrome-stable google-chrome; do
    if CHROMIUM=$(command -v "$name"); then
      export CHROMIUM
      return
    fi
  done
  unset CHROMIUM
  return 1
}

# target_folder: where cargo puts what it builds.
target_folder() {
  cargo metadata --format-version 1 --no-deps </dev/null |
    node -p 'JSON.parse(require("node:fs").readFileSync(0, "utf8")).target_directory'
}
