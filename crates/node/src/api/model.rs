//! The shapes of the API. They are views: computed from entries, never stored.

use std::collections::BTreeMap;

use base::{EntryId, Finding, Marking, ObjectRef, Timestamp};
use incident::{Incident, TimelineItem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::projection::{Meta, Projection};

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The schema of the list.
    pub(crate) schema: &'static str,
    pub(crate) items: Vec<T>,
    /// Give this as `cursor` for the next page; null at the end.
    pub(crate) next: Option<String>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
pub(crate) struct PageQuery {
    /// From `next` of the page before.
    pub(crate) cursor: Option<usize>,
    /// How many items, 1 to 1000.
    pub(crate) limit: Option<usize>,
}

impl PageQuery {
    pub(crate) fn range(&self) -> (usize, usize) {
        (self.cursor.unwrap_or(0), self.limit.unwrap_or(50).clamp(1, 1000))
    }
}

/// Cuts a page out of a list.
pub(crate) fn page<S, T>(
    schema: &'static str,
    all: &[S],
    query: &PageQuery,
    view: impl Fn(&S) -> T,
) -> Page<T> {
    let (start, limit) = query.range();
    let end = start.saturating_add(limit).min(all.len());
    let items = all.get(start..end).unwrap_or_default().iter().map(view).collect();
    let next = (end < all.len()).then(|| end.to_string());
    Page { schema, items, next }
}

/// A release marking.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkingView {
    pub(crate) level: String,
    #[serde(default)]
    pub(crate) rel_to: Vec<String>,
    #[serde(default)]
    pub(crate) caveats: Vec<String>,
    pub(crate) originator: String,
    /// Whose words these are, `id` or `id@version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    /// Restrictive categories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) categories: Vec<String>,
    /// Who may be shown it but not be given it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) display_only: Vec<String>,
    /// Whether a disclosure officer may release it further.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) relido: bool,
    /// TLP 2.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tlp: Option<String>,
    /// Permissible actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pap: Option<String>,
    /// Entries from whose markings this one was derived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub(crate) derived_from: Vec<EntryId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) valid_from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) review: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) expires: Option<Timestamp>,
}

impl From<&Marking> for MarkingView {
    fn from(m: &Marking) -> Self {
        let m = m.clone();
        Self {
            level: m.level,
            rel_to: m.rel_to,
            caveats: m.caveats,
            originator: m.originator,
            policy: m.policy,
            categories: m.categories,
            display_only: m.display_only,
            relido: m.relido,
            tlp: m.tlp,
            pap: m.pap,
            derived_from: m.derived_from,
            valid_from: m.valid_from,
            review: m.review,
            expires: m.expires,
        }
    }
}

impl From<MarkingView> for Marking {
    fn from(m: MarkingView) -> Self {
        Self {
            level: m.level,
            rel_to: m.rel_to,
            caveats: m.caveats,
            originator: m.originator,
            policy: m.policy,
            categories: m.categories,
            display_only: m.display_only,
            relido: m.relido,
            tlp: m.tlp,
            pap: m.pap,
            derived_from: m.derived_from,
            valid_from: m.valid_from,
            review: m.review,
            expires: m.expires,
        }
    }
}

/// Whose entry it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Owner {
    pub(crate) node: String,
    pub(crate) country: String,
}

/// Something that a finding is about.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectView {
    /// Namespaced: `norad:29268`.
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) protected: bool,
}

impl From<&ObjectRef> for ObjectView {
    fn from(o: &ObjectRef) -> Self {
        Self { id: o.id.clone(), name: o.name.clone(), protected: o.protected }
    }
}

/// A point on the ground, or above it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceView {
    pub(crate) latitude_deg: f64,
    pub(crate) longitude_deg: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) altitude_km: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) radius_km: Option<f64>,
}

/// An incident in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentSummary {
    pub(crate) id: String,
    pub(crate) title: String,
    /// Beacons, 1 to 5.
    pub(crate) severity: u8,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) start: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) end: Timestamp,
    pub(crate) objects: Vec<ObjectView>,
    pub(crate) findings: usize,
    pub(crate) marking: MarkingView,
    pub(crate) owner: Owner,
    /// When its author signed it.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) committed: Timestamp,
    /// When it came from a peer; null for an own one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) received: Option<Timestamp>,
    pub(crate) recalled: bool,
    /// The incident that replaces it.
    pub(crate) superseded_by: Option<String>,
}

impl IncidentSummary {
    pub(crate) fn of(p: &Projection, meta: &Meta, incident: &Incident) -> Self {
        Self {
            id: meta.id.to_string(),
            title: incident.title.clone(),
            severity: incident.severity.beacons(),
            start: incident.interval.start(),
            end: incident.interval.end(),
            objects: incident.objects.iter().map(Into::into).collect(),
            findings: incident.findings.len(),
            marking: (&incident.marking).into(),
            owner: owner(meta),
            committed: meta.time,
            received: meta.received,
            recalled: meta.recalled_by.is_some(),
            superseded_by: p.superseded.get(&meta.id).map(EntryId::to_string),
        }
    }
}

pub(crate) fn owner(meta: &Meta) -> Owner {
    Owner { node: meta.node.to_string(), country: meta.country.to_string() }
}

/// One line of an incident's history.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimelineView {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) time: Timestamp,
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) entry: String,
}

impl From<&TimelineItem> for TimelineView {
    fn from(item: &TimelineItem) -> Self {
        Self {
            time: item.time,
            kind: item.kind.clone(),
            title: item.title.clone(),
            entry: item.entry.to_string(),
        }
    }
}

/// An incident with all that it rests on.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentView {
    /// `bongsu.incident-view/1`.
    pub(crate) schema: &'static str,
    #[serde(flatten)]
    pub(crate) summary: IncidentSummary,
    pub(crate) timeline: Vec<TimelineView>,
    pub(crate) items: Vec<FindingView>,
}

/// A conclusion with what it rests on.
#[derive(Serialize, ToSchema)]
pub(crate) struct FindingView {
    /// `bongsu.finding-view/1`.
    pub(crate) schema: &'static str,
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) text: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) start: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) end: Timestamp,
    pub(crate) place: Option<PlaceView>,
    pub(crate) objects: Vec<ObjectView>,
    pub(crate) severity: u8,
    /// A band of ICD 203.
    pub(crate) likelihood: Option<String>,
    pub(crate) confidence: String,
    pub(crate) method: MethodView,
    /// Values by name with the unit in the name.
    pub(crate) measures: BTreeMap<String, f64>,
    pub(crate) marking: MarkingView,
    pub(crate) owner: Owner,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) committed: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) received: Option<Timestamp>,
    pub(crate) recalled: bool,
    /// The open incident that holds it.
    pub(crate) incident: Option<String>,
    pub(crate) evidence: Vec<EvidenceView>,
}

/// How a conclusion was reached.
#[derive(Serialize, ToSchema)]
pub(crate) struct MethodView {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// Something that a finding rests on.
#[derive(Serialize, ToSchema)]
pub(crate) struct EvidenceView {
    pub(crate) id: String,
    /// Whether this node has the entry.
    pub(crate) held: bool,
    pub(crate) kind: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) blob: Option<String>,
    pub(crate) bytes: Option<u64>,
    /// Whether this node has the raw bytes.
    pub(crate) blob_held: bool,
    pub(crate) source: Option<SourceView>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) received: Option<Timestamp>,
}

/// A source with its Admiralty grade.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceView {
    pub(crate) name: String,
    /// A to F.
    pub(crate) reliability: String,
    /// 1 to 6.
    pub(crate) credibility: u8,
}

/// A serde word of a unit variant.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        other => other.map(|v| v.to_string()).unwrap_or_default(),
    }
}

impl FindingView {
    /// `blob_held` tells whether the raw bytes of an observation are here.
    pub(crate) fn of(
        p: &Projection,
        meta: &Meta,
        finding: &Finding,
        incidents: &BTreeMap<EntryId, EntryId>,
    ) -> Self {
        Self {
            schema: "bongsu.finding-view/1",
            id: meta.id.to_string(),
            kind: finding.kind.clone(),
            title: finding.title.clone(),
            text: finding.text.clone(),
            start: finding.interval.start(),
            end: finding.interval.end(),
            place: finding.place.as_ref().map(|place| PlaceView {
                latitude_deg: place.latitude_deg(),
                longitude_deg: place.longitude_deg(),
                altitude_km: place.altitude_km(),
                radius_km: place.radius_km(),
            }),
            objects: finding.objects.iter().map(Into::into).collect(),
            severity: finding.severity.beacons(),
            likelihood: finding.likelihood.as_ref().map(word),
            confidence: word(&finding.confidence),
            method: MethodView { name: finding.method.name.clone(), version: finding.method.version.clone() },
            measures: finding.measures.clone(),
            marking: (&finding.marking).into(),
            owner: owner(meta),
            committed: meta.time,
            received: meta.received,
            recalled: meta.recalled_by.is_some(),
            incident: incidents.get(&meta.id).map(EntryId::to_string),
            evidence: finding.evidence.iter().map(|id| EvidenceView::of(p, id)).collect(),
        }
    }
}

impl EvidenceView {
    fn of(p: &Projection, id: &EntryId) -> Self {
        let meta = p.get(id).filter(|meta| meta.kind != "purged");
        let observation = p.observations.get(id);
        Self {
            id: id.to_string(),
            held: meta.is_some(),
            kind: meta.map(|m| crate::events::noun_of(&m.kind).to_owned()),
            title: meta.map(|m| m.title.clone()),
            blob: observation.map(|o| o.blob.to_string()),
            bytes: observation.map(|o| o.bytes),
            // Raw bytes do not travel with an entry yet: a node has those of its own observations.
            blob_held: meta.is_some_and(Meta::is_own) && observation.is_some(),
            source: observation.map(|o| SourceView {
                name: o.source.name.clone(),
                reliability: word(&o.source.reliability),
                credibility: o.source.credibility.into(),
            }),
            received: observation.map(|o| o.received),
        }
    }
}

/// Which open incident holds which finding.
pub(crate) fn incident_of(p: &Projection) -> BTreeMap<EntryId, EntryId> {
    p.open_incidents()
        .into_iter()
        .flat_map(|(meta, incident)| incident.findings.iter().map(|f| (*f, meta.id)).collect::<Vec<_>>())
        .collect()
}

/// Answer to a write.
#[derive(Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// `bongsu.receipt/1`.
    pub(crate) schema: &'static str,
    /// The entry that was made.
    pub(crate) entry: String,
    /// What could not be read of the input.
    pub(crate) faults: Vec<FaultView>,
}

impl Receipt {
    pub(crate) fn of(entry: EntryId) -> Self {
        Self { schema: "bongsu.receipt/1", entry: entry.to_string(), faults: Vec::new() }
    }
}

/// Something wrong with input.
#[derive(Serialize, ToSchema)]
pub(crate) struct FaultView {
    code: String,
    level: String,
    message: String,
    source: Option<String>,
    line: Option<u64>,
    field: Option<String>,
    byte_start: Option<u64>,
    byte_end: Option<u64>,
}

impl From<&base::Fault> for FaultView {
    fn from(f: &base::Fault) -> Self {
        Self {
            code: f.code.clone(),
            level: word(&f.level),
            message: f.message.clone(),
            source: f.source.clone(),
            line: f.line,
            field: f.field.clone(),
            byte_start: f.byte_start,
            byte_end: f.byte_end,
        }
    }
}
