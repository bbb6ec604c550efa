//! A digest of every page of the main database file, so that a flipped bit is found also where SQLite keeps nothing
//! (free space inside a page) or something that could be rebuilt (an index).
//!
//! The main file changes only while the write-ahead log is copied into it, and this store alone decides when. The
//! order there is: copy and sync (SQLite), write the digests of the copied pages and sync, empty the log. A page is
//! therefore right when it has its digest, or when a log that was not emptied yet has a committed version of it: a
//! process killed, or power cut, at any moment leaves one of the two.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::damage::MAX_DAMAGE;
use super::wal::{self, PAGE_BYTES, WalScan};
use super::{Damage, DamageKind};

const MAGIC: &[u8; 32] = b"bongsu.pages/1 sha256 page=4096\n";
const DIGEST_BYTES: usize = 32;

fn digest(page: &[u8]) -> [u8; DIGEST_BYTES] {
    Sha256::digest(page).into()
}

/// Writes the digests of all pages of a database that nobody has open.
#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(crate) fn write_all(database: &Path, sums: &Path) -> std::io::Result<()> {
    let bytes = fs::read(database)?;
    let mut out = MAGIC.to_vec();
    for page in bytes.chunks(PAGE_BYTES) {
        out.extend_from_slice(&digest(page));
    }
    fs::write(sums, &out)
}

/// Writes the digests of the pages that the log `wal_bytes` has copied into the main file, and syncs.
#[expect(clippy::disallowed_types, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(crate) fn update(sums: &Path, wal_bytes: &[u8]) -> std::io::Result<()> {
    let scan = wal::scan(wal_bytes);
    // In order of the page, so that the file grows without holes.
    let newest: BTreeMap<u32, &[u8]> =
        scan.pages.iter().filter_map(|(n, versions)| Some((*n, *versions.last()?))).collect();
    if newest.is_empty() {
        return Ok(());
    }
    let mut file = fs::OpenOptions::new().write(true).open(sums)?;
    for (number, page) in newest {
        let at = MAGIC.len() as u64 + u64::from(number.saturating_sub(1)) * DIGEST_BYTES as u64;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&digest(page))?;
    }
    file.sync_all()
}

/// How many pages at each end of the main file are looked at when it is opened. The tables of heads lie at its start,
/// the newest rows at its end.
const PAGES_AT_ENDS: u64 = 64;

/// All pages that are not as their digest says and of which the log has no version.
pub(crate) fn check(root: &Path, wal: &WalScan<'_>) -> std::io::Result<Vec<Damage>> {
    let mut file = Pages::open(root)?;
    let mut damage = file.check_sizes(wal);
    file.check_range(0, file.pages, wal, &mut damage)?;
    Ok(damage)
}

/// The same for the pages at both ends.
pub(crate) fn check_ends(root: &Path, wal: &WalScan<'_>) -> std::io::Result<Vec<Damage>> {
    let mut file = Pages::open(root)?;
    let mut damage = file.check_sizes(wal);
    let pages = file.pages;
    file.check_range(0, PAGES_AT_ENDS.min(pages), wal, &mut damage)?;
    file.check_range(pages.saturating_sub(PAGES_AT_ENDS), pages, wal, &mut damage)?;
    Ok(damage)
}

/// The same for the pages with these numbers, from 0, in rising order; one beyond the main file stands in the log.
pub(crate) fn check_some(root: &Path, numbers: &[u64], wal: &WalScan<'_>) -> std::io::Result<Vec<Damage>> {
    let mut file = Pages::open(root)?;
    let mut damage = Vec::new();
    let mut at = 0;
    while let Some(start) = numbers.get(at) {
        // Neighbours are read in one go.
        let count = numbers[at..].iter().zip(*start..).take_while(|(number, next)| *number == next).count();
        let end = (start + count as u64).min(file.pages);
        file.check_range((*start).min(end), end, wal, &mut damage)?;
        at += count;
    }
    Ok(damage)
}

/// Damage among `count` pages from `start` on, while the log holds nothing that was not copied or is not read here
/// before; and how many pages there are.
pub(crate) fn check_range(root: &Path, start: u64, count: u64) -> std::io::Result<(Vec<Damage>, u64)> {
    let mut file = Pages::open(root)?;
    let mut damage = Vec::new();
    let end = start.saturating_add(count).min(file.pages);
    file.check_range(start.min(end), end, &WalScan::default(), &mut damage)?;
    Ok((damage, file.pages))
}

/// The main file and its digests. A file that is missing is an empty one.
#[expect(clippy::disallowed_types, reason = "the record's stores touch disk (DESIGN.md section 2)")]
struct Pages {
    database: Option<fs::File>,
    sums: Option<fs::File>,
    database_bytes: u64,
    sums_bytes: u64,
    /// Pages of the main file; the last one may be cut.
    pages: u64,
    /// Digests.
    known: u64,
    head_is_right: bool,
}

impl Pages {
    fn open(root: &Path) -> std::io::Result<Self> {
        let (database, database_bytes) = open_if_there(&root.join("record.db"))?;
        let (mut sums, sums_bytes) = open_if_there(&root.join("record.pages"))?;
        let mut head = [0; MAGIC.len()];
        let head_is_right = match &mut sums {
            Some(file) if sums_bytes >= MAGIC.len() as u64 => {
                file.read_exact(&mut head)?;
                head == *MAGIC
            }
            _ => false,
        };
        Ok(Self {
            database,
            sums,
            database_bytes,
            sums_bytes,
            pages: database_bytes.div_ceil(PAGE_BYTES as u64),
            known: sums_bytes.saturating_sub(MAGIC.len() as u64) / DIGEST_BYTES as u64,
            head_is_right,
        })
    }

    fn check_range(
        &mut self,
        start: u64,
        end: u64,
        wal: &WalScan<'_>,
        damage: &mut Vec<Damage>,
    ) -> std::io::Result<()> {
        let mut index = start;
        while index < end && damage.len() < MAX_DAMAGE {
            let count = (end - index).min(256);
            let pages =
                read_at(self.database.as_mut(), index * PAGE_BYTES as u64, count * PAGE_BYTES as u64)?;
            let sums_at = MAGIC.len() as u64 + index * DIGEST_BYTES as u64;
            let sums = read_at(self.sums.as_mut(), sums_at, count * DIGEST_BYTES as u64)?;
            for (offset, page) in pages.chunks(PAGE_BYTES).enumerate() {
                let number = index + offset as u64;
                let expected = sums.get(offset * DIGEST_BYTES..(offset + 1) * DIGEST_BYTES);
                if expected == Some(&digest(page)[..]) || in_log(wal, number) {
                    continue;
                }
                let start = number * PAGE_BYTES as u64;
                let why =
                    if expected.is_some() { "bytes differ from their digest" } else { "page has no digest" };
                damage.push(at_bytes("record.db", DamageKind::Page, start, start + page.len() as u64, why));
            }
            index += count;
        }
        Ok(())
    }

    fn check_sizes(&self, wal: &WalScan<'_>) -> Vec<Damage> {
        let mut damage = Vec::new();
        if !self.head_is_right {
            damage.push(Damage::file(DamageKind::Pages, "record.pages", 0, MAGIC.len(), "its head is wrong"));
        }
        // Digests beyond the file are right only for pages that still stand in the log.
        let missing = (self.pages..self.known)
            .find(|i| !u32::try_from(i + 1).is_ok_and(|number| wal.pages.contains_key(&number)));
        if let Some(index) = missing {
            let (start, end) = (index * PAGE_BYTES as u64, self.known * PAGE_BYTES as u64);
            damage.push(at_bytes("record.db", DamageKind::Page, start, end, "the file is cut off here"));
        }
        let whole = MAGIC.len() as u64 + self.known * DIGEST_BYTES as u64;
        if self.sums_bytes > whole && wal.pages.is_empty() {
            let why = "its end is cut off";
            damage.push(at_bytes("record.pages", DamageKind::Pages, whole, self.sums_bytes, why));
        }
        if !self.database_bytes.is_multiple_of(PAGE_BYTES as u64) && wal.pages.is_empty() {
            let start = self.database_bytes / PAGE_BYTES as u64 * PAGE_BYTES as u64;
            let why = "the last page is cut off";
            damage.push(at_bytes("record.db", DamageKind::Page, start, self.database_bytes, why));
        }
        damage
    }
}

/// Whether the log has a committed version of the page: that is what everybody reads, and what the main file gets. A
/// power cut while it is copied leaves any mixture of sectors there.
fn in_log(wal: &WalScan<'_>, index: u64) -> bool {
    u32::try_from(index + 1).is_ok_and(|number| wal.pages.contains_key(&number))
}

fn at_bytes(file: &str, kind: DamageKind, start: u64, end: u64, why: &str) -> Damage {
    Damage { byte_start: Some(start), byte_end: Some(end), ..Damage::file(kind, file, 0, 0, why) }
}

#[expect(clippy::disallowed_types, reason = "the record's stores touch disk (DESIGN.md section 2)")]
fn open_if_there(path: &Path) -> std::io::Result<(Option<fs::File>, u64)> {
    match fs::File::open(path) {
        Ok(file) => {
            let bytes = file.metadata()?.len();
            Ok((Some(file), bytes))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok((None, 0)),
        Err(e) => Err(e),
    }
}

/// Up to `count` bytes; fewer where the file ends.
#[expect(clippy::disallowed_types, reason = "the record's stores touch disk (DESIGN.md section 2)")]
fn read_at(file: Option<&mut fs::File>, start: u64, count: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(file) = file {
        file.seek(SeekFrom::Start(start))?;
        file.take(count).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
