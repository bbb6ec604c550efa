//! What the record says that bears on the link beside the items themselves: recalls, also of what has not come yet;
//! receipts of recalls; requests to re-share and their answers. It follows from the entries alone.

use std::collections::{BTreeMap, HashMap};

use base::{EntryId, NodeName, Noun as _, Recall, Timestamp};
use link::{Agreement, Grant, RecallReceipt, ReleaseRequest};
use record::{Entry, Fraud, PublicKey};

#[derive(Default)]
pub(crate) struct LinkIndex {
    /// This node's key: only its own word counts where a peer could write the same.
    own: Option<PublicKey>,
    /// By what is recalled: the recalls and who signed them.
    recalls: HashMap<EntryId, Vec<(EntryId, PublicKey)>>,
    /// By recall and by who confirmed it: the receipt.
    receipts: HashMap<(EntryId, NodeName), EntryId>,
    /// By what may go: the answers and who signed them.
    grants: HashMap<EntryId, Vec<(EntryId, PublicKey, Grant)>>,
    /// By who signed and with whom: the newest agreement, and when it was signed.
    agreements: HashMap<(NodeName, NodeName), (Timestamp, Agreement)>,
    /// Proofs of this node that a peer showed two histories, by the peer, in the order of the log.
    frauds: BTreeMap<NodeName, Vec<(EntryId, Timestamp, Fraud)>>,
    /// Requests of peers to this node, and of this node to peers, with who asks.
    pub(crate) requests: BTreeMap<EntryId, (NodeName, ReleaseRequest)>,
}

impl LinkIndex {
    /// The index of the record of the node whose key is `own`.
    pub(crate) fn of(own: PublicKey) -> Self {
        Self { own: Some(own), ..Self::default() }
    }

    /// Takes in an entry of the record.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry.kind() {
            Recall::SCHEMA => {
                if let Ok(recall) = entry.noun::<Recall>() {
                    self.recalls.entry(recall.target).or_default().push((entry.id(), *entry.key()));
                }
            }
            RecallReceipt::SCHEMA => {
                if let Ok(receipt) = entry.noun::<RecallReceipt>() {
                    self.receipts.insert((receipt.recall, entry.author().node.clone()), entry.id());
                }
            }
            Grant::SCHEMA => {
                if let Ok(grant) = entry.noun::<Grant>() {
                    self.grants.entry(grant.target).or_default().push((entry.id(), *entry.key(), grant));
                }
            }
            ReleaseRequest::SCHEMA => {
                if let Ok(request) = entry.noun::<ReleaseRequest>() {
                    self.requests.insert(entry.id(), (entry.author().node.clone(), request));
                }
            }
            Agreement::SCHEMA => {
                let author = &entry.author().node;
                if let Ok(agreement) = entry.noun::<Agreement>()
                    && let Some(other) = agreement.other(author).map(|party| party.node.clone())
                {
                    self.agreements.insert((author.clone(), other), (entry.time(), agreement));
                }
            }
            Fraud::SCHEMA if self.own.as_ref() == Some(entry.key()) => {
                if let Ok(fraud) = entry.noun::<Fraud>() {
                    let found = self.frauds.entry(fraud.node.clone()).or_default();
                    found.push((entry.id(), entry.time(), fraud));
                }
            }
            _ => {}
        }
    }

    /// The proofs against a peer, oldest first.
    pub(crate) fn frauds_of(&self, peer: &NodeName) -> &[(EntryId, Timestamp, Fraud)] {
        self.frauds.get(peer).map_or(&[], Vec::as_slice)
    }

    /// What `signer` agreed with `other`, as it signed last.
    pub(crate) fn agreement(&self, signer: &NodeName, other: &NodeName) -> Option<&Agreement> {
        self.agreements.get(&(signer.clone(), other.clone())).map(|(_, agreement)| agreement)
    }

    /// The agreement that both `me` and `peer` signed last, and since when both have.
    pub(crate) fn agreed(&self, me: &NodeName, peer: &NodeName) -> Option<(Timestamp, &Agreement)> {
        let (ours, agreement) = self.agreements.get(&(me.clone(), peer.clone()))?;
        let (theirs, same) = self.agreements.get(&(peer.clone(), me.clone()))?;
        (agreement == same).then(|| (*ours.max(theirs), agreement))
    }

    /// Whether `author` recalled `target`.
    pub(crate) fn is_recalled(&self, target: &EntryId, author: &PublicKey) -> bool {
        self.recalls.get(target).is_some_and(|recalls| recalls.iter().any(|(_, key)| key == author))
    }

    /// The receipt of `peer` for `recall`.
    pub(crate) fn receipt(&self, recall: &EntryId, peer: &NodeName) -> Option<EntryId> {
        self.receipts.get(&(*recall, peer.clone())).copied()
    }

    /// The grant of `author` that lets `target` go to `audience` at `now`.
    pub(crate) fn grant(
        &self,
        target: &EntryId,
        author: &PublicKey,
        audience: &NodeName,
        now: Timestamp,
    ) -> Option<EntryId> {
        let grants = self.grants.get(target)?;
        // The last word counts: what was granted may be refused later.
        let (id, _, last) =
            grants.iter().rev().find(|(_, key, grant)| key == author && grant.audience == *audience)?;
        last.lets(target, audience, now).then_some(*id)
    }

    /// The answer to a request.
    pub(crate) fn answer(&self, request: &EntryId) -> Option<(EntryId, &Grant)> {
        let (_, asked) = self.requests.get(request)?;
        let grants = self.grants.get(&asked.target)?;
        grants
            .iter()
            .rev()
            .find(|(_, _, grant)| grant.request == Some(*request))
            .map(|(id, _, grant)| (*id, grant))
    }
}
