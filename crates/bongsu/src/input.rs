//! Reading inputs: a path or `-`, plain or `.zst` or `.gz`, never more than a limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::CliError;

/// The most bytes of one input, unpacked.
const MAX_INPUT_BYTES: u64 = 2 << 30;

/// What an input is called in faults.
pub(crate) fn name(path: &str) -> String {
    if path == "-" { "standard input".to_owned() } else { path.to_owned() }
}

/// All bytes of `path`, unpacked.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, CliError> {
    let name = name(path);
    let mut bytes = Vec::new();
    let read = if path == "-" {
        io::stdin().lock().take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes)
    } else {
        let file = File::open(Path::new(path)).map_err(CliError::io(&name))?;
        file.take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes)
    };
    read.map_err(CliError::io(&name))?;
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        return Err(CliError::Usage(format!("`{name}` has more than {MAX_INPUT_BYTES} bytes; split it")));
    }
    let packed = bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || bytes.starts_with(&[0x1f, 0x8b]);
    // What is plain is not copied: it may be large.
    if packed { node::plain(&bytes, MAX_INPUT_BYTES).map_err(CliError::io(&name)) } else { Ok(bytes) }
}
