use std::collections::BTreeMap;

use base::{
    BlobHash, Confidence, EntryId, Finding, Interval, Marked, Marking, Method, Noun, ObjectRef, Observation,
    Severity, Timestamp,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{HitContext, HitGroup, LogEvent};
use crate::indicator::{IndicatorKind, IndicatorSet, Origin};

/// The evidence of hits: the lines of the log, by the hash of [`HitGroup::evidence`].
pub fn observation_of_hits(group: &HitGroup, context: &HitContext) -> Observation {
    let numbers: Vec<u64> = group.lines.iter().map(|(number, _)| *number).collect();
    observation(&group.first.log, &numbers, &group.evidence(), interval(group, context), context)
}

/// The evidence of a rule that an event of `log` satisfied: its line, by the hash of its bytes.
pub fn observation_of_event(event: &LogEvent<'_>, log: &str, context: &HitContext) -> Observation {
    let interval = Interval::at(event.time.unwrap_or(context.received));
    observation(log, &[event.line], event.bytes, interval, context)
}

fn observation(
    log: &str,
    lines: &[u64],
    bytes: &[u8],
    interval: Interval,
    context: &HitContext,
) -> Observation {
    let numbers: Vec<String> = lines.iter().map(u64::to_string).collect();
    let title = match &numbers[..] {
        [one] => format!("{log}, line {one}"),
        many => format!("{log}, lines {}", many.join(", ")),
    };
    Observation {
        kind: "threat.log_lines".to_owned(),
        title,
        source: context.source.clone(),
        received: context.received,
        interval,
        place: None,
        blob: BlobHash::from_bytes(Sha256::digest(bytes).into()),
        bytes: bytes.len() as u64,
        items: lines.len() as u64,
        faults: 0,
        marking: context.marking.clone(),
        evidence: Vec::new(),
    }
}

fn interval(group: &HitGroup, context: &HitContext) -> Interval {
    let (from, to) = group.span.unwrap_or((context.received, context.received));
    Interval::new(from, to).unwrap_or_else(|_| Interval::at(from))
}

/// What hits mean: an indicator of somebody was seen. `evidence` are the entries of the lines' observation and of
/// the indicator, when it is an entry.
pub fn finding_of_hits(group: &HitGroup, context: &HitContext, evidence: &[EntryId]) -> Finding {
    let hit = &group.first;
    // A free text, and what nobody vouches for any more, may be anything.
    let weak = hit.kind == IndicatorKind::Text || group.outside_validity;
    let indicator = format!("{}:{}", hit.kind, hit.indicator);
    let mut objects = vec![ObjectRef { id: indicator, name: None, protected: false }];
    if hit.value != hit.indicator {
        objects.push(ObjectRef { id: format!("value:{}", hit.value), name: None, protected: false });
    }
    let (kind, value, field, log, line) = (hit.kind, &hit.indicator, &hit.field, &hit.log, hit.line);
    let title = match group.hits {
        1 => format!("{kind} {value} seen in field {field} of {log}, line {line}"),
        hits => format!("{kind} {value} seen {hits} times in {log}, first in field {field} of line {line}"),
    };
    Finding {
        kind: "threat.indicator_seen".to_owned(),
        title,
        text: hit.suppressed_by.as_ref().map(|list| format!("Known to the warninglist: {list}.")),
        interval: interval(group, context),
        place: None,
        objects,
        severity: if hit.suppressed_by.is_some() { Severity::Calm } else { Severity::Seen },
        likelihood: None,
        confidence: if weak { Confidence::Low } else { Confidence::Moderate },
        method: Method { name: "threat.match".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        measures: BTreeMap::from([("hits".to_owned(), group.hits as f64)]),
        marking: context.marking.clone(),
        evidence: evidence.to_vec(),
    }
}

/// That an indicator was seen, for the one who gave it. It names no host, no log and no line of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// A STIX identifier that the same hits always get.
    pub id: String,
    /// The object that was seen, a STIX id or a MISP UUID, when the source gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The source whose indicator it is.
    pub source: String,
    /// What sort of indicator.
    pub kind: String,
    /// The indicator in canonical form.
    pub indicator: String,
    /// When it was seen first; absent when the log does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// When it was seen last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// How often.
    pub count: u64,
    /// The marking of the indicator; without one it reaches nobody.
    pub marking: Marking,
}

impl Noun for Sighting {
    const SCHEMA: &'static str = "bongsu.sighting/1";
}

impl Marked for Sighting {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &[]
    }
}

/// The sightings of hits, one for each origin of their indicator. Suppressed hits are no sightings.
pub fn sightings_of_hits(group: &HitGroup, set: &IndicatorSet) -> Vec<Sighting> {
    if group.first.suppressed_by.is_some() {
        return Vec::new();
    }
    group.first.origins.iter().filter_map(|id| Some(sighting(group, set.origin(*id)?))).collect()
}

fn sighting(group: &HitGroup, origin: &Origin) -> Sighting {
    let hit = &group.first;
    let mut hash = Sha256::new();
    // Each part with its length, so that no two are spelled alike.
    let place = hit.line.to_be_bytes();
    let hits = group.hits.to_be_bytes();
    let object = origin.object.as_deref().unwrap_or_default();
    let evidence = group.evidence();
    for part in [
        &evidence[..],
        &place,
        &hits,
        hit.field.as_bytes(),
        hit.indicator.as_bytes(),
        origin.source.as_bytes(),
        object.as_bytes(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Sighting {
        id: format!("sighting--{}", uuid(hash.finalize().into())),
        object: origin.object.clone(),
        source: origin.source.clone(),
        kind: hit.kind.to_string(),
        indicator: hit.indicator.clone(),
        first_seen: group.span.map(|(from, _)| from),
        last_seen: group.span.map(|(_, to)| to),
        count: group.hits,
        marking: origin.marking.clone().unwrap_or_default(),
    }
}

/// A UUID of version 8 (RFC 9562, 5.8) from a digest.
fn uuid(digest: [u8; 32]) -> String {
    let mut bytes: [u8; 16] = std::array::from_fn(|i| digest[i]);
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}
