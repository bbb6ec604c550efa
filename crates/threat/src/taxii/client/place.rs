//! Where a pull stands.

use serde::{Deserialize, Serialize};

use crate::taxii::Micros;

/// Where a pull of one collection stands: what is stored beside the objects that were taken, and all that is needed to
/// go on after a crash.
///
/// A collection is gone through in **walks**: a walk asks for what was added after a time and follows `next` to its
/// end; the next walk begins where the last one ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullPlace {
    /// The walk asks for what was added after this time, in microseconds since 1970; `None`: for all.
    pub(super) after: Option<Micros>,
    /// What the walk asked for when it began.
    pub(super) from: Option<Micros>,
    /// Where the walk goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
    /// The newest time of addition that the server told in this walk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) newest: Option<Micros>,
    /// Where the next walk may begin at a server that tells no times of addition: when this one began, and some more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) began: Option<Micros>,
    /// Whether the walk brought something that was not there.
    #[serde(default)]
    pub(super) fresh: bool,
    /// The walk is done by times alone: this server's `next` leads nowhere.
    #[serde(default)]
    pub(super) by_time: bool,
    /// Whether each `next` names a place of its own. A server that gives one `next` for a whole walk goes on by itself
    /// with every question: what it gave without our having taken it would be missing behind that `next`.
    #[serde(default)]
    pub(super) turns: bool,
    /// How often the server refused a `next` of its own in this walk.
    #[serde(default)]
    pub(super) refused: u8,
}

impl PullPlace {
    /// The beginning, or behind a time: what was added there then or before is not asked for.
    pub fn after(time: Option<Micros>) -> Self {
        Self { after: time, from: time, ..Self::default() }
    }

    /// What was added up to this time has been taken; `None`: nothing is known to be.
    pub fn taken_up_to(&self) -> Option<Micros> {
        self.after
    }

    /// Whether a walk is under way.
    pub fn is_within_walk(&self) -> bool {
        self.next.is_some() || self.newest.is_some()
    }
}
