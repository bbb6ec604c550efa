//! Acts: who did what and when, as entries of the record that no peer ever gets.

use base::{Country, EntryId, Marking, Noun, Timestamp};
use label::Clearance;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::AccountName;
use super::role::Roles;
use crate::core::nobody;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ActKind {
    /// Somebody came in.
    LogIn,
    /// Somebody did not come in. At most one a minute and sort; the others are counted in `suppressed`.
    LogInFailed,
    /// Somebody left.
    LogOut,
    /// The operator of the machine made a way in past the accounts, and it was used.
    BreakGlass,
    /// The first administrator came in by an own credential: one-time links of the first start work no more.
    BootstrapClosed,
    /// An account was added.
    AccountAdded,
    /// An account was removed; its sessions ended.
    AccountRemoved,
    /// The roles of an account were changed; its sessions ended.
    RolesChanged,
    /// A link was made by which the person of an account comes in once.
    LinkMade,
    /// A passkey was registered.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// An officer's report; with a marking for allies it is released to them.
    Report,
    /// An own item was taken back.
    Recall,
    /// A peer was introduced.
    PeerIntroduced,
    /// The whole record was checked.
    Verify,
    /// A part of the record was written out for others.
    Export,
    /// A step toward a policy, or a table of codes or words.
    Policy,
    /// A file for a peer was written, to be carried.
    CourierSent,
    /// A file from a peer, or its receipts, was taken in.
    CourierReceived,
    /// What a change of policy would do was looked at.
    PolicyDryRun,
    /// Bytes were taken in from a person.
    Feed,
    /// A screening was started.
    Screening,
    /// An originator was asked whether its item may go on.
    ReleaseAsked,
    /// A peer was told whether an own item may go on.
    ReleaseAnswered,
    /// The node was looked at with a peer's eyes. At most one an hour for each person and peer.
    SeenAs,
    /// The clearance of an account was changed; its sessions ended.
    ClearanceChanged,
}

impl ActKind {
    /// The word, as it is written in an act.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LogIn => "log_in",
            Self::LogInFailed => "log_in_failed",
            Self::LogOut => "log_out",
            Self::BreakGlass => "break_glass",
            Self::BootstrapClosed => "bootstrap_closed",
            Self::AccountAdded => "account_added",
            Self::AccountRemoved => "account_removed",
            Self::RolesChanged => "roles_changed",
            Self::LinkMade => "link_made",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::Report => "report",
            Self::Recall => "recall",
            Self::PeerIntroduced => "peer_introduced",
            Self::Verify => "verify",
            Self::Export => "export",
            Self::Policy => "policy",
            Self::CourierSent => "courier_sent",
            Self::CourierReceived => "courier_received",
            Self::PolicyDryRun => "policy_dry_run",
            Self::Feed => "feed",
            Self::Screening => "screening",
            Self::ReleaseAsked => "release_asked",
            Self::ReleaseAnswered => "release_answered",
            Self::SeenAs => "seen_as",
            Self::ClearanceChanged => "clearance_changed",
        }
    }
}

/// How somebody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A passkey of the account.
    Passkey,
    /// The organisation's identity provider.
    Oidc,
    /// A one-time link made for one account, to register a passkey.
    Enrolment,
    /// The one-time link of a node that has no administrator yet.
    Bootstrap,
    /// A one-time link that the operator of the machine made past the accounts.
    BreakGlass,
    /// A command on the node's machine.
    Operator,
    /// Nobody who is known.
    Unknown,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The account; none for the links of the first start, of the operator, and for who did not get in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountName>,
    /// How that person came in.
    pub way: Way,
}

impl Actor {
    /// The operator of the machine.
    pub(crate) const OPERATOR: Self = Self { account: None, way: Way::Operator };
    /// Who did not get in.
    pub(crate) const UNKNOWN: Self = Self { account: None, way: Way::Unknown };
}

/// A fresh assertion by which a person approved exactly one act (W3C Web Authentication, section 7.2).
///
/// Its challenge is SHA-256 of `text`, so that whoever has the passkey's public key can check it anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// What was approved, word by word: version, act and its values, account, a nonce and the time.
    pub text: String,
    /// The passkey, base64url.
    pub passkey: String,
    /// The client data of the browser, base64url.
    pub client_data: String,
    /// The authenticator's data, base64url.
    pub authenticator_data: String,
    /// The signature over both, base64url.
    pub signature: String,
}

/// One act of a person at this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What was done.
    pub kind: ActKind,
    /// Who did it.
    pub by: Actor,
    /// When, by the node's clock.
    pub at: Timestamp,
    /// The entries that it made or was about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<EntryId>,
    /// The account that it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountName>,
    /// The roles that the account has from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Roles>,
    /// What the account may read from now on; none: everything that its roles allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clearance: Option<Clearance>,
    /// What else there is to say, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The assertion by which it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// How many of the same sort before it were only counted.
    #[serde(default)]
    pub suppressed: u64,
    /// Nobody's: acts stay here.
    pub marking: Marking,
}

impl Noun for Act {
    const SCHEMA: &'static str = "bongsu.act/1";
}

impl Act {
    pub(crate) fn new(kind: ActKind, by: Actor, country: &Country, at: Timestamp) -> Self {
        Self {
            kind,
            by,
            at,
            about: Vec::new(),
            account: None,
            roles: None,
            clearance: None,
            detail: None,
            approval: None,
            suppressed: 0,
            marking: nobody(country),
        }
    }

    pub(crate) fn about(mut self, entries: impl IntoIterator<Item = EntryId>) -> Self {
        self.about.extend(entries);
        self
    }

    pub(crate) fn account(mut self, account: &AccountName) -> Self {
        self.account = Some(account.clone());
        self
    }

    pub(crate) fn roles(mut self, roles: &Roles) -> Self {
        self.roles = Some(roles.clone());
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
