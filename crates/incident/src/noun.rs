use base::{EntryId, Facts, Interval, Marked, Marking, Noun, ObjectRef, Severity, Timestamp};
use serde::{Deserialize, Serialize};

/// What happened: findings of any domain that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// One line for people.
    pub title: String,
    /// The highest severity of its findings.
    pub severity: Severity,
    /// The smallest interval that covers its findings.
    pub interval: Interval,
    /// All objects of its findings, sorted by id, each once.
    pub objects: Vec<ObjectRef>,
    /// The findings, sorted by start and then by id.
    pub findings: Vec<EntryId>,
    /// What happened in which order: one line a finding, in the order of `findings`.
    pub timeline: Vec<TimelineItem>,
    /// The marking that all its findings have, with each list sorted and nothing twice.
    pub marking: Marking,
    /// The incident entries that this one takes the place of, sorted. Entries are never changed, so an incident that
    /// grew, merged or lost a finding is a new entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<EntryId>,
    /// The entries it rests on: its findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EntryId>,
}

impl Noun for Incident {
    const SCHEMA: &'static str = "bongsu.incident/1";
}

impl Marked for Incident {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &self.evidence
    }

    fn facts(&self) -> Option<Facts> {
        Some(Facts {
            objects: Facts::ids(&self.objects),
            severity: Some(self.severity),
            ..Facts::of_noun(Self::SCHEMA)
        })
    }
}

/// One line of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineItem {
    /// When the finding starts to hold.
    pub time: Timestamp,
    /// The kind of the finding.
    pub kind: String,
    /// The title of the finding.
    pub title: String,
    /// The finding.
    pub entry: EntryId,
}
