//! Passkeys (W3C Web Authentication, level 3): registration, log-in, and the approval of one act.
//!
//! The library does the ceremonies; kept here is what belongs to which account.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use webauthn_rs::prelude::{
    AuthenticationResult, COSEKey, CreationChallengeResponse, DiscoverableAuthentication, DiscoverableKey,
    Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    RequestChallengeResponse, Url, Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};
use webauthn_rs_proto::{AuthenticatorSelectionCriteria, ResidentKeyRequirement, UserVerificationPolicy};

use super::account::{Account, AccountId};
use super::act::Approval;
use super::pending::Pending;
use crate::NodeError;

/// What a person is asked to approve. Its bytes, behind the line [`APPROVAL_VERSION`], are hashed to the challenge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    pub(crate) node: String,
    pub(crate) account: String,
    /// The act, say `recall`.
    pub(crate) act: String,
    /// All that the act depends on.
    pub(crate) values: Value,
    pub(crate) at: base::Timestamp,
    /// No two decisions have one text: an old assertion approves nothing new.
    pub(crate) nonce: String,
}

/// The first line of what is hashed.
pub(crate) const APPROVAL_VERSION: &str = "bongsu.approval/1";

impl Decision {
    /// Version and decision, the text whose SHA-256 is the challenge.
    pub(crate) fn text(&self) -> Result<String, NodeError> {
        let json = serde_json::to_string(self)
            .map_err(|e| NodeError::BadRequest { message: format!("no approval can be asked: {e}") })?;
        Ok(format!("{APPROVAL_VERSION}\n{json}"))
    }
}

enum Ceremony {
    Register { account: AccountId, title: String, state: Box<PasskeyRegistration> },
    LogIn { state: Box<DiscoverableAuthentication> },
    Approve { account: AccountId, decision: Box<Decision>, text: String, state: Box<PasskeyAuthentication> },
}

/// The ceremonies of one node, under the name by which browsers call it.
pub(crate) struct Passkeys {
    webauthn: Webauthn,
    pending: Pending<Ceremony>,
}

/// The ceremony failed. Why is for the log, not for who tried.
fn failed(e: &WebauthnError) -> NodeError {
    tracing::info!(error = %e, "a passkey was not taken");
    NodeError::BadRequest { message: "the passkey was not taken; try again".to_owned() }
}

fn none() -> NodeError {
    NodeError::BadRequest { message: "this was not begun here, or too long ago; begin again".to_owned() }
}

impl Passkeys {
    /// For the console at `origin`, say `https://node.example:8420`.
    ///
    /// # Errors
    /// When `origin` has no name to which browsers bind passkeys, such as a bare address.
    pub(crate) fn new(origin: &str, title: &str) -> Result<Self, String> {
        let url = Url::parse(origin).map_err(|e| e.to_string())?;
        let name = url.domain().ok_or("browsers bind passkeys to a name, and this is an address")?.to_owned();
        let webauthn = WebauthnBuilder::new(&name, &url)
            .and_then(|builder| builder.rp_name(title).build())
            .map_err(|e| e.to_string())?;
        Ok(Self { webauthn, pending: Pending::default() })
    }

    pub(crate) fn start_registration(
        &self,
        account: &Account,
        title: String,
    ) -> Result<(String, CreationChallengeResponse), NodeError> {
        let known = account.passkeys.iter().map(|own| own.passkey.cred_id().clone()).collect();
        let id = Uuid::from_bytes(account.id.0);
        let (mut options, state) = self
            .webauthn
            .start_passkey_registration(id, account.name.as_str(), &account.title, Some(known))
            .map_err(|e| failed(&e))?;
        // The log-in asks for no name, so that it does not tell which accounts there are: the authenticator must find
        // the passkey by itself.
        options.public_key.authenticator_selection = Some(AuthenticatorSelectionCriteria {
            authenticator_attachment: None,
            resident_key: Some(ResidentKeyRequirement::Required),
            require_resident_key: true,
            user_verification: UserVerificationPolicy::Required,
        });
        let state = Box::new(state);
        Ok((self.pending.put(Ceremony::Register { account: account.id, title, state }), options))
    }

    /// The new passkey with its title, for the account that began.
    pub(crate) fn finish_registration(
        &self,
        account: AccountId,
        ceremony: &str,
        credential: &RegisterPublicKeyCredential,
    ) -> Result<(String, Passkey), NodeError> {
        match self.pending.take(ceremony) {
            Some(Ceremony::Register { account: began, title, state }) if began == account => {
                let passkey = self.webauthn.finish_passkey_registration(credential, &state);
                Ok((title, passkey.map_err(|e| failed(&e))?))
            }
            _ => Err(none()),
        }
    }

    pub(crate) fn start_log_in(&self) -> Result<(String, RequestChallengeResponse), NodeError> {
        let (mut options, state) =
            self.webauthn.start_discoverable_authentication().map_err(|e| failed(&e))?;
        // A button asks for it, not a form that fills itself.
        options.mediation = None;
        Ok((self.pending.put(Ceremony::LogIn { state: Box::new(state) }), options))
    }

    /// Whose passkey it is, found by `find` from the user handle and checked.
    pub(crate) fn finish_log_in(
        &self,
        ceremony: &str,
        credential: &PublicKeyCredential,
        find: impl FnOnce(AccountId) -> Option<Account>,
    ) -> Result<(Account, AuthenticationResult), NodeError> {
        let Some(Ceremony::LogIn { state }) = self.pending.take(ceremony) else { return Err(none()) };
        let (id, passkey_id) =
            self.webauthn.identify_discoverable_authentication(credential).map_err(|e| failed(&e))?;
        let account = find(AccountId(*id.as_bytes())).ok_or_else(none)?;
        let own = account.passkeys.iter().find(|own| own.passkey.cred_id().as_slice() == passkey_id);
        let key = DiscoverableKey::from(&own.ok_or_else(none)?.passkey);
        let result = self.webauthn.finish_discoverable_authentication_v2(credential, *state, key);
        Ok((account, result.map_err(|e| failed(&e))?))
    }

    /// Begins the approval of one decision: the challenge is SHA-256 of its text.
    pub(crate) fn start_approval(
        &self,
        account: &Account,
        decision: Decision,
    ) -> Result<(String, String, RequestChallengeResponse), NodeError> {
        let text = decision.text()?;
        let challenge = Sha256::digest(&text);
        let passkeys: Vec<Passkey> = account.passkeys.iter().map(|own| own.passkey.clone()).collect();
        let (mut options, state) =
            self.webauthn.start_passkey_authentication(&passkeys).map_err(|e| failed(&e))?;
        // The library makes random challenges only. Its state is taken apart for this one field, so that all of its
        // checks stay; the nonce in the text keeps the challenge fresh.
        let broken = |e: serde_json::Error| NodeError::BadRequest { message: format!("no approval: {e}") };
        let mut state = serde_json::to_value(&state).map_err(broken)?;
        let place = state.pointer_mut("/ast/challenge").ok_or_else(none)?;
        *place = Value::String(BASE64_URL_SAFE_NO_PAD.encode(challenge));
        let state = Box::new(serde_json::from_value(state).map_err(broken)?);
        options.public_key.challenge = challenge.to_vec();
        let decision = Box::new(decision);
        let begun = Ceremony::Approve { account: account.id, decision, text: text.clone(), state };
        Ok((self.pending.put(begun), text, options))
    }

    /// The approved decision, what proves it, and what the authenticator said.
    pub(crate) fn finish_approval(
        &self,
        account: AccountId,
        ceremony: &str,
        credential: &PublicKeyCredential,
    ) -> Result<(Decision, Approval, AuthenticationResult), NodeError> {
        match self.pending.take(ceremony) {
            Some(Ceremony::Approve { account: began, decision, text, state }) if began == account => {
                let result = self
                    .webauthn
                    .finish_passkey_authentication(credential, &state)
                    .map_err(|e| failed(&e))?;
                let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
                let approval = Approval {
                    text,
                    passkey: encode(credential.get_credential_id()),
                    client_data: encode(&credential.response.client_data_json),
                    authenticator_data: encode(&credential.response.authenticator_data),
                    signature: encode(&credential.response.signature),
                };
                Ok((*decision, approval, result))
            }
            _ => Err(none()),
        }
    }
}

/// How a passkey is named in lists and paths: its id in base64url.
pub(crate) fn passkey_name(passkey: &Passkey) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(passkey.cred_id())
}

/// The longest part of an approval that is looked at, in characters.
const MOST_PROOF: usize = 64 << 10;

/// Checks an approval with nothing but the passkey's public key (W3C Web Authentication, section 7.2, steps 13, 17 and
/// 21 to 23) and gives what was approved.
///
/// # Errors
/// With the first thing that does not hold.
pub(crate) fn approved_decision(approval: &Approval, key: &COSEKey) -> Result<Decision, String> {
    /// User present and user verified.
    const VERIFIED: u8 = 0x05;
    let decode = |text: &str| {
        let short = (text.len() <= MOST_PROOF).then_some(text);
        let bytes = short.and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
        bytes.ok_or("the approval is not in base64url, or too long")
    };
    if approval.text.len() > MOST_PROOF {
        return Err("the approval is too long".to_owned());
    }
    let client_data = decode(&approval.client_data)?;
    let authenticator_data = decode(&approval.authenticator_data)?;
    let said: Value = serde_json::from_slice(&client_data).map_err(|e| e.to_string())?;
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&approval.text));
    if said["type"] != "webauthn.get" || said["challenge"] != challenge.as_str() {
        return Err("the passkey signed something else".to_owned());
    }
    // RP id hash, flags, counter: section 6.1.
    if authenticator_data.len() < 37 || authenticator_data[32] & VERIFIED != VERIFIED {
        return Err("the authenticator did not verify its user".to_owned());
    }
    let mut signed = authenticator_data;
    signed.extend_from_slice(&Sha256::digest(&client_data));
    let holds = key.verify_signature(&decode(&approval.signature)?, &signed);
    if !matches!(holds, Ok(true)) {
        return Err("the signature does not hold".to_owned());
    }
    let decision = approval.text.strip_prefix(APPROVAL_VERSION).and_then(|rest| rest.strip_prefix('\n'));
    serde_json::from_str(decision.ok_or("the approval is of another version")?).map_err(|e| e.to_string())
}
