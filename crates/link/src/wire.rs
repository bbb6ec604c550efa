use base::{EntryId, NodeName};
use label::Released;
use record::{Checkpoint, Entry};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::Refusal;

/// The most items in one batch.
pub const MAX_BATCH_ITEMS: usize = 512;

/// The most bytes in one batch on the wire; a receiver reads no more.
pub const MAX_BATCH_BYTES: usize = 8 << 20;

/// The sender stops filling a batch here, so that one more entry of the largest size still fits.
const FILL_BYTES: usize = MAX_BATCH_BYTES - 3 * record::MAX_ENTRY_BYTES;

const BATCH_SCHEMA: &str = "bongsu.link-batch/1";

/// One place in the sender's log for the peer.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all items are released: a box for each would cost more"
)]
pub enum Item {
    /// An entry that was released for the peer.
    Released(Released<Entry>),
    /// An entry that entered this log but may no longer be sent: it was recalled before it left. Its salted hash
    /// keeps the place, its content stays here.
    Withdrawn(EntryId),
}

impl Item {
    fn id(&self) -> EntryId {
        match self {
            Self::Released(entry) => entry.get().id(),
            Self::Withdrawn(id) => *id,
        }
    }
}

/// Why items make no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// Released for somebody else.
    #[error("entry {id} was released for {released_for}, not for {peer}")]
    OtherAudience {
        /// The entry.
        id: EntryId,
        /// For whom it was released.
        released_for: NodeName,
        /// To whom it would have gone.
        peer: NodeName,
    },
    /// Not the entry that stands at this place of the log.
    #[error("place {place} of the log holds another entry than {id}")]
    OtherPlace {
        /// The place.
        place: u64,
        /// The entry that was given.
        id: EntryId,
    },
    /// The checkpoint could not be signed.
    #[error("{0}")]
    Checkpoint(#[from] record::CheckpointError),
}

/// Consecutive items of the log for one peer, ready to be serialised. Only [`crate::Outbound::batch`] makes one.
#[derive(Debug)]
pub struct Batch {
    from: NodeName,
    to: NodeName,
    start: u64,
    items: Vec<Item>,
    checkpoint: Checkpoint,
}

impl Batch {
    /// Takes items until the batch is full; the checkpoint is signed over the log up to the last one taken.
    pub(crate) fn fill(
        from: NodeName,
        to: NodeName,
        start: u64,
        items: Vec<Item>,
        expected: &[EntryId],
        sign: impl FnOnce(u64) -> Result<Checkpoint, record::CheckpointError>,
    ) -> Result<Self, BatchError> {
        let mut bytes = 0;
        let mut taken: Vec<Item> = Vec::new();
        for (item, expected) in items.into_iter().zip(expected) {
            if item.id() != *expected {
                return Err(BatchError::OtherPlace { place: start + taken.len() as u64, id: item.id() });
            }
            if let Item::Released(entry) = &item {
                if *entry.audience() != to {
                    return Err(BatchError::OtherAudience {
                        id: item.id(),
                        released_for: entry.audience().clone(),
                        peer: to,
                    });
                }
                bytes += entry.get().payload().len() * 4 / 3 + 512;
            }
            taken.push(item);
            if bytes > FILL_BYTES || taken.len() == MAX_BATCH_ITEMS {
                break;
            }
        }
        let checkpoint = sign(start + taken.len() as u64)?;
        Ok(Self { from, to, start, items: taken, checkpoint })
    }

    /// The place of the first item.
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// How many items.
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it carries only a checkpoint.
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("id", &self.id())?;
        match self {
            Self::Released(entry) => map.serialize_entry("envelope", entry)?,
            Self::Withdrawn(_) => map.serialize_entry("withdrawn", &true)?,
        }
        map.end()
    }
}

impl Serialize for Batch {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(6))?;
        map.serialize_entry("schema", BATCH_SCHEMA)?;
        map.serialize_entry("from", &self.from)?;
        map.serialize_entry("to", &self.to)?;
        map.serialize_entry("start", &self.start)?;
        map.serialize_entry("items", &self.items)?;
        map.serialize_entry("checkpoint", self.checkpoint.note())?;
        map.end()
    }
}

/// A batch as it arrives: nothing in it has been checked yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceivedBatch {
    /// Must be `bongsu.link-batch/1`.
    pub schema: String,
    /// Who says that they sent it.
    pub from: NodeName,
    /// For whom it is meant.
    pub to: NodeName,
    /// The place of the first item in the sender's log.
    pub start: u64,
    /// The items.
    pub items: Vec<ReceivedItem>,
    /// The sender's signed checkpoint over the log up to the last item.
    pub checkpoint: String,
}

/// One item as it arrives.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceivedItem {
    /// The entry's id.
    pub id: EntryId,
    /// Its DSSE envelope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Value>,
    /// The entry was recalled before it was sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

impl ReceivedBatch {
    /// Whether the schema is the one that this version speaks.
    pub(crate) fn speaks(&self) -> bool {
        self.schema == BATCH_SCHEMA
    }
}

/// What the receiver answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema")]
pub enum Reply {
    /// All stored; the checkpoint with the receiver's cosignature is the receipt.
    #[serde(rename = "bongsu.link-ack/1")]
    Ack {
        /// The cosigned checkpoint.
        checkpoint: String,
    },
    /// Nothing stored.
    #[serde(rename = "bongsu.link-refusal/1")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// How many items of this log the receiver has: send from there.
        size: u64,
    },
}
