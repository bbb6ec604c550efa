use base::EntryId;
use tlog_tiles::tlog::{EMPTY_HASH, Hash, node_hash, record_hash};

/// The right edge of an RFC 6962 tree.
#[derive(Debug, Clone, Default)]
pub struct Frontier {
    size: u64,
    edge: Vec<Hash>,
}

impl Frontier {
    /// Appends one leaf.
    pub fn push(&mut self, id: &EntryId) {
        let mut hash = record_hash(id.as_bytes());
        let mut size = self.size;
        while size & 1 == 1 {
            if let Some(left) = self.edge.pop() {
                hash = node_hash(left, hash);
            }
            size >>= 1;
        }
        self.edge.push(hash);
        self.size += 1;
    }

    /// How many leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root.
    pub fn root(&self) -> [u8; 32] {
        let mut edge = self.edge.iter().rev().copied();
        let Some(mut hash) = edge.next() else { return EMPTY_HASH.0 };
        for left in edge {
            hash = node_hash(left, hash);
        }
        hash.0
    }
}
