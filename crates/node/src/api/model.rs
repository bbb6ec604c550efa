//! The shapes of the API. They are views: computed from entries, never stored.

use std::collections::BTreeMap;

use base::{EntryId, Marking, ObjectRef, Timestamp};
use incident::TimelineItem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Failure;
use crate::NodeError;
use crate::view::{Noun, Row, Rows};

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
    pub(crate) cursor: Option<String>,
    /// How many items, 1 to 1000.
    pub(crate) limit: Option<usize>,
}

/// The most items of a page.
const MAX_PAGE: usize = 1000;

impl PageQuery {
    pub(crate) fn limit(&self) -> usize {
        limit(self.limit)
    }

    /// The cursor of a list that goes down the log: the place of the last item.
    pub(crate) fn before(&self) -> Result<Option<u64>, Failure> {
        cursor(self.cursor.as_deref(), |text| text.parse().ok())
    }
}

/// How many items a page has.
pub(crate) fn limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(50).clamp(1, MAX_PAGE)
}

/// A cursor as a page gave it; `0`, which no page gives, is the start.
pub(crate) fn cursor<T>(text: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Failure> {
    text.filter(|text| *text != "0")
        .map(|text| {
            parse(text).ok_or_else(|| Failure::bad("`cursor` is not one that a page of this list gave"))
        })
        .transpose()
}

impl<T> Page<T> {
    /// A page of at most `limit` items out of one item more, if there is one: then `place` of the last item shown says
    /// where the next page begins.
    pub(crate) fn cut<S>(
        schema: &'static str,
        mut found: Vec<S>,
        limit: usize,
        place: impl Fn(&S) -> Result<String, NodeError>,
        view: impl Fn(&S) -> Result<Option<T>, NodeError>,
    ) -> Result<Self, NodeError> {
        let more = found.len() > limit;
        found.truncate(limit);
        let next = if more { found.last().map(place).transpose()? } else { None };
        let mut items = Vec::with_capacity(found.len());
        for each in &found {
            items.extend(view(each)?);
        }
        Ok(Self { schema, items, next })
    }
}

/// Cuts a page out of a short list in memory.
pub(crate) fn page<S, T>(
    schema: &'static str,
    all: &[S],
    query: &PageQuery,
    view: impl Fn(&S) -> T,
) -> Result<Page<T>, Failure> {
    let start: usize = cursor(query.cursor.as_deref(), |text| text.parse().ok())?.unwrap_or(0);
    let end = start.saturating_add(query.limit()).min(all.len());
    let items = all.get(start..end).unwrap_or_default().iter().map(view).collect();
    let next = (end < all.len()).then(|| end.to_string());
    Ok(Page { schema, items, next })
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
    /// `None` for a row that is no incident any more.
    pub(crate) fn of(row: &Row) -> Option<Self> {
        let incident = row.incident()?;
        Some(Self {
            id: row.id.to_string(),
            title: incident.title,
            severity: incident.severity.beacons(),
            start: incident.interval.start(),
            end: incident.interval.end(),
            objects: incident.objects.iter().map(Into::into).collect(),
            findings: incident.findings.len(),
            marking: (&incident.marking).into(),
            owner: owner(row),
            committed: row.time,
            received: row.received,
            recalled: row.recalled_by.is_some(),
            superseded_by: row.superseded_by.map(|id| id.to_string()),
        })
    }
}

pub(crate) fn owner(row: &Row) -> Owner {
    Owner { node: row.node.clone(), country: row.country.clone() }
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
    /// `None` for a row that is no finding any more.
    pub(crate) fn of(rows: &Rows<'_>, row: &Row) -> Result<Option<Self>, NodeError> {
        let Some(finding) = row.finding() else { return Ok(None) };
        let mut evidence = Vec::with_capacity(finding.evidence.len());
        for (index, id) in finding.evidence.iter().enumerate() {
            evidence.push(EvidenceView::of(rows, id, row.refs.get(index).copied().flatten())?);
        }
        Ok(Some(Self {
            schema: "bongsu.finding-view/1",
            id: row.id.to_string(),
            kind: finding.kind,
            title: finding.title,
            text: finding.text,
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
            method: MethodView { name: finding.method.name, version: finding.method.version },
            measures: finding.measures,
            marking: (&finding.marking).into(),
            owner: owner(row),
            committed: row.time,
            received: row.received,
            recalled: row.recalled_by.is_some(),
            incident: rows.incident_of(row.seq)?.map(|id| id.to_string()),
            evidence,
        }))
    }
}

impl EvidenceView {
    /// `place` is where the view holds the entry `id`, if it does.
    fn of(rows: &Rows<'_>, id: &EntryId, place: Option<u64>) -> Result<Self, NodeError> {
        let row = place.map(|place| rows.at(place)).transpose()?.flatten();
        let row = row.filter(|row| row.noun != Noun::Purged);
        let observation = row.as_ref().and_then(Row::observation);
        Ok(Self {
            id: id.to_string(),
            held: row.is_some(),
            kind: row.as_ref().map(|row| crate::events::noun_of(&row.schema).to_owned()),
            title: row.as_ref().map(|row| row.title.clone()),
            blob: observation.as_ref().map(|o| o.blob.to_string()),
            bytes: observation.as_ref().map(|o| o.bytes),
            blob_held: observation.is_some() && row.as_ref().is_some_and(|row| rows.has_bytes_of(row)),
            source: observation.as_ref().map(|o| SourceView {
                name: o.source.name.clone(),
                reliability: word(&o.source.reliability),
                credibility: o.source.credibility.into(),
            }),
            received: observation.as_ref().map(|o| o.received),
        })
    }
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
