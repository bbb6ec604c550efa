//! What must outlive a restore: the recalls, in a file of their own, and whether the folder is where it was left.
//!
//! A backup that was made before a recall holds what was recalled. The file of tombstones keeps each recall as its
//! author signed it; when the node starts, those that the record lacks are taken in before anything is shown or sent. It
//! can only help where it is not restored with the folder: so its place is a setting. Where it was restored too, the
//! folder itself is known as a copy (see [`Place`]), and what came from peers stays hidden until each was heard again.

use std::collections::{BTreeSet, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base::{EntryId, NodeName, Noun as _, Recall};
use record::Entry;
use serde::{Deserialize, Serialize};

use crate::NodeError;

/// The first line of the file.
const MAGIC: &str = "bongsu.tombstones/1";
/// The longest line that is read: an envelope of the largest entry is shorter.
const MAX_LINE_BYTES: u64 = 2 << 20;

fn io(path: &Path) -> impl Fn(std::io::Error) -> NodeError {
    move |source| NodeError::Io { path: path.to_owned(), source }
}

/// The file of recalls.
pub(crate) struct Tombstones {
    path: PathBuf,
    /// Whether the file was there.
    existed: bool,
    known: HashSet<EntryId>,
}

impl Tombstones {
    /// Reads the file at `path`, with the recalls in it; none where there is no file yet. A line that is no recall, or
    /// was cut off, is passed over.
    ///
    /// # Errors
    /// When it cannot be read, or is another file.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Entry>), NodeError> {
        let mut tombstones = Self { path: path.to_owned(), existed: false, known: HashSet::new() };
        let file = match File::open(path) {
            Ok(file) => file,
            // The folder that should hold it must be there: an outside disk that is not mounted has no tombstones.
            Err(e)
                if e.kind() == std::io::ErrorKind::NotFound
                    && path.parent().is_none_or(|folder| folder.is_dir()) =>
            {
                return Ok((tombstones, Vec::new()));
            }
            Err(e) => return Err(io(path)(e)),
        };
        tombstones.existed = true;
        let mut lines = BufReader::new(file);
        let mut recalls = Vec::new();
        let (mut number, mut line) = (0_u64, Vec::new());
        loop {
            line.clear();
            if (&mut lines).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).map_err(io(path))? == 0 {
                break;
            }
            number += 1;
            if number == 1 {
                if line.trim_ascii_end() != MAGIC.as_bytes() {
                    let message = format!("it does not begin with {MAGIC}");
                    return Err(NodeError::BadInput { name: path.display().to_string(), message });
                }
                continue;
            }
            match recall_of(&line) {
                Some(recall) if tombstones.known.insert(recall.id()) => recalls.push(recall),
                Some(_) => {}
                None if line.trim_ascii().is_empty() => {}
                None => {
                    tracing::warn!(path = %path.display(), number, "a line is no recall and is passed over")
                }
            }
        }
        Ok((tombstones, recalls))
    }

    /// Whether it knows what was recalled after a backup of the folder `data` was made: it lies elsewhere, and was there
    /// before.
    pub(crate) fn outlives(&self, data: &Path) -> bool {
        self.existed && !self.path.starts_with(data)
    }

    /// Makes the file where there is none, if it lies outside of `data`: from now on it remembers.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn begin(&self, data: &Path) -> Result<(), NodeError> {
        if self.existed || self.path.starts_with(data) {
            Ok(())
        } else {
            self.append(&[]).map_err(io(&self.path))
        }
    }

    pub(crate) fn has(&self, recall: &EntryId) -> bool {
        self.known.contains(recall)
    }

    /// Adds those recalls of `entries` that are not there yet; returns when they are on disk.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn add<'e>(&mut self, entries: impl IntoIterator<Item = &'e Entry>) -> Result<(), NodeError> {
        let mut taken = HashSet::new();
        let is_new = |entry: &&Entry| {
            entry.kind() == Recall::SCHEMA && !self.known.contains(&entry.id()) && taken.insert(entry.id())
        };
        let new: Vec<&Entry> = entries.into_iter().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for entry in &new {
            text.push_str(&entry.to_envelope().to_string());
            text.push('\n');
        }
        self.append(text.as_bytes()).map_err(io(&self.path))?;
        self.known.extend(new.iter().map(|entry| entry.id()));
        Ok(())
    }

    fn append(&self, lines: &[u8]) -> std::io::Result<()> {
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.path)?;
        let size = file.metadata()?.len();
        let mut bytes = Vec::new();
        if size == 0 {
            bytes.extend_from_slice(format!("{MAGIC}\n").as_bytes());
        } else {
            // What was cut off by a crash ends here.
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                bytes.push(b'\n');
            }
        }
        bytes.extend_from_slice(lines);
        file.write_all(&bytes)?;
        file.sync_all()
    }
}

fn recall_of(line: &[u8]) -> Option<Entry> {
    let entry = Entry::from_envelope(&serde_json::from_slice(line).ok()?).ok()?;
    (entry.kind() == Recall::SCHEMA).then_some(entry)
}

/// Where a data folder lies, as the file system tells: the number of a marker file and the time at which that number
/// was last changed. A copy or a restored backup has others; nobody can set them. A snapshot of the whole disk has the
/// same: that cannot be told from inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    schema: String,
    inode: u64,
    changed_seconds: i64,
    changed_nanos: i64,
}

const PLACE_SCHEMA: &str = "bongsu.place/1";
const MARKER: &str = "place.marker";
const PLACE: &str = "place";
const UNCONFIRMED: &str = "unconfirmed";

/// Whose entries are hidden since the folder was restored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unconfirmed {
    /// The peers that were not heard again.
    peers: BTreeSet<NodeName>,
    /// Those that were.
    heard: BTreeSet<NodeName>,
    /// Only what stands before this place of the home log is hidden: what came later is fresh.
    upto: u64,
}

impl Unconfirmed {
    pub(crate) fn has(&self, peer: &NodeName) -> bool {
        self.peers.contains(peer)
    }

    /// Whether anything at place `seq` of the home log may be hidden.
    pub(crate) fn reaches(&self, seq: u64) -> bool {
        seq < self.upto && !self.peers.is_empty()
    }

    /// Whether content at place `seq` of the home log, which `author` wrote, is hidden. What came through another, as
    /// from behind a hub, waits for all.
    pub(crate) fn hides(&self, seq: u64, author: &NodeName) -> bool {
        self.reaches(seq) && !self.heard.contains(author)
    }

    /// Who is hidden in the folder `data`; `None`: nobody.
    pub(crate) fn read(data: &Path) -> Result<Self, NodeError> {
        let path = data.join(UNCONFIRMED);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| NodeError::BadInput {
                name: path.display().to_string(),
                message: e.to_string(),
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(io(&path)(e)),
        }
    }

    /// These peers were not heard since the folder was restored.
    pub(crate) fn hide(data: &Path, peers: BTreeSet<NodeName>, upto: u64) -> Result<Self, NodeError> {
        let hidden = Self { peers, heard: BTreeSet::new(), upto };
        hidden.keep(data)?;
        Ok(hidden)
    }

    /// A peer was heard.
    pub(crate) fn confirm(&mut self, data: &Path, peer: &NodeName) -> Result<(), NodeError> {
        self.peers.remove(peer);
        self.heard.insert(peer.clone());
        self.keep(data)
    }

    fn keep(&self, data: &Path) -> Result<(), NodeError> {
        if self.peers.is_empty() {
            return match std::fs::remove_file(data.join(UNCONFIRMED)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io(&data.join(UNCONFIRMED))(e)),
                _ => Ok(()),
            };
        }
        put(&data.join(UNCONFIRMED), &serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Whether the folder `data` was moved by copying, or restored, since the node last ran in it.
pub(crate) fn was_copied(data: &Path) -> bool {
    let kept: Option<Place> =
        std::fs::read(data.join(PLACE)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    kept.is_none() || kept != place(data).ok()
}

/// From now on the folder is at its place.
pub(crate) fn settle(data: &Path) -> Result<(), NodeError> {
    let marker = data.join(MARKER);
    put(&marker, b"Says where this folder lies; see docs/decisions/0019-tombstones.md.\n")?;
    let place = place(data).map_err(io(&marker))?;
    put(&data.join(PLACE), &serde_json::to_vec(&place).unwrap_or_default())
}

fn place(data: &Path) -> std::io::Result<Place> {
    let marker = std::fs::metadata(data.join(MARKER))?;
    Ok(Place {
        schema: PLACE_SCHEMA.to_owned(),
        inode: marker.ino(),
        changed_seconds: marker.ctime(),
        changed_nanos: marker.ctime_nsec(),
    })
}

/// Writes a file whole or not at all.
fn put(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let fresh = path.with_extension("new");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    };
    write().map_err(io(path))
}

#[cfg(test)]
mod tests {
    use base::{Marking, Timestamp};
    use record::NodeKey;

    use super::*;

    fn recall(key: &NodeKey, byte: u8) -> Entry {
        let noun = Recall {
            target: EntryId::from_bytes([byte; 32]),
            reason: "x".to_owned(),
            marking: Marking::new("RESTRICTED", &[], "KOR"),
        };
        let country = "KOR".parse().unwrap();
        Entry::sign(&noun, &country, key, Timestamp::UNIX_EPOCH, &mut rand_core::OsRng).unwrap()
    }

    #[test]
    fn recalls_are_read_again_and_a_torn_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tombstones");
        let key = NodeKey::generate("seoul".parse().unwrap(), &mut rand_core::OsRng);
        let (one, two, three) = (recall(&key, 1), recall(&key, 2), recall(&key, 3));
        let (mut file, none) = Tombstones::open(&path).unwrap();
        assert_eq!(none, []);
        assert!(!path.exists(), "nothing is written before there is something to write");
        file.add([&one, &two, &one]).unwrap();
        file.add([&one]).unwrap();
        assert_eq!(Tombstones::open(&path).unwrap().1, [one.clone(), two.clone()]);
        // A crash within a line, a forged line, and one that is no recall.
        let whole = std::fs::read(&path).unwrap();
        let mut torn = whole[..whole.len() - 20].to_vec();
        std::fs::write(&path, &torn).unwrap();
        let (mut file, read) = Tombstones::open(&path).unwrap();
        assert_eq!(read, std::slice::from_ref(&one));
        file.add([&three]).unwrap();
        torn.clear();
        assert_eq!(Tombstones::open(&path).unwrap().1, [one.clone(), three]);
        let forged = String::from_utf8(whole).unwrap().replace("\"sig\":\"", "\"sig\":\"AAAA");
        std::fs::write(&path, forged).unwrap();
        assert_eq!(Tombstones::open(&path).unwrap().1, []);
        std::fs::write(&path, "something else\n").unwrap();
        assert!(Tombstones::open(&path).is_err());
        assert!(Tombstones::open(Path::new("/no/such/folder/tombstones")).is_err());
    }

    #[test]
    fn a_copied_folder_is_known_and_a_renamed_one_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::create_dir(&here).unwrap();
        assert!(was_copied(&here), "nothing says where it lies");
        settle(&here).unwrap();
        assert!(!was_copied(&here));
        std::fs::rename(&here, &there).unwrap();
        assert!(!was_copied(&there));
        std::fs::create_dir(&here).unwrap();
        for name in [MARKER, PLACE] {
            std::fs::copy(there.join(name), here.join(name)).unwrap();
        }
        assert!(was_copied(&here));
        settle(&here).unwrap();
        assert!(!was_copied(&here));
    }
}
