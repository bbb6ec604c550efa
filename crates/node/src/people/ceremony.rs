//! Coming in by passkey or by the organisation's provider, and approving an act by a passkey: what changes for an
//! account when a ceremony succeeds.

use std::sync::Arc;

use webauthn_rs::prelude::{
    CreationChallengeResponse, PublicKeyCredential, RegisterPublicKeyCredential, RequestChallengeResponse,
};

use super::account::{Account, AccountName, Book, MOST_PASSKEYS, OwnPasskey};
use super::act::{Act, ActKind, Actor, Approval, Way};
use super::passkey::{Decision, Passkeys, passkey_name};
use super::session::{Caller, Link, token};
use super::{People, Role};
use crate::NodeError;
use crate::core::Core;

impl People {
    fn passkeys(&self) -> Result<&Passkeys, NodeError> {
        self.passkeys.as_ref().map_err(|why| NodeError::Conflict {
            message: format!("no passkeys at `{}`: {why}; set console_url to the node's name", self.origin),
        })
    }

    fn own_account(&self, caller: &Caller) -> Result<Account, NodeError> {
        self.own(caller).ok_or_else(|| NodeError::Conflict {
            message: "this session belongs to no account; add one, and use its link".to_owned(),
        })
    }

    pub(crate) fn start_registration(
        &self,
        caller: &Caller,
        title: String,
    ) -> Result<(String, CreationChallengeResponse), NodeError> {
        let account = self.own_account(caller)?;
        // By the organisation's provider the organisation can end the account; a passkey would stay.
        if account.oidc_subject.is_some() {
            let message =
                "this account belongs to the organisation's provider and has no passkeys".to_owned();
            return Err(NodeError::Conflict { message });
        }
        if account.passkeys.len() >= MOST_PASSKEYS {
            return Err(NodeError::Conflict { message: format!("{MOST_PASSKEYS} passkeys are the most") });
        }
        self.passkeys()?.start_registration(&account, title)
    }

    /// Keeps the new passkey; a session that began by an enrolment link becomes one of the passkey.
    pub(crate) async fn finish_registration(
        &self,
        caller: &Caller,
        ceremony: &str,
        credential: &RegisterPublicKeyCredential,
    ) -> Result<Option<String>, NodeError> {
        let account = self.own_account(caller)?;
        let (title, passkey) = self.passkeys()?.finish_registration(account.id, ceremony, credential)?;
        let core = &self.core;
        let generation = self
            .change(|book| {
                let known =
                    |a: &Account| a.passkeys.iter().any(|own| own.passkey.cred_id() == passkey.cred_id());
                if book.accounts.values().any(known) {
                    return Err(NodeError::Conflict { message: "that passkey is registered".to_owned() });
                }
                let by = caller.actor();
                let mut acts = Vec::new();
                let added = core.act(ActKind::PasskeyAdded, by.clone()).account(&account.name);
                acts.push(added.detail(passkey_name(&passkey)));
                let account = book.get_mut(&account.name)?;
                account.passkeys.push(OwnPasskey { title, added: core.surroundings.now(), passkey });
                if caller.way == Way::Enrolment {
                    // Whoever has another link to this account, or came by one, must not register a passkey as well.
                    account.generation += 1;
                }
                let generation = account.generation;
                let name = account.name.clone();
                acts.extend(came_in(core, book, &name, by)?);
                Ok((acts, generation))
            })
            .await?;
        if caller.way != Way::Enrolment {
            return Ok(None);
        }
        self.sessions.drop_links(&Link::Account(account.id));
        let now = self.core.surroundings.now();
        self.sessions.begin(Way::Passkey, Some((account.id, generation)), now).map(Some)
    }

    pub(crate) async fn remove_passkey(&self, caller: &Caller, id: &str) -> Result<(), NodeError> {
        let account = self.own_account(caller)?;
        let core = &self.core;
        self.change(|book| {
            let account = book.get_mut(&account.name)?;
            let count = account.passkeys.len();
            account.passkeys.retain(|own| passkey_name(&own.passkey) != id);
            if account.passkeys.len() == count {
                return Err(NodeError::NotFound { what: "passkey".to_owned() });
            }
            if account.passkeys.is_empty() {
                let message = "this is the last passkey; register another one first".to_owned();
                return Err(NodeError::Conflict { message });
            }
            // Whoever came in by it must go: which session that is, is not kept, so all of them do.
            account.generation += 1;
            let act = core.act(ActKind::PasskeyRemoved, caller.actor()).account(&account.name);
            Ok((vec![act.detail(id)], ()))
        })
        .await
    }

    pub(crate) fn start_log_in(&self) -> Result<(String, RequestChallengeResponse), NodeError> {
        self.passkeys()?.start_log_in()
    }

    /// Checks the passkey and gives the token of a new session.
    pub(crate) async fn finish_log_in(
        &self,
        ceremony: &str,
        credential: &PublicKeyCredential,
    ) -> Result<String, NodeError> {
        let passkeys = self.passkeys()?;
        let (account, result) =
            passkeys.finish_log_in(ceremony, credential, |id| self.book().by_id(id).cloned())?;
        self.begin_for(&account, Way::Passkey, |account| {
            for own in &mut account.passkeys {
                // The authenticator's counter: one that goes back is a copy.
                own.passkey.update_credential(&result);
            }
        })
        .await
    }

    /// Records the log-in of `account` and begins its session.
    async fn begin_for(
        &self,
        account: &Account,
        way: Way,
        update: impl FnOnce(&mut Account),
    ) -> Result<String, NodeError> {
        let core = &self.core;
        let (id, name) = (account.id, account.name.clone());
        let by = Actor { account: Some(name.clone()), way };
        let generation = self
            .change(|book| {
                // It may have gone, or have become another one's, since it was looked up.
                let account = book.get_mut(&name)?;
                if account.id != id {
                    return Err(NodeError::NotFound { what: format!("account `{name}`") });
                }
                update(account);
                let generation = account.generation;
                let mut acts = vec![core.act(ActKind::LogIn, by.clone())];
                acts.extend(came_in(core, book, &name, by)?);
                Ok((acts, generation))
            })
            .await?;
        self.sessions.begin(way, Some((id, generation)), self.core.surroundings.now())
    }

    /// Where the browser goes to the organisation's provider, and what it takes along in a cookie.
    pub(crate) async fn begin_oidc(&self) -> Result<(String, String), NodeError> {
        let oidc = self.oidc.clone().ok_or_else(|| NodeError::NotFound { what: "provider".to_owned() })?;
        let begun =
            tokio::task::spawn_blocking(move || oidc.begin()).await.map_err(|_| NodeError::Stopping)?;
        begun.map_err(|e| {
            tracing::warn!(error = %e, "the identity provider could not be asked");
            NodeError::Conflict { message: "the identity provider does not answer; try again".to_owned() }
        })
    }

    /// Checks what the browser came back with; `Ok(None)` when it does not let in.
    pub(crate) async fn finish_oidc(
        &self,
        state: String,
        code: String,
        browser: String,
    ) -> Result<Option<String>, NodeError> {
        let oidc = self.oidc.clone().ok_or_else(|| NodeError::NotFound { what: "provider".to_owned() })?;
        let asked = Arc::clone(&oidc);
        let finished = tokio::task::spawn_blocking(move || asked.finish(&state, code, &browser)).await;
        let (subject, vouched) = match finished.map_err(|_| NodeError::Stopping)? {
            Ok(found) => found,
            Err(e) => {
                self.note_failure(Way::Oidc, &e.to_string().chars().take(200).collect::<String>()).await;
                return Ok(None);
            }
        };
        let Some(account) = self.book().by_subject(&subject).cloned() else {
            self.note_failure(Way::Oidc, "the provider knows the person, but no account here does").await;
            return Ok(None);
        };
        let token = self.begin_for(&account, Way::Oidc, |_| ()).await?;
        oidc.vouch(&token, vouched);
        Ok(Some(token))
    }

    /// Whether the caller must approve acts that ask for it: whoever has a passkey can, and therefore must.
    pub(crate) fn must_approve(&self, caller: &Caller) -> bool {
        self.own(caller).is_some_and(|account| !account.passkeys.is_empty())
    }

    /// Begins the approval of one act by a fresh assertion.
    pub(crate) fn start_approval(
        &self,
        caller: &Caller,
        act: &str,
        values: serde_json::Value,
    ) -> Result<(String, String, RequestChallengeResponse), NodeError> {
        let account = self.own_account(caller)?;
        if account.passkeys.is_empty() {
            let message = "this account has no passkey to approve with".to_owned();
            return Err(NodeError::Conflict { message });
        }
        let decision = Decision {
            node: self.core.config.name.to_string(),
            account: account.name.to_string(),
            act: act.to_owned(),
            values,
            at: self.core.surroundings.now(),
            nonce: token(),
        };
        self.passkeys()?.start_approval(&account, decision)
    }

    /// The proof that the caller approved exactly `act` with `values`; used up by this.
    pub(crate) async fn finish_approval(
        &self,
        caller: &Caller,
        act: &str,
        values: &serde_json::Value,
        ceremony: &str,
        credential: &PublicKeyCredential,
    ) -> Result<Approval, NodeError> {
        let account = self.own_account(caller)?;
        let (decision, approval, result) =
            self.passkeys()?.finish_approval(account.id, ceremony, credential)?;
        if decision.act != act || decision.values != *values {
            let message = "what was approved is not what is asked for; approve it anew".to_owned();
            return Err(NodeError::Conflict { message });
        }
        self.change(|book| {
            let account = book.get_mut(&account.name)?;
            for own in &mut account.passkeys {
                own.passkey.update_credential(&result);
            }
            Ok((Vec::new(), ()))
        })
        .await?;
        Ok(approval)
    }
}

/// Notes that the person of an account came in by a credential of the own; the first administrator who does closes
/// the door of the first start.
fn came_in(core: &Core, book: &mut Book, name: &AccountName, by: Actor) -> Result<Option<Act>, NodeError> {
    let account = book.get_mut(name)?;
    account.entered = true;
    let administers = account.roles.contains(&Role::Administrator);
    if book.closed || !administers {
        return Ok(None);
    }
    book.closed = true;
    Ok(Some(core.act(ActKind::BootstrapClosed, by)))
}
