//! A person's signature under a policy or a table of codes: by a passkey of the account, or in a session for which the organisation's
//! provider vouches.

use base::{BlobHash, EntryId, Marking, Noun};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use webauthn_rs::prelude::COSEKey;

use crate::people::{AccountName, Approval, Way, approved_decision};

/// The act that a person approves who signs a policy.
pub(crate) const SIGN_POLICY: &str = "sign_policy";

/// A release officer's signature under a policy, made at a running node by the person of an account. Never released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSignature {
    /// The entry that holds the policy.
    pub proposal: EntryId,
    /// SHA-256 of the policy's canonical JSON.
    pub policy_sha256: BlobHash,
    /// The account.
    pub account: AccountName,
    /// What tells the account from every other one, also from one that had its name before: 32 hexadecimal digits.
    pub account_id: String,
    /// How the person came in: `passkey` or `oidc`.
    pub way: Way,
    /// The public key of the passkey that signed, as the authenticator gave it (COSE, RFC 9053); none for `oidc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<Value>,
    /// The assertion, whose text names the proposal and its hash; none for `oidc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for AccountSignature {
    const SCHEMA: &'static str = "bongsu.policy-account-signature/1";
}

/// All that an approval of a signature depends on.
pub(crate) fn signed_values(proposal: &EntryId, sha256: &BlobHash) -> Value {
    json!({"proposal": proposal, "sha256": sha256})
}

/// What tells one passkey from all others.
pub(crate) fn passkey_signer(key: &Value) -> [u8; 32] {
    Sha256::digest(key.to_string()).into()
}

/// What tells the person of an account without passkeys from all others.
pub(crate) fn account_signer(account_id: &str) -> [u8; 32] {
    Sha256::digest(format!("account {account_id}")).into()
}

impl AccountSignature {
    /// Checks the signature under the policy of hash `sha256`, and gives what tells its signer from all others.
    ///
    /// # Errors
    /// With the reason why it counts for nothing.
    pub(crate) fn check(&self, sha256: &BlobHash) -> Result<[u8; 32], String> {
        if self.policy_sha256 != *sha256 {
            return Err("the officer signed another one".to_owned());
        }
        match (self.way, &self.passkey, &self.approval) {
            (Way::Passkey, Some(key), Some(approval)) => {
                let public: COSEKey = serde_json::from_value(key.clone()).map_err(|e| e.to_string())?;
                let decision = approved_decision(approval, &public)?;
                let values = signed_values(&self.proposal, &self.policy_sha256);
                if decision.act != SIGN_POLICY || decision.values != values {
                    return Err("what was approved is another act".to_owned());
                }
                if decision.account != self.account.as_str() {
                    return Err("it was approved in another account".to_owned());
                }
                Ok(passkey_signer(key))
            }
            // The provider said who it is when the session began, and says every 20 s that this still holds.
            (Way::Oidc, None, None) => Ok(account_signer(&self.account_id)),
            _ => Err("it was made neither by a passkey nor in a session of the provider".to_owned()),
        }
    }
}
