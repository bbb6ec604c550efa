use super::fingerprint::Fingerprint;
use super::origin::OriginId;
use super::{Quick, filter::Filter};

/// Fingerprints of exact indicators with their origins, sorted: 13 bytes each.
///
/// 256 parts by the first byte of the fingerprint; a record is its other ten bytes and three of the origin.
#[derive(Debug, Clone)]
pub(super) struct Table {
    parts: Vec<Vec<[u8; RECORD]>>,
    filter: Filter,
}

const RECORD: usize = Fingerprint::BYTES - 1 + OriginId::BYTES;

/// Parts that grow beyond so many records get room for as many as ten million indicators need, at once: a growing
/// vector leaves its former places behind, and untouched room costs no memory.
const SMALL: usize = 512;
const ROOM: usize = 44_000;

/// Collects records in any order.
#[derive(Debug, Clone)]
pub(super) struct TableBuilder {
    parts: Vec<Vec<[u8; RECORD]>>,
}

impl TableBuilder {
    pub(super) fn new() -> Self {
        Self { parts: vec![Vec::new(); 256] }
    }

    #[inline]
    pub(super) fn push(&mut self, fingerprint: Fingerprint, origin: OriginId) {
        let bytes = fingerprint.to_bytes();
        let part = &mut self.parts[usize::from(bytes[0])];
        if part.len() == part.capacity() && part.len() >= SMALL {
            part.reserve_exact(ROOM.max(part.len() / 4));
        }
        part.push(record(&bytes, origin));
    }

    /// The table. Duplicates fall together.
    pub(super) fn finish(mut self) -> Table {
        let mut numbers: Vec<u128> = Vec::new();
        for part in &mut self.parts {
            // Numbers are compared four times as fast as bytes.
            numbers.clear();
            numbers.extend(part.iter().map(number));
            numbers.sort_unstable();
            numbers.dedup();
            part.truncate(numbers.len());
            for (record, number) in part.iter_mut().zip(&numbers) {
                record.copy_from_slice(&number.to_be_bytes()[16 - RECORD..]);
            }
            part.shrink_to_fit();
        }
        let mut filter = Filter::for_keys(self.parts.iter().map(Vec::len).sum());
        for (first, part) in (0..=u8::MAX).zip(&self.parts) {
            for record in part {
                filter.insert(quick_of(first, record));
            }
        }
        Table { parts: self.parts, filter }
    }
}

impl Table {
    /// Whether an indicator with this quick hash may be there.
    #[inline]
    pub(super) fn may_contain(&self, quick: Quick) -> bool {
        self.filter.may_contain(quick)
    }

    /// The origins of a fingerprint.
    pub(super) fn origins(&self, fingerprint: Fingerprint) -> impl Iterator<Item = OriginId> + '_ {
        let bytes = fingerprint.to_bytes();
        let part = &self.parts[usize::from(bytes[0])];
        let wanted = &bytes[1..];
        let first = part.partition_point(|record| &record[..wanted.len()] < wanted);
        let key: [u8; Fingerprint::BYTES] = bytes;
        part[first..]
            .iter()
            .take_while(move |record| record[..key.len() - 1] == key[1..])
            .map(|record| OriginId::from_bytes(&record[Fingerprint::BYTES - 1..]))
    }

    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.len() * RECORD + self.filter.bytes()
    }

    /// The same records without those that `gone` names, open for more.
    pub(super) fn reopened(&self, gone: impl Fn(Fingerprint, OriginId) -> bool) -> TableBuilder {
        let parts = (0..=u8::MAX).zip(&self.parts).map(|(first, part)| {
            let kept = part.iter().filter(|record| {
                let origin = OriginId::from_bytes(&record[Fingerprint::BYTES - 1..]);
                !gone(Fingerprint::from_parts(first, &record[..Fingerprint::BYTES - 1]), origin)
            });
            kept.copied().collect()
        });
        TableBuilder { parts: parts.collect() }
    }
}

fn record(fingerprint: &[u8; Fingerprint::BYTES], origin: OriginId) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..Fingerprint::BYTES - 1].copy_from_slice(&fingerprint[1..]);
    record[Fingerprint::BYTES - 1..].copy_from_slice(&origin.to_bytes());
    record
}

fn number(record: &[u8; RECORD]) -> u128 {
    let mut all = [0; 16];
    all[16 - RECORD..].copy_from_slice(record);
    u128::from_be_bytes(all)
}

/// The upper 48 bits of the quick hash, which begin the fingerprint.
fn quick_of(first: u8, record: &[u8; RECORD]) -> Quick {
    Quick(u64::from_be_bytes([first, record[0], record[1], record[2], record[3], record[4], 0, 0]))
}
