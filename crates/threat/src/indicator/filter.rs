use super::Quick;

/// A blocked Bloom filter (Putze, Sanders, Singler 2007): three bits in each of two words that lie side by side, so
/// one cache line and two comparisons a question. It says "perhaps" for all of its keys and for some 2 % of others.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    blocks: Vec<[u64; 2]>,
}

/// Bits of the filter for a key.
const BITS_PER_KEY: usize = 10;

impl Filter {
    /// An empty filter for so many keys.
    pub(super) fn for_keys(keys: usize) -> Self {
        Self { blocks: vec![[0; 2]; (keys * BITS_PER_KEY).div_ceil(128).max(1)] }
    }

    /// Adds a key. Only the upper 48 bits count: those that the table keeps.
    pub(super) fn insert(&mut self, key: Quick) {
        let (at, [first, second]) = self.place(key);
        self.blocks[at][0] |= first;
        self.blocks[at][1] |= second;
    }

    /// Whether the key may be there.
    #[inline]
    pub(super) fn may_contain(&self, key: Quick) -> bool {
        let (at, [first, second]) = self.place(key);
        let block = &self.blocks[at];
        (first & !block[0]) | (second & !block[1]) == 0
    }

    #[inline]
    fn place(&self, key: Quick) -> (usize, [u64; 2]) {
        // The table keeps 48 bits, so no more may be asked for here.
        let kept = key.0 & !0xFFFF;
        let at = (u128::from(kept) * self.blocks.len() as u128) >> 64;
        // The upper bits chose the block; multiplied, the others decide the bits within it.
        let within = (kept >> 16).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let three = |from: u32| (0..3).fold(0, |mask, i| mask | 1_u64 << (within >> (from + 6 * i) & 63));
        (at as usize, [three(28), three(46)])
    }

    pub(super) const fn bytes(&self) -> usize {
        self.blocks.len() * 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The finaliser of SplitMix64: any numbers that are spread evenly.
    fn spread(n: u64) -> Quick {
        let z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        Quick(z ^ (z >> 27))
    }

    #[test]
    fn it_knows_its_keys_and_few_others() {
        let mut filter = Filter::for_keys(100_000);
        (0..100_000).for_each(|n| filter.insert(spread(n)));
        assert!((0..100_000).all(|n| filter.may_contain(spread(n))));
        let wrong = (100_000..300_000).filter(|n| filter.may_contain(spread(*n))).count();
        assert!(wrong < 6_000, "{wrong} of 200000");
    }
}
