//! Accounts: the people of this node, in one file of the data folder. Each change is an entry of the record first.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base::{Country, Timestamp};
use label::Clearance;
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::Passkey;

use super::role::Roles;
use crate::NodeError;
use crate::keys::write_secret;

/// The name by which a person logs in and is recorded: 1 to 64 of a-z, 0-9, `.`, `_`, `-` and `@`, beginning with a
/// letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

/// Text that is no account name.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no account name: 1 to 64 of a-z, 0-9, `.`, `_`, `-` and `@`, beginning with a letter or a digit"
)]
pub struct NotAccountName(String);

impl FromStr for AccountName {
    type Err = NotAccountName;

    fn from_str(text: &str) -> Result<Self, NotAccountName> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let good = (1..=64).contains(&text.len())
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|b| plain(b) || b"._-@".contains(&b));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            // What comes from outside may be long.
            Err(NotAccountName(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for AccountName {
    type Error = NotAccountName;

    fn try_from(text: String) -> Result<Self, NotAccountName> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl AccountName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What tells an account from every other one, also from one that had its name before: 16 random bytes, which
/// authenticators keep as the user handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct AccountId(pub(crate) [u8; 16]);

impl AccountId {
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 16];
        OsRng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

impl TryFrom<String> for AccountId {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, hex::FromHexError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        hex::encode(id.0)
    }
}

/// A passkey with what its owner calls it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnPasskey {
    pub(crate) title: String,
    pub(crate) added: Timestamp,
    pub(crate) passkey: Passkey,
}

/// One person at this node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) name: AccountName,
    /// For people.
    pub(crate) title: String,
    pub(crate) roles: Roles,
    /// What the person may read here; none: everything that the roles allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clearance: Option<Clearance>,
    pub(crate) added: Timestamp,
    pub(crate) passkeys: Vec<OwnPasskey>,
    /// The subject at the organisation's identity provider.
    pub(crate) oidc_subject: Option<String>,
    /// Rises with every change that must end sessions: a session belongs to one generation.
    pub(crate) generation: u64,
    /// Whether the person ever came in by a credential of the own.
    pub(crate) entered: bool,
}

/// The schema name of the file of accounts.
const SCHEMA: &str = "bongsu.accounts/1";
/// Below the data folder.
const FILE: &str = "accounts/accounts.json";
/// A node is for an organisation's officers, not for a population.
const MOST_ACCOUNTS: usize = 10_000;
/// Most passkeys of one account.
pub(crate) const MOST_PASSKEYS: usize = 16;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    schema: String,
    closed: bool,
    accounts: Vec<Account>,
}

/// All accounts, and whether the node has had its first administrator.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    /// The links of the first start work no more.
    pub(crate) closed: bool,
    pub(crate) accounts: BTreeMap<AccountName, Account>,
}

fn path(data: &Path) -> PathBuf {
    data.join(FILE)
}

impl Book {
    /// The accounts of the node on `data`; none when there is no file.
    ///
    /// # Errors
    /// When the file cannot be read: a node that forgot its accounts would let in whoever holds a first link.
    pub(crate) fn load(data: &Path) -> Result<Self, NodeError> {
        let path = path(data);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(NodeError::Io { path, source }),
        };
        let bad = |message: String| NodeError::BadAccounts { path: path.clone(), message };
        let stored: Stored = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
        if stored.schema != SCHEMA {
            return Err(bad(format!("schema is `{}`, expected `{SCHEMA}`", stored.schema)));
        }
        let accounts = stored.accounts.into_iter().map(|account| (account.name.clone(), account)).collect();
        Ok(Self { closed: stored.closed, accounts })
    }

    pub(crate) fn save(&self, data: &Path) -> Result<(), NodeError> {
        let accounts = self.accounts.values().cloned().collect();
        let stored = Stored { schema: SCHEMA.to_owned(), closed: self.closed, accounts };
        let path = path(data);
        let bytes = serde_json::to_vec_pretty(&stored)
            .map_err(|e| NodeError::BadAccounts { path: path.clone(), message: e.to_string() })?;
        write_secret(&path, &bytes)
    }

    pub(crate) fn by_id(&self, id: AccountId) -> Option<&Account> {
        self.accounts.values().find(|account| account.id == id)
    }

    pub(crate) fn by_subject(&self, subject: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.oidc_subject.as_deref() == Some(subject))
    }

    pub(crate) fn get(&self, name: &AccountName) -> Result<&Account, NodeError> {
        self.accounts.get(name).ok_or_else(|| NodeError::NotFound { what: format!("account `{name}`") })
    }

    pub(crate) fn get_mut(&mut self, name: &AccountName) -> Result<&mut Account, NodeError> {
        self.accounts.get_mut(name).ok_or_else(|| NodeError::NotFound { what: format!("account `{name}`") })
    }

    /// Adds an account without any way in yet but its provider's subject.
    pub(crate) fn add(&mut self, new: NewAccount, now: Timestamp) -> Result<Account, NodeError> {
        let conflict = |message: String| Err(NodeError::Conflict { message });
        if self.accounts.contains_key(&new.name) {
            return conflict(format!("there is an account `{}` already", new.name));
        }
        if new.oidc_subject.as_deref().is_some_and(|subject| self.by_subject(subject).is_some()) {
            return conflict("another account has that subject".to_owned());
        }
        if self.accounts.len() >= MOST_ACCOUNTS {
            return conflict(format!("there are {MOST_ACCOUNTS} accounts, which is the most"));
        }
        let account = Account {
            id: AccountId::random(),
            title: new.title.unwrap_or_else(|| new.name.to_string()),
            name: new.name.clone(),
            roles: new.roles,
            clearance: new.clearance,
            added: now,
            passkeys: Vec::new(),
            oidc_subject: new.oidc_subject,
            generation: 0,
            entered: false,
        };
        self.accounts.insert(new.name, account.clone());
        Ok(account)
    }

    /// Whether an administrator other than `name` could come in.
    pub(crate) fn has_other_administrator(&self, name: &AccountName) -> bool {
        let administrates = |account: &Account| account.roles.contains(&super::Role::Administrator);
        self.accounts.values().any(|a| a.name != *name && a.entered && administrates(a))
    }
}

/// What a new account begins with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// By which the person logs in and is recorded.
    pub name: AccountName,
    /// For people; the name when left out.
    #[serde(default)]
    pub title: Option<String>,
    /// What the person may do.
    pub roles: Roles,
    /// What the person may read here; none: everything that the roles allow.
    #[serde(default)]
    pub clearance: Option<Clearance>,
    /// The `sub` of the person at the organisation's identity provider.
    #[serde(default)]
    pub oidc_subject: Option<String>,
}

impl NewAccount {
    pub(crate) fn check(&self) -> Result<(), NodeError> {
        let bad = |message: &str| Err(NodeError::BadRequest { message: message.to_owned() });
        let fits = |text: &str, most: usize| {
            (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        if self.title.as_deref().is_some_and(|title| !fits(title, 100)) {
            return bad("`title` must have 1 to 100 characters and no control characters");
        }
        // OpenID Connect Core 1.0, section 2: at most 255 ASCII characters.
        if self.oidc_subject.as_deref().is_some_and(|s| !fits(s, 255) || !s.is_ascii()) {
            return bad("`oidc_subject` must have 1 to 255 ASCII characters");
        }
        check_clearance(self.clearance.as_ref())
    }
}

pub(crate) fn check_clearance(clearance: Option<&Clearance>) -> Result<(), NodeError> {
    clearance
        .map_or(Ok(()), Clearance::check)
        .map_err(|e| NodeError::BadRequest { message: format!("`clearance`: {e}") })
}

/// A national of the own country is held by no other one of the countries.
pub(crate) fn at_home(clearance: Option<Clearance>, own: &Country) -> Option<Clearance> {
    clearance.map(|mut clearance| {
        if clearance.countries.contains(own) {
            clearance.countries.clear();
        }
        clearance
    })
}
