//! The link between two nodes, as a state machine without sockets, clock or disk.
//!
//! The sender keeps four append-only logs for each receiver, one a precedence: an item that the receiver may not have
//! leaves no gap there, because it never enters. Batches carry consecutive items of one log and the sender's signed
//! checkpoint over it up to their end. The receiver checks everything, stores, and answers with the same checkpoint
//! under its cosignature: that is the receipt. Whatever is lost on the way is sent again from where the receiver
//! stands; what arrives twice is recognised by its place and hash.
//!
//! [`Outbound`] is the sending half of one lane, [`Inbound`] the receiving half, [`verify`] what can be checked of a
//! batch without either; room `node` moves the bytes.
//!
//! **Invariant:** nothing but [`label::Released`] entries can be put into a [`Batch`]: an entry that was not released
//! for this very peer cannot be sent. Nothing here opens a socket, reads a clock or decides on a release, and nothing
//! here grows with the length of a log.

mod agreement;
mod file;
mod fraud;
mod inbound;
mod noun;
mod outbound;
mod precedence;
mod refusal;
mod verify;
mod wire;

pub use agreement::{Agreement, Party};
pub use file::{FILE_MAGIC, FileReader, FileWriter};
pub use fraud::{MAX_PROVEN_ITEMS, Shown};
pub use inbound::{Acceptance, Held, Inbound};
pub use noun::{DerivativeFlag, Grant, RecallReceipt, ReleaseRequest};
pub use outbound::{Action, Event, LinkState, Outbound};
pub use precedence::precedence_of;
pub use refusal::{Refusal, Refused};
pub use verify::{Expected, PeerIdentity, VerifiedBatch, verify};
pub use wire::{
    BATCH_MAGIC, Batch, BatchError, BatchHead, Item, MAX_BATCH_BYTES, MAX_BATCH_ITEMS, MAX_BATCH_VALUES,
    ReceivedBatch, ReceivedItem, Reply,
};

/// Two clocks may differ by this much before a link between them stops, in seconds.
pub const MAX_CLOCK_OFFSET_SECONDS: f64 = 300.0;
