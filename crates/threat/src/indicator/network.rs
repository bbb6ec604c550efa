use super::canonical::mask;
use super::origin::OriginId;

/// Networks in CIDR form: which of them hold an address, the narrowest first.
///
/// Prefixes nest or are apart, so their borders cut all addresses into pieces, each with one narrowest network; the
/// others are found from network to network outwards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Networks {
    entries: Vec<Entry>,
    /// First addresses of the pieces, rising.
    starts: Vec<u128>,
    /// The narrowest network of each piece.
    owners: Vec<Option<u32>>,
    /// Which /16 of IPv4 touch a network: most addresses of a log end here.
    v4_blocks: Vec<u64>,
    /// Whether there is a network outside IPv4.
    v6: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) base: u128,
    pub(crate) length: u8,
    pub(crate) origins: Vec<OriginId>,
    /// The next wider network.
    parent: Option<u32>,
}

impl Networks {
    pub(crate) fn new(mut networks: Vec<(u128, u8, OriginId)>) -> Self {
        networks.sort_unstable();
        networks.dedup();
        let mut made = Self::default();
        for (base, length, origin) in networks {
            match made.entries.last_mut() {
                Some(last) if (last.base, last.length) == (base, length) => last.origins.push(origin),
                _ => made.entries.push(Entry { base, length, origins: vec![origin], parent: None }),
            }
        }
        made.cut();
        made.mark_blocks();
        made
    }

    /// Finds parents and pieces. Sorted by base and then length, a network comes after those that hold it.
    fn cut(&mut self) {
        let mut open: Vec<u32> = Vec::new();
        for index in 0..self.entries.len() {
            let start = self.entries[index].base;
            while let Some(top) = open.last().copied().filter(|top| self.last(*top) < start) {
                self.close(&mut open, top);
            }
            self.entries[index].parent = open.last().copied();
            self.piece(start, Some(index as u32));
            open.push(index as u32);
        }
        while let Some(top) = open.last().copied() {
            self.close(&mut open, top);
        }
    }

    fn close(&mut self, open: &mut Vec<u32>, top: u32) {
        open.pop();
        if let Some(after) = self.last(top).checked_add(1) {
            self.piece(after, open.last().copied());
        }
    }

    /// From `start` on the narrowest network is `owner`. A later word on the same start wins: it is narrower.
    fn piece(&mut self, start: u128, owner: Option<u32>) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.owners.pop();
        }
        self.starts.push(start);
        self.owners.push(owner);
    }

    fn last(&self, index: u32) -> u128 {
        let entry = &self.entries[index as usize];
        entry.base | !mask(entry.length)
    }

    fn mark_blocks(&mut self) {
        self.v4_blocks = vec![0; if self.entries.is_empty() { 0 } else { 1024 }];
        for index in 0..self.entries.len() {
            let (first, last) = (self.entries[index].base, self.last(index as u32));
            if first >> 32 != 0xFFFF {
                self.v6 = true;
            }
            // What holds all of IPv4 lies outside it.
            if first >> 32 == 0xFFFF || last >> 32 >= 0xFFFF && first >> 32 <= 0xFFFF {
                let from = if first >> 32 == 0xFFFF { (first as u32) >> 16 } else { 0 };
                let to = if last >> 32 == 0xFFFF { (last as u32) >> 16 } else { 0xFFFF };
                for block in from..=to {
                    self.v4_blocks[block as usize / 64] |= 1 << (block % 64);
                }
            }
        }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The networks that hold `address`, the narrowest first.
    #[inline]
    pub(crate) fn holding(&self, address: u128) -> impl Iterator<Item = &Entry> {
        let narrowest = if self.may_hold(address) { self.owner(address) } else { None };
        std::iter::successors(narrowest, |index| self.entries[*index as usize].parent)
            .map(|index| &self.entries[index as usize])
    }

    #[inline]
    fn may_hold(&self, address: u128) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        if address >> 32 == 0xFFFF {
            let block = (address as u32) >> 16;
            return self.v4_blocks[block as usize / 64] >> (block % 64) & 1 == 1;
        }
        self.v6
    }

    fn owner(&self, address: u128) -> Option<u32> {
        let after = self.starts.partition_point(|start| *start <= address);
        self.owners[after.checked_sub(1)?]
    }

    pub(super) fn bytes(&self) -> usize {
        let each = size_of::<Entry>() + size_of::<OriginId>();
        self.entries.len() * each + self.starts.len() * 24 + self.v4_blocks.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_address_is_in_the_networks_that_hold_it(
            list in proptest::collection::vec((any::<u8>(), any::<bool>(), 90_u8..=128), 0..40),
            asked in proptest::collection::vec((any::<u8>(), any::<bool>()), 1..40),
        ) {
            // Few bits, so that networks nest and touch.
            let wide = |bits: u8, v4: bool| u128::from(bits) | if v4 { 0xFFFF_0000_0000 } else { 0xFFFE_FFFF_FF00 };
            let networks: Vec<(u128, u8, OriginId)> = list
                .iter()
                .map(|(bits, v4, length)| (wide(*bits, *v4) & mask(*length), *length, OriginId::new(0).unwrap()))
                .collect();
            let built = Networks::new(networks.clone());
            for (bits, v4) in asked {
                let address = wide(bits, v4);
                let got: Vec<(u128, u8)> = built.holding(address).map(|e| (e.base, e.length)).collect();
                let mut want: Vec<(u128, u8)> = networks
                    .iter()
                    .map(|(base, length, _)| (*base, *length))
                    .filter(|(base, length)| address & mask(*length) == *base)
                    .collect();
                want.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
                want.dedup();
                prop_assert_eq!(got, want);
            }
        }
    }
}
