//! A digest of every page of the main database file, so that a flipped bit is found also where SQLite keeps nothing
//! (free space inside a page) or something that could be rebuilt (an index).
//!
//! The main file changes only while the write-ahead log is copied into it, and this store alone decides when. The
//! order there is: copy and sync (SQLite), write the digests of the copied pages and sync, empty the log. A page is
//! therefore right when it has its digest, or when it equals a version in a log that was not emptied yet: a process
//! killed at any moment leaves one of the two.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

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

/// All pages that are neither as their digest says nor as a version in the log.
pub(crate) fn check(database: &[u8], sums: &[u8], wal: &WalScan<'_>) -> Vec<Damage> {
    let mut damage = Vec::new();
    if sums.get(..MAGIC.len()) != Some(&MAGIC[..]) {
        damage.push(Damage::file(DamageKind::Pages, "record.pages", 0, MAGIC.len(), "its head is wrong"));
    }
    let digests = sums.get(MAGIC.len()..).unwrap_or_default();
    let pages = database.len().div_ceil(PAGE_BYTES);
    let known = digests.len() / DIGEST_BYTES;
    for (index, page) in database.chunks(PAGE_BYTES).enumerate() {
        let expected = digests.get(index * DIGEST_BYTES..(index + 1) * DIGEST_BYTES);
        if expected == Some(&digest(page)[..]) {
            continue;
        }
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let in_log = wal.pages.get(&number).is_some_and(|versions| versions.contains(&page));
        if !in_log {
            let start = index * PAGE_BYTES;
            let why =
                if expected.is_some() { "bytes differ from their digest" } else { "page has no digest" };
            damage.push(Damage::file(DamageKind::Page, "record.db", start, start + page.len(), why));
        }
    }
    // Digests beyond the file are right only for pages that still stand in the log.
    let missing =
        (pages..known).find(|i| !u32::try_from(i + 1).is_ok_and(|number| wal.pages.contains_key(&number)));
    if let Some(index) = missing {
        let start = index * PAGE_BYTES;
        let end = known * PAGE_BYTES;
        damage.push(Damage::file(DamageKind::Page, "record.db", start, end, "the file is cut off here"));
    }
    if digests.len() % DIGEST_BYTES != 0 && wal.pages.is_empty() {
        damage.push(Damage::file(
            DamageKind::Pages,
            "record.pages",
            MAGIC.len() + known * DIGEST_BYTES,
            sums.len(),
            "its end is cut off",
        ));
    }
    damage
}
