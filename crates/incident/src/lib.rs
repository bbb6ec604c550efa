//! Findings of all domains become incidents: what belongs together, how bad it is, and in which order it happened.
//!
//! [`group`] says which incidents a set of findings makes. [`update`] compares that with the incidents that the
//! record already has and says what must be written and what must be taken back. Both are pure and give the same
//! answer whatever the order of their input.
//!
//! **Invariant:** nothing here reads a clock, a file or a socket, and nothing here knows an orbit, a STIX object or a
//! release rule. Findings with different markings never meet in one incident, so nothing about an incident (its
//! severity, count, times, title, extent) can tell of a finding that its reader may not see.
//!
//! ```
//! use base::{EntryId, Finding, from_document};
//! use incident::{GroupRules, group, update};
//!
//! let approach = |start: &str, miss_km: f64| -> Finding {
//!     from_document(&serde_json::json!({
//!         "schema": "bongsu.finding/1",
//!         "kind": "orbit.approach", "title": "an approach", "severity": 3, "confidence": "high",
//!         "interval": {"start": start, "end": start},
//!         "objects": [{"id": "norad:40536", "name": "KOMPSAT-3A", "protected": true}],
//!         "method": {"name": "orbit.screen", "version": "0.1.0"}, "measures": {"miss_km": miss_km},
//!         "marking": {"level": "RESTRICTED", "rel_to": ["USA"], "originator": "KOR"},
//!     }))
//!     .unwrap()
//! };
//! let findings = [
//!     (EntryId::from_bytes([1; 32]), approach("2026-03-10T00:00:00Z", 2.25)),
//!     (EntryId::from_bytes([2; 32]), approach("2026-03-10T05:00:00Z", 0.84)),
//! ];
//! let rules = GroupRules::default();
//! let incidents = group(&findings, &rules);
//! assert_eq!(incidents[0].title, "KOMPSAT-3A: 2 approaches, closest 0.84 km");
//!
//! let written = [(EntryId::from_bytes([3; 32]), incidents[0].clone())];
//! assert_eq!(update(&written, &findings, &rules).write, []);
//! ```

mod group;
mod noun;
mod title;
mod update;

pub use group::{GroupRules, group};
pub use noun::{Incident, TimelineItem};
pub use update::{Update, update};
