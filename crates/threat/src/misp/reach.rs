//! Who may have an element, once all that holds it has been asked.

use std::collections::BTreeSet;

use base::Fault;

use super::{MispAttribute, MispDistribution, MispEvent, MispObject, MispReport, MispSharingGroup};

/// How far something may go. Only the first is known to any other node; the others name nobody, and reach nobody
/// until somebody says who is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MispDistance {
    /// Its own organisation.
    OwnOrganisation,
    /// The organisations on its server.
    ThisCommunity,
    /// And those on servers connected to it.
    ConnectedCommunities,
    /// Anyone.
    AllCommunities,
}

/// Who may have an element: the narrowest of what it says and what holds it says.
///
/// ```
/// let read = threat::read_misp(br#"{"Event": {"uuid": "a6ef17d6-91cb-4a05-b10b-2f045daf874f", "info": "x",
///   "distribution": "1", "Attribute": [{"uuid": "5e384ae7-672c-4250-9cda-3b4d00000001", "type": "domain",
///   "value": "a.example", "distribution": "3"}]}}"#);
/// let event = &read.events[0];
/// assert_eq!(event.attributes[0].reach(&event.reach()).distance, threat::MispDistance::ThisCommunity);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MispReach {
    /// At most so far.
    pub distance: MispDistance,
    /// At most these organisations, by UUID in small letters, when sharing groups say so. An empty set is nobody.
    pub organisations: Option<BTreeSet<String>>,
}

impl MispReach {
    /// Nobody else.
    pub const fn own() -> Self {
        Self { distance: MispDistance::OwnOrganisation, organisations: None }
    }

    /// Whether nobody but its own organisation may have it.
    pub fn is_own_only(&self) -> bool {
        self.distance == MispDistance::OwnOrganisation
            || self.organisations.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Whether anyone may have it.
    pub fn is_open(&self) -> bool {
        self.distance == MispDistance::AllCommunities && self.organisations.is_none()
    }

    /// Whether each who may have this may have `other` as well.
    pub fn is_within(&self, other: &Self) -> bool {
        if self.is_own_only() {
            return true;
        }
        let known = match (&self.organisations, &other.organisations) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(these), Some(those)) => these.is_subset(those),
        };
        known && self.distance <= other.distance
    }

    /// What both allow.
    #[must_use]
    pub fn narrowed(&self, other: &Self) -> Self {
        let organisations = match (&self.organisations, &other.organisations) {
            (Some(these), Some(those)) => Some(these & those),
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        };
        Self { distance: self.distance.min(other.distance), organisations }
    }

    /// The word of one element, before what holds it is asked. `None`: it has none of its own.
    fn of(distribution: MispDistribution, group: Option<&MispSharingGroup>) -> Option<Self> {
        let open = |distance| Some(Self { distance, organisations: None });
        match distribution {
            MispDistribution::YourOrganisation => Some(Self::own()),
            MispDistribution::ThisCommunity => open(MispDistance::ThisCommunity),
            MispDistribution::ConnectedCommunities => open(MispDistance::ConnectedCommunities),
            MispDistribution::AllCommunities => open(MispDistance::AllCommunities),
            MispDistribution::SharingGroup => {
                let usable = group.filter(|group| group.active && group.uuid.is_some());
                let organisations = usable.map(|group| group.organisations.iter().cloned().collect());
                let distance = MispDistance::AllCommunities;
                Some(Self { distance, organisations: Some(organisations.unwrap_or_default()) })
            }
            MispDistribution::Inherit => None,
        }
    }

    fn below(&self, distribution: MispDistribution, group: Option<&MispSharingGroup>) -> Self {
        Self::of(distribution, group).map_or_else(|| self.clone(), |own| self.narrowed(&own))
    }
}

impl MispEvent {
    /// Who may have the event. One that does not say it, or says to inherit, is for its own organisation.
    pub fn reach(&self) -> MispReach {
        let distribution = self.distribution.unwrap_or(MispDistribution::YourOrganisation);
        MispReach::of(distribution, self.sharing_group.as_ref()).unwrap_or_else(MispReach::own)
    }
}

impl MispObject {
    /// Who may have the object of an event that reaches `event`.
    pub fn reach(&self, event: &MispReach) -> MispReach {
        event.below(self.distribution, self.sharing_group.as_ref())
    }
}

impl MispAttribute {
    /// Who may have the attribute of an event or object that reaches `holder`.
    pub fn reach(&self, holder: &MispReach) -> MispReach {
        holder.below(self.distribution, self.sharing_group.as_ref())
    }
}

impl MispReport {
    /// Who may have the report of an event that reaches `event`.
    pub fn reach(&self, event: &MispReach) -> MispReach {
        event.below(self.distribution, self.sharing_group.as_ref())
    }
}

/// Why a sharing group reaches nobody, if so.
pub(super) fn fault_of_group(
    distribution: MispDistribution,
    group: Option<&MispSharingGroup>,
) -> Option<Fault> {
    if distribution != MispDistribution::SharingGroup {
        return None;
    }
    let (code, message, field) = match group {
        Some(MispSharingGroup { uuid: Some(_), active: true, organisations, .. }) => {
            if !organisations.is_empty() {
                return None;
            }
            let message = "the sharing group names no organisation; it reaches nobody. Export the event with its \
                           sharing group, or name the members";
            ("misp::empty_sharing_group", message, "SharingGroup")
        }
        Some(MispSharingGroup { uuid: Some(_), active: false, .. }) => (
            "misp::inactive_sharing_group",
            "the sharing group is not active; it reaches nobody",
            "SharingGroup.active",
        ),
        _ => {
            let message = "the sharing group is not named by a UUID; a number means something on its own server \
                           only. It reaches nobody; export the event with its sharing group";
            ("misp::local_sharing_group", message, "sharing_group_id")
        }
    };
    Some(Fault::warning(code, message).in_field(field))
}
