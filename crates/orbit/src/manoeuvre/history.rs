use std::collections::BTreeMap;

use base::NoradId;

use crate::ElementSet;

/// All element sets of some objects, each object's by rising epoch.
///
/// Of sets of one object with one epoch (a set that was published again) one stays: that with the higher element set
/// number, of equal numbers the one with the larger mean motion, then mean anomaly. So the order in which the sets
/// came does not matter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ElementHistory {
    objects: BTreeMap<NoradId, Vec<ElementSet>>,
}

impl ElementHistory {
    /// A history of `sets` in any order.
    pub fn new(sets: impl IntoIterator<Item = ElementSet>) -> Self {
        let mut objects: BTreeMap<NoradId, Vec<ElementSet>> = BTreeMap::new();
        for set in sets {
            objects.entry(set.norad_id()).or_default().push(set);
        }
        for sets in objects.values_mut() {
            sets.sort_by(|a, b| {
                (a.epoch(), a.element_set_no())
                    .cmp(&(b.epoch(), b.element_set_no()))
                    .then(a.mean_motion_rev_per_day().total_cmp(&b.mean_motion_rev_per_day()))
                    .then(a.mean_anomaly_deg().total_cmp(&b.mean_anomaly_deg()))
            });
            // The last of equal epochs stays: walk backwards, so that it comes first.
            sets.reverse();
            sets.dedup_by_key(|set| set.epoch());
            sets.reverse();
        }
        Self { objects }
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The objects by rising catalogue number, each with its sets by rising epoch.
    pub fn iter(&self) -> impl Iterator<Item = (NoradId, &[ElementSet])> {
        self.objects.iter().map(|(id, sets)| (*id, sets.as_slice()))
    }

    /// The sets of one object by rising epoch; none when it is not here.
    pub fn sets(&self, id: NoradId) -> &[ElementSet] {
        self.objects.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The objects for which `keep` holds.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(NoradId) -> bool) -> Self {
        self.objects.retain(|id, _| keep(*id));
        self
    }
}
