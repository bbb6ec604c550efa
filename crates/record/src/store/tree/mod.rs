//! The tree over the own log: the right edge in memory, all else in tile files (C2SP tlog-tiles), and proofs from both.
//!
//! A full tile is written once, when its last hash is known. Tiles that are not full yet are written when the
//! write-ahead log is emptied ([`Tree::publish`]); until then what they hold follows from the entries of that log.
//! Nothing that is read from a file is believed: a proof is given only when all of its tiles lead to the root.

mod hashes;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::EntryId;
use tlog_tiles::tile::Tile;
use tlog_tiles::tlog::{self, EMPTY_HASH, Hash};

use self::hashes::Hashes;
use super::files::{sync_folder, write_whole};
use super::ids::ReadIds;
use crate::{BeyondLog, Frontier};

const TILE_HEIGHT: u8 = 8;
const TILE_WIDTH: u64 = 256;
const TILE_BYTES: usize = 256 * 32;

/// Why a proof cannot be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TreeError {
    #[error("{0}")]
    Beyond(#[from] BeyondLog),
    /// The tile at this path below `tiles/` is missing, or some tile does not lead to the root.
    #[error("tile `{0}` does not lead to the root")]
    Tile(String),
}

#[derive(Debug)]
pub(crate) struct Tree {
    folder: PathBuf,
    frontier: Frontier,
    /// For each level of tiles the hashes of the tile that is not full yet.
    edge: Vec<Vec<Hash>>,
    /// Full tiles that are not written yet.
    pending: Vec<(Tile, Vec<u8>)>,
    /// Full tiles that are written, but perhaps not on disk.
    unsynced: Vec<PathBuf>,
    /// The leaf tile that was read last.
    last_leaves: RefCell<Option<(u64, Vec<u8>)>>,
}

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the record's stores touch disk (DESIGN.md section 2)"
)]
impl Tree {
    pub(crate) fn empty(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            frontier: Frontier::default(),
            edge: Vec::new(),
            pending: Vec::new(),
            unsynced: Vec::new(),
            last_leaves: RefCell::new(None),
        }
    }

    /// The tree whose right edge is `frontier`, with the tiles in `folder`, of which those for the first `synced`
    /// entries are on disk. Those after are written anew; when the tiles do not lead to the root, all are, and the
    /// second value says so. `None` when the ids do not lead to the root either: then nothing is written.
    pub(crate) fn open<E: From<io::Error>>(
        folder: &Path,
        frontier: &Frontier,
        synced: u64,
        ids_from: &mut ReadIds<'_, E>,
    ) -> Result<Option<(Self, bool)>, E> {
        let size = frontier.size();
        let start = synced.min(size) & !(TILE_WIDTH - 1);
        let mut tree = Self::empty(folder);
        if tree.read_edge(start).is_ok() && leads_to(frontier, &tree.frontier, ids_from)? {
            tree.grow(size, ids_from)?;
            return Ok(Some((tree, false)));
        }
        let mut tree = Self::empty(folder);
        if !leads_to(frontier, &tree.frontier, ids_from)? {
            return Ok(None);
        }
        tree.grow(size, ids_from)?;
        Ok(Some((tree, true)))
    }

    /// The same for one who only reads: nothing is written, what the tiles do not have is held in memory.
    pub(crate) fn open_to_read<E>(
        folder: &Path,
        frontier: &Frontier,
        synced: u64,
        ids_from: &mut ReadIds<'_, E>,
    ) -> Result<Option<Self>, E> {
        for start in [synced.min(frontier.size()) & !(TILE_WIDTH - 1), 0] {
            let mut tree = Self::empty(folder);
            if tree.read_edge(start).is_err() {
                continue;
            }
            ids_from(start, frontier.size(), &mut |id| {
                tree.push(&id);
                Ok(())
            })?;
            if tree.frontier == *frontier {
                return Ok(Some(tree));
            }
        }
        Ok(None)
    }

    fn grow<E: From<io::Error>>(&mut self, end: u64, ids_from: &mut ReadIds<'_, E>) -> Result<(), E> {
        ids_from(self.size(), end, &mut |id| {
            self.push(&id);
            if self.pending.is_empty() { Ok(()) } else { self.write_full().map_err(E::from) }
        })
    }

    /// The edge of the tree over the first `size` entries, a multiple of the width, from full tiles.
    fn read_edge(&mut self, size: u64) -> Result<(), TreeError> {
        let mut frontier = Vec::new();
        let mut below = size >> TILE_HEIGHT;
        self.edge.push(Vec::new());
        for level in 1..8 {
            if below == 0 {
                break;
            }
            let roots = (below & !(TILE_WIDTH - 1))..below;
            let hashes = roots
                .map(|n| {
                    Ok(Tile::subtree_hash(&self.full_tile(&Tile::new(
                        TILE_HEIGHT,
                        level - 1,
                        n,
                        256,
                        false,
                    ))?))
                })
                .collect::<Result<Vec<_>, TreeError>>()?;
            let mut rest = &hashes[..];
            let mut subtrees = Vec::new();
            // The largest subtree first: one for each bit of the number of hashes.
            while !rest.is_empty() {
                let width = 1 << rest.len().ilog2();
                let bytes: Vec<u8> = rest[..width].iter().flat_map(|hash| hash.0).collect();
                subtrees.push(Tile::subtree_hash(&bytes));
                rest = &rest[width..];
            }
            frontier.push(subtrees);
            self.edge.push(hashes);
            below >>= TILE_HEIGHT;
        }
        let bytes: Vec<u8> = frontier.iter().rev().flatten().flat_map(|hash| hash.0).collect();
        self.frontier =
            Frontier::from_bytes(size, &bytes).ok_or_else(|| TreeError::Tile("the right edge".to_owned()))?;
        Ok(())
    }

    /// Appends the leaf of the next entry.
    pub(crate) fn push(&mut self, id: &EntryId) {
        let mut hash = tlog::record_hash(id.as_bytes());
        self.frontier.push_leaf(hash);
        let mut full = self.frontier.size() >> TILE_HEIGHT;
        for level in 0..8_u8 {
            if self.edge.len() == usize::from(level) {
                self.edge.push(Vec::new());
            }
            let hashes = &mut self.edge[usize::from(level)];
            hashes.push(hash);
            if hashes.len() < 256 {
                return;
            }
            let bytes: Vec<u8> = hashes.drain(..).flat_map(|hash| hash.0).collect();
            hash = Tile::subtree_hash(&bytes);
            self.pending.push((Tile::new(TILE_HEIGHT, level, full - 1, 256, false), bytes));
            full >>= TILE_HEIGHT;
        }
    }

    /// Takes the tiles that became full instead of writing them.
    pub(crate) fn take_full(&mut self) -> Vec<(Tile, Vec<u8>)> {
        std::mem::take(&mut self.pending)
    }

    /// The tiles that are not full.
    pub(crate) fn partial(&self) -> Vec<(Tile, Vec<u8>)> {
        let tile = |(level, hashes): (u8, &Vec<Hash>)| {
            let width = u32::try_from(hashes.len()).ok().filter(|width| *width > 0)?;
            let index = self.size() >> (8 * (u32::from(level) + 1));
            let bytes = hashes.iter().flat_map(|hash| hash.0).collect();
            Some((Tile::new(TILE_HEIGHT, level, index, width, false), bytes))
        };
        (0..).zip(&self.edge).filter_map(tile).collect()
    }

    pub(crate) const fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn root(&self) -> [u8; 32] {
        self.frontier.root()
    }

    pub(crate) const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Writes the tiles that became full; what cannot be written stays for the next time.
    pub(crate) fn write_full(&mut self) -> io::Result<()> {
        while let Some((tile, bytes)) = self.pending.first() {
            let path = self.folder.join(path_of(tile));
            write_whole(&path, bytes, false)?;
            self.unsynced.push(path);
            self.pending.remove(0);
        }
        Ok(())
    }

    /// Puts all tiles of the present size on disk, with their names, those that are not full too.
    pub(crate) fn publish(&mut self) -> io::Result<()> {
        self.write_full()?;
        let mut named: BTreeSet<&Path> = BTreeSet::new();
        let partial: Vec<(PathBuf, u32, Vec<u8>)> = self
            .partial()
            .into_iter()
            .map(|(tile, bytes)| (self.folder.join(path_of(&tile)), tile.width(), bytes))
            .collect();
        for (path, _, bytes) in &partial {
            if fs::read(path).ok().as_ref() != Some(bytes) {
                write_whole(path, bytes, true)?;
                named.insert(path);
            }
        }
        for path in &self.unsynced {
            match fs::File::open(path) {
                Ok(file) => file.sync_data()?,
                // Somebody took it away: it will be missed, and written anew, when it is read.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
            named.insert(path);
        }
        self.sync_folders_of(&named)?;
        for (path, width, _) in &partial {
            if let Some(folder) = path.parent() {
                drop_narrower(folder, *width)?;
            }
        }
        for path in self.unsynced.drain(..) {
            drop_narrower(&path.with_added_extension("p"), 256)?;
        }
        Ok(())
    }

    /// Puts the names of tiles on disk, and those of the folders that they lie in.
    fn sync_folders_of(&self, tiles: &BTreeSet<&Path>) -> io::Result<()> {
        let above = |tile: &&'_ Path| -> Vec<PathBuf> {
            tile.ancestors()
                .skip(1)
                .take_while(|folder| folder.starts_with(&self.folder))
                .map(Path::to_owned)
                .collect()
        };
        let folders: BTreeSet<PathBuf> = tiles.iter().flat_map(above).collect();
        folders.iter().try_for_each(|folder| sync_folder(folder))
    }

    /// The root over the first `size` entries.
    pub(crate) fn root_at(&self, size: u64) -> Result<[u8; 32], TreeError> {
        match size {
            0 => Ok(EMPTY_HASH.0),
            now if now == self.size() => Ok(self.root()),
            former => self.prove(former, former, |hashes| tlog::tree_hash(former, hashes)).map(|hash| hash.0),
        }
    }

    pub(crate) fn inclusion(&self, index: u64, size: u64) -> Result<Vec<[u8; 32]>, TreeError> {
        if index >= size {
            return Err(BeyondLog { size: size.min(self.size()), asked: index }.into());
        }
        let proof = self.prove(size, index, |hashes| tlog::prove_record(size, index, hashes))?;
        Ok(proof.into_iter().map(|hash| hash.0).collect())
    }

    pub(crate) fn consistency(&self, old: u64, new: u64) -> Result<Vec<[u8; 32]>, TreeError> {
        if old > new {
            return Err(BeyondLog { size: new, asked: old }.into());
        }
        if new > self.size() {
            return Err(BeyondLog { size: self.size(), asked: new }.into());
        }
        if old == 0 || old == new {
            return Ok(Vec::new());
        }
        let proof = self.prove(new, old, |hashes| tlog::prove_tree(new, old, hashes))?;
        Ok(proof.into_iter().map(|hash| hash.0).collect())
    }

    /// The leaf at a place, as its tile has it; the tile may be wrong. `None` when it cannot be read.
    pub(crate) fn leaf(&self, seq: u64) -> Option<[u8; 32]> {
        let (index, place) = (seq >> TILE_HEIGHT, usize::try_from(seq & (TILE_WIDTH - 1)).ok()?);
        if index == self.size() >> TILE_HEIGHT {
            return self.edge.first()?.get(place).map(|hash| hash.0);
        }
        let mut last = self.last_leaves.borrow_mut();
        if last.as_ref().is_none_or(|(known, _)| *known != index) {
            let bytes = self.full_tile(&Tile::new(TILE_HEIGHT, 0, index, 256, false)).ok()?;
            *last = Some((index, bytes));
        }
        let (_, bytes) = last.as_ref()?;
        bytes.as_chunks::<32>().0.get(place).copied()
    }

    /// Writes the tiles around the entry `seq` anew from the ids: its leaf tile's neighbours and the tile above.
    pub(crate) fn heal_near<E: From<io::Error>>(
        &self,
        seq: u64,
        ids_from: &mut ReadIds<'_, E>,
    ) -> Result<(), E> {
        let span = TILE_WIDTH * TILE_WIDTH;
        let start = seq / span * span;
        let end = (start + span).min(self.size() & !(TILE_WIDTH - 1));
        *self.last_leaves.borrow_mut() = None;
        let mut leaves = Vec::with_capacity(TILE_BYTES);
        let mut roots = Vec::with_capacity(TILE_BYTES);
        let mut index = start >> TILE_HEIGHT;
        ids_from(start, end, &mut |id| {
            leaves.extend_from_slice(&tlog::record_hash(id.as_bytes()).0);
            if leaves.len() == TILE_BYTES {
                roots.extend_from_slice(&Tile::subtree_hash(&leaves).0);
                self.rewrite(&Tile::new(TILE_HEIGHT, 0, index, 256, false), &leaves)?;
                leaves.clear();
                index += 1;
            }
            Ok(())
        })?;
        if roots.len() == TILE_BYTES {
            self.rewrite(&Tile::new(TILE_HEIGHT, 1, start / span, 256, false), &roots)?;
        }
        Ok(())
    }

    fn rewrite(&self, tile: &Tile, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.join(path_of(tile));
        if fs::read(&path).is_ok_and(|old| old == bytes) { Ok(()) } else { write_whole(&path, bytes, true) }
    }

    /// Reads hashes of the tree over the first `size` entries. Every complete subtree of a former tree is one of the
    /// present tree too, so that all are checked against the one root in memory.
    fn prove<R>(
        &self,
        size: u64,
        place: u64,
        read: impl FnOnce(&Hashes<'_>) -> Result<R, tlog::Error>,
    ) -> Result<R, TreeError> {
        if size > self.size() || size == 0 {
            return Err(BeyondLog { size: self.size(), asked: size }.into());
        }
        let hashes = Hashes::of(self);
        read(&hashes).map_err(|_| {
            let near = Tile::new(TILE_HEIGHT, 0, place.min(self.size() - 1) >> TILE_HEIGHT, 256, false);
            TreeError::Tile(path_of(&hashes.wrong().unwrap_or(near)))
        })
    }

    fn full_tile(&self, tile: &Tile) -> Result<Vec<u8>, TreeError> {
        let same = |other: &&(Tile, Vec<u8>)| {
            other.0.level() == tile.level() && other.0.level_index() == tile.level_index()
        };
        if let Some((_, bytes)) = self.pending.iter().find(same) {
            return Ok(bytes.clone());
        }
        let path = path_of(&Tile::new(TILE_HEIGHT, tile.level(), tile.level_index(), 256, false));
        match fs::read(self.folder.join(&path)) {
            Ok(bytes) if bytes.len() == TILE_BYTES => Ok(bytes),
            _ => Err(TreeError::Tile(path)),
        }
    }
}

/// Whether the entries after `start` lead to `end`.
fn leads_to<E>(end: &Frontier, start: &Frontier, ids_from: &mut ReadIds<'_, E>) -> Result<bool, E> {
    let mut frontier = start.clone();
    ids_from(start.size(), end.size(), &mut |id| {
        frontier.push(&id);
        Ok(())
    })?;
    Ok(frontier == *end)
}

/// The path of a tile below the tile folder: `<level>/<index>[.p/<width>]` (C2SP tlog-tiles). The library writes that
/// of the Go form, with the height, which C2SP does not have.
pub(crate) fn path_of(tile: &Tile) -> String {
    let path = tile.path();
    path.strip_prefix("tile/8/").map_or(path.clone(), str::to_owned)
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
fn drop_narrower(folder: &Path, width: u32) -> io::Result<()> {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    for file in files {
        let file = file?;
        let narrower =
            file.file_name().to_str().and_then(|n| n.parse::<u32>().ok()).is_some_and(|w| w < width);
        if narrower {
            fs::remove_file(file.path())?;
        }
    }
    if width == 256 {
        // Empty now; should another tool have put something there, it stays.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}
