//! The program as a user meets it: started as a process, with its output, its faults and its exit.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

mod bad_input;
mod bundle;
mod ccsds;
mod coverage;
mod evidence;
mod examples;
mod formats;
mod hunt;
mod orbit;
mod peers;
mod policy;
mod settings;
mod shell;
#[cfg(feature = "sigma")]
mod sigma;
mod store;
mod support;
mod taxii;
mod threat;

/// The transcripts in tests/cmd. After a wanted change: `TRYCMD=overwrite cargo test -p bongsu --test cli transcripts`,
/// and read the difference.
#[test]
fn transcripts() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
