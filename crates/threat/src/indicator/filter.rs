use super::Quick;

/// A split-block Bloom filter (Putze, Sanders, Singler 2007, in the form of Apache Parquet): one block of 256 bits a
/// key, so one cache line a question. It says "perhaps" for all of its keys and for 1 % of others.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    blocks: Vec<[u32; 8]>,
}

/// Bits of the filter for a key.
const BITS_PER_KEY: usize = 10;

const SALTS: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

impl Filter {
    /// An empty filter for so many keys.
    pub(super) fn for_keys(keys: usize) -> Self {
        Self { blocks: vec![[0; 8]; (keys * BITS_PER_KEY).div_ceil(256).max(1)] }
    }

    /// Adds a key. Only the upper 48 bits count: those that the table keeps.
    pub(super) fn insert(&mut self, key: Quick) {
        let (at, mask) = self.place(key);
        for (word, bit) in self.blocks[at].iter_mut().zip(mask) {
            *word |= bit;
        }
    }

    /// Whether the key may be there.
    #[inline]
    pub(super) fn may_contain(&self, key: Quick) -> bool {
        let (at, mask) = self.place(key);
        let block = &self.blocks[at];
        let mut missing = 0;
        for i in 0..8 {
            missing |= mask[i] & !block[i];
        }
        missing == 0
    }

    #[inline]
    fn place(&self, key: Quick) -> (usize, [u32; 8]) {
        // The table keeps 48 bits, so no more may be asked for here.
        let at = (u128::from(key.0 & !0xFFFF) * self.blocks.len() as u128) >> 64;
        // Bits 16 to 47: the block was chosen by those above.
        let within = (key.0 >> 16) as u32;
        (at as usize, SALTS.map(|salt| 1_u32 << (within.wrapping_mul(salt) >> 27)))
    }

    pub(super) const fn bytes(&self) -> usize {
        self.blocks.len() * 32
    }
}
