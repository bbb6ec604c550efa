#![no_main]

#[path = "../threat_entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entries::log(data));
