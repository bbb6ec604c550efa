//! Real nodes in this process, each with its own folder, keys and ports of loopback.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod authenticator;
pub(crate) mod client;
pub(crate) mod person;
pub(crate) mod wire;

use std::path::Path;

use node::{Config, Node, NodeError, Origin, Overrides};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use client::{Answer, Client, Live, PATIENCE, files_with, report, text};

pub(crate) const SEOUL: &str = "name = \"seoul\"\ntitle = \"Seoul\"\ncountry = \"KOR\"\n";
pub(crate) const WASHINGTON: &str = "name = \"washington\"\ntitle = \"Washington\"\ncountry = \"USA\"\n";
pub(crate) const TOKYO: &str = "name = \"tokyo\"\ntitle = \"Tokyo\"\ncountry = \"JPN\"\n";

/// A node that can be stopped and started again; its ports stay the same.
pub(crate) struct Side {
    folder: TempDir,
    listen: String,
    link_listen: String,
    node: Option<Node>,
    client: Option<Client>,
}

impl Side {
    /// A data folder with these settings; nothing runs yet.
    pub(crate) fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bongsu.toml"), settings).unwrap();
        // Port 0: the system gives a free one, which the next start of the same node takes again.
        let any = || "127.0.0.1:0".to_owned();
        Self { folder, listen: any(), link_listen: any(), node: None, client: None }
    }

    pub(crate) async fn started(settings: &str) -> Self {
        let mut side = Self::new(settings);
        side.start().await;
        side
    }

    pub(crate) fn config(&self) -> Result<Config, NodeError> {
        let flag = |value: &str| (Some(value.to_owned()), Origin::Flag("test".to_owned()));
        let (listen, from) = flag(&self.listen);
        let (link_listen, _) = flag(&self.link_listen);
        let overrides =
            Overrides::default().with("listen", listen, from.clone()).with("link_listen", link_listen, from);
        Ok(Config::load(self.data(), &overrides)?)
    }

    pub(crate) async fn try_start(&mut self) -> Result<(), NodeError> {
        let node = Node::start(self.config()?).await?;
        self.listen = node.url().trim_start_matches("http://").to_owned();
        self.link_listen = node.link_address().to_string();
        self.node = Some(node);
        Ok(())
    }

    /// Starts the node and lets its officer in, who keeps the session he has.
    pub(crate) async fn start(&mut self) {
        self.try_start().await.unwrap();
        if self.client.is_none() {
            self.client = Some(Client::enter(&self.entry_link()).await.unwrap());
        }
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop().await;
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// The same when the first officer is gone and `client` is who goes on.
    pub(crate) async fn restart_as(&mut self, client: &Client) {
        self.client = Some(client.clone());
        self.restart().await;
    }

    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        self.node.as_ref().unwrap().url()
    }

    pub(crate) fn entry_link(&self) -> String {
        self.node.as_ref().unwrap().entry_link().unwrap()
    }

    pub(crate) fn link_address(&self) -> &str {
        &self.link_listen
    }

    /// The officer's session.
    pub(crate) fn officer(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    /// How it stands with `peer`.
    pub(crate) async fn peer(&self, peer: &str) -> Value {
        let peers = self.officer().all("/api/peers").await;
        peers.into_iter().find(|p| p["name"] == peer).unwrap_or_else(|| panic!("no peer {peer}"))
    }

    /// Waits until how it stands with `peer` fits.
    pub(crate) async fn peer_until(&self, peer: &str, fits: impl Fn(&Value) -> bool) -> Value {
        // Listening first: what happens after the look is an event.
        let mut live = self.officer().listen(None).await;
        let mut seen = Value::Null;
        let search = async {
            loop {
                seen = self.peer(peer).await;
                if fits(&seen) {
                    return seen.clone();
                }
                live.wait("link", |event| event["peer"] == peer).await;
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("it does not come to stand so with {peer}: {seen}"),
        }
    }

    /// Waits until `peer` has acknowledged all that is meant for it.
    pub(crate) async fn delivered(&self, peer: &str) -> Value {
        self.peer_until(peer, |p| p["state"] == "up" && p["queued"] == 0).await
    }

    pub(crate) async fn log_size(&self) -> u64 {
        self.officer().get("/api/overview").await["log"]["size"].as_u64().unwrap()
    }

    /// Everything in the record holds.
    pub(crate) async fn verify(&self) {
        let verdict = self.officer().post("/api/record/verify", &json!({})).await;
        assert_eq!(verdict["ok"], json!(true), "{verdict}");
    }
}

/// A copy of all files of the folder `from` in the folder `to`, as a backup makes it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &copy);
        } else {
            std::fs::copy(&path, &copy).unwrap();
        }
    }
}

/// TAXII accounts of a side that is stopped: one of its own, one of the USA, one of Japan; the password is everybody's.
pub(crate) fn taxii_accounts(side: &Side) {
    let config = side.config().unwrap();
    for (name, country) in [("admin", None), ("usa", Some("USA")), ("jpn", Some("JPN"))] {
        let account = node::TaxiiAccount {
            name: name.parse().unwrap(),
            country: country.map(|code| code.parse().unwrap()),
            clearance: country.map(|_| "SECRET".to_owned()),
            certificate: None,
        };
        let order = node::TaxiiOrder::AddAccount { account, password: Some("Password0".to_owned()) };
        node::order_taxii(&config, order, None).unwrap();
    }
}

/// `at` takes `other` as a peer.
pub(crate) async fn introduce(at: &Side, other: &Side) {
    let card = other.officer().get("/api/card").await;
    at.officer().post("/api/peers", &json!({"card": card, "clearance": "SECRET"})).await;
}

/// Two nodes that know one another. They were introduced while both were stopped: of two that run, the first to hear
/// of the other calls it and is, rightly, refused and recorded as a stranger.
pub(crate) async fn allies() -> (Side, Side) {
    allies_of(SEOUL, WASHINGTON).await
}

/// The same with settings of their own.
pub(crate) async fn allies_of(seoul: &str, washington: &str) -> (Side, Side) {
    let (mut seoul, mut washington) = (Side::started(seoul).await, Side::started(washington).await);
    seoul.stop().await;
    washington.stop().await;
    for (at, other) in [(&seoul, &washington), (&washington, &seoul)] {
        let card = node::card(&other.config().unwrap()).unwrap();
        node::accept(&at.config().unwrap(), card, "SECRET", None).unwrap();
    }
    seoul.start().await;
    washington.start().await;
    (seoul, washington)
}

/// SplitMix64: small, seeded, the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    /// Less than `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}
