//! Real nodes in this process: sockets, TLS, files and all. What passes between them, and what must not.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod carried;
mod clearance;
mod feeds;
mod hits;
mod hostile;
mod hub;
mod link;
mod non_interference;
mod oidc;
mod outage;
mod people;
mod policy;
mod policy_online;
mod recall;
mod repeat;
mod restore;
mod rights;
mod session;
mod stream;
mod taxii;
mod taxii_client;
mod taxii_interop;
mod trouble;
