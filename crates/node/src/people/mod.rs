//! The people of this node: accounts, roles, how they come in, and what each may do.
//!
//! An account belongs to this node alone: a peer's token, certificate or account opens nothing here. Each change and
//! each log-in is an entry of the record ([`Act`]) before it has an effect.

mod account;
mod act;
mod limit;
mod oidc;
mod order;
mod passkey;
mod pending;
mod role;
mod session;
mod table;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use base::Timestamp;
use webauthn_rs::prelude::{
    CreationChallengeResponse, PublicKeyCredential, RegisterPublicKeyCredential, RequestChallengeResponse,
};

use crate::core::{Core, Draft, lock, now};
use crate::serve::{Stop, stopped};
use crate::{Config, NodeError};

use account::{Book, MOST_PASSKEYS, OwnPasskey};
use limit::Tries;
use oidc::{ASK_EVERY, Oidc};
use order::Said;
use passkey::Passkeys;
use role::Roles;
use session::{Link, Session, Sessions};

pub use account::{AccountName, NewAccount, NotAccountName};
pub use act::{Act, ActKind, Actor, Approval, Way};
pub use order::{AccountAnswer, AccountOrder, AccountSummary, order_accounts};
pub use role::{Role, UnknownRole};
pub use session::{last_origin, last_url, new_entry_token};
pub use table::{access_table, roles_reference};

pub(crate) use account::Account;
pub(crate) use order::apply;
pub(crate) use passkey::{Decision, passkey_name};
pub(crate) use session::{Caller, hash, keep_url, session_seconds, token};
pub(crate) use table::{Access, rights, row};

/// How often orders of the machine's operator are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The largest order.
const MOST_ORDER_BYTES: u64 = 64 << 10;
/// One entry in so long for each sort of failed log-in.
const FAILURES_EVERY: f64 = 60.0;
/// Sessions for which the provider is asked at once.
const ASKED_AT_ONCE: usize = 16;

/// What is read before the record is opened, so that what is wrong with it leaves nothing half-started.
pub(crate) struct Files {
    sessions: Sessions,
    book: Book,
    oidc: Option<Oidc>,
    origin: String,
}

impl Files {
    /// Reads accounts and sessions; `origin` is how browsers call the console.
    pub(crate) fn read(config: &Config, origin: String) -> Result<Self, NodeError> {
        let oidc = config.oidc.as_ref().map(|settings| Oidc::new(settings, config, &origin)).transpose()?;
        Ok(Self { sessions: Sessions::open(&config.data)?, book: Book::load(&config.data)?, oidc, origin })
    }
}

/// All about the people of one node.
pub(crate) struct People {
    core: Arc<Core>,
    sessions: Sessions,
    book: RwLock<Book>,
    /// Held over record and file, so that changes come one after the other.
    changing: tokio::sync::Mutex<()>,
    tries: Tries,
    failures: Mutex<BTreeMap<Way, (Timestamp, u64)>>,
    passkeys: Result<Passkeys, String>,
    oidc: Option<Arc<Oidc>>,
    /// By which browsers call the console.
    pub(crate) origin: String,
}

impl People {
    pub(crate) fn new(core: Arc<Core>, mut files: Files) -> Self {
        // A lost file must not open the first door again.
        files.book.closed |= core.read().acts.iter().any(|(_, act)| act.kind == ActKind::BootstrapClosed);
        Self {
            sessions: files.sessions,
            book: RwLock::new(files.book),
            changing: tokio::sync::Mutex::default(),
            tries: Tries::new(Instant::now()),
            failures: Mutex::default(),
            passkeys: Passkeys::new(&files.origin, &core.config.title),
            oidc: files.oidc.map(Arc::new),
            origin: files.origin,
            core,
        }
    }

    fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the one-time links of the first start still let in.
    pub(crate) fn is_open(&self) -> bool {
        !self.book().closed
    }

    /// The title of the organisation's provider, when there is one.
    pub(crate) fn oidc_title(&self) -> Option<String> {
        self.oidc.as_ref().map(|oidc| oidc.title.clone())
    }

    /// Whether passkeys can be used, or why not.
    pub(crate) fn passkeys_ready(&self) -> Result<(), String> {
        self.passkeys.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    fn passkeys(&self) -> Result<&Passkeys, NodeError> {
        self.passkeys.as_ref().map_err(|why| NodeError::Conflict {
            message: format!("no passkeys at `{}`: {why}; set console_url to the node's name", self.origin),
        })
    }

    /// Whoever has this token, with the roles of this moment; `None` when the session does not stand.
    pub(crate) fn caller(&self, token: &str) -> Option<Caller> {
        let session = self.sessions.get(token)?;
        let book = self.book();
        let (account, roles) = match self.standing(&book, &session) {
            Some(Standing::Node(roles)) => (None, roles),
            Some(Standing::Account(account)) if session.way == Way::Enrolment => {
                (Some((account.id, account.name.clone())), Roles::new())
            }
            Some(Standing::Account(account)) => {
                let vouched =
                    session.way != Way::Oidc || self.oidc.as_ref().is_some_and(|o| o.vouches(token));
                if !vouched {
                    return None;
                }
                (Some((account.id, account.name.clone())), account.roles.clone())
            }
            None => return None,
        };
        Some(Caller { token: token.to_owned(), way: session.way, account, roles })
    }

    fn standing<'a>(&self, book: &'a Book, session: &Session) -> Option<Standing<'a>> {
        match (session.way, session.account) {
            (Way::Bootstrap, None) => (!book.closed).then(|| Standing::Node(self.first_roles())),
            (Way::BreakGlass, None) => Some(Standing::Node(Roles::from([Role::Administrator]))),
            (Way::Passkey | Way::Oidc | Way::Enrolment, Some((id, generation))) => {
                book.by_id(id).filter(|account| account.generation == generation).map(Standing::Account)
            }
            _ => None,
        }
    }

    /// What the first start's session may do: all on loopback, where whoever has the machine has it all; beyond, only
    /// what is needed to begin.
    fn first_roles(&self) -> Roles {
        if self.core.config.listen.ip().is_loopback() {
            Role::ALL.into_iter().collect()
        } else {
            Roles::from([Role::Administrator])
        }
    }

    /// Whether `token` opens the figures for monitoring.
    pub(crate) fn is_metrics_token(&self, token: &str) -> bool {
        hash(token) == hash(&self.sessions.metrics_token)
    }

    /// Whether one more try from `address` is let through.
    pub(crate) fn may_try(&self, address: IpAddr) -> bool {
        self.tries.take(address, Instant::now())
    }

    /// Uses a one-time link up and gives the token of the session that it begins.
    pub(crate) async fn enter(&self, link: &str) -> Result<Option<(String, Way)>, NodeError> {
        let (way, account) = match self.sessions.redeem(link) {
            None => {
                self.note_failure(Way::Bootstrap, "a one-time link that is used, too old or none").await;
                return Ok(None);
            }
            Some(Link::Node) if self.is_open() => (Way::Bootstrap, None),
            Some(Link::Node) => (Way::BreakGlass, None),
            Some(Link::Account(id)) => match self.book().by_id(id).cloned() {
                Some(account) => (Way::Enrolment, Some(account)),
                None => return Ok(None),
            },
        };
        let kind = if way == Way::BreakGlass { ActKind::BreakGlass } else { ActKind::LogIn };
        let by = Actor { account: account.as_ref().map(|a| a.name.clone()), way };
        self.record(Act::new(kind, by, &self.core.config.country)).await?;
        tracing::info!(?way, "somebody came in by a one-time link");
        let token = self.sessions.begin(way, account.map(|a| (a.id, a.generation)))?;
        Ok(Some((token, way)))
    }

    /// Ends a session.
    pub(crate) async fn leave(&self, caller: &Caller) -> Result<(), NodeError> {
        self.sessions.end(&caller.token)?;
        if let Some(oidc) = &self.oidc {
            oidc.forget(&caller.token);
        }
        self.record(Act::new(ActKind::LogOut, caller.actor(), &self.core.config.country)).await
    }

    /// A one-time link that goes on with the caller's account elsewhere, say under another name of the same node.
    pub(crate) fn move_link(&self, caller: &Caller) -> Result<String, NodeError> {
        let data = &self.core.config.data;
        let token = match &caller.account {
            None if caller.way == Way::Bootstrap => new_entry_token(data)?,
            Some((id, _)) if caller.way == Way::Enrolment => session::new_account_token(data, *id)?,
            _ => {
                let message = "this session cannot move; log in there".to_owned();
                return Err(NodeError::Conflict { message });
            }
        };
        Ok(format!("{}/enter?token={token}", self.origin))
    }

    async fn record(&self, act: Act) -> Result<(), NodeError> {
        self.core.append(vec![Draft::Act(Box::new(act))]).await.map(|_| ())
    }

    /// Records that somebody did not come in: one a minute for each way, the others are counted.
    pub(crate) async fn note_failure(&self, way: Way, detail: &str) {
        tracing::warn!(?way, detail, "somebody did not come in");
        let at = now();
        let suppressed = {
            let mut failures = lock(&self.failures);
            match failures.get_mut(&way) {
                Some((last, suppressed)) if at.seconds_since(*last) < FAILURES_EVERY => {
                    *suppressed += 1;
                    return;
                }
                Some((last, suppressed)) => {
                    *last = at;
                    std::mem::take(suppressed)
                }
                None => {
                    failures.insert(way, (at, 0));
                    0
                }
            }
        };
        let by = Actor { way, ..Actor::UNKNOWN };
        let mut act = Act::new(ActKind::LogInFailed, by, &self.core.config.country).detail(detail);
        act.suppressed = suppressed;
        if let Err(e) = self.record(act).await {
            tracing::error!(error = %e, "the failed log-in could not be recorded");
        }
    }

    /// Changes the accounts: `change` works on a copy, its acts are recorded, then file and memory follow.
    async fn change<R>(
        &self,
        change: impl FnOnce(&mut Book) -> Result<(Vec<Act>, R), NodeError>,
    ) -> Result<R, NodeError> {
        let _alone = self.changing.lock().await;
        let mut book = self.book().clone();
        let (acts, result) = change(&mut book)?;
        if !acts.is_empty() {
            self.core.append(acts.into_iter().map(|act| Draft::Act(Box::new(act))).collect()).await?;
        }
        book.save(&self.core.config.data)?;
        let closes = book.closed && self.is_open();
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = book;
        if closes {
            self.sessions.drop_links(&Link::Node);
        }
        // What no longer stands need not be kept either; `caller` refuses it already.
        let book = self.book().clone();
        self.sessions.retain(|session| self.standing(&book, session).is_some())?;
        Ok(result)
    }

    /// Carries out what an administrator or the operator of the machine ordered.
    pub(crate) async fn order(&self, by: &Actor, order: AccountOrder) -> Result<AccountAnswer, NodeError> {
        let country = &self.core.config.country;
        let change = self
            .change(|book| {
                let change = apply(book, order, by, country, now())?;
                Ok((change.act.iter().cloned().collect(), change))
            })
            .await?;
        change.answer(&self.core.config.data)
    }

    /// All accounts, by name.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        self.book().accounts.values().cloned().collect()
    }

    /// The caller's own account.
    pub(crate) fn own(&self, caller: &Caller) -> Option<Account> {
        caller.account.as_ref().and_then(|(id, _)| self.book().by_id(*id).cloned())
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
        let country = &self.core.config.country;
        let generation = self
            .change(|book| {
                let known =
                    |a: &Account| a.passkeys.iter().any(|own| own.passkey.cred_id() == passkey.cred_id());
                if book.accounts.values().any(known) {
                    return Err(NodeError::Conflict { message: "that passkey is registered".to_owned() });
                }
                let by = caller.actor();
                let mut acts = Vec::new();
                let added = Act::new(ActKind::PasskeyAdded, by.clone(), country).account(&account.name);
                acts.push(added.detail(passkey_name(&passkey)));
                let account = book.get_mut(&account.name)?;
                account.passkeys.push(OwnPasskey { title, added: now(), passkey });
                if caller.way == Way::Enrolment {
                    // Whoever has another link to this account, or came by one, must not register a passkey as well.
                    account.generation += 1;
                }
                let generation = account.generation;
                let name = account.name.clone();
                acts.extend(came_in(book, &name, by, country)?);
                Ok((acts, generation))
            })
            .await?;
        if caller.way != Way::Enrolment {
            return Ok(None);
        }
        self.sessions.drop_links(&Link::Account(account.id));
        self.sessions.begin(Way::Passkey, Some((account.id, generation))).map(Some)
    }

    pub(crate) async fn remove_passkey(&self, caller: &Caller, id: &str) -> Result<(), NodeError> {
        let account = self.own_account(caller)?;
        let country = &self.core.config.country;
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
            let act = Act::new(ActKind::PasskeyRemoved, caller.actor(), country).account(&account.name);
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
        let country = &self.core.config.country;
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
                let mut acts = vec![Act::new(ActKind::LogIn, by.clone(), country)];
                acts.extend(came_in(book, &name, by, country)?);
                Ok((acts, generation))
            })
            .await?;
        self.sessions.begin(way, Some((id, generation)))
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
            at: now(),
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

    /// Carries out what commands on this machine ordered, and asks the provider for its sessions, until the node stops.
    pub(crate) async fn run(self: Arc<Self>, mut stop: Stop) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let asking = tokio::spawn(Arc::clone(&self).ask_provider(stop.clone()));
        loop {
            tokio::select! {
                () = stopped(&mut stop) => break,
                _ = look.tick() => self.take_orders().await,
            }
        }
        asking.abort();
    }

    async fn take_orders(&self) {
        let folder = order::orders(&self.core.config.data);
        let Ok(files) = std::fs::read_dir(&folder) else { return };
        for file in files.filter_map(Result::ok) {
            let path = file.path();
            if path.extension().is_some_and(|e| e == "order") {
                self.take_order(&path).await;
            }
        }
    }

    async fn take_order(&self, path: &Path) {
        let small = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= MOST_ORDER_BYTES);
        let bytes = if small { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
        if std::fs::remove_file(path).is_err() {
            return;
        }
        let said = match serde_json::from_slice::<AccountOrder>(&bytes) {
            Err(e) => Said::Refused(format!("the order cannot be read: {e}")),
            Ok(order) => match self.order(&Actor::OPERATOR, order).await {
                Ok(answer) => Said::Done(answer),
                Err(e) => Said::Refused(e.to_string()),
            },
        };
        let bytes = serde_json::to_vec(&said).unwrap_or_default();
        if let Err(e) = crate::keys::write_secret(&path.with_extension("answer"), &bytes) {
            tracing::error!(error = %e, "the answer to an order could not be written");
        }
    }

    /// Ends the sessions of people whom the provider no longer knows.
    async fn ask_provider(self: Arc<Self>, mut stop: Stop) {
        let Some(oidc) = self.oidc.clone() else { return };
        let mut tick = tokio::time::interval(ASK_EVERY);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                _ = tick.tick() => {}
            }
            let (open, over): (Vec<_>, Vec<_>) =
                oidc.tokens().into_iter().partition(|token| self.sessions.get(token).is_some());
            over.iter().for_each(|token| oidc.forget(token));
            for some in open.chunks(ASKED_AT_ONCE) {
                let asked = some.iter().map(|token| {
                    let (oidc, token) = (Arc::clone(&oidc), token.clone());
                    tokio::task::spawn_blocking(move || (oidc.ask(&token), token))
                });
                for answer in futures_util::future::join_all(asked).await {
                    let Ok((false, token)) = answer else { continue };
                    oidc.forget(&token);
                    let _ = self.sessions.end(&token);
                    tracing::info!("a session ended: the identity provider no longer vouches for it");
                }
            }
        }
    }
}

/// What a session stands for.
enum Standing<'a> {
    /// Nobody's account, with these roles.
    Node(Roles),
    Account(&'a Account),
}

/// Notes that the person of an account came in by a credential of the own; the first administrator who does closes
/// the door of the first start.
fn came_in(
    book: &mut Book,
    name: &AccountName,
    by: Actor,
    country: &base::Country,
) -> Result<Option<Act>, NodeError> {
    let account = book.get_mut(name)?;
    account.entered = true;
    let administers = account.roles.contains(&Role::Administrator);
    if book.closed || !administers {
        return Ok(None);
    }
    book.closed = true;
    Ok(Some(Act::new(ActKind::BootstrapClosed, by, country)))
}
