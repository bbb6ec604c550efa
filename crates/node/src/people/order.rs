//! Changes of accounts: one place that says what may be changed, for requests of administrators and for commands of
//! the machine's operator on a running or a stopped node.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{Country, Timestamp};
use label::Clearance;
use rand_core::OsRng;
use record::{Batch, Entry, RecordStore, SqliteOptions, SqliteRecord, StoreError};
use serde::{Deserialize, Serialize};

use super::account::{Account, AccountName, Book, NewAccount, at_home, check_clearance};
use super::act::{Act, ActKind, Actor};
use super::role::{Role, Roles};
use super::rules_order::{RulesAnswer, RulesOrder};
use super::session::{account_token, token};
use crate::keys::{self, write_secret};
use crate::{Config, NodeError, offline};

/// A change of the accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccountOrder {
    /// Adds one and makes the link by which its person comes in first.
    Add(NewAccount),
    /// Removes one; its sessions end.
    Remove {
        /// Which.
        name: AccountName,
    },
    /// Gives one other roles; its sessions end.
    Roles {
        /// Which.
        name: AccountName,
        /// All roles that it has from now on.
        roles: Roles,
    },
    /// Says what one may read here; its sessions end.
    Clearance {
        /// Which.
        name: AccountName,
        /// None: everything that its roles allow.
        clearance: Option<Clearance>,
    },
    /// Makes a new link by which its person comes in.
    Link {
        /// Which.
        name: AccountName,
    },
    /// Changes nothing.
    List,
}

/// An account as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountSummary {
    /// By which the person logs in and is recorded.
    pub name: String,
    /// For people.
    pub title: String,
    /// What the person may do.
    pub roles: Vec<Role>,
    /// What the person may read here: `level`, `categories`, `countries`; null: everything that the roles allow.
    #[schema(value_type = Option<Object>)]
    pub clearance: Option<Clearance>,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    pub added: Timestamp,
    /// How many passkeys it has.
    pub passkeys: usize,
    /// The subject at the organisation's identity provider.
    pub oidc_subject: Option<String>,
    /// Whether its person ever came in by a credential of the own.
    pub entered: bool,
}

impl AccountSummary {
    pub(crate) fn of(account: &Account) -> Self {
        Self {
            name: account.name.to_string(),
            title: account.title.clone(),
            roles: account.roles.iter().copied().collect(),
            clearance: account.clearance.clone(),
            added: account.added,
            passkeys: account.passkeys.len(),
            oidc_subject: account.oidc_subject.clone(),
            entered: account.entered,
        }
    }
}

/// What an order led to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountAnswer {
    /// The accounts that it was about, as they are now; all of them for a list.
    pub accounts: Vec<AccountSummary>,
    /// The token of the new link.
    pub token: Option<String>,
}

/// What an order changes: the act to record, and the account for which a link is to be made.
pub(crate) struct Change {
    pub(crate) act: Option<Act>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) link: bool,
}

/// Carries `order` out on `book`. Nothing else is touched.
pub(crate) fn apply(
    book: &mut Book,
    order: AccountOrder,
    by: &Actor,
    country: &Country,
    now: Timestamp,
) -> Result<Change, NodeError> {
    let conflict = |message: &str| NodeError::Conflict { message: message.to_owned() };
    let operator = *by == Actor::OPERATOR;
    // Whoever could change the own roles would have all of them.
    let not_own = |name: &AccountName| match &by.account {
        Some(own) if own == name => Err(conflict("nobody changes or removes the own account")),
        _ => Ok(()),
    };
    let act = |kind, account: &Account| Act::new(kind, by.clone(), country, now).account(&account.name);
    match order {
        AccountOrder::Add(mut new) => {
            new.check()?;
            new.clearance = at_home(new.clearance, country);
            let account = book.add(new, now)?;
            let mut act = act(ActKind::AccountAdded, &account).roles(&account.roles);
            act.clearance.clone_from(&account.clearance);
            if let Some(subject) = &account.oidc_subject {
                act = act.detail(format!("oidc subject {subject}"));
            }
            // The provider's people come in by the provider, and have no passkeys to register.
            let link = account.oidc_subject.is_none();
            Ok(Change { act: Some(act), accounts: vec![account], link })
        }
        AccountOrder::Remove { name } => {
            let account = book.get(&name)?.clone();
            not_own(&name)?;
            if !operator
                && account.roles.contains(&Role::Administrator)
                && !book.has_other_administrator(&name)
            {
                return Err(conflict("no other administrator could come in"));
            }
            book.accounts.remove(&name);
            Ok(Change {
                act: Some(act(ActKind::AccountRemoved, &account)),
                accounts: vec![account],
                link: false,
            })
        }
        AccountOrder::Roles { name, roles } => {
            let had = book.get(&name)?.roles.contains(&Role::Administrator);
            not_own(&name)?;
            let lost = had && !roles.contains(&Role::Administrator);
            if !operator && lost && !book.has_other_administrator(&name) {
                return Err(conflict("no other administrator could come in"));
            }
            let account = book.get_mut(&name)?;
            account.roles = roles;
            account.generation += 1;
            let account = account.clone();
            let act = act(ActKind::RolesChanged, &account).roles(&account.roles);
            Ok(Change { act: Some(act), accounts: vec![account], link: false })
        }
        AccountOrder::Clearance { name, clearance } => {
            check_clearance(clearance.as_ref())?;
            not_own(&name)?;
            let account = book.get_mut(&name)?;
            account.clearance = at_home(clearance, country);
            account.generation += 1;
            let account = account.clone();
            let mut act = act(ActKind::ClearanceChanged, &account);
            act.clearance.clone_from(&account.clearance);
            Ok(Change { act: Some(act), accounts: vec![account], link: false })
        }
        AccountOrder::Link { name } => {
            let account = book.get(&name)?.clone();
            if !operator && account.entered {
                // An administrator could otherwise come in as anybody.
                return Err(conflict(
                    "its person has come in before; remove the account and add it anew, or let the operator of the \
                     machine make the link",
                ));
            }
            Ok(Change { act: Some(act(ActKind::LinkMade, &account)), accounts: vec![account], link: true })
        }
        AccountOrder::List => {
            Ok(Change { act: None, accounts: book.accounts.values().cloned().collect(), link: false })
        }
    }
}

impl Change {
    /// The answer, with the token of the new link if one is to be made.
    pub(crate) fn answer(&self, data: &Path, now: Timestamp) -> Result<AccountAnswer, NodeError> {
        let token = match self.accounts.first() {
            Some(account) if self.link => Some(account_token(data, account.id, now)?),
            _ => None,
        };
        Ok(AccountAnswer { accounts: self.accounts.iter().map(AccountSummary::of).collect(), token })
    }
}

/// How long the command waits for a running node.
const PATIENCE: Duration = Duration::from_secs(15);
/// The same for a dry run, which looks through months.
const DRY_RUN_PATIENCE: Duration = Duration::from_secs(900);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) fn orders(data: &Path) -> PathBuf {
    data.join("sessions/orders")
}

/// Carries an order of the machine's operator out, on a stopped node in its folder, on a running one by the node
/// itself. Either way it is an entry of the record first.
///
/// # Errors
/// When the order cannot be carried out, there is no record yet, or a running node does not answer.
pub fn order_accounts(config: &Config, order: AccountOrder) -> Result<AccountAnswer, NodeError> {
    if !SqliteRecord::exists(&config.data) {
        return Err(StoreError::Missing { path: config.data.clone() }.into());
    }
    let config = match offline::founded(config) {
        Err(NodeError::Store(StoreError::InUse { .. })) => return hand_over(&config.data, &order),
        founded => founded?.ok_or_else(|| NodeError::Conflict {
            message: "the record does not say whose it is".to_owned(),
        })?,
    };
    let key = keys::signing_key(&config.data, &config.name)?;
    let options = SqliteOptions { max_bytes: config.max_record_bytes, ..SqliteOptions::default() };
    let mut record = match SqliteRecord::open(&config.data, key, options) {
        Ok(record) => record,
        Err(StoreError::InUse { .. }) => return hand_over(&config.data, &order),
        Err(e) => return Err(e.into()),
    };
    let mut book = Book::load(&config.data)?;
    let now = crate::core::now();
    let change = apply(&mut book, order, &Actor::OPERATOR, &config.country, now)?;
    if let Some(act) = &change.act {
        let key = keys::signing_key(&config.data, &config.name)?;
        let entry = Entry::sign(act, &config.country, &key, now, &mut OsRng)?;
        record.commit(&Batch::of([entry]))?;
        book.save(&config.data)?;
    }
    change.answer(&config.data, now)
}

/// Has a running node carry out a step toward the rules of release; the lines of a dry run come as bytes.
///
/// # Errors
/// When the step is refused, or no node runs on the folder or it does not answer.
pub fn order_rules(config: &Config, order: RulesOrder) -> Result<(RulesAnswer, Vec<u8>), NodeError> {
    let patience = if matches!(order, RulesOrder::DryRun { .. }) { DRY_RUN_PATIENCE } else { PATIENCE };
    let name = token();
    let said = hand_over_as(&config.data, &name, &Order::Rules(Box::new(order)), patience)?;
    let lines = orders(&config.data).join(format!("{name}.lines"));
    let bytes = std::fs::read(&lines).unwrap_or_default();
    let _ = std::fs::remove_file(&lines);
    match said {
        Said::Rules(answer) => Ok((answer, bytes)),
        other => Err(other.unexpected()),
    }
}

/// What a command asks of a running node.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    Account(AccountOrder),
    Rules(Box<RulesOrder>),
}

/// What a running node says to an order.
#[derive(Serialize, Deserialize)]
pub(crate) enum Said {
    Done(AccountAnswer),
    Rules(RulesAnswer),
    Refused(String),
}

impl Said {
    fn unexpected(self) -> NodeError {
        match self {
            Self::Refused(message) => NodeError::Conflict { message },
            Self::Done(_) | Self::Rules(_) => {
                NodeError::BadRequest { message: "the node answered another order".to_owned() }
            }
        }
    }
}

fn hand_over(data: &Path, order: &AccountOrder) -> Result<AccountAnswer, NodeError> {
    match hand_over_as(data, &token(), &Order::Account(order.clone()), PATIENCE)? {
        Said::Done(answer) => Ok(answer),
        other => Err(other.unexpected()),
    }
}

fn hand_over_as(data: &Path, name: &str, order: &Order, patience: Duration) -> Result<Said, NodeError> {
    let folder = orders(data);
    let answer = folder.join(format!("{name}.answer"));
    let text = serde_json::to_vec(order).map_err(|e| NodeError::BadRequest { message: e.to_string() })?;
    write_secret(&folder.join(format!("{name}.order")), &text)?;
    let begun = std::time::Instant::now();
    while begun.elapsed() < patience {
        if let Ok(bytes) = std::fs::read(&answer) {
            let _ = std::fs::remove_file(&answer);
            return serde_json::from_slice(&bytes)
                .map_err(|e| NodeError::BadRequest { message: format!("the node's answer: {e}") });
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let _ = std::fs::remove_file(folder.join(format!("{name}.order")));
    Err(NodeError::Conflict {
        message: "another process has the record and does not answer; stop it or try again".to_owned(),
    })
}
