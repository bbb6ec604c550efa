//! The nouns that every room of Bongsu shares.
//!
//! **Invariant:** nothing here reads a clock, a file or a socket, and nothing here knows what an orbit, a
//! STIX object or a treaty is. Domains meet only in [`Observation`] (what was received) and [`Finding`]
//! (what we conclude from it).
//!
//! Units are in the names. Times are UTC, intervals half-open, angles degrees, distances kilometres.

mod assess;
mod fault;
mod finding;
mod id;
mod marking;
mod observation;
mod place;
mod precedence;
mod recall;
mod source;
mod time;
mod wire;

pub use assess::{Confidence, Likelihood, Severity, UnknownWord};
pub use fault::{Fault, FaultLevel};
pub use finding::{Finding, Method, ObjectRef};
pub use id::{BlobHash, Country, EntryId, IdError, KeyFingerprint, NodeName, NoradId};
pub use marking::{Marked, Marking};
pub use observation::Observation;
pub use place::{Place, PlaceError};
pub use precedence::Precedence;
pub use recall::Recall;
pub use source::{Credibility, Reliability, Source};
pub use time::{Interval, IntervalError, TimeError, Timestamp};
pub use wire::{Noun, WireError, from_document, schema_of, to_document};
