//! The Merkle tree over all places, with the prefixes of RFC 6962: 0 for a leaf, 1 for a node.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fields::Field;

/// Levels above the leaves.
pub(super) const DEPTH: usize = 12;

/// Places of a tree, taken or decoys. One size for all wholes, so that it tells nothing.
pub const SLOTS: usize = 1 << DEPTH;

pub(super) type Hash = [u8; 32];

/// The commitment to a field: SHA-256 over a prefix and the canonical JSON (RFC 8785) of `[salt, path, value]`.
pub(super) fn leaf(salt: &[u8; 16], field: &Field) -> Hash {
    let committed: Value = json!([hex::encode(salt), field.path, field.value]);
    // A value that was read from JSON has a canonical form; one that had none would verify nowhere.
    let bytes = serde_json_canonicalizer::to_vec(&committed).unwrap_or_default();
    Sha256::new_with_prefix([0]).chain_update(bytes).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

/// All hashes, leaves first.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// From [`SLOTS`] leaves.
    pub(super) fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let above =
                below.chunks_exact(2).filter_map(|pair| Some(node(pair.first()?, pair.last()?))).collect();
            levels.push(above);
        }
        Self { levels }
    }

    pub(super) fn root(&self) -> Hash {
        self.levels.last().and_then(|top| top.first()).copied().unwrap_or_default()
    }

    /// The hashes beside the way from a place to the root, lowest first.
    pub(super) fn beside(&self, slot: usize) -> Vec<Hash> {
        self.levels
            .iter()
            .enumerate()
            .filter_map(|(level, row)| row.get((slot >> level) ^ 1))
            .copied()
            .collect()
    }
}

/// The root that a leaf leads to.
pub(super) fn root_of(slot: usize, leaf: Hash, beside: &[Hash]) -> Hash {
    beside.iter().enumerate().fold(leaf, |hash, (level, other)| {
        if (slot >> level) & 1 == 0 { node(&hash, other) } else { node(other, &hash) }
    })
}
