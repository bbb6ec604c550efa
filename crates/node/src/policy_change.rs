//! The rules that a record holds: tables and policies, officers, and what it takes to put a policy in force.
//!
//! A policy is proposed, signed by two officers and applied; each step is an entry of the node's own record, and an
//! applied policy counts only when the entries before it bear two valid signatures of two officers with two keys.
//! This is read again from the record at every start, so that a hand-made entry puts nothing in force.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use base::{BlobHash, Country, EntryId, Fault, Marking, NodeName, Noun, Timestamp};
use label::{CodeTable, MappingTable, PolicyDocument, Rulebook, Rules};
use rand_core::OsRng;
use record::{Entry, Genesis, NodeKey, PublicKey, ReadRecord, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::NodeError;
use crate::people::AccountName;
use crate::policy_account::AccountSignature;

/// How many officers sign a policy.
pub const OFFICERS_TO_SIGN: usize = 2;

/// Somebody who may sign policies, with the key to sign with. A later entry of the same name takes the place of an
/// earlier one. Never released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// The officer's name, in the form of a node's name: a-z, 0-9 and -.
    pub name: NodeName,
    /// Ed25519 public key: 64 hexadecimal digits.
    pub key: String,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for Officer {
    const SCHEMA: &'static str = "bongsu.officer/1";
}

/// What an officer signs, as an entry of the officer's own key: this policy, by its hash, is to be in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyApproval {
    /// The entry that holds the policy.
    pub proposal: EntryId,
    /// SHA-256 of the policy's canonical JSON.
    pub policy_sha256: BlobHash,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for PolicyApproval {
    const SCHEMA: &'static str = "bongsu.policy-approval/1";
}

impl PolicyApproval {
    /// Its envelope under the officer's key, at time `now`.
    ///
    /// # Errors
    /// When it makes no entry.
    pub fn signed(&self, country: &Country, key: &NodeKey, now: Timestamp) -> Result<Value, NodeError> {
        Ok(Entry::sign(self, country, key, now, &mut OsRng)?.to_envelope())
    }
}

/// An officer's approval as the node records it. Never released.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySignature {
    /// The entry that holds the policy.
    pub proposal: EntryId,
    /// The officer.
    pub officer: NodeName,
    /// The envelope of a [`PolicyApproval`] under the officer's key.
    pub approval: Value,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for PolicySignature {
    const SCHEMA: &'static str = "bongsu.policy-signature/1";
}

/// A policy is in force from the time of this entry, or from its own `effective_from` when that is later. Never
/// released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyApplied {
    /// The entry that holds the policy.
    pub proposal: EntryId,
    /// SHA-256 of the policy's canonical JSON.
    pub policy_sha256: BlobHash,
    /// The entries with the signatures.
    pub signatures: Vec<EntryId>,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for PolicyApplied {
    const SCHEMA: &'static str = "bongsu.policy-applied/1";
}

/// Why a step toward a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyStepError {
    /// No such proposal.
    #[error("entry {id} is no policy of this record; `bongsu label policy list` shows them")]
    NoProposal {
        /// What was named.
        id: EntryId,
    },
    /// The key is no officer's.
    #[error("the key is that of no officer of this record; `bongsu officer new` makes one")]
    NoOfficer,
    /// The officer has signed.
    #[error("officer `{officer}` has signed this policy already; another one must")]
    SignedAlready {
        /// Who.
        officer: String,
    },
    /// Another policy came in between.
    #[error(
        "another policy was put in force since this one was proposed; propose it anew, with a dry run of today"
    )]
    Stale,
    /// Too few signatures.
    #[error("{signed} of {OFFICERS_TO_SIGN} officers have signed the policy")]
    TooFew {
        /// How many have.
        signed: usize,
    },
    /// It is in force.
    #[error("the policy was applied already")]
    AppliedAlready,
    /// The version does not rise.
    #[error("version {version} of `{name}` does not follow version {newest}: give a higher one")]
    OldVersion {
        /// The policy's name.
        name: String,
        /// The version that was proposed.
        version: u64,
        /// The highest in the record.
        newest: u64,
    },
}

/// An officer's signature under a proposal, as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficerSigned {
    /// What tells the signing key from all others: two names with one key are one officer.
    pub by: [u8; 32],
    /// The entry that holds the signature.
    pub entry: EntryId,
}

/// A policy on its way.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The policy.
    pub document: PolicyDocument,
    /// Its hash, which is signed.
    pub sha256: BlobHash,
    /// When it was recorded.
    pub time: Timestamp,
    /// Who signed, by the name of the officer or of the account: one name is one person, however it signed.
    pub signatures: BTreeMap<String, OfficerSigned>,
    /// When it was put in force.
    pub applied: Option<Timestamp>,
    /// The policy that had been put in force last when this one was proposed. When another one has been since, nobody
    /// has seen what this one changes.
    against: Option<EntryId>,
}

impl Proposal {
    /// How many officers with keys of their own have signed.
    pub fn signed(&self) -> usize {
        self.signatures.values().map(|signed| signed.by).collect::<BTreeSet<_>>().len()
    }

    /// Whoever has signed under this name or with this key.
    fn signer(&self, name: &str, by: &[u8; 32]) -> Option<PolicyStepError> {
        let mut signed = self.signatures.iter();
        let (officer, _) = signed.find(|(signer, signed)| *signer == name || signed.by == *by)?;
        Some(PolicyStepError::SignedAlready { officer: officer.clone() })
    }
}

/// Tables, policies and officers of one record, read from its own entries in their order.
#[derive(Debug)]
pub struct RulesOnRecord {
    book: Rulebook,
    officers: BTreeMap<NodeName, PublicKey>,
    proposals: HashMap<EntryId, Proposal>,
    /// Proposals in the order of the record.
    order: Vec<EntryId>,
    /// The proposal that was put in force last.
    last_applied: Option<EntryId>,
    faults: Vec<Fault>,
}

impl RulesOnRecord {
    /// Of an empty record of `own`'s node.
    pub fn new(own: Country) -> Self {
        Self {
            book: Rulebook::new(own),
            officers: BTreeMap::new(),
            proposals: HashMap::new(),
            order: Vec::new(),
            last_applied: None,
            faults: Vec::new(),
        }
    }

    /// Of the record of a stopped node.
    ///
    /// # Errors
    /// When the record cannot be read, does not say whose it is, or an entry that counts is damaged.
    pub fn read(record: &ReadRecord) -> Result<Self, NodeError> {
        let first = record.at(0)?.and_then(|stored| stored.entry);
        let Some(genesis) = first.and_then(|entry| entry.noun::<Genesis>().ok()) else {
            let message = "the record does not say whose it is".to_owned();
            return Err(NodeError::Conflict { message });
        };
        let mut rules = Self::new(genesis.country);
        let mut next = 0;
        loop {
            let batch = record.raw(next, 4096)?;
            let Some(last) = batch.last() else { return Ok(rules) };
            next = last.seq + 1;
            for raw in batch.iter().filter(|raw| raw.received.is_none()) {
                if raw.outline().is_some_and(|outline| Self::concerns(&outline.kind)) {
                    rules.take(record, &raw.id)?;
                }
            }
        }
    }

    /// Takes in the next own entry of a record, with its signature checked.
    ///
    /// # Errors
    /// When the entry cannot be read or is damaged.
    pub fn take(&mut self, record: &ReadRecord, id: &EntryId) -> Result<(), StoreError> {
        if let Some(entry) = record.get(id)?.and_then(|stored| stored.entry) {
            self.apply(&entry);
        }
        Ok(())
    }

    /// Whether entries of this kind are looked at.
    pub fn concerns(kind: &str) -> bool {
        [
            CodeTable::SCHEMA,
            MappingTable::SCHEMA,
            PolicyDocument::SCHEMA,
            Officer::SCHEMA,
            PolicySignature::SCHEMA,
            AccountSignature::SCHEMA,
            PolicyApplied::SCHEMA,
        ]
        .contains(&kind)
    }

    /// Takes in the next own entry of the record.
    pub fn apply(&mut self, entry: &Entry) {
        let refused = match entry.kind() {
            CodeTable::SCHEMA => entry
                .noun::<CodeTable>()
                .map_err(|e| e.to_string())
                .and_then(|table| self.book.add_codes(&table).map_err(|e| e.to_string())),
            MappingTable::SCHEMA => entry
                .noun::<MappingTable>()
                .map_err(|e| e.to_string())
                .and_then(|table| self.book.add_words(table).map_err(|e| e.to_string())),
            PolicyDocument::SCHEMA => self.propose(entry),
            Officer::SCHEMA => self.enrol(entry),
            PolicySignature::SCHEMA => self.sign(entry),
            AccountSignature::SCHEMA => self.sign_by_account(entry),
            PolicyApplied::SCHEMA => self.put_in_force(entry),
            _ => Ok(()),
        };
        if let Err(why) = refused {
            let message = format!("entry {} ({}) counts for nothing: {why}", entry.id(), entry.kind());
            self.faults.push(Fault::warning("policy::not_counted", message));
        }
    }

    fn propose(&mut self, entry: &Entry) -> Result<(), String> {
        let document: PolicyDocument = entry.noun().map_err(|e| e.to_string())?;
        let sha256 = document.sha256().ok_or("it has no canonical form")?;
        let time = entry.time();
        self.order.push(entry.id());
        self.proposals.insert(
            entry.id(),
            Proposal {
                document,
                sha256,
                time,
                signatures: BTreeMap::new(),
                applied: None,
                against: self.last_applied,
            },
        );
        Ok(())
    }

    fn enrol(&mut self, entry: &Entry) -> Result<(), String> {
        let officer: Officer = entry.noun().map_err(|e| e.to_string())?;
        let key = PublicKey::from_hex(&officer.key).map_err(|e| e.to_string())?;
        self.officers.insert(officer.name, key);
        Ok(())
    }

    fn sign(&mut self, entry: &Entry) -> Result<(), String> {
        let signature: PolicySignature = entry.noun().map_err(|e| e.to_string())?;
        let proposal = self.proposals.get_mut(&signature.proposal).ok_or("there is no such proposal")?;
        let approval = Entry::from_envelope(&signature.approval).map_err(|e| e.to_string())?;
        let said: PolicyApproval = approval.noun().map_err(|e| e.to_string())?;
        if (said.proposal, said.policy_sha256) != (signature.proposal, proposal.sha256) {
            return Err("the officer signed another policy".to_owned());
        }
        if self.officers.get(&signature.officer) != Some(approval.key()) {
            return Err("it is not signed with the officer's key".to_owned());
        }
        let signed = OfficerSigned { by: approval.key().to_bytes(), entry: entry.id() };
        proposal.signatures.entry(signature.officer.to_string()).or_insert(signed);
        Ok(())
    }

    fn sign_by_account(&mut self, entry: &Entry) -> Result<(), String> {
        let signature: AccountSignature = entry.noun().map_err(|e| e.to_string())?;
        let proposal = self.proposals.get_mut(&signature.proposal).ok_or("there is no such proposal")?;
        let by = signature.check(&proposal.sha256)?;
        let signed = OfficerSigned { by, entry: entry.id() };
        proposal.signatures.entry(signature.account.to_string()).or_insert(signed);
        Ok(())
    }

    fn put_in_force(&mut self, entry: &Entry) -> Result<(), String> {
        let applied: PolicyApplied = entry.noun().map_err(|e| e.to_string())?;
        let proposal = self.proposals.get_mut(&applied.proposal).ok_or("there is no such proposal")?;
        if applied.policy_sha256 != proposal.sha256 {
            return Err("it names another policy".to_owned());
        }
        if proposal.applied.is_some() {
            return Err(PolicyStepError::AppliedAlready.to_string());
        }
        if proposal.against != self.last_applied {
            return Err(PolicyStepError::Stale.to_string());
        }
        if proposal.signed() < OFFICERS_TO_SIGN {
            return Err(PolicyStepError::TooFew { signed: proposal.signed() }.to_string());
        }
        proposal.applied = Some(entry.time());
        self.last_applied = Some(applied.proposal);
        let document = proposal.document.clone();
        self.book.apply(document, entry.time()).map_err(|faults| {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            format!("it cannot be read, so nothing goes out while it is in force: {first}")
        })
    }

    /// The rules at `now`.
    pub fn at(&self, now: Timestamp) -> Arc<Rules> {
        self.book.at(now)
    }

    /// The proposals in the order of the record.
    pub fn proposals(&self) -> impl Iterator<Item = (&EntryId, &Proposal)> {
        self.order.iter().filter_map(|id| self.proposals.get_key_value(id))
    }

    /// The proposal in entry `id`.
    ///
    /// # Errors
    /// When it is none.
    pub fn proposal(&self, id: &EntryId) -> Result<&Proposal, PolicyStepError> {
        self.proposals.get(id).ok_or(PolicyStepError::NoProposal { id: *id })
    }

    /// Entries that count for nothing, or that hold everything back, and why.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The highest version of a policy by name; `None` when there is none of that name.
    pub fn newest_version(&self, name: &str) -> Option<u64> {
        self.proposals.values().map(|p| &p.document).filter(|d| d.name == name).map(|d| d.version).max()
    }

    /// Whether a policy may be proposed: its version follows all others of its name.
    ///
    /// # Errors
    /// When it does not.
    pub fn may_propose(&self, document: &PolicyDocument) -> Result<(), PolicyStepError> {
        match self.newest_version(&document.name) {
            Some(newest) if newest >= document.version => Err(PolicyStepError::OldVersion {
                name: document.name.clone(),
                version: document.version,
                newest,
            }),
            _ => Ok(()),
        }
    }

    /// Whether another policy was put in force since the proposal was made, so that it can be signed no more.
    pub fn is_stale(&self, proposal: &Proposal) -> bool {
        proposal.applied.is_none() && proposal.against != self.last_applied
    }

    /// A proposal that is neither in force nor stale.
    fn open(&self, id: &EntryId) -> Result<&Proposal, PolicyStepError> {
        let proposal = self.proposal(id)?;
        if proposal.applied.is_some() {
            return Err(PolicyStepError::AppliedAlready);
        }
        if self.is_stale(proposal) { Err(PolicyStepError::Stale) } else { Ok(proposal) }
    }

    /// The officer whose key this is, when that officer may sign the proposal.
    ///
    /// # Errors
    /// When there is no such proposal or officer, the officer has signed, or the policy is in force or stale.
    pub fn may_sign(&self, id: &EntryId, key: &PublicKey) -> Result<&NodeName, PolicyStepError> {
        let proposal = self.open(id)?;
        let (officer, _) =
            self.officers.iter().find(|(_, of)| *of == key).ok_or(PolicyStepError::NoOfficer)?;
        proposal.signer(officer.as_str(), &key.to_bytes()).map_or(Ok(officer), Err)
    }

    /// Whether the person of an account may sign the proposal with what `by` tells from all else.
    ///
    /// # Errors
    /// When there is no such proposal, the person has signed, or the policy is in force or stale.
    pub fn may_sign_as(
        &self,
        id: &EntryId,
        account: &AccountName,
        by: &[u8; 32],
    ) -> Result<&Proposal, PolicyStepError> {
        let proposal = self.open(id)?;
        proposal.signer(account.as_str(), by).map_or(Ok(proposal), Err)
    }

    /// What puts a proposal in force.
    ///
    /// # Errors
    /// When there is no such proposal, too few have signed, or it is in force or stale.
    pub fn may_apply(&self, id: &EntryId, marking: Marking) -> Result<PolicyApplied, PolicyStepError> {
        let proposal = self.open(id)?;
        if proposal.signed() < OFFICERS_TO_SIGN {
            return Err(PolicyStepError::TooFew { signed: proposal.signed() });
        }
        Ok(PolicyApplied {
            proposal: *id,
            policy_sha256: proposal.sha256,
            signatures: proposal.signatures.values().map(|signed| signed.entry).collect(),
            marking,
        })
    }
}

#[cfg(test)]
mod tests {
    use label::POLICY_SCHEMA;

    use super::*;

    const NOW: &str = "2026-03-10T12:00:00Z";

    struct Desk {
        rules: RulesOnRecord,
        node: NodeKey,
    }

    fn key(name: &str) -> NodeKey {
        NodeKey::generate(name.parse().unwrap(), &mut OsRng)
    }

    fn nobody() -> Marking {
        Marking::new("RESTRICTED", &[], "KOR")
    }

    fn signed<T: Noun>(noun: &T, key: &NodeKey) -> Entry {
        Entry::sign(noun, &"KOR".parse().unwrap(), key, NOW.parse().unwrap(), &mut OsRng).unwrap()
    }

    impl Desk {
        fn new() -> Self {
            Self { rules: RulesOnRecord::new("KOR".parse().unwrap()), node: key("seoul") }
        }

        fn record<T: Noun>(&mut self, noun: &T) -> EntryId {
            let entry = signed(noun, &self.node);
            self.rules.apply(&entry);
            entry.id()
        }

        fn officer(&mut self, key: &NodeKey) {
            let officer = Officer { name: key.name().clone(), key: key.public().to_hex(), marking: nobody() };
            self.record(&officer);
        }

        fn propose(&mut self, text: &str) -> EntryId {
            self.record(&PolicyDocument {
                name: "kor".to_owned(),
                version: 1,
                author: "Kim".to_owned(),
                effective_from: Timestamp::UNIX_EPOCH,
                policy_schema: POLICY_SCHEMA.to_owned(),
                text: text.to_owned(),
                marking: nobody(),
            })
        }

        /// A signature as `officer`, made with `with`.
        fn sign(&mut self, id: EntryId, officer: &NodeKey, with: &NodeKey) {
            let policy_sha256 = self.rules.proposal(&id).unwrap().sha256;
            let approval = PolicyApproval { proposal: id, policy_sha256, marking: nobody() };
            self.record(&PolicySignature {
                proposal: id,
                officer: officer.name().clone(),
                approval: signed(&approval, with).to_envelope(),
                marking: nobody(),
            });
        }

        fn force(&mut self, id: EntryId) {
            let policy_sha256 = self.rules.proposal(&id).unwrap().sha256;
            let signatures = Vec::new();
            self.record(&PolicyApplied { proposal: id, policy_sha256, signatures, marking: nobody() });
        }

        fn in_force(&self) -> Option<String> {
            self.rules.at(NOW.parse().unwrap()).national.path()
        }
    }

    #[test]
    fn it_takes_two_officers() {
        let mut desk = Desk::new();
        let (kim, lee) = (key("kim"), key("lee"));
        desk.officer(&kim);
        desk.officer(&lee);
        let id = desk.propose("permit(principal, action, resource);");
        assert_eq!(desk.rules.may_apply(&id, nobody()), Err(PolicyStepError::TooFew { signed: 0 }));
        desk.sign(id, &kim, &kim);
        let again = PolicyStepError::SignedAlready { officer: "kim".to_owned() };
        assert_eq!(desk.rules.may_sign(&id, &kim.public()), Err(again));
        desk.sign(id, &kim, &kim);
        assert_eq!(desk.rules.may_apply(&id, nobody()), Err(PolicyStepError::TooFew { signed: 1 }));
        // An entry made by hand puts nothing in force.
        desk.force(id);
        assert_eq!(desk.in_force(), None);
        assert!(desk.rules.faults()[0].message.contains("1 of 2"), "{:?}", desk.rules.faults());
        assert_eq!(desk.rules.may_sign(&id, &lee.public()), Ok(lee.name()));
        desk.sign(id, &lee, &lee);
        let applied = desk.rules.may_apply(&id, nobody()).unwrap();
        assert_eq!(applied.signatures.len(), 2);
        desk.record(&applied);
        assert_eq!(desk.in_force().as_deref(), Some("policy/kor/1"));
        assert_eq!(desk.rules.may_apply(&id, nobody()), Err(PolicyStepError::AppliedAlready));
        assert_eq!(desk.rules.may_sign(&id, &lee.public()), Err(PolicyStepError::AppliedAlready));
    }

    #[test]
    fn one_person_is_not_two() {
        let mut desk = Desk::new();
        let (kim, lee, park) = (key("kim"), key("lee"), key("park"));
        desk.officer(&kim);
        desk.officer(&lee);
        let id = desk.propose("permit(principal, action, resource);");
        desk.sign(id, &kim, &kim);
        // Kim signs as Lee; a stranger signs; a name without an officer.
        desk.sign(id, &lee, &kim);
        desk.sign(id, &lee, &park);
        desk.sign(id, &park, &park);
        assert_eq!(desk.rules.proposal(&id).unwrap().signed(), 1);
        assert_eq!(desk.rules.may_sign(&id, &park.public()), Err(PolicyStepError::NoOfficer));
        // Kim under a second name, with the same key.
        let twin = NodeKey::from_secret("kim2".parse().unwrap(), &kim.secret());
        desk.officer(&twin);
        desk.sign(id, &twin, &twin);
        assert_eq!(desk.rules.proposal(&id).unwrap().signed(), 1);
        assert!(matches!(
            desk.rules.may_sign(&id, &twin.public()),
            Err(PolicyStepError::SignedAlready { .. })
        ));
        desk.force(id);
        assert_eq!(desk.in_force(), None);
    }

    #[test]
    fn a_signature_holds_for_one_policy_only() {
        let mut desk = Desk::new();
        let (kim, lee) = (key("kim"), key("lee"));
        desk.officer(&kim);
        desk.officer(&lee);
        let harmless = desk.propose("permit(principal, action, resource);");
        let other = desk.propose("forbid(principal, action, resource);");
        let approval = PolicyApproval {
            proposal: harmless,
            policy_sha256: desk.rules.proposal(&harmless).unwrap().sha256,
            marking: nobody(),
        };
        for (proposal, said) in [
            (other, approval.clone()),
            (other, PolicyApproval { proposal: other, ..approval.clone() }),
            (harmless, PolicyApproval { proposal: other, ..approval }),
        ] {
            desk.record(&PolicySignature {
                proposal,
                officer: kim.name().clone(),
                approval: signed(&said, &kim).to_envelope(),
                marking: nobody(),
            });
        }
        assert_eq!(desk.rules.proposal(&other).unwrap().signed(), 0);
        assert_eq!(desk.rules.proposal(&harmless).unwrap().signed(), 0);
        assert_eq!(desk.rules.faults().len(), 3);
    }

    #[test]
    fn what_two_signed_and_nobody_can_read_holds_everything_back() {
        let mut desk = Desk::new();
        let (kim, lee) = (key("kim"), key("lee"));
        desk.officer(&kim);
        desk.officer(&lee);
        let id = desk.propose("permit(");
        desk.sign(id, &kim, &kim);
        desk.sign(id, &lee, &lee);
        desk.force(id);
        let national = desk.rules.at(NOW.parse().unwrap()).national.clone();
        assert_eq!(national, label::National::Unreadable { path: "policy/kor/1".to_owned() });
        assert_eq!(desk.rules.faults().len(), 1);
    }

    #[test]
    fn what_was_overtaken_is_stale() {
        let mut desk = Desk::new();
        let (kim, lee) = (key("kim"), key("lee"));
        desk.officer(&kim);
        desk.officer(&lee);
        let early = desk.propose("permit(principal, action, resource);");
        let other = desk.propose("forbid(principal, action, resource);");
        for officer in [&kim, &lee] {
            desk.sign(early, officer, officer);
            desk.sign(other, officer, officer);
        }
        desk.force(other);
        assert_eq!(desk.rules.may_sign(&early, &kim.public()), Err(PolicyStepError::Stale));
        assert_eq!(desk.rules.may_apply(&early, nobody()), Err(PolicyStepError::Stale));
        // Nor does an entry made by hand bring it back, or the one in force anew.
        let before = desk.in_force();
        desk.force(early);
        desk.force(other);
        assert_eq!(desk.in_force(), before);
        assert_eq!(desk.rules.faults().len(), 2);
        // Proposed anew it can go on.
        let anew = desk.propose("permit(principal, action, resource);");
        assert_eq!(desk.rules.may_sign(&anew, &kim.public()), Ok(kim.name()));
    }

    #[test]
    fn versions_rise() {
        let mut desk = Desk::new();
        let id = desk.propose("");
        let same = desk.rules.proposal(&id).unwrap().document.clone();
        assert!(matches!(desk.rules.may_propose(&same), Err(PolicyStepError::OldVersion { newest: 1, .. })));
        assert_eq!(desk.rules.may_propose(&PolicyDocument { version: 2, ..same.clone() }), Ok(()));
        assert_eq!(desk.rules.may_propose(&PolicyDocument { name: "b".to_owned(), ..same }), Ok(()));
    }
}
