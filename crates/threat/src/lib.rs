//! Threat intelligence: TAXII resources without HTTP.
//!
//! **Invariant:** nothing here opens a file or a socket or knows the time: bytes and instants are handed in.

pub mod taxii;
