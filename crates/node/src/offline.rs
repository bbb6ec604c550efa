//! Introducing peers: the card that officers exchange, and what a stopped node's folder can do with one.

use std::collections::BTreeMap;
use std::path::Path;

use base::{Country, EntryId, Precedence, Timestamp};
use label::Codes;
use link::{Agreement, Party};
use rand_core::OsRng;
use record::{
    Batch, Checkpoint, Domain, Entry, Heading, Peer, PublicKey, ReadRecord, RecordStore, RepairSource,
    Repaired, SqliteOptions, SqliteRecord, StoreError,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::core::nobody;
use crate::{Config, NodeError, Origin, RulesOnRecord, keys};

/// The schema name of a [`Card`].
pub const CARD_SCHEMA: &str = "bongsu.card/1";

/// What one node tells another's officer about itself, outside the link. Compare the two fingerprints by voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// `bongsu.card/1`.
    pub schema: String,
    /// The node's name.
    pub node: String,
    /// Its name for people.
    pub title: String,
    /// Whose node it is.
    pub country: String,
    /// Ed25519 public key, hexadecimal.
    pub key: String,
    /// SHA-256 of the TLS certificate.
    pub certificate: String,
    /// Host and port of the link.
    pub address: String,
    /// Whom to call, in words; they stand in an agreement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
}

/// What two nodes agree on beside who they are. Both officers state the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// When the agreement runs out.
    pub expires: Timestamp,
    /// Which lanes are used; FLASH is always one, because recalls go in it. What would go in another goes in the next
    /// less urgent one that is used, or else in the least urgent.
    pub lanes: Vec<Precedence>,
    /// Names of witnesses that both take, beside one another.
    pub witnesses: Vec<String>,
    /// The versions of tables that both decide by, beside the one of codes.
    pub tables: BTreeMap<String, String>,
}

/// The most contacts, witnesses and tables, and the longest of each, in characters.
const MOST_WORDS: usize = 20;
const LONGEST_WORD: usize = 200;

impl Terms {
    /// All lanes until `expires`, with no witness and no further table.
    pub fn until(expires: Timestamp) -> Self {
        Self { expires, lanes: Precedence::ALL.to_vec(), witnesses: Vec::new(), tables: BTreeMap::new() }
    }

    /// In the one order that both sides come to.
    fn settled(mut self) -> Result<Self, NodeError> {
        let bad = |message: String| NodeError::BadRequest { message };
        self.lanes.sort_unstable();
        self.lanes.dedup();
        if self.lanes.first() != Some(&Precedence::Flash) {
            return Err(bad("`lanes` must hold flash: recalls go in it".to_owned()));
        }
        self.witnesses.sort_unstable();
        self.witnesses.dedup();
        check_words("witnesses", &self.witnesses)?;
        check_words(
            "tables",
            &self.tables.iter().flat_map(|(k, v)| [k.clone(), v.clone()]).collect::<Vec<_>>(),
        )?;
        if self.tables.contains_key(CODES) {
            return Err(bad("`tables`: the version of `codes` is that of this program".to_owned()));
        }
        Ok(self)
    }
}

/// The table of country and group codes, in an agreement.
const CODES: &str = "codes";

fn check_words(field: &str, words: &[String]) -> Result<(), NodeError> {
    let fits = |word: &String| (1..=LONGEST_WORD).contains(&word.chars().count());
    if words.len() <= 2 * MOST_WORDS && words.iter().all(fits) {
        return Ok(());
    }
    let message = format!("`{field}`: at most {MOST_WORDS}, each of 1 to {LONGEST_WORD} characters");
    Err(NodeError::BadRequest { message })
}

/// The agreement between this node and the peer of a card: both sides come to the same one.
/// They agree on the table of codes of the day, which is `codes`.
pub(crate) fn agreement(
    own: &Card,
    peer: &Peer,
    peer_contacts: Vec<String>,
    codes: &Codes,
    terms: Terms,
) -> Result<Agreement, NodeError> {
    let terms = terms.settled()?;
    let bad = |e: &dyn std::fmt::Display| NodeError::BadRequest { message: format!("the own card: {e}") };
    let me = Party {
        node: own.node.parse().map_err(|e| bad(&e))?,
        country: own.country.parse().map_err(|e| bad(&e))?,
        key: own.key.clone(),
        certificate: own.certificate.parse().map_err(|e| bad(&e))?,
        address: own.address.clone(),
        contacts: own.contacts.clone(),
    };
    let other = Party {
        node: peer.node.clone(),
        country: peer.country.clone(),
        key: peer.key.clone(),
        certificate: peer.certificate,
        address: peer.address.clone(),
        contacts: peer_contacts,
    };
    let mut tables = terms.tables;
    tables.insert(CODES.to_owned(), codes.version().to_owned());
    let agreement = Agreement::new(me, other, tables, terms.expires);
    Ok(Agreement { lanes: terms.lanes, witnesses: terms.witnesses, ..agreement })
}

impl Card {
    /// The peer that this card and a clearance make for a node `me` of `country` whose table of codes is `codes`.
    ///
    /// # Errors
    /// When a value cannot be read, or the card is this node's own.
    pub(crate) fn peer(
        self,
        clearance: &str,
        me: &str,
        country: &Country,
        codes: &Codes,
    ) -> Result<Peer, NodeError> {
        let bad = |message: String| NodeError::BadRequest { message };
        let field = |field: &str, e: &dyn std::fmt::Display| bad(format!("`card.{field}`: {e}"));
        if self.schema != CARD_SCHEMA {
            return Err(bad(format!("`card.schema` is not {CARD_SCHEMA}")));
        }
        clearance.parse::<label::Level>().map_err(|e| bad(format!("`clearance`: {e}")))?;
        PublicKey::from_hex(&self.key).map_err(|e| field("key", &e))?;
        check_words("card.contacts", &self.contacts)?;
        let peer = Peer {
            node: self.node.parse().map_err(|e| field("node", &e))?,
            title: self.title,
            country: self.country.parse().map_err(|e| field("country", &e))?,
            clearance: clearance.to_owned(),
            key: self.key,
            certificate: self.certificate.parse().map_err(|e| field("certificate", &e))?,
            address: self.address,
            marking: nobody(country),
        };
        if peer.node.as_str() == me {
            return Err(bad("a node cannot be its own peer".to_owned()));
        }
        if !codes.knows(&peer.country) {
            return Err(field("country", &"not a known country code"));
        }
        Ok(peer)
    }
}

/// The settings of a stopped node, with name, title and country as it was founded where nothing else is set; `None`
/// when the record does not say whose it is.
pub(crate) fn founded(config: &Config) -> Result<Option<Config>, NodeError> {
    let Some(genesis) = record::founder(&config.data)? else { return Ok(None) };
    let unset =
        |key: &str| config.shown().iter().any(|(k, _, origin)| *k == key && *origin == Origin::Default);
    if !unset("name") && config.name != genesis.node {
        let message = format!("the folder is that of node `{}`, not of `{}`", genesis.node, config.name);
        return Err(NodeError::BadRequest { message });
    }
    // Nobody's node may be given to somebody; what one country signed is not another's.
    if !unset("country") && genesis.country.as_str() != "ZZZ" && config.country != genesis.country {
        let message =
            format!("the folder is that of a node of {}, not of {}", genesis.country, config.country);
        return Err(NodeError::BadRequest { message });
    }
    let mut config = config.clone();
    if unset("title") {
        config.title = genesis.title;
    }
    if unset("country") {
        config.country = genesis.country;
    }
    config.name = genesis.node;
    Ok(Some(config))
}

pub(crate) fn settings(config: &Config) -> Result<Config, NodeError> {
    founded(config)?
        .ok_or_else(|| NodeError::Conflict { message: "the record does not say whose it is".to_owned() })
}

/// The card of the stopped node in `config.data`.
///
/// # Errors
/// When there is no record yet, the node runs, or its keys cannot be read.
pub fn card(config: &Config) -> Result<Card, NodeError> {
    let config = settings(config)?;
    let key = keys::signing_key(&config.data, &config.name)?;
    let identity = keys::tls_identity(&config.data, &config.name)?;
    Ok(Card {
        schema: CARD_SCHEMA.to_owned(),
        node: config.name.to_string(),
        title: config.title,
        country: config.country.to_string(),
        key: key.public().to_hex(),
        certificate: identity.fingerprint().to_string(),
        address: match config.link_address.as_str() {
            "" => config.link_listen.to_string(),
            address => address.to_owned(),
        },
        contacts: config.contacts,
    })
}

/// The record of a stopped node, open to add own entries to it.
pub struct Desk {
    config: Config,
    key: record::NodeKey,
    record: SqliteRecord,
}

impl Desk {
    /// Opens the record of the stopped node in `config.data`.
    ///
    /// # Errors
    /// When there is no record yet, the node runs, or its key cannot be read.
    pub fn open(config: &Config) -> Result<Self, NodeError> {
        let config = settings(config)?;
        let key = keys::signing_key(&config.data, &config.name)?;
        let own = record::NodeKey::from_secret(config.name.clone(), &key.secret());
        let options = SqliteOptions { max_bytes: config.max_record_bytes, ..SqliteOptions::default() };
        let record = SqliteRecord::open(&config.data, own, options)?;
        Ok(Self { config, key, record })
    }

    /// Keeps raw bytes by their hash.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put_blob(&mut self, bytes: &[u8]) -> Result<base::BlobHash, NodeError> {
        Ok(self.record.put_blob(bytes)?)
    }

    /// A marking that reaches nobody.
    pub fn nobody(&self) -> base::Marking {
        nobody(&self.config.country)
    }

    /// An own entry, signed with time `now` or with that of this machine's clock, not recorded yet.
    ///
    /// # Errors
    /// When the noun makes no entry.
    pub fn sign<T: base::Noun>(&self, noun: &T, now: Option<Timestamp>) -> Result<Entry, NodeError> {
        self.sign_as(noun, &self.key, now)
    }

    /// An entry of another key, such as an officer's, in this node's country. It is no entry of this record.
    ///
    /// # Errors
    /// When the noun makes no entry.
    pub fn sign_as<T: base::Noun>(
        &self,
        noun: &T,
        key: &record::NodeKey,
        now: Option<Timestamp>,
    ) -> Result<Entry, NodeError> {
        let time = now.unwrap_or_else(crate::core::now);
        let domain = if self.config.exercise { Domain::Exercise } else { Domain::Live };
        let heading = Heading { domain, precedence: None };
        Ok(Entry::sign_as(noun, heading, &self.config.country, key, time, &mut OsRng)?)
    }

    /// Records an own entry; for whom it is, is decided at the next start.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn record(&mut self, entry: Entry) -> Result<EntryId, NodeError> {
        let id = entry.id();
        self.record.commit(&Batch::of([entry]))?;
        Ok(id)
    }
}

/// Records a peer in the stopped node in `config.data`; what was recorded before is decided for it at the next start.
/// The entry is signed with time `now`, or with that of this machine's clock.
///
/// # Errors
/// When the card or the clearance cannot be read, there is no record yet, or the node runs.
pub fn accept(
    config: &Config,
    card: Card,
    clearance: &str,
    now: Option<Timestamp>,
) -> Result<(EntryId, Peer), NodeError> {
    accept_until(config, card, clearance, None, now)
}

/// The same with an agreement: this node signs it now, and the other signs the same one when its officer accepts this
/// node's card on the same terms.
///
/// # Errors
/// As [`accept`].
pub fn accept_until(
    config: &Config,
    card: Card,
    clearance: &str,
    terms: Option<Terms>,
    now: Option<Timestamp>,
) -> Result<(EntryId, Peer), NodeError> {
    let own = self::card(config)?;
    let rules =
        RulesOnRecord::read(&ReadRecord::open(&config.data)?)?.at(now.unwrap_or_else(crate::core::now));
    let mut desk = Desk::open(config)?;
    let contacts = card.contacts.clone();
    let peer = card.peer(clearance, desk.config.name.as_str(), &desk.config.country, &rules.codes)?;
    let agreed = |terms| agreement(&own, &peer, contacts, &rules.codes, terms);
    let agreement = terms.map(agreed).transpose()?;
    let entry = desk.sign(&peer, now)?;
    let agreement = agreement.map(|agreed| desk.sign(&agreed, now)).transpose()?;
    let id = entry.id();
    desk.record.commit(&Batch::of([entry].into_iter().chain(agreement)))?;
    Ok((id, peer))
}

/// Puts the record of the stopped node in `data` together again from what is left of it and from other copies. Whose it
/// is says its first entry, or, where that cannot be read, the origin line of its checkpoint.
///
/// # Errors
/// When the node runs, its signing key is lost, nothing says whose record it is, or a disk refuses.
pub fn repair(data: &Path, sources: &[RepairSource]) -> Result<Repaired, NodeError> {
    let named = || {
        let note = std::fs::read_to_string(data.join("record/checkpoints/home")).ok()?;
        Checkpoint::parse(&note).ok()?.origin().strip_prefix("bongsu/")?.strip_suffix("/home")?.parse().ok()
    };
    let name = match record::founder(data) {
        Ok(Some(genesis)) => Some(genesis.node),
        Ok(None) | Err(StoreError::Io { .. } | StoreError::Damaged { .. }) => named(),
        Err(e) => return Err(e.into()),
    };
    let name = name.ok_or_else(|| NodeError::Conflict {
        message: "neither the first entry nor the checkpoint says whose record it is".to_owned(),
    })?;
    let key = keys::signing_key(data, &name)?;
    Ok(record::repair(data, &key, sources)?)
}
