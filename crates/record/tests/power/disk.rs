//! A disk as its changes make it, and what is left of it when the power goes.
//!
//! What POSIX promises is kept and nothing more: the bytes of a file are there once it is synced, a name once its folder
//! is. Each sector that was written since may be there or not, in any order; so may each new length and each change of a
//! name. (A disk that says "synced" and lies is not modelled.)

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::Rng;

const SECTOR: usize = 512;

/// One change, as the shim wrote it down.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Create(String),
    Write { path: String, offset: usize, bytes: Vec<u8> },
    Truncate { path: String, length: usize },
    Sync(String),
    Rename { from: String, to: String },
    Unlink(String),
    MakeFolder(String),
    RemoveFolder(String),
}

/// All changes of a trace.
pub(crate) fn changes(trace: &[u8]) -> Vec<Change> {
    let mut rest = trace;
    let mut all = Vec::new();
    while let Some((letter, after)) = rest.split_first() {
        rest = after;
        let [path, second, bytes] = [(); 3].map(|()| {
            let length = number(&mut rest);
            rest.split_off(..length).unwrap().to_vec()
        });
        let number = number(&mut rest);
        let [path, second] = [path, second].map(|name| String::from_utf8(name).unwrap());
        all.push(match letter {
            b'c' => Change::Create(path),
            b'w' => Change::Write { path, offset: number, bytes },
            b't' => Change::Truncate { path, length: number },
            b's' => Change::Sync(path),
            b'r' => Change::Rename { from: path, to: second },
            b'u' => Change::Unlink(path),
            b'm' => Change::MakeFolder(path),
            b'd' => Change::RemoveFolder(path),
            other => unreachable!("no change has the letter {other}"),
        });
    }
    all
}

fn number(rest: &mut &[u8]) -> usize {
    let (bytes, after) = rest.split_first_chunk::<8>().unwrap();
    *rest = after;
    usize::try_from(u64::from_le_bytes(*bytes)).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder(usize),
}

#[derive(Debug, Clone)]
enum Content {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug, Default)]
struct File {
    synced: Vec<u8>,
    now: Vec<u8>,
    since: Vec<Content>,
}

#[derive(Debug, Clone)]
enum Name {
    Put(String, Node),
    Move(String, String, Node),
    Gone(String),
}

#[derive(Debug, Default)]
struct Folder {
    synced: BTreeMap<String, Node>,
    now: BTreeMap<String, Node>,
    since: Vec<Name>,
}

/// The files below one folder.
#[derive(Debug)]
pub(crate) struct Disk {
    files: Vec<File>,
    /// The first is the root.
    folders: Vec<Folder>,
}

/// How much of what was not synced is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    Nothing,
    Everything,
    /// Of each file and folder what came first.
    Beginnings,
    /// Any sectors and names.
    Anything,
}

impl Disk {
    pub(crate) fn empty() -> Self {
        Self { files: Vec::new(), folders: vec![Folder::default()] }
    }

    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Create(path) => {
                self.files.push(File::default());
                self.put(path, Node::File(self.files.len() - 1));
            }
            Change::MakeFolder(path) => {
                self.folders.push(Folder::default());
                self.put(path, Node::Folder(self.folders.len() - 1));
            }
            Change::Write { path, offset, bytes } => {
                self.change(path, Content::Write(*offset, bytes.clone()));
            }
            Change::Truncate { path, length } => self.change(path, Content::Length(*length)),
            Change::Sync(path) => match self.find(path) {
                Some(Node::File(file)) => {
                    let file = &mut self.files[file];
                    file.synced.clone_from(&file.now);
                    file.since.clear();
                }
                Some(Node::Folder(folder)) => {
                    let folder = &mut self.folders[folder];
                    folder.synced.clone_from(&folder.now);
                    folder.since.clear();
                }
                None => unreachable!("`{path}` was synced and is not there"),
            },
            Change::Rename { from, to } => self.rename(from, to),
            Change::Unlink(path) | Change::RemoveFolder(path) => {
                let (folder, name) = self.parent(path);
                folder.now.remove(&name);
                folder.since.push(Name::Gone(name));
            }
        }
    }

    /// The bytes of a file at this moment.
    pub(crate) fn read(&self, path: &str) -> Option<&[u8]> {
        match self.find(path)? {
            Node::File(file) => Some(&self.files[file].now),
            Node::Folder(_) => None,
        }
    }

    /// Whether anything is not on disk yet.
    pub(crate) fn is_behind(&self) -> bool {
        let file = |node: &Node| matches!(node, Node::File(file) if !self.files[*file].since.is_empty());
        self.folders.iter().any(|folder| !folder.since.is_empty() || folder.now.values().any(file))
    }

    /// Writes into `to` what is left after a power cut at this moment.
    pub(crate) fn after_cut(&self, kept: Kept, to: &Path, rng: &mut Rng) {
        self.folder_after_cut(0, kept, to, rng);
    }

    fn folder_after_cut(&self, folder: usize, kept: Kept, to: &Path, rng: &mut Rng) {
        fs::create_dir_all(to).unwrap();
        let folder = &self.folders[folder];
        let mut names = folder.synced.clone();
        for change in survivors(&folder.since, kept, rng) {
            match change {
                Name::Put(name, node) => {
                    names.insert(name.clone(), *node);
                }
                Name::Move(from, name, node) => {
                    names.remove(from);
                    names.insert(name.clone(), *node);
                }
                Name::Gone(name) => {
                    names.remove(name);
                }
            }
        }
        for (name, node) in names {
            let path = to.join(name);
            match node {
                Node::File(file) => fs::write(path, self.files[file].after_cut(kept, rng)).unwrap(),
                Node::Folder(folder) => self.folder_after_cut(folder, kept, &path, rng),
            }
        }
    }

    fn find(&self, path: &str) -> Option<Node> {
        let mut node = Node::Folder(0);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Node::Folder(folder) = node else { return None };
            node = *self.folders[folder].now.get(name)?;
        }
        Some(node)
    }

    /// The folder that holds `path`, and the last name.
    fn parent(&mut self, path: &str) -> (&mut Folder, String) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        match self.find(folder) {
            Some(Node::Folder(folder)) => (&mut self.folders[folder], name.to_owned()),
            _ => unreachable!("`{folder}` is not there"),
        }
    }

    fn put(&mut self, path: &str, node: Node) {
        let (folder, name) = self.parent(path);
        folder.now.insert(name.clone(), node);
        folder.since.push(Name::Put(name, node));
    }

    fn rename(&mut self, from: &str, to: &str) {
        let node = self.find(from).unwrap_or_else(|| unreachable!("`{from}` is not there"));
        let (folder, old) = self.parent(from);
        folder.now.remove(&old);
        let same =
            from.rsplit_once('/').map(|(folder, _)| folder) == to.rsplit_once('/').map(|(folder, _)| folder);
        if !same {
            folder.since.push(Name::Gone(old));
            self.put(to, node);
            return;
        }
        let (folder, new) = self.parent(to);
        folder.now.insert(new.clone(), node);
        folder.since.push(Name::Move(old, new, node));
    }

    fn change(&mut self, path: &str, content: Content) {
        let Some(Node::File(file)) = self.find(path) else { unreachable!("`{path}` is no file") };
        let file = &mut self.files[file];
        apply(&mut file.now, &content);
        file.since.push(content);
    }
}

impl File {
    fn after_cut(&self, kept: Kept, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let share = rng.below(101);
        for change in survivors(&self.since, kept, rng) {
            match change {
                Content::Write(offset, written) if kept == Kept::Anything => {
                    let mut at = 0;
                    while at < written.len() {
                        let end = ((offset + at) / SECTOR + 1) * SECTOR - offset;
                        let end = end.min(written.len());
                        if rng.percent(share) {
                            apply(&mut bytes, &Content::Write(offset + at, written[at..end].to_vec()));
                        }
                        at = end;
                    }
                }
                change => apply(&mut bytes, change),
            }
        }
        // A length that is there before the bytes are.
        if kept == Kept::Anything && self.now.len() > bytes.len() && rng.percent(30) {
            bytes.resize(self.now.len(), 0);
        }
        bytes
    }
}

/// The changes that are there; sectors of a write are chosen one by one where it is applied.
fn survivors<'a, T>(since: &'a [T], kept: Kept, rng: &mut Rng) -> Vec<&'a T> {
    let first = match kept {
        Kept::Nothing => 0,
        Kept::Everything | Kept::Anything => since.len(),
        Kept::Beginnings => usize::try_from(rng.below(since.len() as u64 + 1)).unwrap(),
    };
    since[..first].iter().filter(|_| kept != Kept::Anything || rng.percent(70)).collect()
}

fn apply(bytes: &mut Vec<u8>, change: &Content) {
    match change {
        Content::Length(length) => bytes.resize(*length, 0),
        Content::Write(offset, written) => {
            let end = offset + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset..end].copy_from_slice(written);
        }
    }
}
