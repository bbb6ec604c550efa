//! What the console hears as it happens. An event says only that something is there and how to call it; the page
//! then asks for it.

use base::{NodeName, Noun};
use record::Stored;
use serde_json::{Value, json};

use crate::jobs::Job;
use crate::people::Act;
use crate::projection::{Meta, Projection};

/// Something that an open page should hear of.
#[derive(Debug, Clone)]
pub(crate) enum NodeEvent {
    /// An entry came into the record; also a recall.
    Entry { seq: u64, name: &'static str, data: Value },
    /// A link stands otherwise.
    Link { peer: NodeName, state: &'static str, acked: u64, log_size: u64 },
    /// A job moved on.
    Job(Job),
}

impl NodeEvent {
    /// The event of an entry; `None` for one that shows nowhere.
    pub(crate) fn of(projection: &Projection, stored: &Stored) -> Option<Self> {
        projection.get(&stored.id).and_then(|meta| Self::of_meta(projection, meta))
    }

    pub(crate) fn of_meta(projection: &Projection, meta: &Meta) -> Option<Self> {
        // Acts are for who may list them, and their pages ask.
        if meta.kind == "purged" || meta.kind == Act::SCHEMA {
            return None;
        }
        if meta.kind == "bongsu.recall/1" {
            let target = projection.entries.iter().find(|m| m.recalled_by == Some(meta.id)).map(|m| m.id)?;
            let data = json!({"seq": meta.seq, "target": target, "entry": meta.id});
            return Some(Self::Entry { seq: meta.seq, name: "recall", data });
        }
        if meta.recalled_by.is_some() && !meta.is_own() {
            return None;
        }
        let data = json!({
            "seq": meta.seq,
            "id": meta.id,
            "kind": event_kind(projection, meta),
            "title": meta.title,
            "severity": meta.severity,
            "owner": {"node": meta.node, "country": meta.country},
            "committed": meta.time,
            "received": meta.received,
            "incident": meta.kind == "bongsu.incident/1",
        });
        Some(Self::Entry { seq: meta.seq, name: "entry", data })
    }

    /// Name, id and data as server-sent events have them.
    pub(crate) fn parts(&self) -> (&'static str, Option<u64>, Value) {
        match self {
            Self::Entry { seq, name, data } => (name, Some(*seq), data.clone()),
            Self::Link { peer, state, acked, log_size } => {
                ("link", None, json!({"peer": peer, "state": state, "acked": acked, "log_size": log_size}))
            }
            Self::Job(job) => ("job", None, json!({"job": job})),
        }
    }
}

/// The finding's own kind for findings, the noun's name for the rest.
fn event_kind(projection: &Projection, meta: &Meta) -> String {
    match projection.findings.get(&meta.id) {
        Some(finding) => finding.kind.clone(),
        None => noun_of(&meta.kind).to_owned(),
    }
}

/// `bongsu.finding/1` -> `finding`.
pub(crate) fn noun_of(schema: &str) -> &str {
    schema.strip_prefix("bongsu.").and_then(|rest| rest.split('/').next()).unwrap_or(schema)
}
