//! What an answer that is no success means, and when to try again.

/// The longest wait between two tries of the client's own making.
pub const MOST_WAIT_SECONDS: u64 = 3600;
/// How long to wait where only the operator can mend it: refused passwords lock accounts when they are tried again.
pub const CREDENTIALS_WAIT_SECONDS: u64 = 3600;
/// The first wait.
const FIRST_WAIT_SECONDS: u64 = 5;
/// The longest `Retry-After` that is kept to.
const MOST_RETRY_AFTER_SECONDS: u64 = 86_400;

/// How long to wait after `failures` in a row (from 1): twice as long each time, up to [`MOST_WAIT_SECONDS`], the later
/// half of it by chance, so that many clients do not come back together; but not before the server says
/// (`Retry-After`; RFC 9110, section 10.2.3), for a day at most.
///
/// ```
/// use threat::taxii::client::wait_seconds;
/// assert!((3..=5).contains(&wait_seconds(1, None, 12_345)));
/// assert!((1800..=3600).contains(&wait_seconds(40, None, 12_345)));
/// assert_eq!(wait_seconds(1, Some(600), 12_345), 600);
/// ```
pub fn wait_seconds(failures: u32, retry_after: Option<u64>, random: u64) -> u64 {
    let doubled = FIRST_WAIT_SECONDS << failures.saturating_sub(1).min(20);
    let most = doubled.min(MOST_WAIT_SECONDS);
    let least = most.div_ceil(2);
    let wait = least + random % (most - least + 1);
    wait.max(retry_after.unwrap_or(0).min(MOST_RETRY_AFTER_SECONDS))
}

/// Why a server did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// 429, 503: later.
    Busy,
    /// 408, another 5xx: it may pass.
    Server,
    /// 401: who we are was not taken.
    Credentials,
    /// 403: we may not.
    Forbidden,
    /// 404, 410: it is not there, or not for us.
    NotFound,
    /// 406, 415: it speaks another version.
    MediaType,
    /// 413: the body is too large.
    TooLarge,
    /// 422: it cannot read what was sent.
    Unprocessable,
    /// Another 4xx: it does not take the question.
    BadRequest,
    /// Anything else.
    Unexpected,
}

impl Trouble {
    /// What a status of HTTP means; `None` for a success.
    pub const fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            200..=299 => return None,
            401 => Self::Credentials,
            403 => Self::Forbidden,
            404 | 410 => Self::NotFound,
            406 | 415 => Self::MediaType,
            413 => Self::TooLarge,
            422 => Self::Unprocessable,
            429 | 503 => Self::Busy,
            408 | 500..=599 => Self::Server,
            400..=499 => Self::BadRequest,
            _ => Self::Unexpected,
        })
    }

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Busy => "taxii::busy",
            Self::Server => "taxii::server_error",
            Self::Credentials => "taxii::credentials_refused",
            Self::Forbidden => "taxii::forbidden",
            Self::NotFound => "taxii::not_there",
            Self::MediaType => "taxii::media_type_refused",
            Self::TooLarge => "taxii::body_refused",
            Self::Unprocessable => "taxii::content_refused",
            Self::BadRequest => "taxii::request_refused",
            Self::Unexpected => "taxii::unexpected_status",
        }
    }

    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Busy | Self::Server => "nothing: it is tried again later",
            Self::Credentials => "check the name and the password, the token, or the client certificate",
            Self::Forbidden => "ask the server's operator for the right to this collection",
            Self::NotFound => "check the address and the collection, and whether this account may see it",
            Self::MediaType => {
                "the server does not take TAXII 2.1: check the address of its TAXII 2.1 service"
            }
            Self::TooLarge => "the server takes smaller bodies than it says; lower batch_bytes",
            Self::Unprocessable => "the server cannot read these objects; ask its operator which it takes",
            Self::BadRequest => "check the filters: the server does not take the question",
            Self::Unexpected => "check the address; this is no answer of TAXII",
        }
    }

    /// Whether it may pass by itself; else only an operator can mend it.
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::Busy | Self::Server)
    }
}
