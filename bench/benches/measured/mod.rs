//! What is measured: the shipped catalogue, or a larger one that may not be shipped.
#![allow(dead_code, reason = "every bench takes what it needs")]

#[path = "../../src/inputs.rs"]
pub(crate) mod inputs;

use std::path::{Path, PathBuf};

use orbit::Catalogue;

/// The active catalogue of March 2026, which ships with the program.
pub(crate) fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/orbit/celestrak-active-2026-03.csv.zst")
}

/// The bytes of the shipped catalogue, unpacked.
#[expect(clippy::panic, reason = "without its input a bench measures nothing")]
pub(crate) fn shipped_bytes() -> Vec<u8> {
    inputs::bytes(&shipped()).unwrap_or_else(|error| panic!("{}: {error}", shipped().display()))
}

/// The catalogue that `BONGSU_BENCH_DATA` names, else the shipped one; which of them is said on stderr.
#[expect(clippy::panic, reason = "without its input a bench measures nothing")]
#[expect(clippy::print_stderr, reason = "a figure is worth nothing without what was measured")]
pub(crate) fn measured() -> Catalogue {
    let named = std::env::var_os("BONGSU_BENCH_DATA").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(shipped);
    let catalogue = inputs::catalogue(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if named.is_none() {
        eprintln!("BONGSU_BENCH_DATA names no catalogue: the shipped one is measured");
    }
    eprintln!("{}: {} objects", path.display(), catalogue.len());
    catalogue
}
