//! Putting a damaged record together again from what is left of it and from other copies.
//!
//! What must stand at each place is known from the ids in the damaged record, its leaf tiles and the copies; what may
//! stand there is decided by the signed checkpoint: the whole is accepted only when its entries lead to that root. An
//! entry counts only if its bytes have its id and its signature holds. The new record is written beside the old one and
//! takes its place when it is complete; the damaged one is kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use base::{BlobHash, EntryId, NodeName, Noun as _, Recall};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::Value;

use super::damage::{Damage, DamageKind};
use super::files::{sync_all_below, sync_folder};
use super::lanes;
use super::lock::Lock;
use super::open::REPAIRED;
use super::queries;
use super::schema::{self, FORMAT};
use super::sqlite::SqliteRecord;
use super::write::Row;
use super::{Batch, Lane, LaneAck, LaneRow, Purge, RecordStore, StoreError, Stored, blobs, home_origin};
use crate::log::leaf_hash;
use crate::{Checkpoint, Entry, Frontier, NodeKey};

/// Entries in one commit of the new record.
const GROUP: usize = 1024;

/// Another copy to take missing entries from.
#[derive(Debug, Clone)]
pub enum RepairSource {
    /// The data folder of a backup: entries, received times, lanes and blobs.
    Folder(PathBuf),
    /// Entries from elsewhere, such as what a peer holds of this node's.
    Entries(Vec<Entry>),
}

/// What a repair did, or why it did nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// The new record is in place.
    pub done: bool,
    /// Entries in the new record.
    pub entries: u64,
    /// How many of them were still good in the damaged one.
    pub kept: u64,
    /// How many came from the other copies.
    pub restored: u64,
    /// Places whose entry was found nowhere (at most 1,000).
    pub missing: Vec<u64>,
    /// Blobs that came from the other copies.
    pub blobs_restored: u64,
    /// Blobs that were found nowhere undamaged.
    pub blobs_missing: Vec<BlobHash>,
    /// Where the damaged record lies now.
    pub old: Option<PathBuf>,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

/// All envelopes (DSSE, `application/vnd.bongsu.entry+json`) anywhere in a JSON document whose entry is in order: an
/// exported entry, a batch of the link, a list of them.
pub fn entries_in(document: &Value) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) if fields.contains_key("payloadType") => {
                found.extend(Entry::from_envelope(value).ok());
            }
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found
}

/// Puts the record of the data folder `data`, whose node does not run and whose key is `key`, together again.
///
/// # Errors
/// When the folder or a copy is in use, or a disk refuses. That something was found nowhere is no error but stands in
/// [`Repaired`]; then the damaged record is as it was.
#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub fn repair(data: &Path, key: &NodeKey, sources: &[RepairSource]) -> Result<Repaired, StoreError> {
    let lock = Lock::take(data)?;
    let root = data.join("record");
    if !root.is_dir() {
        return Err(StoreError::Missing { path: data.to_owned() });
    }
    let damaged = Copy::of(&root)?;
    let mut others = Vec::new();
    let mut loose: HashMap<[u8; 32], Entry> = HashMap::new();
    let mut locks = Vec::new();
    for source in sources {
        match source {
            RepairSource::Folder(folder) => {
                locks.push(Lock::take(folder)?);
                others.push(Copy::of(&folder.join("record"))?);
            }
            RepairSource::Entries(entries) => {
                loose.extend(entries.iter().map(|entry| (leaf_hash(&entry.id()), entry.clone())));
            }
        }
    }
    let mut repair = Repair { key, damaged, others, loose, report: Repaired::default() };
    let draft = data.join(REPAIRED);
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(|e| blobs::io_error(&draft, e))?;
    }
    let complete = repair.write(&draft);
    let mut report = repair.report;
    if !complete? {
        fs::remove_dir_all(&draft).map_err(|e| blobs::io_error(&draft, e))?;
        return Ok(report);
    }
    let old = (1..).map(|n| data.join(format!("record.damaged-{n}"))).find(|path| !path.exists());
    let old = old.unwrap_or_else(|| data.join("record.damaged"));
    let io = |e| blobs::io_error(data, e);
    sync_all_below(&draft).map_err(io)?;
    fs::rename(&root, &old).and_then(|()| fs::rename(&draft, &root)).map_err(io)?;
    sync_folder(data).map_err(io)?;
    drop((lock, locks));
    report.done = true;
    report.old = Some(old);
    Ok(report)
}

/// What can be read of one record's folder, damaged or not.
struct Copy {
    root: PathBuf,
    db: Option<Connection>,
    /// Entries that its database claims to hold.
    size: u64,
    checkpoint: Option<Checkpoint>,
    _copy: tempfile::TempDir,
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
impl Copy {
    fn of(root: &Path) -> Result<Self, StoreError> {
        if !root.is_dir() {
            return Err(StoreError::Missing { path: root.to_owned() });
        }
        let format = fs::read_to_string(root.join("format")).unwrap_or_default();
        if format.starts_with("bongsu.record/") && format.trim_end() != FORMAT.trim_end() && format.len() < 80
        {
            schema::check_format(root)?;
        }
        let copy = tempfile::tempdir().map_err(|e| blobs::io_error(root, e))?;
        let db = schema::open_to_read(root, copy.path()).ok();
        let last =
            db.as_ref().and_then(|db| db.query_row("SELECT max(seq) FROM entry", [], |row| row.get(0)).ok());
        let size = last.flatten().map_or(0, |seq: i64| seq.cast_unsigned().saturating_add(1));
        let note = fs::read_to_string(root.join("checkpoints/home")).ok();
        let checkpoint = note.and_then(|note| Checkpoint::parse(&note).ok());
        Ok(Self { root: root.to_owned(), db, size, checkpoint, _copy: copy })
    }

    /// The entry at a place if it is in order; a purged one too.
    fn row(&self, seq: u64) -> Option<Row> {
        let db = self.db.as_ref()?;
        let stored = queries::stored_at(db, seq).ok()??.ok()?;
        let (purged_by, signature) = queries::purge_of(db, seq).ok()?;
        Some(Row { stored, signature, purged_by })
    }

    /// The leaf at a place by the id in the row, which a flipped bit elsewhere in the row does not change.
    fn leaf_of_row(&self, seq: u64) -> Option<[u8; 32]> {
        let id = queries::id_at(self.db.as_ref()?, seq).ok()??;
        Some(leaf_hash(&id))
    }

    /// The leaves of a tile, full or not.
    fn tile(&self, index: u64) -> Vec<[u8; 32]> {
        use tlog_tiles::tile::Tile;
        let path =
            |width| self.root.join("tiles").join(super::tree::path_of(&Tile::new(8, 0, index, width, false)));
        let bytes = (1..=256).rev().find_map(|width| fs::read(path(width)).ok()).unwrap_or_default();
        bytes.as_chunks::<32>().0.to_vec()
    }
}

struct Repair<'a> {
    key: &'a NodeKey,
    damaged: Copy,
    others: Vec<Copy>,
    loose: HashMap<[u8; 32], Entry>,
    report: Repaired,
}

/// An entry of the new record, and where it was found.
struct Found {
    row: Row,
    own: bool,
}

impl Repair<'_> {
    /// Writes the new record; `false` when something is missing.
    fn write(&mut self, draft: &Path) -> Result<bool, StoreError> {
        let signed = self.signed_checkpoint()?;
        let mut record = SqliteRecord::empty(draft, self.key)?;
        let size = signed.size().max(self.damaged.size);
        let mut group = Vec::new();
        let mut frontier = Frontier::default();
        let mut tiles = (u64::MAX, Vec::new());
        let mut placed = HashSet::new();
        let mut recalls = Vec::new();
        for seq in 0..size {
            if seq >> 8 != tiles.0 {
                tiles = (seq >> 8, self.copies().map(|copy| copy.tile(seq >> 8)).collect());
            }
            let Some(found) = self.find(seq, &tiles.1, &mut placed) else {
                // Beyond the signed size nothing but the damaged record can say that there was more.
                if seq >= signed.size() {
                    self.report.notes.push(format!(
                        "the database tells of {size} entries; those from {seq} on, after the last signed checkpoint, cannot be read"
                    ));
                    break;
                }
                if self.report.missing.len() < 1000 {
                    self.report.missing.push(seq);
                }
                continue;
            };
            *(if found.own { &mut self.report.kept } else { &mut self.report.restored }) += 1;
            frontier.push(&found.row.stored.id);
            recalls.extend(recall_in(&found.row.stored));
            if frontier.size() == signed.size() && self.report.missing.is_empty() {
                signed.check_root(frontier.root())?;
            }
            group.push(found);
            if group.len() == GROUP {
                append(&mut record, std::mem::take(&mut group))?;
            }
        }
        if !self.report.missing.is_empty() {
            return Ok(false);
        }
        append(&mut record, group)?;
        self.report.entries = record.log_size();
        purge_again(&mut record, &recalls)?;
        self.lanes(&mut record)?;
        self.blobs(&record)?;
        record.copy_log()?;
        Ok(true)
    }

    fn copies(&self) -> impl Iterator<Item = &Copy> {
        std::iter::once(&self.damaged).chain(&self.others)
    }

    /// The largest checkpoint of the own log that the own key signed, among all copies.
    fn signed_checkpoint(&self) -> Result<Checkpoint, StoreError> {
        let origin = home_origin(self.key.name());
        let (name, key) = (self.key.name(), self.key.public());
        self.copies()
            .filter_map(|copy| copy.checkpoint.clone())
            .filter(|checkpoint| checkpoint.check(&origin, name, &key).is_ok())
            .max_by_key(Checkpoint::size)
            .ok_or_else(|| {
                let why =
                    "no copy has a checkpoint that this node's key signed: nothing says what belongs here";
                Damage::general(DamageKind::Checkpoint, why).into()
            })
    }

    /// The entry of a place: that of a copy, or a loose one that fits a leaf that some copy names.
    fn find(&self, seq: u64, tiles: &[Vec<[u8; 32]>], seen: &mut HashSet<EntryId>) -> Option<Found> {
        let place = usize::try_from(seq & 255).ok()?;
        // What most copies name, the damaged one first among equals.
        let mut named: BTreeMap<[u8; 32], usize> = BTreeMap::new();
        let rows = self.copies().filter_map(|copy| copy.leaf_of_row(seq));
        let leaves = tiles.iter().filter_map(|tile| tile.get(place).copied());
        let all: Vec<[u8; 32]> = leaves.chain(rows).collect();
        for leaf in &all {
            *named.entry(*leaf).or_default() += 1;
        }
        let mut order: Vec<[u8; 32]> = all;
        order.dedup();
        order.sort_by_key(|leaf| std::cmp::Reverse(named.get(leaf).copied()));
        let found = order.iter().find_map(|leaf| self.with_leaf(seq, leaf))?;
        // One entry cannot stand at two places.
        seen.insert(found.row.stored.id).then_some(found)
    }

    fn with_leaf(&self, seq: u64, leaf: &[u8; 32]) -> Option<Found> {
        let held = self.copies().zip(std::iter::once(true).chain(std::iter::repeat(false))).find_map(
            |(copy, own)| {
                let row = copy.row(seq)?;
                (leaf_hash(&row.stored.id) == *leaf).then_some(Found { row, own })
            },
        );
        held.or_else(|| {
            let entry = self.loose.get(leaf)?.clone();
            let received = (*entry.key() != self.key.public()).then(|| entry.time());
            let signature = *entry.signature();
            let stored = Stored { seq, id: entry.id(), key: *entry.key(), received, entry: Some(entry) };
            Some(Found { row: Row { stored, signature, purged_by: None }, own: false })
        })
    }

    /// Lanes and cursors as the damaged record has them, or else a copy.
    fn lanes(&mut self, record: &mut SqliteRecord) -> Result<(), StoreError> {
        let mut done = HashSet::new();
        let mut notes = Vec::new();
        for (copy, own) in self.copies().zip(std::iter::once(true).chain(std::iter::repeat(false))) {
            let Some(db) = &copy.db else { continue };
            let Ok(heads) = lanes::read_all(db) else {
                notes.push(format!("lanes of `{}` cannot be read", copy.root.display()));
                continue;
            };
            let mut sorted: Vec<_> = heads.into_iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            for (lane, head) in sorted {
                if done.contains(&lane) {
                    continue;
                }
                let mut ids = Vec::new();
                let read = lanes::for_ids(db, &lane, &head, 0, u64::MAX, |id, _| {
                    ids.push(id);
                    Ok(())
                });
                if read.is_err() || Frontier::from_ids(&ids) != head.frontier {
                    notes.push(format!("the lane {lane} of `{}` is damaged", copy.root.display()));
                    continue;
                }
                if !own {
                    notes.push(format!(
                        "the lane {lane} was taken from `{}` with {} items; the link goes on from there",
                        copy.root.display(),
                        ids.len()
                    ));
                }
                copy_lane(record, &lane, ids, head.ack.as_deref())?;
                done.insert(lane);
            }
        }
        self.report.notes.extend(notes);
        let cursors = self.copies().filter_map(|copy| queries::cursors(copy.db.as_ref()?).ok()).next();
        // A cursor beyond the log would hide what comes next.
        let size = record.log_size();
        let cursors: Vec<(NodeName, u64)> =
            cursors.unwrap_or_default().into_iter().map(|(peer, seq)| (peer, seq.min(size))).collect();
        record.commit(&Batch { cursors, ..Batch::default() })?;
        Ok(())
    }

    /// Every blob that any copy has, from where it is undamaged.
    #[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
    fn blobs(&mut self, record: &SqliteRecord) -> Result<(), StoreError> {
        let target = record.folder().join("blobs");
        let mut names = HashSet::new();
        for copy in self.copies() {
            for shelf in fs::read_dir(copy.root.join("blobs")).into_iter().flatten().flatten() {
                for file in fs::read_dir(shelf.path()).into_iter().flatten().flatten() {
                    names.extend(file.file_name().to_str().and_then(|name| name.parse::<BlobHash>().ok()));
                }
            }
        }
        let mut names: Vec<BlobHash> = names.into_iter().collect();
        names.sort_unstable();
        let (mut restored, mut missing) = (0, Vec::new());
        for hash in names {
            let sources = self.copies().zip(std::iter::once(true).chain(std::iter::repeat(false)));
            let found = sources
                .filter_map(|(copy, own)| Some((blobs::get(&copy.root.join("blobs"), &hash).ok()??, own)))
                .next();
            match found {
                Some((bytes, own)) => {
                    blobs::put(&target, &bytes)?;
                    restored += u64::from(!own);
                }
                None => missing.push(hash),
            }
        }
        self.report.blobs_restored = restored;
        self.report.blobs_missing = missing;
        Ok(())
    }
}

/// The recall by its owner that a received entry is.
fn recall_in(stored: &Stored) -> Option<Purge> {
    let entry = stored.entry.as_ref().filter(|_| stored.received.is_some())?;
    Some(Purge { target: entry.noun::<Recall>().ok()?.target, recall: stored.id })
}

/// What its owner recalled does not come back from an older copy.
fn purge_again(record: &mut SqliteRecord, recalls: &[Purge]) -> Result<(), StoreError> {
    for purge in recalls {
        let target = record.get(&purge.target)?.and_then(|stored| stored.entry);
        if target.is_none_or(|target| target.kind() == Recall::SCHEMA) {
            continue;
        }
        match record.commit(&Batch { purge: vec![*purge], ..Batch::default() }) {
            Ok(_) | Err(StoreError::CannotPurge { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn append(record: &mut SqliteRecord, group: Vec<Found>) -> Result<(), StoreError> {
    if group.is_empty() {
        return Ok(());
    }
    record.restore(&group.into_iter().map(|found| found.row).collect::<Vec<_>>())
}

fn copy_lane(
    record: &mut SqliteRecord,
    lane: &Lane,
    ids: Vec<EntryId>,
    ack: Option<&str>,
) -> Result<(), StoreError> {
    for ids in ids.chunks(GROUP) {
        let lane_rows = ids.iter().map(|id| LaneRow { lane: lane.clone(), id: *id }).collect();
        record.commit(&Batch { lane_rows, ..Batch::default() })?;
    }
    if let Some(checkpoint) = ack.map(Checkpoint::parse).transpose()? {
        let acks = vec![LaneAck { lane: lane.clone(), checkpoint }];
        record.commit(&Batch { acks, ..Batch::default() })?;
    }
    Ok(())
}
