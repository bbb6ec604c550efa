//! The nouns of MISP, as far as they are known here. What is not known is kept as it was written.

use serde_json::value::RawValue;

/// A member of a JSON object that has no field here: its name and its value as it was written.
pub type MispMember = (String, Box<RawValue>);

/// Whom an element is for, by its own word (MISP core format, `distribution`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MispDistribution {
    /// 0: the organisation that made it.
    YourOrganisation,
    /// 1: the organisations on its server.
    ThisCommunity,
    /// 2: and those on servers that are connected to it.
    ConnectedCommunities,
    /// 3: everyone whom it reaches.
    AllCommunities,
    /// 4: the organisations of a sharing group.
    SharingGroup,
    /// 5: as what holds it.
    Inherit,
}

impl MispDistribution {
    const ALL: [Self; 6] = [
        Self::YourOrganisation,
        Self::ThisCommunity,
        Self::ConnectedCommunities,
        Self::AllCommunities,
        Self::SharingGroup,
        Self::Inherit,
    ];

    /// The number in the format.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// From the number in the format.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

/// Who made or sent something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MispOrganisation {
    /// UUID in small letters.
    pub uuid: Option<String>,
    /// Its name.
    pub name: String,
}

/// A sharing group as an event carries it. Its number on some server is never read.
#[derive(Debug, Clone)]
pub struct MispSharingGroup {
    /// UUID in small letters; without it the group means nothing elsewhere.
    pub uuid: Option<String>,
    /// Its name.
    pub name: String,
    /// Whether it is in use.
    pub active: bool,
    /// UUIDs of its organisations, in small letters. Those of whole servers (`all_orgs`) are not among them.
    pub organisations: Vec<String>,
    /// The group as it was written.
    pub raw: Box<RawValue>,
}

/// A tag.
#[derive(Debug, Clone)]
pub struct MispTag {
    /// `tlp:amber`, `misp-galaxy:threat-actor="Kimsuky"`.
    pub name: String,
    /// Only on the server that it was set on.
    pub local: bool,
    /// The other members.
    pub unknown: Vec<MispMember>,
}

/// An attribute: one value with its type.
#[derive(Debug, Clone)]
pub struct MispAttribute {
    /// UUID in small letters.
    pub uuid: String,
    /// `ip-dst`, `filename|sha256`, ..
    pub kind: String,
    /// `Network activity`, ..
    pub category: String,
    /// The value; both parts of a composite one with `|` between.
    pub value: String,
    /// Whether it is meant for detection.
    pub to_ids: bool,
    /// Unix time of its last change in seconds.
    pub timestamp_s: Option<i64>,
    /// By its own word.
    pub distribution: MispDistribution,
    /// The group when `distribution` says so.
    pub sharing_group: Option<MispSharingGroup>,
    /// A note of people.
    pub comment: String,
    /// Withdrawn.
    pub deleted: bool,
    /// First time it was seen, as it was written.
    pub first_seen: Option<String>,
    /// Last time it was seen, as it was written.
    pub last_seen: Option<String>,
    /// What it is within its object: `filename`, `dst-port`.
    pub object_relation: Option<String>,
    /// Base64 of an attachment. A malware sample is an encrypted archive and stays one.
    pub data: Option<String>,
    /// Tags.
    pub tags: Vec<MispTag>,
    /// Galaxies.
    pub galaxies: Vec<MispGalaxy>,
    /// Sightings.
    pub sightings: Vec<MispSighting>,
    /// The other members.
    pub unknown: Vec<MispMember>,
}

/// An object: attributes that belong together, by a template.
#[derive(Debug, Clone)]
pub struct MispObject {
    /// UUID in small letters.
    pub uuid: String,
    /// The name of the template: `file`.
    pub name: String,
    /// `network`, `file`, ..
    pub meta_category: String,
    /// Unix time of its last change in seconds.
    pub timestamp_s: Option<i64>,
    /// By its own word.
    pub distribution: MispDistribution,
    /// The group when `distribution` says so.
    pub sharing_group: Option<MispSharingGroup>,
    /// A note of people.
    pub comment: String,
    /// Withdrawn.
    pub deleted: bool,
    /// First time it was seen, as it was written.
    pub first_seen: Option<String>,
    /// Last time it was seen, as it was written.
    pub last_seen: Option<String>,
    /// Its attributes.
    pub attributes: Vec<MispAttribute>,
    /// What it points at.
    pub references: Vec<MispReference>,
    /// The other members.
    pub unknown: Vec<MispMember>,
}

/// From an object to another element of the event.
#[derive(Debug, Clone)]
pub struct MispReference {
    /// UUID in small letters.
    pub uuid: String,
    /// UUID of what it points at, in small letters.
    pub referenced: String,
    /// `connects-to`, `dropped-by`, ..
    pub relation: String,
    /// Unix time of its last change in seconds.
    pub timestamp_s: Option<i64>,
    /// The other members.
    pub unknown: Vec<MispMember>,
}

/// That somebody saw it, took it for a false alarm, or sees its end.
#[derive(Debug, Clone)]
pub struct MispSighting {
    /// UUID in small letters.
    pub uuid: String,
    /// 0 seen, 1 a false alarm, 2 expired.
    pub kind: u8,
    /// Where: a sensor, a tool.
    pub source: String,
    /// Unix time in seconds.
    pub date_s: Option<i64>,
    /// By whom.
    pub organisation: Option<MispOrganisation>,
    /// The other members.
    pub unknown: Vec<MispMember>,
}

/// A galaxy with those of its clusters that are attached.
#[derive(Debug, Clone)]
pub struct MispGalaxy {
    /// UUID in small letters.
    pub uuid: String,
    /// `mitre-attack-pattern`, `threat-actor`, ..
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The clusters.
    pub clusters: Vec<MispCluster>,
    /// The other members.
    pub unknown: Vec<MispMember>,
}

/// A cluster of a galaxy: an actor, a technique, a tool.
#[derive(Debug, Clone, Default)]
pub struct MispCluster {
    /// UUID in small letters.
    pub uuid: String,
    /// `mitre-attack-pattern`, ..
    pub kind: String,
    /// Its name.
    pub value: String,
    /// What it is.
    pub description: String,
    /// The tag that attaches it.
    pub tag_name: Option<String>,
    /// `external_id`, `synonyms`, `refs`, `kill_chain`, .., each a list of texts; sorted by name.
    pub meta: Vec<(String, Vec<String>)>,
    /// The other members.
    pub unknown: Vec<MispMember>,
}

impl MispCluster {
    /// The texts under `name` in its `meta`.
    pub fn meta(&self, name: &str) -> &[String] {
        self.meta.iter().find(|(key, _)| key == name).map_or(&[], |(_, values)| values)
    }
}

/// A report in Markdown.
#[derive(Debug, Clone)]
pub struct MispReport {
    /// UUID in small letters.
    pub uuid: String,
    /// Its title.
    pub name: String,
    /// Its text.
    pub content: String,
    /// Unix time of its last change in seconds.
    pub timestamp_s: Option<i64>,
    /// By its own word.
    pub distribution: MispDistribution,
    /// The group when `distribution` says so.
    pub sharing_group: Option<MispSharingGroup>,
    /// Withdrawn.
    pub deleted: bool,
    /// The other members.
    pub unknown: Vec<MispMember>,
}

/// An event with all that belongs to it.
#[derive(Debug, Clone)]
pub struct MispEvent {
    /// UUID in small letters.
    pub uuid: String,
    /// Its title.
    pub info: String,
    /// The day it is about: `2026-03-10`.
    pub date: Option<String>,
    /// 1 high, 2 medium, 3 low, 4 undefined.
    pub threat_level: Option<u8>,
    /// 0 initial, 1 ongoing, 2 complete.
    pub analysis: Option<u8>,
    /// Whether it was published.
    pub published: bool,
    /// Unix time of its last change in seconds.
    pub timestamp_s: Option<i64>,
    /// Unix time of its publication in seconds.
    pub publish_timestamp_s: Option<i64>,
    /// By its own word; none when it has none.
    pub distribution: Option<MispDistribution>,
    /// The group when `distribution` says so.
    pub sharing_group: Option<MispSharingGroup>,
    /// Who made it.
    pub creator: Option<MispOrganisation>,
    /// On whose server it stood.
    pub owner: Option<MispOrganisation>,
    /// Tags.
    pub tags: Vec<MispTag>,
    /// Galaxies.
    pub galaxies: Vec<MispGalaxy>,
    /// Attributes outside of objects.
    pub attributes: Vec<MispAttribute>,
    /// Objects.
    pub objects: Vec<MispObject>,
    /// Reports.
    pub reports: Vec<MispReport>,
    /// The other members, proposals (`ShadowAttribute`) among them.
    pub unknown: Vec<MispMember>,
    /// Whether all of it was read. An event that broke off, or of which an element could not be read, is not complete.
    pub complete: bool,
    /// The physical line on which it begins.
    pub line: u64,
}

impl MispEvent {
    /// All attributes, those of objects too.
    pub fn all_attributes(&self) -> impl Iterator<Item = &MispAttribute> {
        self.attributes.iter().chain(self.objects.iter().flat_map(|object| &object.attributes))
    }
}
