//! How bytes come in: a watched folder, fetched addresses, uploads, logs that are followed. All end in [`take_in`]: the
//! bytes are kept, read, and told of in one observation; what could not be read is told as faults.

mod catalogue;
mod fetch;
mod folder;
mod follow;
mod indicators;
mod logs;

use std::io::{Cursor, Read, Seek};
use std::sync::Arc;

use base::{EntryId, Fault};

use crate::NodeError;
use crate::core::Core;
use crate::unpack::InputLimits;

pub(crate) use fetch::fetch;
pub(crate) use folder::watch_folder;
pub(crate) use follow::follow;
pub(crate) use indicators::{Give, Indicators, heed};

/// The most bytes of one input that is kept, compressed or not.
pub(crate) const MAX_INPUT_BYTES: u64 = 256 << 20;
const LIMITS: InputLimits = InputLimits { bytes: MAX_INPUT_BYTES, line_bytes: 128 << 20 };

/// What an input holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedKind {
    /// Element sets: they become the current catalogue.
    Catalogue,
    /// Indicators, in place of those that came under the same title before.
    Indicators,
    /// Values that raise no alarm, in the form of MISP's warninglists.
    Warninglist,
    /// A log, to be searched for the indicators.
    Log,
}

impl FeedKind {
    /// All, the one of the feed folder itself first.
    pub(crate) const ALL: [Self; 4] = [Self::Catalogue, Self::Indicators, Self::Warninglist, Self::Log];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Indicators => "indicators",
            Self::Warninglist => "warninglist",
            Self::Log => "log",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The names of all, for messages.
    pub(crate) const NAMES: &str = "catalogue, indicators, warninglist, log";

    /// The kind of the observations that keep its bytes; none keeps those of a log.
    const fn observed_as(self) -> Option<&'static str> {
        match self {
            Self::Catalogue => Some(catalogue::KIND),
            Self::Indicators => Some(indicators::KIND),
            Self::Warninglist => Some(indicators::WARNINGLIST),
            Self::Log => None,
        }
    }

    /// Whether an input is read as a stream, so that it may be of any size.
    const fn streams(self) -> bool {
        matches!(self, Self::Log)
    }
}

/// What came of an input.
pub(crate) struct Taken {
    pub(crate) entry: EntryId,
    pub(crate) faults: Vec<Fault>,
    /// In words, for the list of jobs.
    pub(crate) said: String,
}

/// Bytes that can be read from their beginning again.
pub(crate) trait Input: Read + Seek + Send {}
impl<T: Read + Seek + Send> Input for T {}

/// Takes in one input. Blocks; call it off the async part.
pub(crate) fn take_in(
    core: &Arc<Core>,
    kind: FeedKind,
    title: &str,
    bytes: Vec<u8>,
) -> Result<Taken, NodeError> {
    match kind {
        FeedKind::Catalogue => catalogue::take_in(core, title, bytes),
        FeedKind::Indicators => indicators::take_in(core, title, bytes),
        FeedKind::Warninglist => indicators::take_in_warninglist(core, title, bytes),
        FeedKind::Log => logs::take_in(core, title, &mut Cursor::new(bytes)),
    }
}

/// Makes current again what the record says was current: after a start.
pub(crate) fn reload(core: &Arc<Core>) {
    if let Err(e) = catalogue::reload(core) {
        tracing::warn!(error = %e, "the last catalogue could not be loaded again");
    }
    if let Err(e) = indicators::reload(core) {
        tracing::error!(error = %e, "indicators could not be loaded again; logs are searched for none");
    }
}

fn refused(title: &str, message: impl Into<String>) -> NodeError {
    NodeError::BadInput { name: title.to_owned(), message: message.into() }
}
