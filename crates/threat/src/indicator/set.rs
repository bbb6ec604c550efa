use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fingerprint::Fingerprint;
use super::network::Networks;
use super::table::{Table, TableBuilder};
use super::text::Texts;
use super::{Indicator, IndicatorKind, Keys, Origin, OriginId, Quick, SearchKeys, filter::Filter};

/// Why a set cannot be made or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// More origins than can be told apart.
    #[error("the set has more than {} origins; give indicators of one feed one origin", OriginId::LIMIT)]
    TooManyOrigins,
    /// Free texts that do not fit into one automaton.
    #[error("the free texts cannot be searched for together: {reason}; give fewer or shorter ones")]
    Texts {
        /// What the library says.
        reason: String,
    },
}

/// A change of a set that is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The indicator counts from now on.
    Add {
        /// What to look for.
        indicator: Indicator,
        /// Where it comes from; shared, because changes come in hundreds from one feed.
        origin: Arc<Origin>,
    },
    /// The indicator no longer counts.
    Remove {
        /// What to look for no longer.
        indicator: Indicator,
        /// Only as far as it comes from this source and object. Absent: whoever it comes from.
        only_from: Option<(String, Option<String>)>,
    },
}

/// How many indicators a set has and what they cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetStatistics {
    /// Indicators as they were added, by kind.
    pub added: BTreeMap<IndicatorKind, u64>,
    /// Different pairs of indicator and origin that are looked for.
    pub kept: u64,
    /// Bytes of memory of the set, without its origins.
    pub bytes: usize,
}

/// Collects indicators. 13 bytes each while it grows and 14.25 when done, whatever their length; texts and networks
/// cost more.
#[derive(Clone)]
pub struct SetBuilder {
    keys: Keys,
    table: TableBuilder,
    networks: Vec<(u128, u8, OriginId)>,
    texts: BTreeMap<String, Vec<OriginId>>,
    origins: Vec<Origin>,
    present: Present,
    added: BTreeMap<IndicatorKind, u64>,
    search: Option<SearchKeys>,
}

/// What sorts of indicators there are, so that nothing is looked up in vain.
#[derive(Debug, Clone, Copy, Default)]
struct Present {
    /// [`IndicatorKind::bit`] of each kind.
    kinds: u16,
    /// A bit for each number of labels of domain names, the last one for all above.
    depths: u32,
}

impl Present {
    fn note(&mut self, indicator: &Indicator) {
        self.kinds |= indicator.kind().bit();
        if matches!(indicator.kind(), IndicatorKind::Domain | IndicatorKind::Subdomains) {
            let dots = indicator.bare_text().bytes().filter(|b| *b == b'.').count();
            self.depths |= 1 << (dots + 1).min(31);
        }
    }

    const fn and(self, other: Self) -> Self {
        Self { kinds: self.kinds | other.kinds, depths: self.depths | other.depths }
    }
}

impl SetBuilder {
    /// An empty set. `seed` is secret and random: whoever knows it can make values that collide.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            keys: Keys::from_seed(&seed),
            table: TableBuilder::new(),
            networks: Vec::new(),
            texts: BTreeMap::new(),
            origins: Vec::new(),
            present: Present::default(),
            added: BTreeMap::new(),
            search: None,
        }
    }

    /// An empty set that also keeps what a store of old logs is searched by, 8 bytes an indicator.
    pub fn with_search_keys(seed: [u8; 32]) -> Self {
        Self { search: Some(SearchKeys::default()), ..Self::new(seed) }
    }

    /// Takes the keys of all indicators so far, sorted; none without [`SetBuilder::with_search_keys`].
    pub fn take_search_keys(&mut self) -> SearchKeys {
        let mut keys = self.search.as_mut().map(std::mem::take).unwrap_or_default();
        keys.sort();
        keys
    }

    /// A new origin.
    ///
    /// # Errors
    /// When there are 16,777,216 already.
    pub fn origin(&mut self, origin: Origin) -> Result<OriginId, SetError> {
        let id = OriginId::new(self.origins.len()).ok_or(SetError::TooManyOrigins)?;
        self.origins.push(origin);
        Ok(id)
    }

    /// Adds an indicator of an origin.
    pub fn add(&mut self, indicator: &Indicator, origin: OriginId) {
        self.present.note(indicator);
        *self.added.entry(indicator.kind()).or_default() += 1;
        if let Some(search) = &mut self.search {
            search.add(indicator);
        }
        match (indicator.kind(), indicator.network()) {
            (_, Some((base, length))) => self.networks.push((base, length, origin)),
            (IndicatorKind::Text, _) => {
                self.texts.entry(indicator.bare_text().to_owned()).or_default().push(origin);
            }
            _ => self.table.push(fingerprint(&self.keys, indicator), origin),
        }
    }

    /// How many indicators were added so far.
    pub fn len(&self) -> u64 {
        self.added.values().sum()
    }

    /// Whether none was added.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
    }

    /// The set, ready to be asked.
    ///
    /// # Errors
    /// When the free texts do not fit into one automaton.
    pub fn finish(self) -> Result<IndicatorSet, SetError> {
        let base = Base {
            table: self.table.finish(),
            networks: Networks::new(self.networks),
            texts: Texts::new(self.texts)?,
            present: self.present,
            added: self.added,
        };
        Ok(IndicatorSet {
            keys: self.keys,
            base: Arc::new(base),
            delta: Delta::default(),
            origins: Arc::new(self.origins),
            later_origins: Vec::new(),
        })
    }
}

fn fingerprint(keys: &Keys, indicator: &Indicator) -> Fingerprint {
    let key = indicator.key();
    let quick = keys.quick(indicator.kind(), &key);
    keys.fingerprint(indicator.kind(), quick, &key)
}

/// The large part, which is shared and never changed.
#[derive(Debug)]
struct Base {
    table: Table,
    networks: Networks,
    texts: Texts,
    present: Present,
    added: BTreeMap<IndicatorKind, u64>,
}

/// What was changed since the large part was made.
#[derive(Debug, Clone, Default)]
struct Delta {
    added: BTreeMap<Fingerprint, Vec<OriginId>>,
    gone: BTreeSet<(Fingerprint, OriginId)>,
    /// Of the keys of `added`; made anew when they outgrow it.
    filter: Option<Filter>,
    room: usize,
    network_list: Vec<(u128, u8, OriginId)>,
    networks: Networks,
    texts: Texts,
    text_list: BTreeMap<String, Vec<OriginId>>,
    present: Present,
}

/// Indicators of compromise, to be asked for single values.
///
/// A copy costs what was changed since the set was made: to change a set in use, copy it, [`IndicatorSet::apply`] the
/// changes and put it in place of the old one. When many changes have come together, [`IndicatorSet::merged`] makes
/// one large part of all, in a thread of the caller's.
#[derive(Clone)]
pub struct IndicatorSet {
    keys: Keys,
    base: Arc<Base>,
    delta: Delta,
    origins: Arc<Vec<Origin>>,
    later_origins: Vec<Origin>,
}

impl IndicatorSet {
    /// Applies changes in their order.
    ///
    /// # Errors
    /// When there are too many origins, or texts that cannot be searched for together.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), SetError> {
        let mut last: Option<(&Arc<Origin>, OriginId)> = None;
        let (networks, texts) = (self.delta.network_list.len(), self.delta.text_list.len());
        let mut fewer = false;
        for change in changes {
            match change {
                Change::Add { indicator, origin } => {
                    let id = match last {
                        Some((known, id)) if known == origin => id,
                        _ => self.later_origin(origin)?,
                    };
                    last = Some((origin, id));
                    self.add_later(indicator, id);
                }
                Change::Remove { indicator, only_from } => {
                    fewer = true;
                    self.remove(indicator, only_from.as_ref());
                }
            }
        }
        if fewer || self.delta.network_list.len() != networks {
            self.delta.networks = Networks::new(self.delta.network_list.clone());
        }
        if fewer || self.delta.text_list.len() != texts {
            self.delta.texts = Texts::new(self.delta.text_list.clone())?;
        }
        Ok(())
    }

    fn later_origin(&mut self, origin: &Origin) -> Result<OriginId, SetError> {
        if let Some(at) = self.later_origins.iter().rposition(|known| known == origin) {
            return OriginId::new(self.origins.len() + at).ok_or(SetError::TooManyOrigins);
        }
        let id =
            OriginId::new(self.origins.len() + self.later_origins.len()).ok_or(SetError::TooManyOrigins)?;
        self.later_origins.push(origin.clone());
        Ok(id)
    }

    fn add_later(&mut self, indicator: &Indicator, origin: OriginId) {
        let delta = &mut self.delta;
        delta.present.note(indicator);
        match (indicator.kind(), indicator.network()) {
            (_, Some((base, length))) => delta.network_list.push((base, length, origin)),
            (IndicatorKind::Text, _) => {
                delta.text_list.entry(indicator.bare_text().to_owned()).or_default().push(origin);
            }
            _ => {
                let fingerprint = fingerprint(&self.keys, indicator);
                let origins = delta.added.entry(fingerprint).or_default();
                if !origins.contains(&origin) {
                    origins.push(origin);
                }
                delta.note_key(fingerprint);
            }
        }
    }

    fn remove(&mut self, indicator: &Indicator, only_from: Option<&(String, Option<String>)>) {
        let fingerprint = fingerprint(&self.keys, indicator);
        let meant: Vec<OriginId> = self
            .all_origins(indicator)
            .into_iter()
            .filter(|id| {
                let origin = self.origin(*id);
                only_from.is_none_or(|(source, object)| {
                    origin.is_some_and(|o| o.source == *source && o.object == *object)
                })
            })
            .collect();
        let delta = &mut self.delta;
        for id in meant {
            delta.gone.insert((fingerprint, id));
            if let Some(origins) = delta.added.get_mut(&fingerprint) {
                origins.retain(|known| *known != id);
            }
            delta.network_list.retain(|(base, length, known)| {
                *known != id || indicator.network() != Some((*base, *length))
            });
            if indicator.kind() == IndicatorKind::Text
                && let Some(origins) = delta.text_list.get_mut(indicator.bare_text())
            {
                origins.retain(|known| *known != id);
            }
        }
        delta.text_list.retain(|_, origins| !origins.is_empty());
    }

    /// The origins of exactly this indicator.
    pub fn origins_of(&self, indicator: &Indicator) -> Vec<&Origin> {
        self.all_origins(indicator).into_iter().filter_map(|id| self.origin(id)).collect()
    }

    fn all_origins(&self, indicator: &Indicator) -> Vec<OriginId> {
        let mut found = Vec::new();
        match (indicator.kind(), indicator.network()) {
            (_, Some((base, length))) => self.networks_holding(base, |entry_base, entry_length, origins| {
                if (entry_base, entry_length) == (base, length) {
                    found.extend_from_slice(origins);
                }
            }),
            (IndicatorKind::Text, _) => {
                found.extend(self.text_origins(indicator.bare_text()));
            }
            _ => {
                let key = indicator.key();
                let quick = self.keys.quick(indicator.kind(), &key);
                self.find(indicator.kind(), quick, &key, &mut found);
            }
        }
        found
    }

    /// One set of all, without what was removed. Work for a thread of its own; changes that are applied in the
    /// meantime must be applied to the new set too.
    ///
    /// # Errors
    /// When the free texts do not fit into one automaton.
    pub fn merged(&self) -> Result<Self, SetError> {
        let (base, delta) = (&self.base, &self.delta);
        let mut table = base.table.reopened(|fingerprint, id| delta.gone.contains(&(fingerprint, id)));
        for (fingerprint, origins) in &delta.added {
            origins.iter().for_each(|id| table.push(*fingerprint, *id));
        }
        let mut networks = delta.network_list.clone();
        for entry in base.networks.entries() {
            let left = self.left(&Indicator::of_network(entry.base, entry.length), &entry.origins);
            networks.extend(left.map(|id| (entry.base, entry.length, id)));
        }
        let mut texts = delta.text_list.clone();
        for (text, origins) in base.texts.list() {
            let left: Vec<OriginId> = self.left_text(text, origins).collect();
            if !left.is_empty() {
                texts.entry(text.clone()).or_default().extend(left);
            }
        }
        let mut origins = self.origins.as_ref().clone();
        origins.extend(self.later_origins.iter().cloned());
        let merged = Base {
            table: table.finish(),
            networks: Networks::new(networks),
            texts: Texts::new(texts)?,
            present: base.present.and(delta.present),
            added: base.added.clone(),
        };
        Ok(Self {
            keys: self.keys.clone(),
            base: Arc::new(merged),
            delta: Delta::default(),
            origins: Arc::new(origins),
            later_origins: Vec::new(),
        })
    }

    /// How many changes are not yet merged.
    pub fn unmerged(&self) -> usize {
        let delta = &self.delta;
        delta.added.len() + delta.gone.len() + delta.network_list.len() + delta.text_list.len()
    }

    /// An origin of this set.
    pub fn origin(&self, id: OriginId) -> Option<&Origin> {
        let index = id.index();
        self.origins.get(index).or_else(|| self.later_origins.get(index.checked_sub(self.origins.len())?))
    }

    /// How many indicators there are and what they cost.
    pub fn statistics(&self) -> SetStatistics {
        let base = &self.base;
        let origins =
            |entries: &[super::network::Entry]| -> usize { entries.iter().map(|e| e.origins.len()).sum() };
        let kept = base.table.len() + origins(base.networks.entries()) + base.texts.list().len();
        let delta = &self.delta;
        let pairs = |lists: &mut dyn Iterator<Item = &Vec<OriginId>>| lists.map(Vec::len).sum::<usize>();
        let later = pairs(&mut delta.added.values())
            + delta.network_list.len()
            + pairs(&mut delta.text_list.values());
        let gone = delta.gone.iter().filter(|(_, id)| id.index() < self.origins.len()).count();
        let kept = (kept + later).saturating_sub(gone);
        SetStatistics {
            added: base.added.clone(),
            kept: kept as u64,
            bytes: base.table.bytes() + base.networks.bytes() + base.texts.bytes(),
        }
    }

    pub(crate) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether there are indicators of a kind.
    pub(crate) fn has(&self, kind: IndicatorKind) -> bool {
        (self.base.present.kinds | self.delta.present.kinds) & kind.bit() != 0
    }

    /// Bit n: there are domain names with n labels.
    pub(crate) fn depths(&self) -> u32 {
        self.base.present.depths | self.delta.present.depths
    }

    /// Whether an indicator with this quick hash may be there.
    #[inline]
    pub(crate) fn may_contain(&self, quick: Quick) -> bool {
        self.base.table.may_contain(quick) || self.delta.filter.as_ref().is_some_and(|f| f.may_contain(quick))
    }

    /// Adds the origins of a key to `found`.
    pub(crate) fn find(&self, kind: IndicatorKind, quick: Quick, key: &[u8], found: &mut Vec<OriginId>) {
        let fingerprint = self.keys.fingerprint(kind, quick, key);
        let gone = &self.delta.gone;
        let kept = self.base.table.origins(fingerprint);
        found.extend(kept.filter(|id| gone.is_empty() || !gone.contains(&(fingerprint, *id))));
        if let Some(origins) = self.delta.added.get(&fingerprint) {
            found.extend_from_slice(origins);
        }
    }

    /// The networks that hold an address: first address, prefix length within 128 bits, origins.
    #[inline]
    pub(crate) fn networks_holding(&self, address: u128, mut each: impl FnMut(u128, u8, &[OriginId])) {
        for entry in self.base.networks.holding(address) {
            if self.delta.gone.is_empty() {
                each(entry.base, entry.length, &entry.origins);
                continue;
            }
            let indicator = Indicator::of_network(entry.base, entry.length);
            let left: Vec<OriginId> = self.left(&indicator, &entry.origins).collect();
            if !left.is_empty() {
                each(entry.base, entry.length, &left);
            }
        }
        for entry in self.delta.networks.holding(address) {
            each(entry.base, entry.length, &entry.origins);
        }
    }

    /// The texts that stand in `bytes` as words: first byte, text, origins.
    pub(crate) fn texts_in(&self, bytes: &[u8], mut each: impl FnMut(usize, &str, &[OriginId])) {
        self.base.texts.find(bytes, |start, text, origins| {
            let left: Vec<OriginId> = self.left_text(text, origins).collect();
            if !left.is_empty() {
                each(start, text, &left);
            }
        });
        self.delta.texts.find(bytes, each);
    }

    fn text_origins(&self, text: &str) -> Vec<OriginId> {
        let base = self.base.texts.list().iter().find(|(known, _)| known == text);
        let kept = base.map_or(&[][..], |(_, origins)| origins);
        let later = self.delta.text_list.get(text).into_iter().flatten().copied();
        self.left_text(text, kept).chain(later).collect()
    }

    /// Those of `origins` of an indicator of the large part that were not removed.
    fn left<'a>(
        &'a self,
        indicator: &Indicator,
        origins: &'a [OriginId],
    ) -> impl Iterator<Item = OriginId> + 'a {
        let gone = &self.delta.gone;
        let fingerprint = (!gone.is_empty()).then(|| fingerprint(&self.keys, indicator));
        origins.iter().copied().filter(move |id| fingerprint.is_none_or(|f| !gone.contains(&(f, *id))))
    }

    fn left_text<'a>(&'a self, text: &str, origins: &'a [OriginId]) -> impl Iterator<Item = OriginId> + 'a {
        let gone = &self.delta.gone;
        let kind = IndicatorKind::Text;
        let fingerprint = (!gone.is_empty()).then(|| {
            let quick = self.keys.quick(kind, text.as_bytes());
            self.keys.fingerprint(kind, quick, text.as_bytes())
        });
        origins.iter().copied().filter(move |id| fingerprint.is_none_or(|f| !gone.contains(&(f, *id))))
    }
}

impl Delta {
    fn note_key(&mut self, fingerprint: Fingerprint) {
        if self.filter.is_none() || self.added.len() > self.room {
            self.room = (2 * self.added.len()).max(1024);
            let mut filter = Filter::for_keys(self.room);
            self.added.keys().for_each(|key| filter.insert(key.quick()));
            self.filter = Some(filter);
        } else if let Some(filter) = &mut self.filter {
            filter.insert(fingerprint.quick());
        }
    }
}
