//! Proofs about Merkle trees as texts (C2SP tlog-proof) and their checks (RFC 6962).

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tlog_tiles::tlog::{self, EMPTY_HASH, Hash};

use crate::{BeyondLog, Checkpoint, MerkleLog};

/// The first line of a tlog-proof.
const HEAD: &str = "c2sp.org/tlog-proof@v1";

/// More hashes than a tree of 2^64 leaves needs.
const MAX_PATH: usize = 64;

/// No tree has more leaves: far beyond any log, and the sums of the checks stay within 64 bits.
const MAX_LEAVES: u64 = 1 << 62;

/// The inclusion proof of leaf `index` under `checkpoint` in the form of C2SP tlog-proof.
pub fn inclusion_text(index: u64, path: &[[u8; 32]], checkpoint: &Checkpoint) -> String {
    let mut text = format!("{HEAD}\nindex {index}\n");
    for hash in path {
        text.push_str(&BASE64_STANDARD.encode(hash));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(checkpoint.note());
    text
}

/// A tlog-proof in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof<'a> {
    /// The place of the leaf, from 0.
    pub index: u64,
    /// Hashes from the leaf's sibling up.
    pub path: Vec<[u8; 32]>,
    /// The checkpoint as text, not yet checked.
    pub note: &'a str,
}

/// Reads a tlog-proof; `None` when it is not in that form, has extra data (which nothing here writes), or a second
/// spelling of the same.
pub fn read_inclusion(text: &str) -> Option<InclusionProof<'_>> {
    let (proof, note) = text.split_once("\n\n")?;
    let mut lines = proof.split('\n');
    if lines.next()? != HEAD {
        return None;
    }
    let index = decimal(lines.next()?.strip_prefix("index ")?)?;
    let path: Vec<[u8; 32]> = lines.map(hash).collect::<Option<_>>()?;
    (path.len() <= MAX_PATH).then_some(InclusionProof { index, path, note })
}

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

/// The consistency proof between the first `old_size` and the first `new_size` entries of `log` (RFC 6962, 2.1.2).
///
/// # Errors
/// When the log is shorter, or `old_size` is over `new_size`.
pub fn consistency(log: &MerkleLog, old_size: u64, new_size: u64) -> Result<Vec<[u8; 32]>, BeyondLog> {
    let beyond = |asked| BeyondLog { size: log.size(), asked };
    if new_size > log.size() || old_size > new_size {
        return Err(beyond(old_size.max(new_size)));
    }
    if old_size == 0 || old_size == new_size {
        return Ok(Vec::new());
    }
    tlog::prove_tree(new_size, old_size, log)
        .map(|proof| proof.into_iter().map(|hash| hash.0).collect())
        .map_err(|_| beyond(new_size))
}

/// The root of the empty tree: SHA-256 of nothing.
pub(crate) const EMPTY_ROOT: [u8; 32] = EMPTY_HASH.0;

/// The hash of the leaf for an entry: `SHA-256(0x00 || id)`.
pub fn leaf_hash(id: &base::EntryId) -> [u8; 32] {
    tlog::record_hash(id.as_bytes()).0
}
