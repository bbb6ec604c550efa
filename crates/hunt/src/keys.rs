//! The keys of a segment: for each key the blocks of lines in which it stands.
//!
//! ```text
//! head       64 bytes: magic, number of blocks, bits of a bucket's number, keys, place of each part, CRC-32 of the head
//! blocks     36 bytes each: lines, undated lines, earliest and latest time, bytes and CRC-32 of the row group; CRC-32 of all
//! directory  4 bytes each: where a bucket begins; one more for the end
//! buckets    keys whose hash begins with the bucket's number: difference to the last one, then the blocks; CRC-32
//! ```
//!
//! Numbers are little-endian; those of buckets are LEB128. Of the hash of a key 40 bits are kept: one of n keys that are
//! not there is taken for one that is with a probability of n / 2^40, and then a block is opened in vain.
//! One key costs three reads whatever the size of the segment.

use std::io::Write;
use std::path::{Path, PathBuf};

use base::Timestamp;

use crate::HuntError;
use crate::disk::Pages;

const MAGIC: &[u8; 8] = b"BSHUNT\x001";
const HEAD: usize = 64;
const BLOCK: usize = 36;
/// Bits of a hash that are kept.
const HASH_BITS: u32 = 40;
/// Bits of a block's number beside them.
const BLOCK_BITS: u32 = 24;
/// Keys in a bucket, on average.
const BUCKET_KEYS: u64 = 64;
/// Keys from which on the whole file is read at once.
const MANY: usize = 4096;

/// A key in a block, as one number that sorts by key.
pub(crate) const fn entry(key: u64, block: u32) -> u64 {
    (key >> BLOCK_BITS) << BLOCK_BITS | block as u64
}

/// What is known about a block beside its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockFacts {
    pub(crate) lines: u32,
    pub(crate) undated: u32,
    /// Earliest and latest time.
    pub(crate) times: Option<(Timestamp, Timestamp)>,
    /// First byte of its row group.
    pub(crate) start: u64,
    pub(crate) crc: u32,
}

/// Writes the file. `entries` are sorted and different; `footer` is the last range of the file of lines.
pub(crate) fn write(
    out: &mut dyn Write,
    blocks: &[BlockFacts],
    footer: (u64, u32),
    entries: &[u64],
) -> std::io::Result<()> {
    let key_of = |entry: &u64| entry >> BLOCK_BITS;
    let keys = entries.chunk_by(|a, b| key_of(a) == key_of(b)).count() as u64;
    let bits = (keys / BUCKET_KEYS).max(1).ilog2().min(28);
    let table = block_table(blocks, footer);
    let mut directory: Vec<u8> = Vec::with_capacity(4 << bits);
    let mut buckets = Vec::new();
    let mut rest = entries;
    for bucket in 0..1_u64 << bits {
        let end = rest.partition_point(|entry| key_of(entry) >> (HASH_BITS - bits) <= bucket);
        let (own, later) = rest.split_at(end);
        rest = later;
        directory.extend_from_slice(&(buckets.len() as u32).to_le_bytes());
        write_bucket(&mut buckets, bucket, own, bits, blocks.len());
    }
    directory.extend_from_slice(&(buckets.len() as u32).to_le_bytes());
    let mut head = Vec::with_capacity(HEAD);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&(blocks.len() as u32).to_le_bytes());
    head.extend_from_slice(&bits.to_le_bytes());
    head.extend_from_slice(&keys.to_le_bytes());
    head.extend_from_slice(&(table.len() as u64).to_le_bytes());
    head.extend_from_slice(&(directory.len() as u64).to_le_bytes());
    head.extend_from_slice(&(buckets.len() as u64).to_le_bytes());
    head.resize(HEAD - 4, 0);
    head.extend_from_slice(&crc32fast::hash(&head).to_le_bytes());
    for part in [head, table, directory, buckets] {
        out.write_all(&part)?;
    }
    Ok(())
}

fn block_table(blocks: &[BlockFacts], footer: (u64, u32)) -> Vec<u8> {
    let mut table = Vec::with_capacity((blocks.len() + 1) * BLOCK + 4);
    let last = BlockFacts { lines: 0, undated: 0, times: None, start: footer.0, crc: footer.1 };
    for block in blocks.iter().chain([&last]) {
        // Without a time: latest before earliest.
        let (from, to) =
            block.times.map_or((i64::MAX, i64::MIN), |(from, to)| (from.unix_nanos(), to.unix_nanos()));
        table.extend_from_slice(&block.lines.to_le_bytes());
        table.extend_from_slice(&block.undated.to_le_bytes());
        table.extend_from_slice(&from.to_le_bytes());
        table.extend_from_slice(&to.to_le_bytes());
        table.extend_from_slice(&block.start.to_le_bytes());
        table.extend_from_slice(&block.crc.to_le_bytes());
    }
    table.extend_from_slice(&crc32fast::hash(&table).to_le_bytes());
    table
}

fn write_bucket(out: &mut Vec<u8>, bucket: u64, entries: &[u64], bits: u32, blocks: usize) {
    let start = out.len();
    let mut last = 0;
    for of_key in entries.chunk_by(|a, b| a >> BLOCK_BITS == b >> BLOCK_BITS) {
        let suffix = (of_key[0] >> BLOCK_BITS) & ((1 << (HASH_BITS - bits)) - 1);
        varint(out, suffix - last);
        last = suffix;
        let numbers = of_key.iter().map(|entry| entry & ((1 << BLOCK_BITS) - 1));
        let width = blocks.div_ceil(8);
        if of_key.len() > width {
            varint(out, 1);
            let at = out.len();
            out.resize(at + width, 0);
            numbers.for_each(|block| out[at + block as usize / 8] |= 1 << (block % 8));
        } else {
            varint(out, (of_key.len() as u64) << 1);
            let mut before = 0;
            for block in numbers {
                varint(out, block - before);
                before = block;
            }
        }
    }
    let crc = bucket_crc(bucket, &out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// The number counts in, so that no bucket passes for another.
fn bucket_crc(bucket: u64, bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&bucket.to_le_bytes());
    crc.update(bytes);
    crc.finalize()
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
        if shift > 63 {
            return None;
        }
    }
}

/// The file of keys of a segment, open.
pub(crate) struct KeyTable {
    path: PathBuf,
    pages: Pages,
    blocks: usize,
    bits: u32,
    /// First byte of directory and buckets, and the end.
    directory: u64,
    buckets: u64,
    end: u64,
    /// All of it, when many keys are asked for.
    whole: Option<Vec<u8>>,
}

impl KeyTable {
    /// # Errors
    /// When the file is not there, or its length or head is not what was written.
    pub(crate) fn open(path: &Path, length: u64) -> Result<Self, HuntError> {
        let mut pages = Pages::open(path).map_err(|error| HuntError::damaged(path, error.to_string()))?;
        if pages.len() != length {
            let reason = format!("it has {} bytes in place of {length}", pages.len());
            return Err(HuntError::damaged(path, reason));
        }
        let bad = || HuntError::damaged(path, "its head is wrong");
        let head = pages.read(0, HEAD as u64).map_err(|_| bad())?;
        let crc = u32::from_le_bytes(array(&head, HEAD - 4));
        if !head.starts_with(MAGIC) || crc32fast::hash(&head[..HEAD - 4]) != crc {
            return Err(bad());
        }
        let long = |at: usize| u64::from_le_bytes(array(&head, at));
        let blocks = u32::from_le_bytes(array(&head, 8)) as usize;
        let bits = u32::from_le_bytes(array(&head, 12));
        let directory = HEAD as u64 + long(24);
        let buckets = directory + long(32);
        let end = buckets + long(40);
        let path = path.to_owned();
        Ok(Self { path, pages, blocks, bits, directory, buckets, end, whole: None })
    }

    fn read(&mut self, start: u64, end: u64) -> Result<Vec<u8>, HuntError> {
        if let Some(whole) = &self.whole
            && let Some(bytes) = whole.get(start as usize..end as usize)
        {
            return Ok(bytes.to_vec());
        }
        self.pages.read(start, end).map_err(|error| HuntError::damaged(&self.path, error.to_string()))
    }

    /// What is known about the blocks, and the first byte and CRC-32 of the footer behind them.
    pub(crate) fn blocks(&mut self) -> Result<(Vec<BlockFacts>, (u64, u32)), HuntError> {
        let table = self.read(HEAD as u64, self.directory)?;
        let bad = || HuntError::damaged(&self.path, "its table of blocks is wrong");
        let (rows, crc) = table.split_last_chunk::<4>().ok_or_else(bad)?;
        if crc32fast::hash(rows) != u32::from_le_bytes(*crc) || rows.len() != (self.blocks + 1) * BLOCK {
            return Err(bad());
        }
        let fact = |row: &[u8]| {
            let (from, to) = (i64::from_le_bytes(array(row, 8)), i64::from_le_bytes(array(row, 16)));
            let times = (Timestamp::from_unix_nanos(from), Timestamp::from_unix_nanos(to));
            BlockFacts {
                lines: u32::from_le_bytes(array(row, 0)),
                undated: u32::from_le_bytes(array(row, 4)),
                times: (from <= to).then_some(times),
                start: u64::from_le_bytes(array(row, 24)),
                crc: u32::from_le_bytes(array(row, 32)),
            }
        };
        let mut facts: Vec<BlockFacts> = rows.chunks_exact(BLOCK).map(fact).collect();
        let footer = facts.pop().ok_or_else(bad)?;
        Ok((facts, (footer.start, footer.crc)))
    }

    /// Prepares for so many keys.
    pub(crate) fn expect(&mut self, keys: usize) -> Result<(), HuntError> {
        if keys >= MANY {
            self.whole = Some(self.read(0, self.end)?);
        }
        Ok(())
    }

    /// Gives the blocks of `key` to `each`.
    pub(crate) fn blocks_of(&mut self, key: u64, mut each: impl FnMut(u32)) -> Result<(), HuntError> {
        let key = key >> BLOCK_BITS;
        let bucket = key >> (HASH_BITS - self.bits);
        let suffix = key & ((1 << (HASH_BITS - self.bits)) - 1);
        let at = self.directory + 4 * bucket;
        let ends = self.read(at, at + 8)?;
        let place = |at: usize| self.buckets + u64::from(u32::from_le_bytes(array(&ends, at)));
        let (start, end) = (place(0), place(4));
        let bad = || HuntError::damaged(&self.path, format!("bucket {bucket} of its keys is wrong"));
        if start >= end || end > self.end {
            return Err(bad());
        }
        let bytes = self.read(start, end)?;
        let bad = || HuntError::damaged(&self.path, format!("bucket {bucket} of its keys is wrong"));
        let (mut rest, crc) = bytes.split_last_chunk::<4>().ok_or_else(bad)?;
        if bucket_crc(bucket, rest) != u32::from_le_bytes(*crc) {
            return Err(bad());
        }
        let mut last = 0;
        while !rest.is_empty() {
            last += take_varint(&mut rest).ok_or_else(bad)?;
            if last > suffix {
                break;
            }
            take_blocks(&mut rest, self.blocks, |block| {
                if last == suffix {
                    each(block);
                }
            })
            .ok_or_else(bad)?;
        }
        Ok(())
    }
}

fn take_blocks(bytes: &mut &[u8], blocks: usize, mut each: impl FnMut(u32)) -> Option<()> {
    let count = take_varint(bytes)?;
    if count == 1 {
        let (bitmap, rest) = bytes.split_at_checked(blocks.div_ceil(8))?;
        *bytes = rest;
        let set = |block: &u32| bitmap[*block as usize / 8] >> (block % 8) & 1 == 1;
        (0..blocks as u32).filter(set).for_each(each);
        return Some(());
    }
    let mut block = 0;
    for _ in 0..count >> 1 {
        block += take_varint(bytes)?;
        each(u32::try_from(block).ok()?);
    }
    Some(())
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes.get(at + i).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_has_its_blocks_and_another_has_none(
            pairs in proptest::collection::btree_set((any::<u64>(), 0_u32..40), 0..3000),
            others in proptest::collection::vec(any::<u64>(), 50),
            keep in 0_u32..40,
        ) {
            // Some keys stand in most blocks, as names of resolvers do.
            let pairs: BTreeSet<(u64, u32)> =
                pairs.into_iter().map(|(key, block)| (if block < keep { key } else { (key % 7) << 60 }, block)).collect();
            let mut entries: Vec<u64> = pairs.iter().map(|(key, block)| entry(*key, *block)).collect();
            entries.sort_unstable();
            entries.dedup();
            let block = |n: u32| BlockFacts {
                lines: n, undated: 1, times: None, start: u64::from(n) * 7, crc: n,
            };
            let facts: Vec<BlockFacts> = (0..40).map(block).collect();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("k");
            let mut bytes = Vec::new();
            write(&mut bytes, &facts, (280, 9), &entries).unwrap();
            crate::disk::write_whole(&path, &bytes).unwrap();
            let mut table = KeyTable::open(&path, bytes.len() as u64).unwrap();
            prop_assert_eq!(table.blocks().unwrap(), (facts, (280, 9)));
            let mut wanted: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
            for (key, block) in &pairs {
                wanted.entry(*key >> BLOCK_BITS).or_default().push(*block);
            }
            for key in pairs.iter().map(|(key, _)| *key).chain(others) {
                let mut got = Vec::new();
                table.blocks_of(key, |block| got.push(block)).unwrap();
                let mut want = wanted.get(&(key >> BLOCK_BITS)).cloned().unwrap_or_default();
                want.sort_unstable();
                want.dedup();
                prop_assert_eq!(got, want);
            }
        }
    }
}
