//! What a view takes from an entry's body.

use std::cell::OnceCell;

use base::{EntryId, Finding, NodeName, Noun as _, ObjectRef, Observation, Recall};
use incident::Incident;
use link::Refused;
use record::{Entry, Peer, Stored};
use threat::Sighting;

use super::rows::Noun;
use crate::people::Act;
use crate::writer::IncidentParts;

/// An entry on its way into views. Its content is read once, by the first view that takes it in.
pub(crate) struct Prepared {
    pub(super) stored: Stored,
    said: OnceCell<Said>,
}

/// What an entry says, in the forms that a row keeps.
pub(super) struct Said {
    pub(super) content: Content,
    pub(super) marking: Option<String>,
    /// The body, when pages show it.
    pub(super) body: Option<String>,
}

impl Prepared {
    pub(crate) const fn id(&self) -> EntryId {
        self.stored.id
    }

    /// Its place in the home log.
    pub(crate) const fn home(&self) -> u64 {
        self.stored.seq
    }

    pub(super) fn said(&self, entry: &Entry) -> &Said {
        self.said.get_or_init(|| {
            let content = Content::of(entry);
            let shown = !matches!(content.noun, None | Some(Noun::Other | Noun::Recall));
            Said {
                content,
                marking: base::Marked::marking(entry).and_then(|m| serde_json::to_string(m).ok()),
                body: shown.then(|| entry.body().to_string()),
            }
        })
    }
}

impl From<Stored> for Prepared {
    fn from(stored: Stored) -> Self {
        Self { stored, said: OnceCell::new() }
    }
}

/// What an entry's body says, as far as rows need it.
#[derive(Default)]
pub(super) struct Content {
    pub(super) noun: Option<Noun>,
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) severity: u8,
    pub(super) start: i64,
    pub(super) objects: Vec<ObjectRef>,
    pub(super) end: i64,
    /// The ids whose places the row keeps.
    pub(super) refs: Vec<EntryId>,
    pub(super) supersedes: Vec<EntryId>,
    pub(super) target: Option<EntryId>,
    pub(super) peer: Option<NodeName>,
}

impl Content {
    pub(super) fn of(entry: &Entry) -> Self {
        let kind = entry.kind();
        if kind == Finding::SCHEMA
            && let Ok(finding) = entry.noun::<Finding>()
        {
            return Self {
                noun: Some(Noun::Finding),
                start: finding.interval.start().unix_nanos(),
                end: finding.interval.end().unix_nanos(),
                kind: finding.kind,
                title: finding.title,
                severity: finding.severity.beacons(),
                objects: finding.objects,
                refs: finding.evidence,
                ..Self::default()
            };
        }
        if kind == Incident::SCHEMA
            && let Ok(found) = entry.noun::<Incident>()
        {
            return Self {
                noun: Some(Noun::Incident),
                start: found.interval.start().unix_nanos(),
                title: found.title,
                severity: found.severity.beacons(),
                refs: found.findings,
                supersedes: found.supersedes,
                ..Self::default()
            };
        }
        if kind == Observation::SCHEMA
            && let Ok(observation) = entry.noun::<Observation>()
        {
            return Self {
                noun: Some(Noun::Observation),
                kind: observation.kind,
                title: observation.title,
                ..Self::default()
            };
        }
        if kind == Recall::SCHEMA
            && let Ok(recall) = entry.noun::<Recall>()
        {
            return Self {
                noun: Some(Noun::Recall),
                // By which the author of something that is gone is known.
                kind: entry.key().to_hex(),
                title: recall.reason,
                target: Some(recall.target),
                ..Self::default()
            };
        }
        if kind == Peer::SCHEMA
            && let Ok(peer) = entry.noun::<Peer>()
        {
            let title = format!("{} ({})", peer.title, peer.country);
            return Self { noun: Some(Noun::Peer), title, ..Self::default() };
        }
        if kind == Refused::SCHEMA
            && let Ok(refused) = entry.noun::<Refused>()
        {
            return Self {
                noun: Some(Noun::Refusal),
                title: refused.refusal.to_string(),
                peer: refused.peer,
                ..Self::default()
            };
        }
        if kind == Sighting::SCHEMA
            && let Ok(sighting) = entry.noun::<Sighting>()
        {
            let title = format!("{} {} seen {} times", sighting.kind, sighting.indicator, sighting.count);
            return Self { noun: Some(Noun::Other), kind: "sighting".to_owned(), title, ..Self::default() };
        }
        if kind == IncidentParts::SCHEMA
            && let Ok(parts) = entry.noun::<IncidentParts>()
        {
            return Self {
                noun: Some(Noun::Other),
                title: kind.to_owned(),
                supersedes: parts.incidents,
                ..Self::default()
            };
        }
        if kind == Act::SCHEMA
            && let Ok(act) = entry.noun::<Act>()
        {
            return Self {
                noun: Some(Noun::Act),
                kind: act.kind.as_str().to_owned(),
                title: "act".to_owned(),
                ..Self::default()
            };
        }
        Self { noun: Some(Noun::Other), title: kind.to_owned(), ..Self::default() }
    }
}
