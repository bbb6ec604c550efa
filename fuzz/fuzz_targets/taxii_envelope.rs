#![no_main]

#[path = "../taxii_entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entries::envelope(data));
