//! The people of this node: accounts, roles, how they come in, and what each may do.
//!
//! An account belongs to this node alone: a peer's token, certificate or account opens nothing here. Each change and
//! each log-in is an entry of the record ([`Act`]) before it has an effect.

mod account;
mod act;
mod ceremony;
mod limit;
mod oidc;
mod order;
mod passkey;
mod pending;
mod role;
mod rules_order;
mod seen_as;
mod session;
mod table;
mod task;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use base::Timestamp;

use crate::core::{Core, Draft, lock};
use crate::view::View;
use crate::{Config, NodeError};

use account::Book;
use limit::Tries;
use oidc::Oidc;
use passkey::Passkeys;
use role::Roles;
use seen_as::SeenAs;
use session::{Link, Session, Sessions, hash};

pub use account::{AccountName, NewAccount, NotAccountName};
pub use act::{Act, ActKind, Actor, Approval, Way};
pub use order::{AccountAnswer, AccountOrder, AccountSummary, order_accounts, order_rules};
pub use role::{Role, UnknownRole};
pub use rules_order::{PolicySummary, RulesAnswer, RulesOrder};
pub use session::{last_origin, last_url, new_entry_token};
pub use table::{access_table, roles_reference};

pub(crate) use account::Account;
pub(crate) use oidc::secret_file;
pub(crate) use order::apply;
pub(crate) use passkey::{approved_decision, passkey_name};
pub(crate) use session::{Caller, keep_url, session_seconds};
pub(crate) use table::{Access, rights, row};

/// One entry in so long for each sort of failed log-in.
const FAILURES_EVERY: f64 = 60.0;

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
    seen_as: SeenAs,
    passkeys: Result<Passkeys, String>,
    oidc: Option<Arc<Oidc>>,
    /// By which browsers call the console.
    pub(crate) origin: String,
}

impl People {
    pub(crate) fn new(core: Arc<Core>, mut files: Files) -> Result<Self, NodeError> {
        // A lost file must not open the first door again.
        files.book.closed |= core.look(&View::Owner)?.owner()?.did(ActKind::BootstrapClosed)?;
        let people = Self {
            sessions: files.sessions,
            book: RwLock::new(files.book),
            changing: tokio::sync::Mutex::default(),
            tries: Tries::new(Instant::now()),
            failures: Mutex::default(),
            seen_as: SeenAs::default(),
            passkeys: Passkeys::new(&files.origin, &core.config.title),
            oidc: files.oidc.map(Arc::new),
            origin: files.origin,
            core,
        };
        people.core.views.sweep(&people.views());
        Ok(people)
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

    /// Whoever has this token, with the roles of this moment; `None` when the session does not stand.
    pub(crate) fn caller(&self, token: &str) -> Option<Caller> {
        let session = self.sessions.get(token, self.core.surroundings.now())?;
        let book = self.book();
        let (account, roles, clearance) = match self.standing(&book, &session) {
            Some(Standing::Node(roles)) => (None, roles, None),
            Some(Standing::Account(account)) if session.way == Way::Enrolment => {
                (Some((account.id, account.name.clone())), Roles::new(), account.clearance.clone())
            }
            Some(Standing::Account(account)) => {
                let vouched =
                    session.way != Way::Oidc || self.oidc.as_ref().is_some_and(|o| o.vouches(token));
                if !vouched {
                    return None;
                }
                let name = (account.id, account.name.clone());
                (Some(name), account.roles.clone(), account.clearance.clone())
            }
            None => return None,
        };
        Some(Caller { token: token.to_owned(), way: session.way, account, roles, clearance })
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
        let (way, account) = match self.sessions.redeem(link, self.core.surroundings.now()) {
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
        self.record(self.core.act(kind, by)).await?;
        tracing::info!(?way, "somebody came in by a one-time link");
        let now = self.core.surroundings.now();
        let token = self.sessions.begin(way, account.map(|a| (a.id, a.generation)), now)?;
        Ok(Some((token, way)))
    }

    /// Ends a session.
    pub(crate) async fn leave(&self, caller: &Caller) -> Result<(), NodeError> {
        self.sessions.end(&caller.token)?;
        if let Some(oidc) = &self.oidc {
            oidc.forget(&caller.token);
        }
        self.record(self.core.act(ActKind::LogOut, caller.actor())).await
    }

    /// A one-time link that goes on with the caller's account elsewhere, say under another name of the same node.
    pub(crate) fn move_link(&self, caller: &Caller) -> Result<String, NodeError> {
        let (data, now) = (&self.core.config.data, self.core.surroundings.now());
        let token = match &caller.account {
            None if caller.way == Way::Bootstrap => session::entry_token(data, now)?,
            Some((id, _)) if caller.way == Way::Enrolment => session::account_token(data, *id, now)?,
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
        let at = self.core.surroundings.now();
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
        let mut act = self.core.act(ActKind::LogInFailed, by).detail(detail);
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
        let now = self.core.surroundings.now();
        let change = self
            .change(|book| {
                let change = apply(book, order, by, country, now)?;
                Ok((change.act.iter().cloned().collect(), change))
            })
            .await?;
        change.answer(&self.core.config.data, now)
    }

    /// The views of all clearances that accounts have.
    fn views(&self) -> BTreeSet<View> {
        self.book()
            .accounts
            .values()
            .filter_map(|account| account.clearance.clone().map(View::User))
            .collect()
    }

    /// Opens the views of all clearances, so that nobody waits for one who comes in, and what is recalled leaves them.
    pub(crate) async fn open_views(&self) {
        for view in self.views() {
            if let Err(error) = self.core.open(&view).await {
                tracing::error!(%error, ?view, "the view of a clearance cannot be opened");
            }
        }
    }

    /// All accounts, by name.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        self.book().accounts.values().cloned().collect()
    }

    /// The person of the caller's account; none for sessions without one.
    pub(crate) fn signer(&self, caller: &Caller) -> Option<Signer> {
        let account = self.own(caller)?;
        let public = |own: &account::OwnPasskey| {
            let key = serde_json::to_value(own.passkey.get_public_key()).ok()?;
            Some((passkey_name(&own.passkey), key))
        };
        Some(Signer {
            passkeys: account.passkeys.iter().filter_map(public).collect(),
            account_id: account.id.into(),
            account: account.name,
        })
    }

    /// The caller's own account.
    pub(crate) fn own(&self, caller: &Caller) -> Option<Account> {
        caller.account.as_ref().and_then(|(id, _)| self.book().by_id(*id).cloned())
    }
}

/// The person who signs, with the keys by which a signature is checked later.
pub(crate) struct Signer {
    pub(crate) account: AccountName,
    pub(crate) account_id: String,
    /// The public keys of the own passkeys by their names.
    pub(crate) passkeys: BTreeMap<String, serde_json::Value>,
}

/// What a session stands for.
enum Standing<'a> {
    /// Nobody's account, with these roles.
    Node(Roles),
    Account(&'a Account),
}
