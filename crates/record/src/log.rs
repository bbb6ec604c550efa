use base::EntryId;
use tlog_tiles::tile::Tile;
use tlog_tiles::tlog::{self, EMPTY_HASH, Hash, HashReader};

/// The height of a tile: 256 hashes (C2SP tlog-tiles).
const TILE_HEIGHT: u8 = 8;

/// An RFC 6962 Merkle tree over entry ids: leaf `i` is `SHA-256(0x00 || id_i)`.
///
/// All interior hashes of complete subtrees are kept in memory in the order of Crosby and Wallach, 64 bytes an
/// entry, so that roots and proofs of any former size are cheap.
#[derive(Debug, Clone, Default)]
pub struct MerkleLog {
    size: u64,
    hashes: Vec<Hash>,
}

/// A log is asked for something beyond its size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log has {size} entries; {asked} is beyond it")]
pub struct BeyondLog {
    /// How many entries there are.
    pub size: u64,
    /// What was asked for.
    pub asked: u64,
}

impl HashReader for MerkleLog {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog::Error> {
        indexes
            .iter()
            .map(|&i| {
                usize::try_from(i)
                    .ok()
                    .and_then(|i| self.hashes.get(i))
                    .copied()
                    .ok_or(tlog::Error::IndexesNotInTree)
            })
            .collect()
    }
}

impl MerkleLog {
    /// The tree over `ids`.
    pub fn from_ids<'a>(ids: impl IntoIterator<Item = &'a EntryId>) -> Self {
        let mut log = Self::default();
        for id in ids {
            log.push(id);
        }
        log
    }

    /// Appends one leaf.
    pub fn push(&mut self, id: &EntryId) {
        let leaf = tlog::record_hash(id.as_bytes());
        // Reading can only fail beyond the tree, and the indexes asked for lie inside it by construction.
        if let Ok(new) = tlog::stored_hashes_for_record_hash(self.size, leaf, self) {
            self.hashes.extend(new);
            self.size += 1;
        }
    }

    /// How many leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves; SHA-256 of nothing for an empty log.
    pub fn root(&self) -> [u8; 32] {
        self.root_at(self.size).unwrap_or(EMPTY_HASH.0)
    }

    /// The root over the first `size` leaves.
    ///
    /// # Errors
    /// When the log is shorter.
    pub fn root_at(&self, size: u64) -> Result<[u8; 32], BeyondLog> {
        if size > self.size {
            return Err(BeyondLog { size: self.size, asked: size });
        }
        tlog::tree_hash(size, self).map(|h| h.0).map_err(|_| BeyondLog { size: self.size, asked: size })
    }

    /// The inclusion proof (RFC 6962, 2.1.1) of leaf `index` in the tree over the first `size` leaves.
    ///
    /// # Errors
    /// When the leaf or the size is beyond the log.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<[u8; 32]>, BeyondLog> {
        if size > self.size || index >= size {
            return Err(BeyondLog { size: self.size, asked: index.max(size) });
        }
        tlog::prove_record(size, index, self)
            .map(|proof| proof.into_iter().map(|h| h.0).collect())
            .map_err(|_| BeyondLog { size: self.size, asked: index })
    }

    /// The consistency proof (RFC 6962, 2.1.2) between the trees over the first `old` and `new` leaves; empty when the
    /// sizes are equal or `old` is 0.
    ///
    /// # Errors
    /// When a size is beyond the log, or `old` larger than `new`.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<[u8; 32]>, BeyondLog> {
        if new > self.size || old > new {
            return Err(BeyondLog { size: new.min(self.size), asked: new.max(old) });
        }
        if old == 0 || old == new {
            return Ok(Vec::new());
        }
        tlog::prove_tree(new, old, self)
            .map(|proof| proof.into_iter().map(|h| h.0).collect())
            .map_err(|_| BeyondLog { size: self.size, asked: new })
    }

    /// The tiles that a log grown from `old_size` to the present one must publish: path below the tile folder and
    /// bytes (C2SP tlog-tiles: `<level>/<index>[.p/<width>]`).
    pub fn new_tiles(&self, old_size: u64) -> Vec<(String, Vec<u8>)> {
        Tile::new_tiles(TILE_HEIGHT, old_size, self.size)
            .into_iter()
            .filter_map(|tile| {
                let bytes = tile.read_data(self).ok()?;
                // The library writes the path of the Go form, `tile/<height>/<level>/..`; C2SP has no height.
                let path = tile.path().strip_prefix("tile/8/")?.to_owned();
                Some((path, bytes))
            })
            .collect()
    }

    /// The bytes that the tile at `path` (as in [`Self::new_tiles`]) must have; `None` when it is no tile of this log.
    pub fn tile_at(&self, path: &str) -> Option<Vec<u8>> {
        let tile = Tile::from_path(&format!("tile/8/{path}")).ok()?;
        tile.read_data(self).ok()
    }
}

/// The hash of the leaf of an entry: `SHA-256(0x00 || id)`.
pub(crate) fn leaf_hash(id: &EntryId) -> [u8; 32] {
    tlog::record_hash(id.as_bytes()).0
}

/// Checks a consistency proof: that the tree of `new_size` with `new_root` grew from the tree of `old_size` with
/// `old_root`.
pub fn consistency_holds(
    proof: &[[u8; 32]],
    old_size: u64,
    old_root: [u8; 32],
    new_size: u64,
    new_root: [u8; 32],
) -> bool {
    match old_size {
        // Every tree grew from the empty one (RFC 6962 defines no proof of it).
        0 => proof.is_empty() && old_root == EMPTY_HASH.0,
        old if old == new_size => proof.is_empty() && old_root == new_root,
        old => {
            let proof = proof.iter().copied().map(Hash).collect();
            tlog::check_tree(&proof, new_size, Hash(new_root), old, Hash(old_root)).is_ok()
        }
    }
}

/// Checks an inclusion proof: that leaf `index` of the tree of `size` with `root` is `id`.
pub fn inclusion_holds(proof: &[[u8; 32]], size: u64, root: [u8; 32], index: u64, id: &EntryId) -> bool {
    let proof = proof.iter().copied().map(Hash).collect();
    tlog::check_record(&proof, size, Hash(root), index, tlog::record_hash(id.as_bytes())).is_ok()
}
