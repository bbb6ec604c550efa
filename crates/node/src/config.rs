//! Settings of a node: `bongsu.toml` in the data folder, `BONGSU_*`, flags; later ones win. Unknown keys are errors.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base::{Country, Marking, NodeName};
use serde::{Deserialize, Serialize};

use crate::feeds::FeedKind;
use crate::taxii::TaxiiSettings;
use crate::taxii_client::{TaxiiPeer, check_peers};

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong kind; the message names line and column.
    #[error("`{}`: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        message: String,
    },
    /// A value that means nothing.
    #[error("`{key}` from {origin}: {message}")]
    Value {
        /// The setting.
        key: String,
        /// Where the value comes from.
        origin: Origin,
        /// What is wrong.
        message: String,
    },
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "from", content = "at")]
pub enum Origin {
    /// Built in.
    Default,
    /// `bongsu.toml`.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// The command line.
    Flag(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A marking rule: which protected objects carry which marking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkingRule {
    /// Name patterns (`*` stands for anything, case does not matter).
    pub names: Vec<String>,
    /// The level word.
    pub level: String,
    /// Who beside the own country may have it.
    #[serde(default)]
    pub rel_to: Vec<String>,
    /// Further restrictions.
    #[serde(default)]
    pub caveats: Vec<String>,
}

/// A source that is fetched again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpFeed {
    /// What it is called.
    pub title: String,
    /// What it holds: `catalogue`, `indicators`, `warninglist` or `log`.
    pub kind: String,
    /// `http://` or `https://`.
    pub url: String,
    /// How often, in minutes.
    pub every_minutes: u64,
}

/// A log that is followed as it grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowedLog {
    /// What it is called.
    pub title: String,
    /// Where it lies; below the data folder when it is no absolute path.
    pub path: PathBuf,
}

/// The organisation's identity provider (OpenID Connect).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// What the button says.
    #[serde(default = "organisation")]
    pub title: String,
    /// The issuer, as the provider spells it; `http://` is taken on loopback only.
    pub issuer: String,
    /// This node's name at the provider.
    pub client_id: String,
    /// A file with this node's secret at the provider, below the data folder, readable by its owner only.
    pub client_secret_file: PathBuf,
    /// A file with the certificate (PEM) of the authority that the provider's own stands under, instead of the public
    /// ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

fn organisation() -> String {
    "the organisation's account".to_owned()
}

/// `bongsu.toml`. Every key may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    name: Option<String>,
    title: Option<String>,
    country: Option<String>,
    listen: Option<String>,
    link_listen: Option<String>,
    link_address: Option<String>,
    tls: Option<String>,
    max_record_bytes: Option<u64>,
    exercise: Option<bool>,
    feeds: FeedsFile,
    link: LinkFile,
    watch: WatchFile,
    marking: MarkingFile,
    screen: ScreenFile,
    console_url: Option<String>,
    oidc: Option<OidcSettings>,
    taxii: Option<TaxiiSettings>,
    taxii_peers: Vec<TaxiiPeer>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FeedsFile {
    folder: Option<PathBuf>,
    http: Option<Vec<HttpFeed>>,
    logs: Option<Vec<FollowedLog>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LinkFile {
    recall_derivatives: Option<bool>,
    peer_max_bytes: Option<u64>,
    peer_items_per_second: Option<f64>,
    peer_bytes_per_second: Option<f64>,
    tombstones: Option<PathBuf>,
    show_unconfirmed: Option<bool>,
    contacts: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WatchFile {
    names: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MarkingFile {
    catalogue: Option<MarkingRule>,
    indicators: Option<MarkingRule>,
    logs: Option<MarkingRule>,
    default: Option<MarkingRule>,
    rules: Option<Vec<MarkingRule>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ScreenFile {
    hours: Option<f64>,
    within_km: Option<f64>,
    gap_hours: Option<f64>,
}

/// The settings in force, and where each came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// The node's name among its peers.
    pub name: NodeName,
    /// Its name for people.
    pub title: String,
    /// Whose node it is. `ZZZ`, the default, is nobody's: such a node works alone and can share nothing.
    pub country: Country,
    /// Where the console and the API listen.
    pub listen: SocketAddr,
    /// Where the link listens for peers (always mutual TLS).
    pub link_listen: SocketAddr,
    /// The host and port that peers are told; empty means where the link listens.
    pub link_address: String,
    /// Whether the console speaks TLS.
    pub tls: bool,
    /// Whether this node plays: all that it signs is EXERCISE, and it speaks with other such nodes only.
    pub exercise: bool,
    /// The largest that the record's database may grow.
    pub max_record_bytes: u64,
    /// The folder that is watched for files.
    pub feed_folder: PathBuf,
    /// Sources that are fetched.
    pub http_feeds: Vec<HttpFeed>,
    /// Logs that are followed.
    pub followed_logs: Vec<FollowedLog>,
    /// Names of protected objects.
    pub watch_names: Vec<String>,
    /// The marking of catalogues as received.
    pub catalogue_marking: MarkingRule,
    /// The marking of indicators as received; what an object says of itself narrows it.
    pub indicator_marking: MarkingRule,
    /// The marking of lines of logs.
    pub log_marking: MarkingRule,
    /// The marking of findings on protected objects that no rule names.
    pub default_marking: MarkingRule,
    /// Further marking rules; a finding carries the join of all that apply.
    pub marking_rules: Vec<MarkingRule>,
    /// How far a screening looks ahead.
    pub screen_hours: f64,
    /// How near is near.
    pub screen_within_km: f64,
    /// How browsers call the console, say `https://node.example:8420`; empty means `localhost` on loopback and the
    /// address beyond. Passkeys belong to this name.
    pub console_url: String,
    /// The organisation's identity provider.
    pub oidc: Option<OidcSettings>,
    /// The TAXII server, when there is to be one.
    pub taxii: Option<TaxiiSettings>,
    /// Other TAXII servers, from which objects are pulled and to which they are pushed.
    pub taxii_peers: Vec<TaxiiPeer>,
    /// Findings further apart than this are not one incident.
    pub incident_gap_hours: f64,
    /// Whether an own item that rests on one that its owner recalled is recalled too, without asking an officer.
    pub recall_derivatives: bool,
    /// The program that runs the node, for the record to name it; no setting, and `None` names nobody.
    pub program: Option<record::Software>,
    /// The most bytes of received entries that one peer may have here.
    pub peer_max_bytes: u64,
    /// How many items a second a peer may send for long; beyond it waits.
    pub peer_items_per_second: f64,
    /// How many bytes a second.
    pub peer_bytes_per_second: f64,
    /// The file that remembers recalls: on another disk, or at least outside of what is backed up with the folder.
    pub tombstones: PathBuf,
    /// Whether what came from peers is shown although the folder was restored and they were not heard since.
    pub show_unconfirmed: bool,
    /// Whom a peer's officer may call, in words; they stand on the card and in agreements.
    pub contacts: Vec<String>,
    origins: BTreeMap<&'static str, Origin>,
}

/// What the command line and the environment say; `None` means nothing.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    values: BTreeMap<&'static str, (String, Origin)>,
}

impl Overrides {
    /// Sets `key` from a flag or the environment.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: Option<String>, origin: Origin) -> Self {
        if let Some(value) = value {
            self.values.insert(key, (value, origin));
        }
        self
    }
}

const FILE_NAME: &str = "bongsu.toml";

impl Config {
    /// The settings for the data folder `data`.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(data: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        let path = data.join(FILE_NAME);
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str::<File>(&text).map_err(|e| ConfigError::Parse {
                path: path.clone(),
                message: e.to_string().trim_end().to_owned(),
            })?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => File::default(),
            Err(source) => return Err(ConfigError::Io { path, source }),
        };
        let mut origins = BTreeMap::new();
        let mut text = |key: &'static str, in_file: Option<String>, default: &str| {
            let (value, origin) = match (overrides.values.get(key), in_file) {
                (Some((value, origin)), _) => (value.clone(), origin.clone()),
                (None, Some(value)) => (value, Origin::File(path.clone())),
                (None, None) => (default.to_owned(), Origin::Default),
            };
            origins.insert(key, origin.clone());
            (value, origin)
        };
        let name = parse("name", text("name", file.name, "bongsu"))?;
        let country = parse("country", text("country", file.country, "ZZZ"))?;
        let listen: SocketAddr = parse("listen", text("listen", file.listen, "127.0.0.1:8420"))?;
        let link_listen = parse("link_listen", text("link_listen", file.link_listen, "127.0.0.1:8421"))?;
        let (title, _) = text("title", file.title, "");
        let (link_address, _) = text("link_address", file.link_address, "");
        let (console_url, _) = text("console_url", file.console_url, "");
        let (tls, tls_origin) = text("tls", file.tls, "auto");
        let tls = match tls.as_str() {
            "auto" => !listen.ip().is_loopback(),
            "on" => true,
            "off" if listen.ip().is_loopback() => false,
            "off" => {
                return Err(value("tls", tls_origin, "may be off on loopback only; use auto or on"));
            }
            other => return Err(value("tls", tls_origin, &format!("`{other}` is not auto, on or off"))),
        };
        let from_file = |set: bool| if set { Origin::File(path.clone()) } else { Origin::Default };
        origins.insert("feeds.folder", from_file(file.feeds.folder.is_some()));
        origins.insert("feeds.http", from_file(file.feeds.http.is_some()));
        origins.insert("feeds.logs", from_file(file.feeds.logs.is_some()));
        origins.insert("watch.names", from_file(file.watch.names.is_some()));
        origins.insert("marking.catalogue", from_file(file.marking.catalogue.is_some()));
        origins.insert("marking.default", from_file(file.marking.default.is_some()));
        origins.insert("marking.rules", from_file(file.marking.rules.is_some()));
        origins.insert("screen.hours", from_file(file.screen.hours.is_some()));
        origins.insert("screen.within_km", from_file(file.screen.within_km.is_some()));
        origins.insert("screen.gap_hours", from_file(file.screen.gap_hours.is_some()));
        origins.insert("exercise", from_file(file.exercise.is_some()));
        origins.insert("link.recall_derivatives", from_file(file.link.recall_derivatives.is_some()));
        origins.insert("link.peer_max_bytes", from_file(file.link.peer_max_bytes.is_some()));
        origins.insert("link.peer_items_per_second", from_file(file.link.peer_items_per_second.is_some()));
        origins.insert("link.peer_bytes_per_second", from_file(file.link.peer_bytes_per_second.is_some()));
        origins.insert("link.tombstones", from_file(file.link.tombstones.is_some()));
        origins.insert("link.contacts", from_file(file.link.contacts.is_some()));
        origins.insert("link.show_unconfirmed", from_file(file.link.show_unconfirmed.is_some()));
        origins.insert("max_record_bytes", from_file(file.max_record_bytes.is_some()));
        origins.insert("oidc", from_file(file.oidc.is_some()));
        origins.insert("taxii", from_file(file.taxii.is_some()));
        let peers_from = from_file(!file.taxii_peers.is_empty());
        origins.insert("taxii_peers", peers_from.clone());
        check_peers(&file.taxii_peers).map_err(|e| value("taxii_peers", peers_from, &e))?;
        let nobody = |level: &str| MarkingRule {
            names: Vec::new(),
            level: level.to_owned(),
            rel_to: Vec::new(),
            caveats: Vec::new(),
        };
        let config = Self {
            data: data.to_owned(),
            title: if title.is_empty() { capitalised(&name) } else { title },
            name,
            country,
            listen,
            link_listen,
            link_address,
            tls,
            exercise: file.exercise.unwrap_or(false),
            recall_derivatives: file.link.recall_derivatives.unwrap_or(false),
            program: None,
            peer_max_bytes: file.link.peer_max_bytes.unwrap_or(8 << 30),
            peer_items_per_second: file.link.peer_items_per_second.unwrap_or(50_000.0),
            peer_bytes_per_second: file.link.peer_bytes_per_second.unwrap_or(64.0 * 1024.0 * 1024.0),
            tombstones: data.join(file.link.tombstones.unwrap_or_else(|| "tombstones".into())),
            show_unconfirmed: file.link.show_unconfirmed.unwrap_or(false),
            contacts: file.link.contacts.unwrap_or_default(),
            max_record_bytes: file.max_record_bytes.unwrap_or(64 << 30),
            feed_folder: data.join(file.feeds.folder.unwrap_or_else(|| "feeds".into())),
            http_feeds: file.feeds.http.unwrap_or_default(),
            followed_logs: file.feeds.logs.unwrap_or_default(),
            watch_names: file.watch.names.unwrap_or_default(),
            catalogue_marking: file.marking.catalogue.unwrap_or_else(|| nobody("UNCLASSIFIED")),
            indicator_marking: file.marking.indicators.unwrap_or_else(|| nobody("RESTRICTED")),
            log_marking: file.marking.logs.unwrap_or_else(|| nobody("RESTRICTED")),
            default_marking: file.marking.default.unwrap_or_else(|| nobody("RESTRICTED")),
            marking_rules: file.marking.rules.unwrap_or_default(),
            screen_hours: file.screen.hours.unwrap_or(24.0),
            screen_within_km: file.screen.within_km.unwrap_or(5.0),
            incident_gap_hours: file.screen.gap_hours.unwrap_or(6.0),
            console_url: console_url.trim_end_matches('/').to_owned(),
            oidc: file.oidc,
            taxii: file.taxii,
            taxii_peers: file.taxii_peers,
            origins,
        };
        config.check()?;
        Ok(config)
    }

    /// Values that are of the right kind and still mean nothing.
    fn check(&self) -> Result<(), ConfigError> {
        let origin = |key: &str| self.origins.get(key).cloned().unwrap_or(Origin::Default);
        let positive = |key: &str, number: f64, most: f64| {
            if number > 0.0 && number <= most {
                Ok(())
            } else {
                Err(value(key, origin(key), &format!("{number} is not above 0 and at most {most}")))
            }
        };
        positive("screen.hours", self.screen_hours, 24.0 * 31.0)?;
        positive("screen.within_km", self.screen_within_km, 1000.0)?;
        positive("screen.gap_hours", self.incident_gap_hours, 24.0 * 365.0)?;
        positive("link.peer_items_per_second", self.peer_items_per_second, 1e9)?;
        positive("link.peer_bytes_per_second", self.peer_bytes_per_second, 1e12)?;
        // Where there is a record, its own tables may know more: the node looks at its start.
        if !record::SqliteRecord::exists(&self.data) {
            self.check_markings(&label::Rules::new(self.country.clone()))?;
        }
        self.check_people()?;
        for feed in &self.http_feeds {
            if FeedKind::named(&feed.kind).is_none() || feed.every_minutes == 0 {
                let message = format!(
                    "feed `{}` needs a kind of {} and every_minutes of at least 1",
                    feed.title,
                    FeedKind::NAMES
                );
                return Err(value("feeds.http", origin("feeds.http"), &message));
            }
        }
        Ok(())
    }

    /// Whether the markings of the settings can be read by the tables of the day.
    pub(crate) fn check_markings(&self, by: &label::Rules) -> Result<(), ConfigError> {
        let origin = |key: &str| self.origins.get(key).cloned().unwrap_or(Origin::Default);
        let rules = [
            ("marking.catalogue", &self.catalogue_marking),
            ("marking.default", &self.default_marking),
            ("marking.indicators", &self.indicator_marking),
            ("marking.logs", &self.log_marking),
        ]
        .into_iter()
        .chain(self.marking_rules.iter().map(|rule| ("marking.rules", rule)));
        for (key, rule) in rules {
            // A marking that the kernel cannot read would withhold everything in silence.
            let country = if self.country.as_str() == "ZZZ" { "KOR" } else { self.country.as_str() };
            by.label(&rule.marking(country)).map_err(|e| value(key, origin(key), &e.to_string()))?;
        }
        Ok(())
    }

    /// Secrets must not go over an open line, and passkeys need a secure origin.
    fn check_people(&self) -> Result<(), ConfigError> {
        let origin = |key: &str| self.origins.get(key).cloned().unwrap_or(Origin::Default);
        let url = |key: &str, text: &str| -> Result<(), ConfigError> {
            let bad = |message: &str| Err(value(key, origin(key), message));
            let Ok(url) = webauthn_rs::prelude::Url::parse(text) else {
                return bad(&format!("`{text}` is not a URL"));
            };
            let host = url.host_str().unwrap_or_default();
            let local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
            match url.scheme() {
                "https" => {}
                "http" if local => {}
                _ => return bad("must be https, or http on loopback"),
            }
            if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
                return bad("must hold no name, password or fragment");
            }
            Ok(())
        };
        if !self.console_url.is_empty() {
            url("console_url", &self.console_url)?;
            if self.console_url.matches('/').count() != 2 {
                let message = "must end with host or port: the console lies at the top";
                return Err(value("console_url", origin("console_url"), message));
            }
        }
        if let Some(oidc) = &self.oidc {
            url("oidc", &oidc.issuer)?;
        }
        Ok(())
    }

    /// How browsers call the console when it listens on `port`.
    pub fn console_origin(&self, port: u16) -> String {
        if !self.console_url.is_empty() {
            return self.console_url.clone();
        }
        let scheme = if self.tls { "https" } else { "http" };
        if self.listen.ip().is_loopback() {
            return format!("{scheme}://localhost:{port}");
        }
        format!("{scheme}://{}", std::net::SocketAddr::new(self.listen.ip(), port))
    }

    /// Each setting with its value and where it came from, sorted by key.
    pub fn shown(&self) -> Vec<(&'static str, serde_json::Value, Origin)> {
        use serde_json::json;
        let values = [
            ("console_url", json!(self.console_url)),
            ("country", json!(self.country)),
            ("exercise", json!(self.exercise)),
            ("feeds.folder", json!(self.feed_folder)),
            ("feeds.http", json!(self.http_feeds)),
            ("feeds.logs", json!(self.followed_logs)),
            ("link.contacts", json!(self.contacts)),
            ("link.peer_bytes_per_second", json!(self.peer_bytes_per_second)),
            ("link.peer_items_per_second", json!(self.peer_items_per_second)),
            ("link.peer_max_bytes", json!(self.peer_max_bytes)),
            ("link.recall_derivatives", json!(self.recall_derivatives)),
            ("link.show_unconfirmed", json!(self.show_unconfirmed)),
            ("link.tombstones", json!(self.tombstones)),
            ("link_address", json!(self.link_address)),
            ("link_listen", json!(self.link_listen)),
            ("listen", json!(self.listen)),
            ("marking.catalogue", json!(self.catalogue_marking)),
            ("marking.default", json!(self.default_marking)),
            ("marking.indicators", json!(self.indicator_marking)),
            ("marking.logs", json!(self.log_marking)),
            ("marking.rules", json!(self.marking_rules)),
            ("max_record_bytes", json!(self.max_record_bytes)),
            ("name", json!(self.name)),
            ("oidc", json!(self.oidc)),
            ("screen.gap_hours", json!(self.incident_gap_hours)),
            ("screen.hours", json!(self.screen_hours)),
            ("screen.within_km", json!(self.screen_within_km)),
            ("taxii", json!(self.taxii)),
            ("taxii_peers", json!(self.taxii_peers)),
            ("title", json!(self.title)),
            ("tls", json!(self.tls)),
            ("watch.names", json!(self.watch_names)),
        ];
        values
            .into_iter()
            .map(|(key, value)| (key, value, self.origins.get(key).cloned().unwrap_or(Origin::Default)))
            .collect()
    }
}

impl MarkingRule {
    /// The marking that it gives to an item of `country`.
    pub fn marking(&self, country: &str) -> Marking {
        Marking {
            level: self.level.clone(),
            rel_to: self.rel_to.clone(),
            caveats: self.caveats.clone(),
            originator: country.to_owned(),
            ..Marking::default()
        }
    }
}

fn value(key: &str, origin: Origin, message: &str) -> ConfigError {
    ConfigError::Value { key: key.to_owned(), origin, message: message.to_owned() }
}

fn parse<T>(key: &'static str, (text, origin): (String, Origin)) -> Result<T, ConfigError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e: T::Err| value(key, origin, &format!("`{text}`: {e}")))
}

fn capitalised(name: &NodeName) -> String {
    let mut chars = name.as_str().chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}
