//! The checks of proofs about Merkle trees (RFC 6962); their texts are in `proof`.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tlog_tiles::tlog::{self, EMPTY_HASH, Hash};

/// More hashes than a tree of 2^64 leaves needs.
const MAX_PATH: usize = 64;

/// No tree has more leaves: far beyond any log, and the sums of the checks stay within 64 bits.
const MAX_LEAVES: u64 = 1 << 62;

/// A number without leading zeros or a sign.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

pub(crate) fn hash(text: &str) -> Option<[u8; 32]> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

/// Checks an inclusion proof: that the leaf at `index` in the tree of `size` with `root` has the hash `leaf`.
pub fn leaf_included(path: &[[u8; 32]], size: u64, root: [u8; 32], index: u64, leaf: [u8; 32]) -> bool {
    let path = path.iter().copied().map(Hash).collect();
    index < size
        && size <= MAX_LEAVES
        && tlog::check_record(&path, size, Hash(root), index, Hash(leaf)).is_ok()
}

/// The same for an entry: that leaf `index` of the tree of `size` with `root` is `id`.
pub fn inclusion_holds(path: &[[u8; 32]], size: u64, root: [u8; 32], index: u64, id: &base::EntryId) -> bool {
    leaf_included(path, size, root, index, leaf_hash(id))
}

/// Checks that the tree of `old_size` with `old_root` is a prefix of the tree of `new_size` with `new_root` (RFC 6962,
/// 2.1.2). The empty tree is a prefix of every tree, and its proof is empty.
pub fn consistency_holds(
    proof: &[[u8; 32]],
    (old_size, old_root): (u64, [u8; 32]),
    (new_size, new_root): (u64, [u8; 32]),
) -> bool {
    if old_size > new_size || new_size > MAX_LEAVES || proof.len() > MAX_PATH {
        return false;
    }
    if old_size == 0 {
        return proof.is_empty() && old_root == EMPTY_HASH.0;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    let proof = proof.iter().copied().map(Hash).collect();
    tlog::check_tree(&proof, new_size, Hash(new_root), old_size, Hash(old_root)).is_ok()
}

/// The root of the empty tree: SHA-256 of nothing.
pub(crate) const EMPTY_ROOT: [u8; 32] = EMPTY_HASH.0;

/// The hash of the leaf for an entry: `SHA-256(0x00 || id)`.
pub fn leaf_hash(id: &base::EntryId) -> [u8; 32] {
    tlog::record_hash(id.as_bytes()).0
}
