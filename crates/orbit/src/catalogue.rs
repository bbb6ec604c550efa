use base::NoradId;

use crate::ElementSet;

/// Element sets, one an object, sorted by catalogue number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalogue {
    sets: Vec<ElementSet>,
}

impl Catalogue {
    /// A catalogue of `sets` in any order. Of several sets of one object the newest epoch stays; of equal epochs the
    /// last one given.
    pub fn new(sets: impl IntoIterator<Item = ElementSet>) -> Self {
        let mut sets: Vec<ElementSet> = sets.into_iter().collect();
        // Stable: among equal epochs the order given decides.
        sets.sort_by_key(|s| (s.norad_id(), s.epoch()));
        // In place; the later one takes the room of the earlier.
        sets.dedup_by(|later, earlier| {
            let same = later.norad_id() == earlier.norad_id();
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Self { sets }
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The element sets by rising catalogue number.
    pub fn iter(&self) -> std::slice::Iter<'_, ElementSet> {
        self.sets.iter()
    }

    /// The element set of an object.
    pub fn get(&self, id: NoradId) -> Option<&ElementSet> {
        let at = self.sets.binary_search_by_key(&id, ElementSet::norad_id).ok()?;
        self.sets.get(at)
    }

    /// The objects whose name matches any of `patterns` (see [`name_matches`]), by rising catalogue number.
    pub fn find_by_name<S: AsRef<str>>(&self, patterns: &[S]) -> Vec<&ElementSet> {
        self.sets
            .iter()
            .filter(|s| s.name().is_some_and(|n| patterns.iter().any(|p| name_matches(p.as_ref(), n))))
            .collect()
    }

    /// The objects that both `self` and `keep` hold: a smaller catalogue.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&ElementSet) -> bool) -> Self {
        Self { sets: self.sets.iter().filter(|s| keep(s)).cloned().collect() }
    }

    /// Both catalogues as one; of an object in both the newest epoch stays, of equal epochs that of `other`.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        Self::new(self.sets.iter().chain(&other.sets).cloned())
    }
}

impl<'a> IntoIterator for &'a Catalogue {
    type Item = &'a ElementSet;
    type IntoIter = std::slice::Iter<'a, ElementSet>;

    fn into_iter(self) -> Self::IntoIter {
        self.sets.iter()
    }
}

/// Whether `name` as a whole matches `pattern`, in which `*` stands for any run of characters; case does not count.
///
/// ```
/// assert!(orbit::name_matches("*kompsat*", "KOMPSAT-3A (ARIRANG 3A)"));
/// assert!(!orbit::name_matches("KOMPSAT", "KOMPSAT-3A"));
/// ```
pub fn name_matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    // Greedy with one step back: linear in practice, quadratic at worst, never exponential.
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            retry = Some((p, n));
            p += 1;
        } else if pattern.get(p) == name.get(n) {
            p += 1;
            n += 1;
        } else if let Some((star, from)) = retry {
            p = star + 1;
            n = from + 1;
            retry = Some((star, from + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}
