//! Tear-lines: a sanitised version of an item that provably comes from the signed whole, and tells nothing of the
//! rest.
//!
//! The whole is a JSON object. Each of its fields (a value that is neither an object nor an array with content) is
//! committed to with a salt of 128 bits, and the commitments stand at secret places among [`SLOTS`] leaves of a
//! Merkle tree; the other leaves are decoys that nobody can tell from commitments. What the originator signs is the
//! root alone, [`TearlineRoot`]. A sanitised version, [`Tearline`], opens some of the leaves.
//!
//! The root and each opened field have the same size whatever else the whole holds: neither number nor names nor
//! lengths of the hidden fields show. An element of an array is named by a random token instead of its index, for an
//! index would tell how many stand before it.
//!
//! Compared with SD-JWT (RFC 9901): salted digests, decoys and one signature over the digests are the same idea.
//! There the digests stand in a list, `_sd`, whose length bounds the number of hidden members object by object, and
//! the place of an array's placeholders shows how many elements are hidden; here the tree has one size for
//! everything. There any holder may present a choice; here only the originator makes sanitised versions, because
//! only the originator releases its items. So there is no key binding either: the link already knows the audience.

mod fields;
mod tree;

use base::{Marking, Noun};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::tearline::fields::{Field, Step, assemble, fields};
use crate::tearline::tree::{DEPTH, Hash, Tree, root_of};

pub use crate::tearline::tree::SLOTS;

/// The most fields that a whole may have: half of the places, so that some is always free.
pub const MAX_FIELDS: usize = SLOTS / 2;

/// The most fields that one sanitised version may open; more would not fit into an entry.
pub const MAX_DISCLOSED: usize = 512;

/// The deepest nesting of a whole.
const MAX_DEPTH: usize = 32;

/// What the originator signs for the whole: it says that there is one, and nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TearlineRoot {
    /// The Merkle root over all places, as 64 hexadecimal digits.
    pub root: String,
    /// Releasable to nobody by itself: it travels within sanitised versions.
    pub marking: Marking,
}

impl Noun for TearlineRoot {
    const SCHEMA: &'static str = "bongsu.tearline-root/1";
}

crate::tables::marked!(TearlineRoot, Tearline);

/// A sanitised version: some fields of a whole with the proof that they are its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tearline {
    /// The signed [`TearlineRoot`], as the record's envelope.
    pub whole: Value,
    /// The opened fields in the order in which the document has them.
    pub disclosed: Vec<Disclosed>,
    /// Who may have this version. It says nothing of the marking of the whole.
    pub marking: Marking,
}

impl Noun for Tearline {
    const SCHEMA: &'static str = "bongsu.tearline/1";
}

/// One opened field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosed {
    /// Its salt, 32 hexadecimal digits.
    pub salt: String,
    /// Where it stands: names of members, and for an element of an array a list with its token.
    path: Vec<Step>,
    /// Its value.
    pub value: Value,
    /// Its place in the tree, 3 hexadecimal digits.
    pub slot: String,
    /// The hashes beside the way from its place to the root, lowest first.
    pub beside: Vec<String>,
}

/// A whole as its owner keeps it: the document, the secret of its tree, and the signed root. For the owner alone.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TearlineWhole {
    /// 32 random bytes as 64 hexadecimal digits.
    pub secret: String,
    /// The signed [`TearlineRoot`], as the record's envelope.
    pub whole: Value,
    /// The document.
    pub document: Value,
}

impl Noun for TearlineWhole {
    const SCHEMA: &'static str = "bongsu.tearline-whole/1";
}

impl std::fmt::Debug for TearlineWhole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret and the document must not reach a log.
        f.debug_struct("TearlineWhole").finish_non_exhaustive()
    }
}

impl TearlineWhole {
    /// A whole before it is signed.
    pub fn new(document: Value, secret: &[u8; 32]) -> Self {
        Self { secret: hex::encode(secret), whole: Value::Null, document }
    }

    /// The tree of the document.
    ///
    /// # Errors
    /// As [`Whole::new`], and when the secret is not 64 hexadecimal digits.
    pub fn tree(&self) -> Result<Whole, TearlineError> {
        Whole::new(&self.document, &unhex(&self.secret).ok_or(TearlineError::BadSecret)?)
    }
}

/// Why no sanitised version can be made, or one is refused. The `code` is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TearlineError {
    /// The whole is no JSON object.
    #[error("a whole is a JSON object with at least one field")]
    NoObject,
    /// More than [`MAX_FIELDS`].
    #[error("the whole has {count} fields, allowed are {MAX_FIELDS}")]
    TooManyFields {
        /// How many it has.
        count: usize,
    },
    /// Nested deeper than this version reads.
    #[error("the whole is nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// A whole number beyond 2^53, for which JSON has no one exact form (RFC 8785 section 3.2.2.3).
    #[error("`{pointer}` is a number that JSON cannot write exactly; write it as a text")]
    Inexact {
        /// Where it stands.
        pointer: String,
    },
    /// The file of a whole was changed.
    #[error("`secret` is not 64 hexadecimal digits in lower case")]
    BadSecret,
    /// A pointer that names nothing.
    #[error(
        "`{pointer}` names no field of the whole; write it as a JSON pointer (RFC 6901), say `/objects/0/id`"
    )]
    NoSuchField {
        /// What was given.
        pointer: String,
    },
    /// Nothing is opened.
    #[error("no field is disclosed")]
    Nothing,
    /// More than [`MAX_DISCLOSED`].
    #[error(
        "{count} fields are disclosed, allowed are {MAX_DISCLOSED}: disclose fewer, or release the whole"
    )]
    TooManyDisclosed {
        /// How many.
        count: usize,
    },
    /// A salt, place or hash that is not written as it must be.
    #[error("disclosed[{index}].{field} is not {wanted}")]
    BadField {
        /// Which disclosed field, from 0.
        index: usize,
        /// Which part of it.
        field: &'static str,
        /// What belongs there.
        wanted: &'static str,
    },
    /// The field, its salt, its place or the root is not of one whole.
    #[error("disclosed[{index}] does not belong to the signed whole: it was changed, or taken from another")]
    Foreign {
        /// Which disclosed field, from 0.
        index: usize,
    },
    /// A field that is opened twice.
    #[error("disclosed[{index}] was disclosed before")]
    Twice {
        /// Which disclosed field, from 0.
        index: usize,
    },
    /// A path that goes through the value of another, or takes an object for an array.
    #[error("disclosed[{index}] has a path that contradicts an earlier one")]
    Contradiction {
        /// Which disclosed field, from 0.
        index: usize,
    },
    /// The fields do not stand as the document has them.
    #[error("disclosed[{index}] does not stand in the order of the document")]
    OutOfOrder {
        /// The first that stands elsewhere, from 0.
        index: usize,
    },
}

impl TearlineError {
    /// A stable code for faults.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoObject => "tearline::no_object",
            Self::TooManyFields { .. } => "tearline::too_many_fields",
            Self::TooDeep => "tearline::too_deep",
            Self::BadSecret => "tearline::bad_secret",
            Self::Inexact { .. } => "tearline::inexact",
            Self::NoSuchField { .. } => "tearline::no_such_field",
            Self::Nothing => "tearline::nothing",
            Self::TooManyDisclosed { .. } => "tearline::too_many_disclosed",
            Self::BadField { .. } => "tearline::bad_field",
            Self::Foreign { .. } => "tearline::foreign",
            Self::Twice { .. } => "tearline::twice",
            Self::Contradiction { .. } => "tearline::contradiction",
            Self::OutOfOrder { .. } => "tearline::out_of_order",
        }
    }
}

/// A whole with its secret, from which its owner makes sanitised versions. Whoever has the secret can test guesses of
/// hidden fields: it stays with the whole.
#[derive(Debug, Clone)]
pub struct Whole {
    fields: Vec<Placed>,
    tree: Tree,
}

/// A field with its salt and its place.
#[derive(Debug, Clone)]
struct Placed {
    field: Field,
    salt: [u8; 16],
    slot: usize,
}

impl Whole {
    /// A whole and its tree. The same document and the same secret give the same tree; a secret is 32 random bytes
    /// and is used for one whole only.
    ///
    /// # Errors
    /// When the document is no object with a field, or over a limit.
    pub fn new(document: &Value, secret: &[u8; 32]) -> Result<Self, TearlineError> {
        if !document.is_object() {
            return Err(TearlineError::NoObject);
        }
        let fields = fields(document, secret)?;
        if fields.len() > MAX_FIELDS {
            return Err(TearlineError::TooManyFields { count: fields.len() });
        }
        let mut leaves: Vec<Option<Hash>> = vec![None; SLOTS];
        let mut placed = Vec::with_capacity(fields.len());
        for field in fields {
            let name = field.name();
            let salt = first(&prf(secret, b"salt", &name));
            let slot = free_slot(secret, &name, &leaves);
            leaves[slot] = Some(tree::leaf(&salt, &field));
            placed.push(Placed { field, salt, slot });
        }
        let leaves = leaves
            .into_iter()
            .enumerate()
            .map(|(slot, leaf)| leaf.unwrap_or_else(|| prf(secret, b"decoy", &slot.to_be_bytes())))
            .collect();
        Ok(Self { fields: placed, tree: Tree::new(leaves) })
    }

    /// The Merkle root, as [`TearlineRoot::root`] has it.
    pub fn root(&self) -> String {
        hex::encode(self.tree.root())
    }

    /// Opens the fields at and below each JSON pointer (RFC 6901); an index counts the elements of the whole's array.
    ///
    /// # Errors
    /// When a pointer names nothing, or there are none or too many.
    pub fn disclose(&self, pointers: &[String]) -> Result<Vec<Disclosed>, TearlineError> {
        let mut wanted = vec![false; self.fields.len()];
        for pointer in pointers {
            let no_such = || TearlineError::NoSuchField { pointer: pointer.chars().take(200).collect() };
            let below = fields::below(pointer).ok_or_else(no_such)?;
            let mut any = false;
            for (wanted, placed) in wanted.iter_mut().zip(&self.fields) {
                if placed.field.is_below(&below) {
                    (*wanted, any) = (true, true);
                }
            }
            if !any {
                return Err(no_such());
            }
        }
        let chosen =
            || self.fields.iter().zip(&wanted).filter(|(_, wanted)| **wanted).map(|(placed, _)| placed);
        match chosen().count() {
            0 => Err(TearlineError::Nothing),
            count if count > MAX_DISCLOSED => Err(TearlineError::TooManyDisclosed { count }),
            _ => Ok(chosen().map(|placed| self.open(placed)).collect()),
        }
    }

    fn open(&self, placed: &Placed) -> Disclosed {
        Disclosed {
            salt: hex::encode(placed.salt),
            path: placed.field.path.clone(),
            value: placed.field.value.clone(),
            slot: format!("{:03x}", placed.slot),
            beside: self.tree.beside(placed.slot).iter().map(hex::encode).collect(),
        }
    }
}

/// Checks opened fields against the root of the signed whole, and gives the document that they make.
///
/// The caller checks two signatures: that of the whole, whose root this is, and that of the version, which seals in
/// which order the elements of an array stand (their tokens say nothing of it).
///
/// # Errors
/// With the first field that was forged, taken from another whole, opened twice, contradicts another, or stands in
/// another order than that of the document.
pub fn verify(root: &str, disclosed: &[Disclosed]) -> Result<Value, TearlineError> {
    match disclosed.len() {
        0 => return Err(TearlineError::Nothing),
        count if count > MAX_DISCLOSED => return Err(TearlineError::TooManyDisclosed { count }),
        _ => {}
    }
    let mut slots = std::collections::BTreeSet::new();
    let mut fields = Vec::with_capacity(disclosed.len());
    for (index, one) in disclosed.iter().enumerate() {
        let (slot, field) = one.field(index, root)?;
        if !slots.insert(slot) {
            return Err(TearlineError::Twice { index });
        }
        fields.push(field);
    }
    assemble(&fields)
}

impl Disclosed {
    /// Where the field stands, for people: `/objects/[3f..]/id`.
    pub fn place(&self) -> String {
        self.path.iter().map(|step| format!("/{step}")).collect()
    }

    /// The field and its place, when they lead to the root.
    fn field(&self, index: usize, root: &str) -> Result<(usize, Field), TearlineError> {
        let bad = |field, wanted| TearlineError::BadField { index, field, wanted };
        let salt =
            unhex::<16>(&self.salt).ok_or_else(|| bad("salt", "32 hexadecimal digits in lower case"))?;
        let slot = || bad("slot", "3 hexadecimal digits in lower case");
        let [a, b] = unhex::<2>(&format!("0{}", self.slot)).ok_or_else(slot)?;
        let slot = usize::from(u16::from_be_bytes([a, b]));
        if self.beside.len() != DEPTH {
            return Err(bad("beside", "one hash for each level of the tree"));
        }
        let beside: Vec<Hash> = self
            .beside
            .iter()
            .map(|hash| unhex(hash))
            .collect::<Option<_>>()
            .ok_or_else(|| bad("beside", "hashes of 64 hexadecimal digits in lower case"))?;
        let field = Field::read(&self.path, &self.value)
            .ok_or_else(|| bad("path", "a path to a value that is no object and no array with content"))?;
        if hex::encode(root_of(slot, tree::leaf(&salt, &field), &beside)) != root {
            return Err(TearlineError::Foreign { index });
        }
        Ok((slot, field))
    }
}

/// 2N hexadecimal digits in lower case.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

/// A pseudo-random function of the secret, one for each use: SHA-256 twice, so that no output can be continued.
fn prf(secret: &[u8; 32], usage: &[u8], input: &[u8]) -> Hash {
    let inner = Sha256::new_with_prefix(b"bongsu.tearline/1 ")
        .chain_update([usage.len() as u8])
        .chain_update(usage)
        .chain_update(secret)
        .chain_update(input)
        .finalize();
    Sha256::new_with_prefix(secret).chain_update(inner).finalize().into()
}

fn first<const N: usize>(hash: &Hash) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hash[..N]);
    bytes
}

/// A secret place that is still free; at least half of them are.
fn free_slot(secret: &[u8; 32], name: &[u8], leaves: &[Option<Hash>]) -> usize {
    let mut attempt = 0_u32;
    loop {
        let input = [name, &attempt.to_be_bytes()].concat();
        let slot = usize::from(u16::from_be_bytes(first(&prf(secret, b"slot", &input)))) % SLOTS;
        if leaves[slot].is_none() {
            return slot;
        }
        attempt += 1;
    }
}
