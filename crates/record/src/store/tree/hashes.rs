//! The hashes of a tree as the library that makes proofs reads them, none of them believed.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use tlog_tiles::tile::Tile;
use tlog_tiles::tlog::{self, Hash, HashReader};

use super::{TILE_HEIGHT, TILE_WIDTH, Tree};

/// The hashes of a tree as the library reads them. Each tile is compared with its hash in the tile above, up to the
/// edge in memory. (The library's own reader checks only those tiles that it reads after as many as the size has ones.)
pub(super) struct Hashes<'a> {
    tree: &'a Tree,
    right: RefCell<HashMap<(u8, u64), Vec<u8>>>,
    wrong: Cell<Option<Tile>>,
}

impl<'a> Hashes<'a> {
    pub(super) fn of(tree: &'a Tree) -> Self {
        Self { tree, right: RefCell::default(), wrong: Cell::new(None) }
    }

    /// The first tile that did not lead to the root.
    pub(super) fn wrong(&self) -> Option<Tile> {
        self.wrong.take()
    }

    /// The bytes of a tile, as far as the tree goes.
    fn tile(&self, level: u8, index: u64) -> Result<Vec<u8>, tlog::Error> {
        if let Some(bytes) = self.right.borrow().get(&(level, index)) {
            return Ok(bytes.clone());
        }
        let edge = self.tree.edge.get(usize::from(level)).ok_or(tlog::Error::IndexesNotInTree)?;
        if index == self.tree.size() >> (8 * (u32::from(level) + 1)) {
            return Ok(edge.iter().flat_map(|hash| hash.0).collect());
        }
        let above = self.tile(level + 1, index >> TILE_HEIGHT)?;
        let place = usize::try_from(index & (TILE_WIDTH - 1)).unwrap_or(usize::MAX);
        let expected = above.as_chunks::<32>().0.get(place).ok_or(tlog::Error::IndexesNotInTree)?;
        let tile = Tile::new(TILE_HEIGHT, level, index, 256, false);
        let bytes = self.tree.full_tile(&tile).ok().filter(|bytes| Tile::subtree_hash(bytes).0 == *expected);
        let Some(bytes) = bytes else {
            self.wrong.set(Some(tile));
            return Err(tlog::Error::InconsistentTile);
        };
        self.right.borrow_mut().insert((level, index), bytes.clone());
        Ok(bytes)
    }
}

impl HashReader for Hashes<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog::Error> {
        let read = |index: &u64| {
            let tile = Tile::from_index(TILE_HEIGHT, *index);
            tile.hash_at_index(&self.tile(tile.level(), tile.level_index())?, *index)
        };
        indexes.iter().map(read).collect()
    }
}
