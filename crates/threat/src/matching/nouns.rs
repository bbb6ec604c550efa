use base::{
    BlobHash, Confidence, EntryId, Finding, Interval, Marked, Marking, Method, Noun, ObjectRef, Observation,
    Severity, Timestamp,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Hit, HitContext, HitLine, LogEvent};
use crate::indicator::{IndicatorKind, IndicatorSet, Origin};

/// The evidence of a hit: the line of the log, by the hash of its bytes.
pub fn observation_of_hit(hit: &Hit, line: &HitLine<'_>, context: &HitContext) -> Observation {
    observation(&hit.log, hit.line, line.bytes, hit.time, context)
}

/// The evidence of a rule that an event of `log` satisfied: its line, by the hash of its bytes.
pub fn observation_of_event(event: &LogEvent<'_>, log: &str, context: &HitContext) -> Observation {
    observation(log, event.line, event.bytes, event.time, context)
}

fn observation(
    log: &str,
    line: u64,
    bytes: &[u8],
    time: Option<Timestamp>,
    context: &HitContext,
) -> Observation {
    Observation {
        kind: "threat.log_line".to_owned(),
        title: format!("{log}, line {line}"),
        source: context.source.clone(),
        received: context.received,
        interval: Interval::at(time.unwrap_or(context.received)),
        place: None,
        blob: BlobHash::from_bytes(Sha256::digest(bytes).into()),
        bytes: bytes.len() as u64,
        items: 1,
        faults: 0,
        marking: context.marking.clone(),
        evidence: Vec::new(),
    }
}

/// What a hit means: an indicator of somebody was seen. `evidence` are the entries of the line's observation and of
/// the indicator, when it is an entry.
pub fn finding_of_hit(hit: &Hit, context: &HitContext, evidence: &[EntryId]) -> Finding {
    // A free text, and what nobody vouches for any more, may be anything.
    let weak = hit.kind == IndicatorKind::Text || hit.outside_validity;
    let indicator = format!("{}:{}", hit.kind, hit.indicator);
    let mut objects = vec![ObjectRef { id: indicator, name: None, protected: false }];
    if hit.value != hit.indicator {
        objects.push(ObjectRef { id: format!("value:{}", hit.value), name: None, protected: false });
    }
    Finding {
        kind: "threat.indicator_seen".to_owned(),
        title: format!(
            "{} {} seen in field {} of {}, line {}",
            hit.kind, hit.indicator, hit.field, hit.log, hit.line
        ),
        text: hit.suppressed_by.as_ref().map(|list| format!("Known to the warninglist: {list}.")),
        interval: Interval::at(hit.time.unwrap_or(context.received)),
        place: None,
        objects,
        severity: if hit.suppressed_by.is_some() { Severity::Calm } else { Severity::Seen },
        likelihood: None,
        confidence: if weak { Confidence::Low } else { Confidence::Moderate },
        method: Method { name: "threat.match".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        measures: std::collections::BTreeMap::new(),
        marking: context.marking.clone(),
        evidence: evidence.to_vec(),
    }
}

/// That an indicator was seen, for the one who gave it. It names no host, no log and no line of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// A STIX identifier that the same hit always gets.
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
    /// When it was seen; absent when the log does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
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

/// The sightings of a hit, one for each origin of its indicator. A suppressed hit is no sighting.
pub fn sightings_of_hit(hit: &Hit, line: &HitLine<'_>, set: &IndicatorSet) -> Vec<Sighting> {
    if hit.suppressed_by.is_some() {
        return Vec::new();
    }
    hit.origins.iter().filter_map(|id| Some(sighting(hit, line, set.origin(*id)?))).collect()
}

fn sighting(hit: &Hit, line: &HitLine<'_>, origin: &Origin) -> Sighting {
    let mut hash = Sha256::new();
    // Each part with its length, so that no two hits are spelled alike.
    let place = hit.line.to_be_bytes();
    let object = origin.object.as_deref().unwrap_or_default();
    for part in [
        line.bytes,
        &place,
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
        seen: hit.time,
        count: 1,
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
