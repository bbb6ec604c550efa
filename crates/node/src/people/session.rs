//! Sessions and one-time links. Only hashes of their secrets are kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base::Timestamp;
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::account::{AccountId, AccountName};
use super::act::Way;
use crate::NodeError;
use crate::core::lock;
use crate::keys::write_secret;

/// A one-time link of the first start or of the operator is good for so long.
const LINK_SECONDS: f64 = 15.0 * 60.0;
/// A link that an administrator made for a person, who may be elsewhere.
const ACCOUNT_LINK_SECONDS: f64 = 24.0 * 3600.0;
/// Below the data folder.
const URL_FILE: &str = "sessions/url";
/// Below the data folder.
const ORIGIN_FILE: &str = "sessions/origin";
/// Sessions at once; the oldest ends when there is one more.
const MOST_SESSIONS: usize = 10_000;

/// How long a session lasts, by how it began.
pub(crate) const fn session_seconds(way: Way) -> f64 {
    match way {
        Way::Enrolment => 15.0 * 60.0,
        Way::BreakGlass => 3600.0,
        _ => 12.0 * 3600.0,
    }
}

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    pub(crate) since: Timestamp,
    pub(crate) way: Way,
    /// The account and the generation of it that came in.
    pub(crate) account: Option<(AccountId, u64)>,
}

/// Sessions by the hash of their token. They survive a restart.
pub(crate) struct Sessions {
    folder: PathBuf,
    sessions: Mutex<BTreeMap<String, Session>>,
    pub(crate) metrics_token: String,
}

pub(crate) fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

/// 192 random bits as text.
pub(crate) fn token() -> String {
    let mut bytes = [0; 24];
    OsRng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

fn links(data: &Path) -> PathBuf {
    data.join("sessions/links")
}

/// Writes a new one-time link for the node on `data`, running or not, and gives its token. On a node without an
/// administrator it is the way in for the first; later it is a way past the accounts, whose use is recorded.
///
/// # Errors
/// When the folder cannot be written.
pub fn new_entry_token(data: &Path) -> Result<String, NodeError> {
    entry_token(data, crate::core::now())
}

/// The same at the time of a running node.
pub(crate) fn entry_token(data: &Path, now: Timestamp) -> Result<String, NodeError> {
    let token = token();
    write_secret(&links(data).join(hash(&token)), now.to_string().as_bytes())?;
    Ok(token)
}

/// The same for one account; good for a day.
pub(crate) fn account_token(data: &Path, account: AccountId, now: Timestamp) -> Result<String, NodeError> {
    let token = token();
    let text = format!("{now}\n{}", String::from(account));
    write_secret(&links(data).join(hash(&token)), text.as_bytes())?;
    Ok(token)
}

/// Where the node on `data` answers, or did when it ran last; `None` when it never ran.
pub fn last_url(data: &Path) -> Option<String> {
    std::fs::read_to_string(data.join(URL_FILE)).ok().map(|url| url.trim().to_owned())
}

/// How browsers call the node on `data`, or did when it ran last; `None` when it never ran. Passkeys work there.
pub fn last_origin(data: &Path) -> Option<String> {
    std::fs::read_to_string(data.join(ORIGIN_FILE)).ok().map(|url| url.trim().to_owned())
}

/// Keeps where the node answers, for who makes a link beside it.
pub(crate) fn keep_url(data: &Path, url: &str, origin: &str) -> Result<(), NodeError> {
    write_secret(&data.join(URL_FILE), url.as_bytes())?;
    write_secret(&data.join(ORIGIN_FILE), origin.as_bytes())
}

/// What a one-time link was made for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// The node itself: its first start, or a way past the accounts.
    Node,
    /// One account.
    Account(AccountId),
}

impl Sessions {
    pub(crate) fn open(data: &Path) -> Result<Self, NodeError> {
        let folder = data.join("sessions");
        let path = folder.join("sessions.json");
        let sessions = match std::fs::read(&path) {
            // A file that cannot be read only means that people must come in anew.
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(_) => BTreeMap::new(),
        };
        let metrics_path = data.join("keys/metrics.token");
        let metrics_token = match std::fs::read_to_string(&metrics_path) {
            Ok(token) => token.trim().to_owned(),
            Err(_) => {
                let token = token();
                write_secret(&metrics_path, token.as_bytes())?;
                token
            }
        };
        Ok(Self { folder, sessions: Mutex::new(sessions), metrics_token })
    }

    /// Uses a link up; `None` for one that is used, too old or none.
    pub(crate) fn redeem(&self, token: &str, now: Timestamp) -> Option<Link> {
        let path = self.folder.join("links").join(hash(token));
        let text = std::fs::read_to_string(&path).ok()?;
        // Whoever removes it has it: two at once cannot both.
        std::fs::remove_file(&path).ok()?;
        let (made, link) = read_link(&text)?;
        let seconds = if link == Link::Node { LINK_SECONDS } else { ACCOUNT_LINK_SECONDS };
        (now.seconds_since(made) < seconds).then_some(link)
    }

    /// Removes the unused links of the node, or of one account.
    pub(crate) fn drop_links(&self, of: &Link) {
        let Ok(files) = std::fs::read_dir(self.folder.join("links")) else { return };
        for file in files.filter_map(Result::ok) {
            let Ok(text) = std::fs::read_to_string(file.path()) else { continue };
            if read_link(&text).is_some_and(|(_, link)| link == *of) {
                let _ = std::fs::remove_file(file.path());
            }
        }
    }

    /// Begins a session and gives its token.
    pub(crate) fn begin(
        &self,
        way: Way,
        account: Option<(AccountId, u64)>,
        now: Timestamp,
    ) -> Result<String, NodeError> {
        let token = token();
        self.change(|sessions| {
            sessions.retain(|_, session| fresh(session, now));
            while sessions.len() >= MOST_SESSIONS {
                let oldest =
                    sessions.iter().min_by_key(|(_, s)| s.since.unix_nanos()).map(|(k, _)| k.clone());
                oldest.map(|key| sessions.remove(&key));
            }
            sessions.insert(hash(&token), Session { since: now, way, account });
        })?;
        Ok(token)
    }

    pub(crate) fn end(&self, token: &str) -> Result<(), NodeError> {
        self.change(|sessions| {
            sessions.remove(&hash(token));
        })
    }

    /// Ends all that do not fit.
    pub(crate) fn retain(&self, fits: impl Fn(&Session) -> bool) -> Result<(), NodeError> {
        self.change(|sessions| sessions.retain(|_, session| fits(session)))
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Session>)) -> Result<(), NodeError> {
        // Held while it is written: two that come at once must not write over one another.
        let mut sessions = lock(&self.sessions);
        change(&mut sessions);
        let bytes = serde_json::to_vec(&*sessions).unwrap_or_default();
        write_secret(&self.folder.join("sessions.json"), &bytes)
    }

    pub(crate) fn get(&self, token: &str, now: Timestamp) -> Option<Session> {
        lock(&self.sessions).get(&hash(token)).filter(|session| fresh(session, now)).cloned()
    }
}

/// When a link was made and what for, from its file: a time, and for an account its id on a second line.
fn read_link(text: &str) -> Option<(Timestamp, Link)> {
    match text.split_once('\n') {
        Some((made, id)) => {
            Some((made.parse().ok()?, Link::Account(AccountId::try_from(id.trim().to_owned()).ok()?)))
        }
        None => Some((text.parse().ok()?, Link::Node)),
    }
}

fn fresh(session: &Session, now: Timestamp) -> bool {
    now.seconds_since(session.since) < session_seconds(session.way)
}

/// Who asks, as the guard found it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) token: String,
    pub(crate) way: Way,
    pub(crate) account: Option<(AccountId, AccountName)>,
    pub(crate) roles: super::role::Roles,
    /// What the caller may read; none: everything that the roles allow.
    pub(crate) clearance: Option<label::Clearance>,
}

impl Caller {
    /// As acts name the caller.
    pub(crate) fn actor(&self) -> super::act::Actor {
        super::act::Actor { account: self.account.as_ref().map(|(_, name)| name.clone()), way: self.way }
    }
}
