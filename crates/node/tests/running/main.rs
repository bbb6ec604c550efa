//! Real nodes in this process: sockets, TLS, files and all. What passes between them, and what must not.

#[path = "../support/mod.rs"]
mod support;

mod feeds;
mod link;
mod non_interference;
mod outage;
mod recall;
mod session;
mod stream;
mod trouble;
