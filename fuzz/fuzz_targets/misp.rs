#![no_main]

#[path = "../misp_entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entries::misp(data));
