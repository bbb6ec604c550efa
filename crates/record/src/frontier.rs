use base::EntryId;
use tlog_tiles::tlog::{self, EMPTY_HASH, Hash};

/// The right edge of an RFC 6962 Merkle tree: the roots of its largest complete subtrees, at most 64 hashes however
/// long the log is. It grows and gives the root; for proofs of former leaves see [`crate::MerkleLog`] and
/// [`crate::RecordStore`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frontier {
    size: u64,
    /// The largest subtree first: one for each bit of `size` that is set.
    edge: Vec<Hash>,
}

impl Frontier {
    /// The right edge of the tree over `ids`.
    pub fn from_ids<'a>(ids: impl IntoIterator<Item = &'a EntryId>) -> Self {
        let mut frontier = Self::default();
        for id in ids {
            frontier.push(id);
        }
        frontier
    }

    /// Appends one leaf: `SHA-256(0x00 || id)`.
    pub fn push(&mut self, id: &EntryId) {
        self.push_leaf(tlog::record_hash(id.as_bytes()));
    }

    pub(crate) fn push_leaf(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // As many complete subtrees merge as the size has ones at its end.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.edge.pop() {
                hash = tlog::node_hash(left, hash);
            }
        }
        self.edge.push(hash);
        self.size += 1;
    }

    /// How many leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves; SHA-256 of nothing for an empty log.
    pub fn root(&self) -> [u8; 32] {
        let mut hashes = self.edge.iter().rev().copied();
        let Some(first) = hashes.next() else { return EMPTY_HASH.0 };
        hashes.fold(first, |right, left| tlog::node_hash(left, right)).0
    }

    /// The hashes of the edge, the largest subtree first.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.edge.iter().flat_map(|hash| hash.0).collect()
    }

    /// From [`Self::to_bytes`]; `None` when the number of hashes is not that of a tree of `size`.
    pub(crate) fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (edge, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && edge.len() == size.count_ones() as usize;
        fits.then(|| Self { size, edge: edge.iter().copied().map(Hash).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MerkleLog;

    #[test]
    fn the_edge_has_the_root_of_the_whole_tree_at_every_size() {
        let mut log = MerkleLog::default();
        let mut frontier = Frontier::default();
        for n in 0..1100_u32 {
            assert_eq!((frontier.size(), frontier.root()), (log.size(), log.root()));
            let read = Frontier::from_bytes(frontier.size(), &frontier.to_bytes()).unwrap();
            assert_eq!(read, frontier);
            assert_eq!(Frontier::from_bytes(frontier.size() + (1 << 40), &frontier.to_bytes()), None);
            let mut id = [0; 32];
            id[..4].copy_from_slice(&n.to_le_bytes());
            let id = EntryId::from_bytes(id);
            log.push(&id);
            frontier.push(&id);
        }
    }
}
