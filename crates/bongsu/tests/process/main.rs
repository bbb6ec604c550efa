//! The program as a process: killed, starved, told to stop, and its record damaged.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

#[path = "../../../node/tests/support/client.rs"]
#[allow(dead_code, reason = "shared with the tests of room `node`, which use all of it")]
mod client;
mod flips;
mod kill;
mod process;
mod stop;
mod taxii_kill;
mod trouble;
