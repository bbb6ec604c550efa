//! A node: the one room with a clock, files, sockets and threads. It feeds the pure rooms and serves what they say.
//!
//! One thread owns the record and is the only one that writes (`writer`); every page and list is read from a view of
//! the record (`view`); one task per peer moves what the link's state machine says (`link_io`); feeds
//! (`feeds`) and jobs (`screening`) bring in observations and findings.
//!
//! **Invariant:** nothing is shown, sent or counted that does not follow from the record, and nothing here decides on
//! a release: what goes to a peer is what room `label` gave as `Released`. No analysis is done in this room.

mod api;
mod arrivals;
mod config;
mod core;
mod courier;
mod dry_run;
mod events;
mod evidence;
mod export;
mod feeds;
mod inherit;
mod jobs;
mod keys;
mod link_in;
mod link_index;
mod link_io;
mod metrics;
mod offline;
#[cfg(test)]
mod pairs;
mod peer_link;
mod people;
mod policy_account;
mod policy_change;
mod policy_steps;
mod queue;
mod repeat;
mod screening;
mod serve;
mod share;
mod situation;
mod taxii;
mod taxii_client;
mod thinner;
mod tls;
mod tombstones;
mod unpack;
mod upkeep;
mod view;
mod writer;

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use crate::api::openapi;
pub use crate::arrivals::{Arrival, Arrivals};
pub use crate::config::{
    Config, ConfigError, FollowedLog, HttpFeed, MarkingRule, OidcSettings, Origin, Overrides,
};
pub use crate::courier::{FileReceived, LaneSpan, receive_file, receive_receipts, send_file};
pub use crate::evidence::{Stopped, WitnessState, witness_key, write_whole};
pub use crate::export::{ForPeer, Selection};
pub use crate::keys::{certificate_fingerprint, new_officer_key, officer_key, random_secret};
pub use crate::offline::{CARD_SCHEMA, Card, Desk, Terms, accept, accept_until, card, repair};
pub use crate::people::{
    AccountAnswer, AccountName, AccountOrder, AccountSummary, Act, ActKind, Actor, Approval, NewAccount,
    NotAccountName, PolicySummary, Role, RulesAnswer, RulesOrder, UnknownRole, Way, access_table,
    last_origin, last_url, new_entry_token, order_accounts, order_rules, roles_reference,
};
pub use crate::policy_account::AccountSignature;
pub use crate::policy_change::{
    OFFICERS_TO_SIGN, Officer, OfficerSigned, PolicyApplied, PolicyApproval, PolicySignature,
    PolicyStepError, Proposal, ProposedRule, RulesOnRecord,
};
pub use crate::repeat::Repeatable;
pub use crate::taxii::{
    RemovedVersion, TaxiiAccount, TaxiiAct, TaxiiAdded, TaxiiCollection, TaxiiLoad, TaxiiOrder, TaxiiRemoved,
    TaxiiRoot, TaxiiSetUp, TaxiiSettings, TaxiiStatusTaken, TaxiiTaken, order_taxii, taxii_load,
    taxii_set_up, taxii_take_over,
};
pub use crate::taxii_client::{
    FetchSink, SentObject, TaxiiAccess, TaxiiFault, TaxiiFetch, TaxiiFetched, TaxiiPeer, TaxiiPeerState,
    TaxiiPeerStatus, TaxiiPlace, TaxiiPull, TaxiiPush, TaxiiPushed, TaxiiSent, TaxiiTrouble, TaxiiUnsent,
    taxii_fetch, taxii_peers,
};
pub use crate::unpack::{InputLimits, UnpackError, unpack, unpacked};
pub use crate::writer::IncidentParts;

/// What to do about a view that cannot be read or written.
fn of_a_view(error: &rusqlite::Error) -> String {
    use rusqlite::ffi::{ErrorCode, SQLITE_IOERR_WRITE};
    let full = matches!(error, rusqlite::Error::SqliteFailure(e, _)
        if e.code == ErrorCode::DiskFull || e.extended_code == SQLITE_IOERR_WRITE);
    if full {
        return "no space left for the views of the record; free some space and try again".to_owned();
    }
    format!("a view of the record: {error}; remove the folder `views`, which is built again from the record")
}

/// Why a node cannot start, or cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The settings.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The record.
    #[error("{0}")]
    Store(#[from] record::StoreError),
    /// An entry that cannot be made.
    #[error("{0}")]
    Entry(#[from] record::EntryError),
    /// A database that is derived from the record.
    #[error("{}", of_a_view(.0))]
    View(#[from] rusqlite::Error),
    /// A file.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The port is taken, or may not be bound.
    #[error(
        "cannot listen on {address}: {source}; give another with {flag}, or stop the program that has it"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Which flag sets it.
        flag: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key file that is none.
    #[error("`{}` is no key as this program writes it; restore it from a copy", path.display())]
    BadKey {
        /// The file.
        path: PathBuf,
    },
    /// The record is there but a key is gone.
    #[error("`{}` is missing, but the folder holds a record made with it; restore the file from a copy", path.display())]
    LostKey {
        /// The file.
        path: PathBuf,
    },
    /// The file of accounts.
    #[error("`{}` cannot be used: {message}; restore it from a copy", path.display())]
    BadAccounts {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// TLS.
    #[error("TLS: {message}")]
    Tls {
        /// What is wrong.
        message: String,
    },
    /// A peer that cannot be introduced.
    #[error("the peer cannot be introduced: {message}")]
    BadPeer {
        /// What is wrong.
        message: String,
    },
    /// A step toward a policy that may not be taken.
    #[error("{0}")]
    PolicyStep(#[from] PolicyStepError),
    /// Input from which nothing could be read.
    #[error("`{name}`: {message}")]
    BadInput {
        /// Which.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A request with a value that means nothing.
    #[error("{message}")]
    BadRequest {
        /// What is wrong.
        message: String,
    },
    /// Not possible in the present state.
    #[error("{message}")]
    Conflict {
        /// Why.
        message: String,
    },
    /// Not here.
    #[error("{what} is not here")]
    NotFound {
        /// What.
        what: String,
    },
    /// The record could not be written.
    #[error("nothing was recorded: {message}")]
    NotStored {
        /// Why.
        message: String,
    },
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

/// What is under way when the node is told to stop may go on for so long.
const STOP_WITHIN: std::time::Duration = std::time::Duration::from_secs(3);

/// A running node.
pub struct Node {
    core: Arc<core::Core>,
    people: Arc<people::People>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    writer: Option<std::thread::JoinHandle<()>>,
    console: SocketAddr,
    link: SocketAddr,
    tls: bool,
}

impl Node {
    /// Opens the data folder, or founds it, and starts to serve.
    ///
    /// # Errors
    /// When settings, keys, record or ports are not in order; nothing is left half-made.
    pub async fn start(config: Config) -> Result<Self, NodeError> {
        Self::start_repeatable(config, Repeatable::default()).await
    }

    /// The same with some of its surroundings fixed, so that the run can be repeated. A peer refuses a node whose time
    /// is off by more than it allows: two such nodes get the same time.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_repeatable(config: Config, fixed: Repeatable) -> Result<Self, NodeError> {
        let data = config.data.clone();
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| NodeError::Io { path, source }
        };
        // Ports first: whether they are free shows before anything is written.
        let console_listener = bind(config.listen, "--listen").await?;
        let link_listener = bind(config.link_listen, "--link-listen").await?;
        if !data.exists() {
            // What lies here is for the owner of the node alone.
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&data).map_err(io(&data))?;
        }
        let console = console_listener.local_addr().map_err(io(Path::new("socket")))?;
        let link = link_listener.local_addr().map_err(io(Path::new("socket")))?;
        let config = if record::SqliteRecord::exists(&data) {
            // Where the record does not say whose it is, opening it will say why.
            offline::founded(&config)?.unwrap_or(config)
        } else {
            config
        };
        let key = keys::signing_key(&data, &config.name)?;
        let identity = Arc::new(keys::tls_identity(&data, &config.name)?);
        let asks = taxii::asks_for_certificates(&data)?;
        let tls = config.tls.then(|| tls::console_server(&identity, asks)).transpose()?;
        let tls = tls.map(TlsAcceptor::from);
        let link_tls = TlsAcceptor::from(tls::link_server(&identity)?);
        let people_files = people::Files::read(&config, config.console_origin(console.port()))?;
        let uses_tls = config.tls;
        let (http_feeds, followed) = (config.http_feeds.clone(), config.followed_logs.clone());
        let fingerprint = identity.fingerprint();
        let (core, writer) = tokio::task::spawn_blocking(move || {
            let surroundings = Arc::new(repeat::Repeated::new(fixed));
            taxii::settle(&config, &*surroundings)?;
            writer::start(config, key, fingerprint, surroundings)
        })
        .await
        .map_err(|_| NodeError::Stopping)??;
        if let Err(e) = core.config.check_markings(&core.rules(core.surroundings.now())) {
            core.stop();
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
            return Err(e.into());
        }
        {
            let mut address = core::lock(&core.link_address);
            if address.is_empty() {
                *address = link.to_string();
            }
        }
        let (stop, stopped) = watch::channel(false);
        let people = Arc::new(people::People::new(Arc::clone(&core), people_files)?);
        let api = api::Api { core: Arc::clone(&core), people: Arc::clone(&people), stop: stopped.clone() };
        let (opening, stop_taxii) = (Arc::clone(&core), stopped.clone());
        let taxii = tokio::task::spawn_blocking(move || taxii::Taxii::open(&opening, stop_taxii))
            .await
            .map_err(|_| NodeError::Stopping)??;
        let reloading = Arc::clone(&core);
        let _ = tokio::task::spawn_blocking(move || feeds::reload(&reloading)).await;
        let (opening, served, stop_peers) = (Arc::clone(&core), taxii.clone(), stopped.clone());
        let taxii_peers =
            tokio::task::spawn_blocking(move || taxii_client::open(&opening, served.as_ref(), &stop_peers))
                .await
                .map_err(|_| NodeError::Stopping)??;
        let mut tasks = vec![
            tokio::spawn(serve::console(
                console_listener,
                tls,
                taxii::mount(api::router(api), taxii),
                stopped.clone(),
            )),
            tokio::spawn(serve::link(
                link_listener,
                link_tls,
                link_in::router(Arc::clone(&core)),
                Arc::clone(&core),
                stopped.clone(),
            )),
            tokio::spawn(link_io::run(Arc::clone(&core), identity, stopped.clone())),
            tokio::spawn(feeds::watch_folder(Arc::clone(&core), stopped.clone())),
            tokio::spawn(Arc::clone(&people).run(stopped.clone())),
        ];
        for peer in taxii_peers {
            tasks.push(tokio::spawn(peer.run(stopped.clone())));
        }
        for feed in http_feeds {
            tasks.push(tokio::spawn(feeds::fetch(Arc::clone(&core), feed, stopped.clone())));
        }
        for log in followed {
            tasks.push(tokio::spawn(feeds::follow(Arc::clone(&core), log, stopped.clone())));
        }
        let node = Self { core, people, stop, tasks, writer: Some(writer), console, link, tls: uses_tls };
        people::keep_url(&data, &node.url(), &node.people.origin)?;
        tracing::info!(%console, %link, data = %data.display(), "node serves");
        Ok(node)
    }

    /// Where the console answers, say `http://127.0.0.1:8420`.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.console)
    }

    /// Where the link answers.
    pub const fn link_address(&self) -> SocketAddr {
        self.link
    }

    /// Whose node it is; `ZZZ` is nobody's.
    pub fn country(&self) -> &base::Country {
        &self.core.config.country
    }

    /// Records observations at a precedence that their author names, or at that of their kind; when it returns they
    /// are on disk and decided for every peer.
    ///
    /// # Errors
    /// When nothing was recorded.
    pub async fn observe(
        &self,
        observations: Vec<base::Observation>,
        precedence: Option<base::Precedence>,
    ) -> Result<Vec<base::EntryId>, NodeError> {
        let drafts = observations.into_iter().map(core::Draft::Observation).collect();
        self.core.append_as(drafts, precedence).await
    }

    /// Records a recall of an own item; who has it will purge it.
    ///
    /// # Errors
    /// When it was not recorded.
    pub async fn recall(&self, recall: base::Recall) -> Result<base::EntryId, NodeError> {
        let ids = self.core.append(vec![core::Draft::Recall(recall)]).await?;
        ids.first().copied().ok_or(NodeError::Stopping)
    }

    /// Items received from a peer; 0 when it is none.
    pub fn received_from(&self, peer: &base::NodeName) -> u64 {
        self.core.link(peer).map_or(0, |link| link.received())
    }

    /// What comes into the record from now on, as it becomes visible.
    ///
    /// # Errors
    /// When the owner's view is not open.
    pub fn arrivals(&self) -> Result<Arrivals, NodeError> {
        Arrivals::of(self.core.views.get(&view::View::Owner).ok_or(NodeError::Stopping)?)
    }

    /// Whether the node still waits for its first administrator, so that a one-time link lets in with all roles (beyond
    /// loopback: to keep accounts). Later such a link is a way past the accounts: it lets in as administrator for an
    /// hour, and its use is recorded as that.
    pub fn awaits_administrator(&self) -> bool {
        self.people.is_open()
    }

    /// Where people with an account log in.
    pub fn login_url(&self) -> String {
        format!("{}/login", self.people.origin)
    }

    /// A new one-time link, good for 15 minutes.
    ///
    /// # Errors
    /// When the data folder cannot be written.
    pub fn entry_link(&self) -> Result<String, NodeError> {
        Ok(format!("{}/enter?token={}", self.url(), new_entry_token(&self.core.config.data)?))
    }

    /// Stops: no new connections, requests under way finish, the record is closed in order.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        // One deadline for all of them together.
        let deadline = tokio::time::Instant::now() + STOP_WITHIN;
        for mut task in self.tasks.drain(..) {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        }
        self.core.stop();
        if let Some(writer) = self.writer.take() {
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
        tracing::info!("node stopped");
    }
}

async fn bind(address: SocketAddr, flag: &'static str) -> Result<TcpListener, NodeError> {
    TcpListener::bind(address).await.map_err(|source| NodeError::Listen { address, flag, source })
}
