//! The link between two nodes, as a state machine without sockets, clock or disk.
//!
//! The sender keeps one append-only log per receiver: an item that the receiver may not have leaves no gap there,
//! because it never enters. Batches carry consecutive items and the sender's signed checkpoint over the log up to
//! their end. The receiver checks everything, stores, and answers with the same checkpoint under its cosignature:
//! that is the receipt. Whatever is lost on the way is sent again from where the receiver stands; what arrives twice
//! is recognised by its place and hash.
//!
//! [`Outbound`] is the sending half, [`Inbound`] the receiving half; room `node` moves the bytes.
//!
//! **Invariant:** nothing but [`label::Released`] entries can be put into a [`Batch`]: an entry that was not released
//! for this very peer cannot be sent. Nothing here opens a socket, reads a clock or decides on a release.

mod inbound;
mod outbound;
mod refusal;
mod wire;

pub use inbound::{Acceptance, Inbound, PeerIdentity};
pub use outbound::{Action, Event, LaneLog, LinkState, Outbound};
pub use refusal::{Refusal, Refused};
pub use wire::{
    Batch, BatchError, Item, MAX_BATCH_BYTES, MAX_BATCH_ITEMS, ReceivedBatch, ReceivedItem, Reply,
};
