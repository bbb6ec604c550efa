//! Checks of proofs about trees whose sizes a stranger states (RFC 6962).

use tlog_tiles::tlog::{self, EMPTY_HASH, Hash};

use crate::consistency_holds;

/// No tree has more leaves: far beyond any log, and the sums of the checks stay within 64 bits.
const MAX_LEAVES: u64 = 1 << 62;

/// The root of the empty tree: SHA-256 of nothing.
pub(crate) const EMPTY_ROOT: [u8; 32] = EMPTY_HASH.0;

/// Checks an inclusion proof: that the leaf at `index` in the tree of `size` with `root` has the hash `leaf`.
pub fn leaf_included(path: &[[u8; 32]], size: u64, root: [u8; 32], index: u64, leaf: [u8; 32]) -> bool {
    let path = path.iter().copied().map(Hash).collect();
    index < size
        && size <= MAX_LEAVES
        && tlog::check_record(&path, size, Hash(root), index, Hash(leaf)).is_ok()
}

/// Checks that the tree `new` (size and root) grew from the tree `old`.
pub(crate) fn only_grew(proof: &[[u8; 32]], old: (u64, [u8; 32]), new: (u64, [u8; 32])) -> bool {
    old.0 <= new.0 && new.0 <= MAX_LEAVES && consistency_holds(proof, old.0, old.1, new.0, new.1)
}
