//! One sorted run: the places of the entries `first` to `first + count`, by the first eight bytes of their id.
//!
//! | bytes | what |
//! |---|---|
//! | 64 | head: `bongsu.ids/1` and a line feed, zeros to 16; first place, count (big-endian), zeros |
//! | 4096 each | blocks: up to 255 pairs (first eight bytes of the id, place; big-endian), zeros, 16 bytes of SHA-256 over head, block number and the 4080 bytes |
//! | 8 each | fences: the first eight bytes that each block begins with |
//! | 8 each | filter: a Bloom filter over the first eight bytes, ten bits an entry |
//! | 32 | SHA-256 over head, fences and filter |

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the record's stores touch disk (DESIGN.md section 2)"
)]

use std::fs;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use base::EntryId;
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 13] = b"bongsu.ids/1\n";
const HEAD_BYTES: usize = 64;
const BLOCK_BYTES: usize = 4096;
const SUM_BYTES: usize = 16;
const PAIR_BYTES: usize = 16;
const PAIRS_IN_BLOCK: usize = (BLOCK_BYTES - SUM_BYTES) / PAIR_BYTES;
const DIGEST_BYTES: usize = 32;
/// Ten bits and seven probes: one look in a hundred is in vain.
const FILTER_BITS_PER_ENTRY: u64 = 10;
const FILTER_PROBES: u64 = 7;

/// The first eight bytes of an id, and where its entry stands. Ids are hashes, so eight bytes tell nearly all apart;
/// the entry itself decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    pub(crate) prefix: u64,
    pub(crate) seq: u64,
}

/// The first eight bytes of an id.
pub(crate) fn prefix_of(id: &EntryId) -> u64 {
    id.as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Why a run cannot be used. It follows from the entries and can be written anew.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("bytes {start} to {end} are not as they were written")]
    Damaged { start: u64, end: u64 },
}

/// A run that is there as a whole.
#[derive(Debug)]
pub(crate) struct Run {
    path: PathBuf,
    file: fs::File,
    head: [u8; HEAD_BYTES],
    first: u64,
    count: u64,
    fences: Vec<u64>,
    filter: Filter,
}

impl Run {
    /// Opens a run: head, fences and filter are checked now, each block when it is read.
    pub(crate) fn open(path: &Path) -> Result<Self, RunError> {
        let mut file = fs::File::open(path)?;
        let bytes = file.metadata()?.len();
        let all = RunError::Damaged { start: 0, end: bytes };
        let mut head = [0; HEAD_BYTES];
        if bytes < HEAD_BYTES as u64 {
            return Err(all);
        }
        file.read_exact(&mut head)?;
        let (first, count) = (word(&head, 16), word(&head, 24));
        let blocks = count.div_ceil(PAIRS_IN_BLOCK as u64);
        let filter_words = Filter::words(count);
        // The count is not vouched for yet: what it asks for must be in the file before memory is taken for it.
        let tail_bytes = blocks.saturating_add(filter_words).saturating_mul(8).saturating_add(32);
        let tail_at = blocks.saturating_mul(BLOCK_BYTES as u64).saturating_add(HEAD_BYTES as u64);
        if head != head_of(first, count) || count == 0 || tail_at.saturating_add(tail_bytes) != bytes {
            return Err(all);
        }
        let mut tail = vec![0; usize::try_from(tail_bytes).unwrap_or(0)];
        file.seek(SeekFrom::Start(tail_at))?;
        file.read_exact(&mut tail)?;
        let (words, digest) = tail.split_at(tail.len() - DIGEST_BYTES);
        if Sha256::new().chain_update(head).chain_update(words).finalize()[..] != *digest {
            return Err(RunError::Damaged { start: tail_at, end: bytes });
        }
        let mut words = words.as_chunks::<8>().0.iter().map(|bytes| u64::from_be_bytes(*bytes));
        let fences = words.by_ref().take(usize::try_from(blocks).unwrap_or(0)).collect();
        let filter = Filter(words.collect());
        Ok(Self { path: path.to_owned(), file, head, first, count, fences, filter })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn first(&self) -> u64 {
        self.first
    }

    /// The first place after.
    pub(crate) const fn end(&self) -> u64 {
        self.first + self.count
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) const fn blocks(&self) -> usize {
        self.fences.len()
    }

    /// The places of all ids that begin with `prefix`.
    pub(crate) fn find(&self, prefix: u64, found: &mut Vec<u64>) -> Result<(), RunError> {
        if !self.filter.may_hold(prefix) {
            return Ok(());
        }
        let start = self.fences.partition_point(|fence| *fence < prefix).saturating_sub(1);
        for (offset, fence) in self.fences[start..].iter().enumerate() {
            if *fence > prefix {
                break;
            }
            let pairs = self.block(start + offset)?;
            found.extend(pairs.iter().filter(|pair| pair.prefix == prefix).map(|pair| pair.seq));
        }
        Ok(())
    }

    /// The pairs of one block, checked.
    pub(crate) fn block(&self, index: usize) -> Result<Vec<Pair>, RunError> {
        let mut block = [0; BLOCK_BYTES];
        let start = (HEAD_BYTES + index * BLOCK_BYTES) as u64;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block)?;
        let (pairs, sum) = block.split_at(BLOCK_BYTES - SUM_BYTES);
        if sum_of(&self.head, index as u64, pairs) != *sum {
            return Err(RunError::Damaged { start, end: start + BLOCK_BYTES as u64 });
        }
        let here = usize::try_from(self.count).unwrap_or(usize::MAX) - index * PAIRS_IN_BLOCK;
        let pair = |bytes: &[u8; PAIR_BYTES]| Pair { prefix: word(bytes, 0), seq: word(bytes, 8) };
        Ok(pairs.as_chunks().0.iter().take(here).map(pair).collect())
    }

    /// Every byte is as it was written, and the pairs are those that the entries give, whose sum is `expected`.
    pub(crate) fn check(&self, expected: Option<PairSum>) -> Result<(), RunError> {
        let mut before = None;
        let mut sum = PairSum::default();
        let mut filter = Filter::of(self.count);
        for index in 0..self.blocks() {
            let start = (HEAD_BYTES + index * BLOCK_BYTES) as u64;
            let damaged = || RunError::Damaged { start, end: start + BLOCK_BYTES as u64 };
            let pairs = self.block(index)?;
            let fence = pairs.first().map(|pair| pair.prefix);
            if self.fences.get(index).copied() != fence {
                return Err(damaged());
            }
            for pair in pairs {
                let here = (self.first..self.end()).contains(&pair.seq);
                if !here || before.is_some_and(|b| b >= pair) {
                    return Err(damaged());
                }
                before = Some(pair);
                sum.add(pair.prefix, pair.seq);
                filter.insert(pair.prefix);
            }
        }
        if filter == self.filter && Some(sum) == expected {
            Ok(())
        } else {
            Err(RunError::Damaged { start: 0, end: HEAD_BYTES as u64 })
        }
    }
}

/// A sum over pairs in any order. Two runs with as many pairs, all different, and the same sum have the same pairs: each
/// pair counts with 128 bits of its SHA-256.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PairSum(u128);

impl PairSum {
    pub(crate) fn add(&mut self, prefix: u64, seq: u64) {
        let hash =
            Sha256::new().chain_update(prefix.to_be_bytes()).chain_update(seq.to_be_bytes()).finalize();
        let half = hash.first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes));
        self.0 = self.0.wrapping_add(half);
    }
}

/// Writes a run pair by pair, in order.
#[derive(Debug)]
pub(crate) struct RunWriter {
    out: BufWriter<fs::File>,
    temporary: PathBuf,
    path: PathBuf,
    head: [u8; HEAD_BYTES],
    first: u64,
    count: u64,
    block: Vec<u8>,
    fences: Vec<u64>,
    filter: Filter,
}

impl RunWriter {
    pub(crate) fn create(folder: &Path, first: u64, count: u64) -> io::Result<Self> {
        let path = folder.join(format!("{first}-{count}"));
        let temporary = path.with_added_extension("tmp");
        let mut out = BufWriter::with_capacity(1 << 16, fs::File::create(&temporary)?);
        let head = head_of(first, count);
        out.write_all(&head)?;
        let block = Vec::with_capacity(BLOCK_BYTES);
        Ok(Self {
            out,
            temporary,
            path,
            head,
            first,
            count,
            block,
            fences: Vec::new(),
            filter: Filter::of(count),
        })
    }

    pub(crate) fn push(&mut self, pair: Pair) -> io::Result<()> {
        if self.block.is_empty() {
            self.fences.push(pair.prefix);
        }
        self.block.extend_from_slice(&pair.prefix.to_be_bytes());
        self.block.extend_from_slice(&pair.seq.to_be_bytes());
        self.filter.insert(pair.prefix);
        if self.block.len() == PAIRS_IN_BLOCK * PAIR_BYTES { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> io::Result<()> {
        self.block.resize(BLOCK_BYTES - SUM_BYTES, 0);
        let sum = sum_of(&self.head, self.fences.len() as u64 - 1, &self.block);
        self.block.extend_from_slice(&sum);
        self.out.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    /// Puts the run on disk under its name.
    pub(crate) fn finish(mut self) -> io::Result<Run> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let words: Vec<u8> =
            self.fences.iter().chain(&self.filter.0).flat_map(|word| word.to_be_bytes()).collect();
        let digest = Sha256::new().chain_update(self.head).chain_update(&words).finalize();
        self.out.write_all(&words)?;
        self.out.write_all(&digest)?;
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_data()?;
        drop(file);
        fs::rename(&self.temporary, &self.path)?;
        let file = fs::File::open(&self.path)?;
        let Self { path, head, first, count, fences, filter, .. } = self;
        Ok(Run { path, file, head, first, count, fences, filter })
    }
}

/// A Bloom filter: says "not there" for certain, "there" nearly so.
#[derive(Debug, PartialEq, Eq)]
struct Filter(Vec<u64>);

impl Filter {
    const fn words(count: u64) -> u64 {
        count.saturating_mul(FILTER_BITS_PER_ENTRY) / 64 + 1
    }

    fn of(count: u64) -> Self {
        Self(vec![0; usize::try_from(Self::words(count)).unwrap_or(1)])
    }

    fn probes(&self, prefix: u64) -> impl Iterator<Item = (usize, u64)> + use<> {
        // Prefixes are uniform already, unless a peer chose them: mixed once, they need no further hash.
        let step = prefix.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) | 1;
        let bits = self.0.len() as u64 * 64;
        (0..FILTER_PROBES).map(move |n| {
            let bit = prefix.wrapping_add(step.wrapping_mul(n)) % bits;
            (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64))
        })
    }

    fn insert(&mut self, prefix: u64) {
        for (word, bit) in self.probes(prefix) {
            self.0[word] |= bit;
        }
    }

    fn may_hold(&self, prefix: u64) -> bool {
        self.probes(prefix).all(|(word, bit)| self.0[word] & bit != 0)
    }
}

fn head_of(first: u64, count: u64) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..MAGIC.len()].copy_from_slice(MAGIC);
    head[16..24].copy_from_slice(&first.to_be_bytes());
    head[24..32].copy_from_slice(&count.to_be_bytes());
    head
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk::<8>).map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn sum_of(head: &[u8; HEAD_BYTES], index: u64, pairs: &[u8]) -> [u8; SUM_BYTES] {
    let digest =
        Sha256::new().chain_update(head).chain_update(index.to_be_bytes()).chain_update(pairs).finalize();
    let mut sum = [0; SUM_BYTES];
    sum.copy_from_slice(&digest[..SUM_BYTES]);
    sum
}
