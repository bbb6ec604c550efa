//! Entries to store: findings of the size that a screening writes.

use std::sync::mpsc;

use base::{
    Confidence, Country, Finding, Interval, KeyFingerprint, Marking, Method, ObjectRef, Severity, Timestamp,
};
use rand_core::OsRng;
use record::{Entry, EntryError, NodeKey, Peer};

/// Groups that wait to be stored.
const WAITING: usize = 4;

/// The same key in every run: the log is a bench's.
#[expect(clippy::unwrap_used, reason = "a name of five letters")]
pub(crate) fn key() -> NodeKey {
    NodeKey::from_secret("bench".parse().unwrap(), &[7; 32])
}

/// The time of all entries.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_nanos(1_773_144_000_000_000_000)
}

fn finding(n: u64) -> Finding {
    Finding {
        kind: "orbit.approach".into(),
        title: format!("object {n} comes near a protected satellite"),
        text: None,
        interval: Interval::at(now()),
        place: None,
        objects: vec![ObjectRef { id: format!("norad:{}", n % 100_000), name: None, protected: true }],
        severity: Severity::Seen,
        likelihood: None,
        confidence: Confidence::Low,
        method: Method { name: "screen".into(), version: "1".into() },
        measures: [("miss_km".to_owned(), n as f64 * 0.001)].into(),
        marking: Marking::new("RESTRICTED", &["USA"], "KOR"),
        evidence: Vec::new(),
    }
}

/// An ally that may have most of them.
pub(crate) fn washington() -> Result<Entry, Box<dyn std::error::Error>> {
    let peer = Peer {
        node: "washington".parse()?,
        title: "Washington".to_owned(),
        country: "USA".parse()?,
        clearance: "SECRET".to_owned(),
        key: key().public().to_hex(),
        certificate: KeyFingerprint::from_bytes([7; 32]),
        address: "127.0.0.1:1".to_owned(),
        marking: Marking::new("RESTRICTED", &[], "KOR"),
    };
    Ok(Entry::sign(&peer, &"KOR".parse()?, &key(), now(), &mut OsRng)?)
}

/// Signs `count` entries on a thread of its own and gives them in groups.
pub(crate) fn signed(key: NodeKey, count: u64, group: u64) -> mpsc::IntoIter<Result<Vec<Entry>, EntryError>> {
    let (send, groups) = mpsc::sync_channel(WAITING);
    std::thread::spawn(move || {
        let Ok(country) = "KOR".parse::<Country>() else { return };
        let mut next = 0;
        while next < count {
            let end = count.min(next.saturating_add(group));
            let sign = |n| Entry::sign(&finding(n), &country, &key, now(), &mut OsRng);
            if send.send((next..end).map(sign).collect()).is_err() {
                return;
            }
            next = end;
        }
    });
    groups.into_iter()
}
