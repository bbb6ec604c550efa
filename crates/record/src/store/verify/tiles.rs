//! Tiles, root and checkpoint against the ids, one after the other: nothing is held but the right edge.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use base::EntryId;
use tlog_tiles::tile::Tile;

use super::super::damage::{Damage, DamageKind, MAX_DAMAGE};
use super::super::tree::{Tree, path_of};
use super::super::{StoreError, blobs};
use super::files::each_file_below;

/// What the tile files say, compared while the ids come.
pub(super) struct TileCheck {
    folder: PathBuf,
    tree: Tree,
    /// Files that were not compared yet; for each tile the widths that are there, 256 for the full one.
    there: BTreeMap<String, Vec<u32>>,
    /// Files below `tiles/` that are no tiles.
    pub(super) stray: Vec<String>,
    /// Tiles up to this size must be there.
    required: u64,
    /// Roots at sizes that were asked for.
    roots: HashMap<u64, [u8; 32]>,
    wanted: Vec<u64>,
    pub(super) damage: Vec<Damage>,
    /// The first place where a leaf tile has another leaf than the entry.
    pub(super) other_leaf: Option<u64>,
}

impl TileCheck {
    /// Over the folder `tiles/`; `wanted` are sizes whose roots will be asked for.
    pub(super) fn new(folder: &Path, required: u64, wanted: Vec<u64>) -> Result<Self, StoreError> {
        let mut there: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut stray = Vec::new();
        each_file_below(folder, &mut |path| {
            match Tile::from_path(&format!("tile/8/{path}")) {
                Ok(tile) if path_of(&tile) == path => {
                    there.entry(path_of(&full(&tile))).or_default().push(tile.width());
                }
                _ => stray.push(path.to_owned()),
            }
            Ok(())
        })?;
        let mut check = Self {
            folder: folder.to_owned(),
            tree: Tree::empty(folder),
            there,
            stray,
            required,
            roots: HashMap::new(),
            wanted,
            damage: Vec::new(),
            other_leaf: None,
        };
        check.note_root();
        Ok(check)
    }

    fn note_root(&mut self) {
        let size = self.tree.size();
        if self.wanted.contains(&size) {
            self.roots.insert(size, self.tree.root());
        }
    }

    /// The next entry.
    pub(super) fn push(&mut self, id: &EntryId) -> Result<(), StoreError> {
        self.tree.push(id);
        self.note_root();
        for (tile, bytes) in self.tree.take_full() {
            let end = (tile.level_index() + 1) << (8 * (u32::from(tile.level()) + 1));
            self.compare(&tile, &bytes, end <= self.required)?;
        }
        Ok(())
    }

    /// After the last entry: tiles that are not full, and what belongs to no entry. Gives the root over all.
    pub(super) fn finish(&mut self) -> Result<[u8; 32], StoreError> {
        let required: Vec<Tile> = Tile::new_tiles(8, 0, self.required);
        for (tile, bytes) in self.tree.partial() {
            let same = |t: &&Tile| t.level() == tile.level() && t.level_index() == tile.level_index();
            let width = required.iter().find(same).map_or(0, Tile::width);
            let widest =
                self.there.get(&path_of(&full(&tile))).and_then(|widths| widths.iter().max().copied());
            if width > 0 && widest.is_none_or(|widest| widest < width) {
                let path = path_of(&Tile::new(8, tile.level(), tile.level_index(), width, false));
                self.missing(&path, width);
            }
            self.compare(&tile, &bytes, false)?;
        }
        for path in std::mem::take(&mut self.there).into_keys() {
            let why = "a tile of entries that are not in the record";
            self.note(Damage::file(DamageKind::Tile, &format!("tiles/{path}"), 0, 0, why));
        }
        Ok(self.tree.root())
    }

    /// The root over the first `size` entries, which was among `wanted`; `None` when there are fewer.
    pub(super) fn root_at(&self, size: u64) -> Option<[u8; 32]> {
        self.roots.get(&size).copied()
    }

    pub(super) const fn size(&self) -> u64 {
        self.tree.size()
    }

    pub(super) const fn frontier(&self) -> &crate::Frontier {
        self.tree.frontier()
    }

    /// Compares all files of one tile with the hashes of the entries.
    #[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
    fn compare(&mut self, tile: &Tile, expected: &[u8], required: bool) -> Result<(), StoreError> {
        let widths = self.there.remove(&path_of(&full(tile))).unwrap_or_default();
        if required && !widths.contains(&256) {
            self.missing(&path_of(&full(tile)), 256);
        }
        for width in widths {
            let path = path_of(&Tile::new(8, tile.level(), tile.level_index(), width, false));
            let on_disk = self.folder.join(&path);
            let bytes = fs::read(&on_disk).map_err(|e| blobs::io_error(&on_disk, e))?;
            let Some(expected) = expected.get(..width as usize * 32) else {
                let why = "wider than the record is long";
                self.note(Damage::file(DamageKind::Tile, &format!("tiles/{path}"), 0, bytes.len(), why));
                continue;
            };
            if bytes == expected {
                continue;
            }
            let byte = expected.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
            let why = "differs from the hashes of the entries";
            self.note(Damage::file(DamageKind::Tile, &format!("tiles/{path}"), byte, byte + 1, why));
            if tile.level() == 0 && self.other_leaf.is_none() {
                self.other_leaf = Some(tile.level_index() * 256 + byte as u64 / 32);
            }
        }
        Ok(())
    }

    fn note(&mut self, damage: Damage) {
        if self.damage.len() < MAX_DAMAGE {
            self.damage.push(damage);
        }
    }

    fn missing(&mut self, path: &str, width: u32) {
        let name = format!("tiles/{path}");
        let end = width as usize * 32;
        self.note(Damage::file(DamageKind::Tile, &name, 0, end, "the tile is missing"));
    }
}

fn full(tile: &Tile) -> Tile {
    Tile::new(8, tile.level(), tile.level_index(), 256, false)
}
