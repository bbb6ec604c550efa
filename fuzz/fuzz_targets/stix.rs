#![no_main]

#[path = "../stix_entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entries::stix(data));
