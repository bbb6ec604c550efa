//! Reading an input whole, plain or packed, without trusting its size.

use std::io::{self, BufRead, BufReader, Read};

/// How much of an input is read at the most.
#[derive(Debug, Clone, Copy)]
pub struct InputLimits {
    /// All bytes, unpacked.
    pub bytes: u64,
    /// Bytes without a line feed between them. One JSON document may stand on one line; a gigabyte on one line is no
    /// input of ours and is not read to its end.
    pub line_bytes: u64,
}

impl Default for InputLimits {
    fn default() -> Self {
        Self { bytes: 2 << 30, line_bytes: 128 << 20 }
    }
}

/// Why an input is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// Over [`InputLimits::bytes`].
    #[error("it has more than {limit} bytes; split it")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Over [`InputLimits::line_bytes`].
    #[error(
        "line {line} is longer than {limit} bytes; this is no input that can be read by lines, check the file"
    )]
    LineTooLong {
        /// The physical line, from 1.
        line: u64,
        /// The limit.
        limit: u64,
    },
    /// Reading or unpacking failed: cut off, damaged, or refused by the system.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// `input` as a stream of its unpacked bytes, for what is read line by line; `.zst` and `.gz` are known by their first
/// bytes.
///
/// # Errors
/// When the first bytes cannot be read.
pub fn unpacked<'r>(input: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let head = input.fill_buf()?;
    Ok(if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::stream::read::Decoder::with_buffer(input)?)
    } else if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(input))
    } else {
        Box::new(input)
    })
}

/// Reads `input` to its end; `.zst` and `.gz` are known by their first bytes and unpacked.
///
/// # Errors
/// When it is over a limit, damaged or cut off.
pub fn unpack(input: impl Read, limits: &InputLimits) -> Result<Vec<u8>, UnpackError> {
    read(unpacked(input)?, limits)
}

fn read(mut input: impl Read, limits: &InputLimits) -> Result<Vec<u8>, UnpackError> {
    let mut out = Vec::new();
    let mut chunk = vec![0; 1 << 18];
    let mut line = 1;
    let mut line_start = 0;
    loop {
        let count = match input.read(&mut chunk) {
            Ok(0) => return Ok(out),
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        let fresh = &chunk[..count];
        if let Some(last) = fresh.iter().rposition(|byte| *byte == b'\n') {
            line += fresh.iter().filter(|byte| **byte == b'\n').count() as u64;
            line_start = out.len() as u64 + last as u64 + 1;
        }
        out.extend_from_slice(fresh);
        let size = out.len() as u64;
        if size > limits.bytes {
            return Err(UnpackError::TooLarge { limit: limits.bytes });
        }
        if size - line_start.min(size) > limits.line_bytes {
            return Err(UnpackError::LineTooLong { line, limit: limits.line_bytes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(bytes: u64, line_bytes: u64) -> InputLimits {
        InputLimits { bytes, line_bytes }
    }

    #[test]
    fn an_endless_line_is_named_and_not_read_to_its_end() {
        let input = io::Cursor::new(b"first\nsecond\n".to_vec()).chain(io::repeat(b'x'));
        let result = unpack(input, &limits(1 << 30, 1 << 20));
        assert!(matches!(result, Err(UnpackError::LineTooLong { line: 3, .. })), "{result:?}");
    }

    #[test]
    fn an_endless_input_of_short_lines_is_cut_at_the_limit() {
        let result = unpack(io::repeat(b'\n'), &limits(1 << 20, 1 << 10));
        assert!(matches!(result, Err(UnpackError::TooLarge { limit: 1_048_576 })), "{result:?}");
    }

    #[test]
    fn packed_input_is_held_to_the_limit_of_what_it_unpacks_to() {
        let bomb = zstd::bulk::compress(&vec![b'\n'; 8 << 20], 3).unwrap();
        assert!(bomb.len() < 10_000);
        let result = unpack(&bomb[..], &limits(1 << 20, 1 << 20));
        assert!(matches!(result, Err(UnpackError::TooLarge { .. })), "{result:?}");
        assert_eq!(unpack(&bomb[..], &InputLimits::default()).unwrap().len(), 8 << 20);
    }

    #[test]
    fn packed_input_that_is_cut_off_is_an_error() {
        let whole = zstd::bulk::compress(b"line\nline\n", 3).unwrap();
        assert_eq!(unpack(&whole[..], &InputLimits::default()).unwrap(), b"line\nline\n");
        let result = unpack(&whole[..whole.len() - 3], &InputLimits::default());
        assert!(matches!(result, Err(UnpackError::Io(_))), "{result:?}");
    }
}
