//! Bundles, good and wrong, and what the two verifiers say about them.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests prepare real files and run a second program"
)]

mod agree;
mod make;
mod mutate;
mod second;
