use base::{EntryId, NodeName, Precedence, Timestamp};
use label::Released;
use record::{Checkpoint, Domain, Entry};
use serde::{Deserialize, Serialize};

use crate::Refusal;

/// The most items in one batch.
pub const MAX_BATCH_ITEMS: usize = 512;

/// The most bytes in one batch on the wire; a receiver reads no more.
pub const MAX_BATCH_BYTES: usize = 8 << 20;

/// The most JSON values (members, elements, numbers, strings ..) in the payloads of one batch. A value of two bytes
/// takes some hundred once it is read: without this bound the memory that a batch takes would not follow from its bytes.
pub const MAX_BATCH_VALUES: usize = 1 << 18;

/// The first line of a batch.
pub const BATCH_MAGIC: &[u8] = b"bongsu.link-batch/2\n";

/// The most bytes of a head.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// What an item costs on the wire beside its payload: length, key, signature.
const ITEM_BYTES: usize = 4 + 32 + 64;

/// The sender stops filling a batch here, so that one more entry of the largest size still fits.
const FILL_BYTES: usize = MAX_BATCH_BYTES - MAX_HEAD_BYTES - 2 * record::MAX_ENTRY_BYTES;

/// One place in the sender's log for the peer.
#[derive(Debug)]
pub enum Item {
    /// An entry that was released for the peer.
    Released(Released<Entry>),
    /// An entry that entered this log but may no longer be sent: it was recalled before it left. Its salted hash
    /// keeps the place, its content stays here.
    Withdrawn(EntryId),
}

impl Item {
    pub(crate) fn id(&self) -> EntryId {
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
    /// An entry of an exercise in a live log, or the other way.
    #[error("entry {id} is {found}, the log is {expected}")]
    OtherDomain {
        /// The entry.
        id: EntryId,
        /// Its domain.
        found: Domain,
        /// That of the log.
        expected: Domain,
    },
    /// Not the entries that stand at these places of the log.
    #[error("the items from place {start} on are not those of the log")]
    OtherPlace {
        /// The place of the first.
        start: u64,
    },
    /// The checkpoint could not be signed.
    #[error("{0}")]
    Checkpoint(#[from] record::CheckpointError),
}

/// What stands before the items of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchHead {
    /// Who says that they sent it.
    pub from: NodeName,
    /// For whom it is meant.
    pub to: NodeName,
    /// Which of the sender's logs for the receiver.
    pub precedence: Precedence,
    /// Live or exercise.
    pub domain: Domain,
    /// The place of the first item in that log, from 0.
    pub start: u64,
    /// How many items follow.
    pub count: u32,
    /// The sender's clock when it made the batch.
    pub made: Timestamp,
    /// The sender's signed checkpoint over the log up to the last item.
    pub checkpoint: String,
}

/// Consecutive items of the log for one peer, ready to be written. Only [`crate::Outbound::batch`] makes one.
#[derive(Debug)]
pub struct Batch {
    head: BatchHead,
    items: Vec<Item>,
}

/// How many of `items` fit into one batch.
pub(crate) fn that_fit(items: &[Item]) -> usize {
    let (mut bytes, mut values) = (0, 0);
    for (at, item) in items.iter().enumerate().take(MAX_BATCH_ITEMS) {
        if let Item::Released(entry) = item {
            bytes += entry.get().payload().len();
            values += json_values(entry.get().payload());
        }
        bytes += ITEM_BYTES;
        if at > 0 && values > MAX_BATCH_VALUES {
            return at;
        }
        if bytes > FILL_BYTES {
            return at + 1;
        }
    }
    items.len().min(MAX_BATCH_ITEMS)
}

/// How many JSON values `payload` has at most: what separates them outside of strings is counted, nothing is parsed.
fn json_values(payload: &[u8]) -> usize {
    let (mut count, mut in_string, mut escaped) = (1, false, false);
    for byte in payload {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b':' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

impl Batch {
    pub(crate) fn new(head: BatchHead, items: Vec<Item>) -> Self {
        Self { head, items }
    }

    /// The place of the first item.
    pub const fn start(&self) -> u64 {
        self.head.start
    }

    /// How many items.
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it carries only a checkpoint.
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The wire form. It is here and not on an entry: only what was released can be written toward a peer.
    ///
    /// # Errors
    /// When the head cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = head_bytes(&self.head)?;
        for item in &self.items {
            match item {
                Item::Released(entry) => write_entry(
                    &mut bytes,
                    entry.get().payload(),
                    &entry.get().key().to_bytes(),
                    entry.get().signature(),
                ),
                Item::Withdrawn(id) => write_withdrawn(&mut bytes, id),
            }
        }
        Ok(bytes)
    }
}

fn head_bytes(head: &BatchHead) -> Result<Vec<u8>, serde_json::Error> {
    let json = serde_json::to_vec(head)?;
    let mut bytes = BATCH_MAGIC.to_vec();
    bytes.extend_from_slice(&u32::try_from(json.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(&json);
    Ok(bytes)
}

fn write_entry(to: &mut Vec<u8>, payload: &[u8], key: &[u8; 32], signature: &[u8; 64]) {
    to.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend_from_slice(payload);
    to.extend_from_slice(key);
    to.extend_from_slice(signature);
}

fn write_withdrawn(to: &mut Vec<u8>, id: &EntryId) {
    to.extend_from_slice(&[0; 4]);
    to.extend_from_slice(id.as_bytes());
}

/// A batch as it arrives: nothing in it has been checked yet but its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedBatch {
    /// What stands before the items.
    pub head: BatchHead,
    /// The items.
    pub items: Vec<ReceivedItem>,
}

/// One item as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceivedItem {
    /// An entry in its parts.
    Entry {
        /// Its canonical bytes.
        payload: Vec<u8>,
        /// The public key that is said to have signed.
        key: [u8; 32],
        /// The signature.
        signature: [u8; 64],
    },
    /// The entry was recalled before it was sent.
    Withdrawn(EntryId),
}

impl ReceivedItem {
    /// The parts of an entry.
    pub fn of(entry: &Entry) -> Self {
        Self::Entry {
            payload: entry.payload().to_vec(),
            key: entry.key().to_bytes(),
            signature: *entry.signature(),
        }
    }
}

/// The bytes that are left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| Refusal::Malformed { reason: format!("it ends within {what}") })?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Refusal> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    fn length(&mut self, what: &str, limit: usize) -> Result<usize, Refusal> {
        let length = u32::from_be_bytes(self.array(what)?) as usize;
        if length > limit { Err(Refusal::TooLarge { limit: limit as u64 }) } else { Ok(length) }
    }
}

impl ReceivedBatch {
    /// Reads the wire form. What it reads is held in memory once; no length in it is believed before the bytes are
    /// there.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] or [`Refusal::Malformed`].
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = |reason: &str| Refusal::Malformed { reason: reason.to_owned() };
        if bytes.len() > MAX_BATCH_BYTES {
            return Err(Refusal::TooLarge { limit: MAX_BATCH_BYTES as u64 });
        }
        let rest = bytes
            .strip_prefix(BATCH_MAGIC)
            .ok_or_else(|| malformed("it does not begin with bongsu.link-batch/2"))?;
        let mut rest = Rest(rest);
        let length = rest.length("the length of the head", MAX_HEAD_BYTES)?;
        let head: BatchHead = serde_json::from_slice(rest.take(length, "the head")?)
            .map_err(|e| malformed(&e.to_string().chars().take(200).collect::<String>()))?;
        if head.count as usize > MAX_BATCH_ITEMS {
            return Err(Refusal::TooLarge { limit: MAX_BATCH_ITEMS as u64 });
        }
        let mut items = Vec::new();
        let mut values = 0;
        for _ in 0..head.count {
            let length = rest.length("the length of an item", record::MAX_ENTRY_BYTES)?;
            items.push(if length == 0 {
                ReceivedItem::Withdrawn(EntryId::from_bytes(rest.array("an id")?))
            } else {
                let payload = rest.take(length, "a payload")?;
                values += json_values(payload);
                if values > MAX_BATCH_VALUES {
                    return Err(Refusal::TooLarge { limit: MAX_BATCH_VALUES as u64 });
                }
                ReceivedItem::Entry {
                    payload: payload.to_vec(),
                    key: rest.array("a key")?,
                    signature: rest.array("a signature")?,
                }
            });
        }
        if !rest.0.is_empty() {
            return Err(malformed("bytes follow the last item"));
        }
        Ok(Self { head, items })
    }

    /// The wire form again, for tools that carry what they received.
    ///
    /// # Errors
    /// When the head cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = head_bytes(&self.head)?;
        for item in &self.items {
            match item {
                ReceivedItem::Entry { payload, key, signature } => {
                    write_entry(&mut bytes, payload, key, signature);
                }
                ReceivedItem::Withdrawn(id) => write_withdrawn(&mut bytes, id),
            }
        }
        Ok(bytes)
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

impl Reply {
    /// The checkpoint of a receipt.
    pub fn receipt(&self) -> Option<Checkpoint> {
        match self {
            Self::Ack { checkpoint } => Checkpoint::parse(checkpoint).ok(),
            Self::Refused { .. } => None,
        }
    }
}
