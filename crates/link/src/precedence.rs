use base::{Finding, Noun as _, Precedence, Recall};
use record::Entry;

use crate::{Grant, RecallReceipt, ReleaseRequest};

/// The lane in which an entry goes: as its author said, else by its kind and its beacons. A recall is always FLASH,
/// whatever its author said: what it takes back must not stay in sight behind other things.
///
/// Five beacons are FLASH, four IMMEDIATE, three PRIORITY; what an ally's officer waits for (a request to re-share, the
/// answer, the receipt of a recall) is IMMEDIATE; everything else is ROUTINE.
pub fn precedence_of(entry: &Entry) -> Precedence {
    if entry.kind() == Recall::SCHEMA {
        return Precedence::Flash;
    }
    if let Some(said) = entry.precedence() {
        return said;
    }
    match entry.kind() {
        Grant::SCHEMA | RecallReceipt::SCHEMA | ReleaseRequest::SCHEMA => Precedence::Immediate,
        Finding::SCHEMA | "bongsu.incident/1" => {
            match entry.body().get("severity").and_then(serde_json::Value::as_u64) {
                Some(5) => Precedence::Flash,
                Some(4) => Precedence::Immediate,
                Some(3) => Precedence::Priority,
                _ => Precedence::Routine,
            }
        }
        _ => Precedence::Routine,
    }
}
