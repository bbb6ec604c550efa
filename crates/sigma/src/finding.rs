use std::collections::BTreeMap;

use base::{Confidence, EntryId, Finding, Interval, Marking, Method, ObjectRef, Timestamp};

use crate::rules::Rule;

/// A rule that an event satisfied, and where the event stands.
#[derive(Debug, Clone, Copy)]
pub struct RuleHit<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// When, as far as the event says.
    pub time: Option<Timestamp>,
    /// The log.
    pub log: &'r str,
    /// The physical line, from 1; in EVTX the record.
    pub line: u64,
    /// The computer that the event is of.
    pub computer: Option<&'r str>,
}

/// What a hit means: an event is what a rule describes. `received` stands for the time of an event that has none;
/// `evidence` are the entries of the line's observation. The computer is what ties it to other findings; techniques
/// are named beside it (`attack:T1059`).
pub fn finding_of_rule(
    hit: &RuleHit<'_>,
    received: Timestamp,
    marking: Marking,
    evidence: &[EntryId],
) -> Finding {
    let rule = hit.rule;
    let object = |id: String, protected| ObjectRef { id, name: None, protected };
    let mut objects: Vec<ObjectRef> =
        hit.computer.map(|name| object(format!("host:{}", name.to_lowercase()), true)).into_iter().collect();
    objects.push(object(format!("sigma:{}", rule.id.as_ref().unwrap_or(&rule.title)), false));
    objects.extend(rule.techniques.iter().map(|id| object(format!("attack:{id}"), false)));
    Finding {
        kind: "threat.rule_matched".to_owned(),
        title: format!("{} in {}, line {}", rule.title, hit.log, hit.line),
        text: rule.description.clone(),
        interval: Interval::at(hit.time.unwrap_or(received)),
        place: None,
        objects,
        severity: rule.level.severity(),
        likelihood: None,
        confidence: if rule.tried { Confidence::Moderate } else { Confidence::Low },
        method: Method { name: "threat.sigma".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        measures: BTreeMap::new(),
        marking,
        evidence: evidence.to_vec(),
    }
}
