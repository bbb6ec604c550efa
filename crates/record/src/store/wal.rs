//! Reading SQLite's write-ahead log (<https://www.sqlite.org/fileformat2.html#walformat>, section 4).
//!
//! SQLite itself ends a log in silence at the first frame whose checksum fails: that is right after a power cut, and
//! wrong when a bit flipped in a committed frame. So the log is read here once more, and the two cases are told apart.

use std::collections::HashMap;

pub(crate) const PAGE_BYTES: usize = 4096;
const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const FRAME_BYTES: usize = FRAME_HEADER_BYTES + PAGE_BYTES;

/// What a write-ahead log holds.
#[derive(Debug, Default)]
pub(crate) struct WalScan<'a> {
    /// For each page number the versions in committed frames, oldest first.
    pub(crate) pages: HashMap<u32, Vec<&'a [u8]>>,
    /// First byte that is neither a valid frame nor the torn start of one; `None` when all is well.
    pub(crate) broken_at: Option<usize>,
    /// Bytes at the end that never became part of a commit (a process was killed while writing); harmless.
    pub(crate) tail_bytes: usize,
}

/// Reads a whole log.
pub(crate) fn scan(bytes: &[u8]) -> WalScan<'_> {
    let mut scan = WalScan::default();
    if bytes.len() < HEADER_BYTES {
        scan.tail_bytes = bytes.len();
        return scan;
    }
    let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let big_endian = word(0) & 1 == 1;
    let mut sum = checksum((0, 0), &bytes[..24], big_endian);
    if word(0) & !1 != 0x377f_0682
        || word(4) != 3_007_000
        || word(8) != PAGE_BYTES as u32
        || (word(24), word(28)) != sum
    {
        scan.broken_at = Some(0);
        return scan;
    }
    let (salt_1, salt_2) = (word(16), word(20));
    let mut pending: Vec<(u32, &[u8])> = Vec::new();
    let mut at = HEADER_BYTES;
    let mut committed_to = HEADER_BYTES;
    while at + FRAME_BYTES <= bytes.len() {
        let page = &bytes[at + FRAME_HEADER_BYTES..at + FRAME_BYTES];
        sum = checksum(sum, &bytes[at..at + 8], big_endian);
        sum = checksum(sum, page, big_endian);
        if (word(at + 8), word(at + 12)) != (salt_1, salt_2) || (word(at + 16), word(at + 20)) != sum {
            scan.broken_at = Some(at);
            break;
        }
        pending.push((word(at), page));
        let commit = word(at + 4) != 0;
        at += FRAME_BYTES;
        if commit {
            for (number, page) in pending.drain(..) {
                scan.pages.entry(number).or_default().push(page);
            }
            committed_to = at;
        }
    }
    scan.tail_bytes = bytes.len() - committed_to;
    scan
}

fn checksum((mut s0, mut s1): (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let word = |b: &[u8]| {
        let b = [b[0], b[1], b[2], b[3]];
        if big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
    };
    for pair in bytes.chunks_exact(8) {
        s0 = s0.wrapping_add(word(&pair[..4])).wrapping_add(s1);
        s1 = s1.wrapping_add(word(&pair[4..])).wrapping_add(s0);
    }
    (s0, s1)
}
