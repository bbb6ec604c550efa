//! The rules that a record holds: tables and policies, officers, and what it takes to put a rule in force.
//!
//! A policy or a table of country and group codes is proposed, signed by two officers and applied; each step is an entry
//! of the node's own record, and what was applied counts only when the entries before it bear two valid signatures of two
//! officers with two keys. This is read again from the record at every start, so that a hand-made entry puts nothing in
//! force. A nation's words for levels hold as they are recorded.

mod nouns;
mod proposal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base::{BlobHash, Country, EntryId, Fault, Marking, NodeName, Noun, Timestamp};
use label::{CodeTable, MappingTable, PolicyDocument, Rulebook, Rules};
use record::{Entry, Genesis, PublicKey, ReadRecord, StoreError};

use crate::NodeError;
use crate::people::AccountName;
use crate::policy_account::AccountSignature;

pub use self::nouns::{Officer, PolicyApplied, PolicyApproval, PolicySignature};
pub use self::proposal::{OfficerSigned, PolicyStepError, Proposal, ProposedRule};

/// How many officers sign a policy or a table of codes.
pub const OFFICERS_TO_SIGN: usize = 2;

/// Tables, policies and officers of one record, read from its own entries in their order.
#[derive(Debug)]
pub struct RulesOnRecord {
    book: Rulebook,
    officers: BTreeMap<NodeName, PublicKey>,
    proposals: HashMap<EntryId, Proposal>,
    /// Proposals in the order of the record.
    order: Vec<EntryId>,
    /// The policy that was put in force last.
    last_policy: Option<EntryId>,
    /// The table of codes that was put in force last.
    last_codes: Option<EntryId>,
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
            last_policy: None,
            last_codes: None,
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
            CodeTable::SCHEMA => self.propose_codes(entry),
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
        self.take_up(entry, ProposedRule::Policy(document), sha256);
        Ok(())
    }

    fn propose_codes(&mut self, entry: &Entry) -> Result<(), String> {
        let table: CodeTable = entry.noun().map_err(|e| e.to_string())?;
        table.codes().map_err(|e| e.to_string())?;
        let sha256 = table.sha256().ok_or("it has no canonical form")?;
        let tables = self.proposals.values().filter(|proposal| proposal.rule.policy().is_none()).count();
        self.take_up(entry, ProposedRule::Codes(table, tables as u64 + 1), sha256);
        Ok(())
    }

    fn take_up(&mut self, entry: &Entry, rule: ProposedRule, sha256: BlobHash) {
        let against = self.last_of(&rule);
        let (time, signatures) = (entry.time(), BTreeMap::new());
        self.order.push(entry.id());
        let proposal = Proposal { rule, sha256, time, signatures, applied: None, against };
        self.proposals.insert(entry.id(), proposal);
    }

    /// The one of this kind that was put in force last.
    const fn last_of(&self, rule: &ProposedRule) -> Option<EntryId> {
        match rule {
            ProposedRule::Policy(_) => self.last_policy,
            ProposedRule::Codes(..) => self.last_codes,
        }
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
            return Err("the officer signed another one".to_owned());
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
        let proposal = self.proposals.get(&applied.proposal).ok_or("there is no such proposal")?;
        if applied.policy_sha256 != proposal.sha256 {
            return Err("it names another one".to_owned());
        }
        self.open(&applied.proposal).map_err(|e| e.to_string())?;
        if proposal.signed() < OFFICERS_TO_SIGN {
            return Err(PolicyStepError::TooFew { signed: proposal.signed() }.to_string());
        }
        let rule = proposal.rule.clone();
        if let Some(proposal) = self.proposals.get_mut(&applied.proposal) {
            proposal.applied = Some(entry.time());
        }
        match rule {
            ProposedRule::Policy(document) => {
                self.last_policy = Some(applied.proposal);
                self.book.apply(document, entry.time()).map_err(|faults| {
                    let first = faults.first().map(ToString::to_string).unwrap_or_default();
                    format!("it cannot be read, so nothing goes out while it is in force: {first}")
                })
            }
            ProposedRule::Codes(table, _) => {
                self.last_codes = Some(applied.proposal);
                self.book.apply_codes(&table, entry.time()).map_err(|e| e.to_string())
            }
        }
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
        let policies = self.proposals.values().filter_map(|proposal| proposal.rule.policy());
        policies.filter(|policy| policy.name == name).map(|policy| policy.version).max()
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

    /// Whether another one of its kind was put in force since the proposal was made, so that it can be signed no more.
    pub fn is_stale(&self, proposal: &Proposal) -> bool {
        proposal.applied.is_none() && proposal.against != self.last_of(&proposal.rule)
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
