//! Reading inputs: a path or `-`, plain or `.zst` or `.gz`, never more than a limit.

use std::fs::File;
use std::io;

use crate::error::CliError;

/// What an input is called in faults.
pub(crate) fn name(path: &str) -> String {
    if path == "-" { "standard input".to_owned() } else { path.to_owned() }
}

/// All bytes of `path`, unpacked.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, CliError> {
    let limits = node::InputLimits::default();
    let read = if path == "-" {
        node::unpack(io::stdin().lock(), &limits)
    } else {
        node::unpack(File::open(path).map_err(CliError::io(path))?, &limits)
    };
    read.map_err(|source| CliError::Unpack { name: name(path), source })
}
