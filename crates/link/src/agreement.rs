use std::collections::BTreeMap;

use base::{Country, KeyFingerprint, Marking, NodeName, Noun, Precedence, Timestamp};
use serde::{Deserialize, Serialize};

/// One side of a peering agreement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its node.
    pub node: NodeName,
    /// Its country.
    pub country: Country,
    /// Its Ed25519 key: 64 hexadecimal digits.
    pub key: String,
    /// SHA-256 of its TLS certificate in DER.
    pub certificate: KeyFingerprint,
    /// Host and port of its link.
    pub address: String,
    /// Whom to call, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
}

/// What two nodes agreed on: one object, of which each side signs an entry. The two bodies are equal byte for byte,
/// since nothing in them depends on who writes; so equal bodies under both keys are the object that both signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Both, the lesser name first.
    pub parties: [Party; 2],
    /// Which lanes are used.
    pub lanes: Vec<Precedence>,
    /// The version of each table that both decide by: codes, and those of national words.
    pub tables: BTreeMap<String, String>,
    /// Names of witnesses that both take, beside one another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<String>,
    /// From then on nothing passes until there is a new one.
    pub expires: Timestamp,
    /// For the two parties.
    pub marking: Marking,
}

impl Agreement {
    /// The agreement of two parties over all lanes, by the tables named.
    pub fn new(one: Party, other: Party, tables: BTreeMap<String, String>, expires: Timestamp) -> Self {
        let mut parties = [one, other];
        parties.sort();
        let mut countries: Vec<&str> = parties.iter().map(|party| party.country.as_str()).collect();
        countries.sort_unstable();
        countries.dedup();
        let marking = Marking::new("RESTRICTED", &countries, &countries.join(" "));
        Self { parties, lanes: Precedence::ALL.to_vec(), tables, witnesses: Vec::new(), expires, marking }
    }

    /// The party that is not `me`; `None` when `me` is none.
    pub fn other(&self, me: &NodeName) -> Option<&Party> {
        let [one, other] = &self.parties;
        if one.node == *me {
            Some(other)
        } else if other.node == *me {
            Some(one)
        } else {
            None
        }
    }
}

impl Noun for Agreement {
    const SCHEMA: &'static str = "bongsu.agreement/1";
}
