//! What went wrong with a server, in words and with what to do.

use base::Timestamp;
use serde::{Deserialize, Serialize};
use threat::taxii::client::{PullFault, Trouble};
use utoipa::ToSchema;

use crate::NodeError;

/// What went wrong with a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {hint}")]
pub struct TaxiiTrouble {
    /// A stable code.
    pub code: &'static str,
    /// What happened, with the address.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
    /// Whether it may pass by itself; else only an operator can mend it.
    pub may_pass: bool,
    /// What the server said in `Retry-After`.
    pub retry_after_seconds: Option<u64>,
    /// Whether the whole server is concerned, or one resource of it.
    pub(super) of_server: bool,
}

impl TaxiiTrouble {
    /// Of one resource; only an operator can mend it.
    pub(super) fn new(code: &'static str, message: String, hint: &'static str) -> Self {
        Self { code, message, hint, may_pass: false, retry_after_seconds: None, of_server: false }
    }

    pub(super) const fn passing(mut self) -> Self {
        self.may_pass = true;
        self
    }

    pub(super) const fn of_server(mut self) -> Self {
        self.of_server = true;
        self
    }

    pub(super) fn status(
        trouble: Trouble,
        url: &url::Url,
        status: u16,
        said: &str,
        retry_after: Option<u64>,
    ) -> Self {
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        Self {
            code: trouble.code(),
            message: format!("{url} answered {status}{said}"),
            hint: trouble.advice(),
            may_pass: trouble.may_pass(),
            retry_after_seconds: retry_after,
            of_server: trouble.may_pass() || trouble == Trouble::Credentials,
        }
    }

    pub(super) fn paging(fault: &PullFault, url: &url::Url) -> Self {
        let hint = match fault {
            PullFault::Crowded { .. } => {
                "raise page_objects, or ask the server's operator for paging by `next`"
            }
            PullFault::NextRefused => "nothing, unless it comes again: the walk begins anew",
            _ => "tell the server's operator: TAXII 2.1, section 3.5, says how pages go on",
        };
        Self::new(fault.code(), format!("{url}: {fault}"), hint).passing()
    }
}

/// Why a walk ended early.
#[derive(Debug)]
pub(super) enum Ended {
    /// By the server.
    Trouble(TaxiiTrouble),
    /// By this node.
    Node(NodeError),
}

impl From<TaxiiTrouble> for Ended {
    fn from(trouble: TaxiiTrouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl<E: Into<NodeError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Node(error.into())
    }
}

/// An error as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxiiFault {
    /// A stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl TaxiiFault {
    pub(super) fn of(trouble: &TaxiiTrouble, at: Timestamp) -> Self {
        let message = trouble.message.chars().take(1000).collect();
        Self { code: trouble.code.to_owned(), message, hint: trouble.hint.to_owned(), at }
    }
}
