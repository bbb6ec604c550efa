//! What the console hears as it happens. An event says only that something is there and how to call it; the page
//! then asks for it.

use base::NodeName;
use serde_json::{Value, json};

use crate::jobs::Job;
use crate::view::{Noun, Row};

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
    /// The event of an entry of a view; `None` for one that shows nowhere.
    pub(crate) fn of(row: &Row) -> Option<Self> {
        match row.noun {
            // Acts are for who may list them, and their pages ask.
            Noun::Purged | Noun::Act => None,
            Noun::Recall => {
                let data = json!({"seq": row.seq, "target": row.target?, "entry": row.id});
                Some(Self::Entry { seq: row.seq, name: "recall", data })
            }
            _ => {
                let data = json!({
                    "seq": row.seq,
                    "id": row.id,
                    "kind": event_kind(row),
                    "title": row.title,
                    "severity": row.severity,
                    "owner": {"node": row.node, "country": row.country},
                    "committed": row.time,
                    "received": row.received,
                    "incident": row.noun == Noun::Incident,
                });
                Some(Self::Entry { seq: row.seq, name: "entry", data })
            }
        }
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
fn event_kind(row: &Row) -> &str {
    match row.noun {
        Noun::Finding => &row.kind,
        _ => noun_of(&row.schema),
    }
}

/// `bongsu.finding/1` -> `finding`.
pub(crate) fn noun_of(schema: &str) -> &str {
    schema.strip_prefix("bongsu.").and_then(|rest| rest.split('/').next()).unwrap_or(schema)
}
