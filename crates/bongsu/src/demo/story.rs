//! The steps, each checked. A step that fails ends the story; what was reached is still told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use node::{Config, Node, Origin, Overrides};
use serde::Serialize;
use serde_json::{Value, json};

use super::client::{Client, Live};
use crate::error::CliError;
use crate::out::say;

/// The catalogue of the demo, real element sets as CelesTrak published them.
const CATALOGUE: &[u8] = include_bytes!("../../../../samples/orbit/celestrak-active-2026-03.csv.zst");
const CATALOGUE_NAME: &str = "celestrak-active-2026-03.csv";
/// The catalogue's epochs end in the morning of this day.
const SCREEN_FROM: &str = "2026-03-10T12:00:00Z";
const SCREEN_HOURS: f64 = 24.0;
const SCREEN_WITHIN_KM: f64 = 5.0;

const SEOUL: &str = r#"# Settings of the demo's Seoul node.
name = "seoul"
title = "Seoul"
country = "KOR"

[watch]
# Korean satellites, by name in the catalogue.
names = [
  "*KORSAT*", "*KOREASAT*", "*KOMPSAT*", "*CAS500*", "*NEONSAT*", "*SNIPE*", "COMS 1", "STSAT-*", "NEXTSAT-*", "SNUSAT-*",
]

[marking]
# The catalogue is public.
catalogue = { names = [], level = "UNCLASSIFIED", rel_to = ["USA"] }
# Approaches to most satellites may go to the ally ..
default = { names = [], level = "RESTRICTED", rel_to = ["USA"] }
rules = [
  # .. those to reconnaissance satellites are for Korea alone ..
  { names = ["KORSAT-*", "*KOMPSAT-5*"], level = "SECRET", rel_to = [] },
  # .. and those to this one are above what the ally is cleared for.
  { names = ["KOMPSAT-7"], level = "TOP SECRET", rel_to = ["USA"] },
]

[screen]
hours = 24.0
within_km = 5.0
"#;

const WASHINGTON: &str = r#"# Settings of the demo's Washington node.
name = "washington"
title = "Washington"
country = "USA"
"#;

/// What `demo --once` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) ok: bool,
    pub(crate) steps: Vec<Step>,
    pub(crate) nodes: BTreeMap<&'static str, Value>,
    pub(crate) counts: BTreeMap<&'static str, Value>,
}

/// One step of the story.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    pub(crate) step: &'static str,
    pub(crate) ok: bool,
    pub(crate) milliseconds: u64,
    pub(crate) detail: String,
}

/// A node with its folder, and with a session when it runs.
struct Side {
    folder: PathBuf,
    listen: String,
    link_listen: String,
    node: Option<Node>,
    client: Option<Client>,
}

/// Both nodes and how far the story got.
pub(crate) struct Story {
    seoul: Side,
    washington: Side,
    steps: Vec<Step>,
    counts: BTreeMap<&'static str, Value>,
    /// Ids that were withheld from Washington.
    withheld: Vec<String>,
    spoken: bool,
}

type Told = Result<String, String>;

impl Side {
    fn new(folder: PathBuf, settings: &str) -> Result<Self, CliError> {
        std::fs::create_dir_all(&folder).map_err(CliError::io(&folder))?;
        let path = folder.join("bongsu.toml");
        std::fs::write(&path, settings).map_err(CliError::io(&path))?;
        // Port 0: the system gives a free one, which the next start of the same node takes again.
        let any = || "127.0.0.1:0".to_owned();
        Ok(Self { folder, listen: any(), link_listen: any(), node: None, client: None })
    }

    async fn start(&mut self) -> Result<(), CliError> {
        let flag = |value: &str| (Some(value.to_owned()), Origin::Flag("demo".to_owned()));
        let (listen, from) = flag(&self.listen);
        let (link_listen, _) = flag(&self.link_listen);
        let overrides =
            Overrides::default().with("listen", listen, from.clone()).with("link_listen", link_listen, from);
        let node = Node::start(Config::load(&self.folder, &overrides)?).await?;
        self.listen = node.url().trim_start_matches("http://").to_owned();
        self.link_listen = node.link_address().to_string();
        let client = Client::enter(&node.entry_link()?).await.map_err(CliError::Demo)?;
        self.node = Some(node);
        self.client = Some(client);
        Ok(())
    }

    async fn stop(&mut self) {
        self.client = None;
        if let Some(node) = self.node.take() {
            node.stop().await;
        }
    }

    fn client(&self) -> Result<&Client, String> {
        self.client.as_ref().ok_or_else(|| "the node does not run".to_owned())
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn report(title: &str, rel_to: &[&str]) -> Value {
    json!({
        "title": title,
        "text": "Posted by the demo.",
        "severity": 3,
        "confidence": "moderate",
        "likelihood": "likely",
        "marking": {"level": "RESTRICTED", "rel_to": rel_to, "caveats": [], "originator": "KOR"},
    })
}

/// Milliseconds from `committed` (RFC 3339) to now, by this machine's clock.
fn milliseconds_since(committed: &str) -> Result<f64, String> {
    let then: base::Timestamp = committed.parse().map_err(|e: base::TimeError| e.to_string())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?;
    Ok(now.as_secs_f64() * 1e3 - then.unix_seconds() * 1e3)
}

impl Story {
    pub(crate) async fn start(folder: &Path, spoken: bool) -> Result<Self, CliError> {
        let mut story = Self {
            seoul: Side::new(folder.join("seoul"), SEOUL)?,
            washington: Side::new(folder.join("washington"), WASHINGTON)?,
            steps: Vec::new(),
            counts: BTreeMap::new(),
            withheld: Vec::new(),
            spoken,
        };
        let started = Instant::now();
        story.seoul.start().await?;
        story.washington.start().await?;
        story.note("start", started, Ok("two nodes, each with its own folder, keys and ports".to_owned()));
        Ok(story)
    }

    /// Goes through the story up to the first step that fails.
    pub(crate) async fn tell(&mut self) {
        macro_rules! step {
            ($name:literal, $step:ident) => {
                let started = Instant::now();
                let told = self.$step().await;
                let failed = told.is_err();
                self.note($name, started, told);
                if failed {
                    return;
                }
            };
        }
        step!("introduce", introduce);
        step!("load", load);
        step!("screen", screen);
        step!("incidents", incidents);
        step!("share", share);
        step!("withhold", withhold);
        step!("consoles", pages);
        step!("live", live);
        step!("recall", recall);
        step!("outage", outage);
        step!("verify", verify);
    }

    fn note(&mut self, step: &'static str, started: Instant, told: Told) {
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (ok, detail) = match told {
            Ok(detail) => (true, detail),
            Err(why) => (false, why),
        };
        if self.spoken {
            say(&format!("{} {step:<10} {milliseconds:>6} ms  {detail}", if ok { "ok  " } else { "FAIL" }));
        }
        self.steps.push(Step { step, ok, milliseconds, detail });
    }

    pub(crate) fn ok(&self) -> bool {
        self.steps.iter().all(|step| step.ok) && self.steps.last().is_some_and(|step| step.step == "verify")
    }

    /// Name, address and a fresh one-time link of each console.
    pub(crate) fn consoles(&self) -> Result<Vec<(&'static str, String, String)>, CliError> {
        let mut consoles = Vec::new();
        for (name, side) in [("seoul", &self.seoul), ("washington", &self.washington)] {
            if let Some(node) = &side.node {
                consoles.push((name, node.url(), node.entry_link()?));
            }
        }
        Ok(consoles)
    }

    pub(crate) async fn end(mut self) -> Document {
        let mut nodes = BTreeMap::new();
        for (name, side) in [("seoul", &self.seoul), ("washington", &self.washington)] {
            nodes.insert(name, node_counts(side).await.unwrap_or_else(|why| json!({"error": why})));
        }
        let ok = self.ok();
        self.seoul.stop().await;
        self.washington.stop().await;
        Document { ok, steps: self.steps, nodes, counts: self.counts }
    }

    /// Each officer gives the other his node's card.
    async fn introduce(&mut self) -> Told {
        let (seoul, washington) = (self.seoul.client()?, self.washington.client()?);
        let mut live = seoul.listen().await?;
        let mut other = washington.listen().await?;
        let (ours, theirs) = (seoul.get("/api/card").await?, washington.get("/api/card").await?);
        washington.post("/api/peers", &json!({"card": ours, "clearance": "SECRET"})).await?;
        seoul.post("/api/peers", &json!({"card": theirs, "clearance": "SECRET"})).await?;
        for live in [&mut live, &mut other] {
            live.wait(Duration::from_secs(20), "link", |link| text(link, "state") == "up").await?;
        }
        Ok("keys pinned on both sides, mutual TLS up both ways".to_owned())
    }

    async fn load(&mut self) -> Told {
        let seoul = self.seoul.client()?;
        let receipt =
            seoul.upload(&format!("/api/feeds/catalogue?title={CATALOGUE_NAME}"), CATALOGUE).await?;
        let overview = seoul.get("/api/overview").await?;
        let (objects, protected) = (overview["objects"].clone(), overview["protected"].clone());
        let faults = receipt["faults"].as_array().map_or(0, Vec::len);
        if objects.as_u64().unwrap_or(0) < 14_000 || protected.as_u64().unwrap_or(0) < 10 {
            return Err(format!("only {objects} objects were read, {protected} of them protected"));
        }
        let told = format!("{objects} objects, {protected} of them Korean, {faults} faults");
        self.counts.insert("objects", objects);
        self.counts.insert("protected", protected);
        self.counts.insert("reader_faults", json!(faults));
        Ok(told)
    }

    async fn screen(&mut self) -> Told {
        let seoul = self.seoul.client()?;
        let mut live = seoul.listen().await?;
        let request = json!({"from": SCREEN_FROM, "hours": SCREEN_HOURS, "within_km": SCREEN_WITHIN_KM});
        let job = seoul.post("/api/jobs/screen", &request).await?;
        let ended = live
            .wait(Duration::from_secs(300), "job", |event| {
                event["job"]["id"] == job["id"] && text(&event["job"], "state") != "running"
            })
            .await?;
        let message = text(&ended["job"], "message").to_owned();
        if text(&ended["job"], "state") != "done" {
            return Err(message);
        }
        let findings = seoul.all("/api/findings").await?;
        let approaches: Vec<_> = findings.iter().filter(|f| text(f, "kind").starts_with("orbit.")).collect();
        if approaches.is_empty() || !message.starts_with(&format!("{} approaches", approaches.len())) {
            return Err(format!(
                "{} approaches are recorded, the screening says: {message}",
                approaches.len()
            ));
        }
        // One of them to the bottom: form, hash, signature, place in the log, evidence.
        let id = text(approaches[0], "id");
        let verdict = seoul.post(&format!("/api/entries/{id}/verify"), &json!({})).await?;
        if verdict["ok"] != json!(true) {
            return Err(format!("finding {id} does not verify: {verdict}"));
        }
        self.counts.insert("approaches", json!(approaches.len()));
        Ok(format!(
            "{} approaches within {SCREEN_WITHIN_KM} km in {SCREEN_HOURS} h, each a signed finding",
            approaches.len()
        ))
    }

    async fn incidents(&mut self) -> Told {
        let seoul = self.seoul.client()?;
        let incidents = seoul.all("/api/incidents").await?;
        let grouped: u64 = incidents.iter().filter_map(|i| i["findings"].as_u64()).sum();
        if incidents.is_empty() || json!(grouped) != self.counts["approaches"] {
            return Err(format!("{} incidents hold {grouped} findings", incidents.len()));
        }
        self.counts.insert("incidents", json!(incidents.len()));
        Ok(format!("{} incidents hold all {grouped} findings", incidents.len()))
    }

    /// Waits until all that was released has been acknowledged, and compares both sides item by item.
    async fn share(&mut self) -> Told {
        let seoul = self.seoul.client()?;
        let shared = self.settled(Duration::from_secs(60)).await?;
        let released: BTreeSet<String> = shared
            .iter()
            .filter(|item| text(item, "kind") == "finding" && text(item, "state") == "acknowledged")
            .map(|item| text(item, "id").to_owned())
            .collect();
        let arrived: Vec<String> = self
            .washington
            .client()?
            .all("/api/findings")
            .await?
            .iter()
            .map(|f| text(f, "id").to_owned())
            .collect();
        let distinct: BTreeSet<String> = arrived.iter().cloned().collect();
        if distinct != released || arrived.len() != distinct.len() || released.is_empty() {
            return Err(format!("{} findings were released, {} arrived", released.len(), arrived.len()));
        }
        let incidents = self.washington.client()?.all("/api/incidents").await?.len();
        let peer = &seoul.get("/api/peers").await?["items"][0];
        self.counts.insert("shared", peer["shared"].clone());
        self.counts.insert("shared_findings", json!(released.len()));
        self.counts.insert("shared_incidents", json!(incidents));
        Ok(format!("{} findings in {incidents} incidents reached Washington, none twice", released.len()))
    }

    async fn settled(&self, within: Duration) -> Result<Vec<Value>, String> {
        let seoul = self.seoul.client()?;
        let started = Instant::now();
        loop {
            let peer = seoul.get("/api/peers").await?["items"][0].clone();
            if peer["state"] == "up" && peer["queued"] == 0 {
                return seoul.all("/api/peers/washington/shared").await;
            }
            if started.elapsed() > within {
                return Err(format!("the link did not settle: {peer}"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn withhold(&mut self) -> Told {
        let seoul = self.seoul.client()?;
        let page = seoul.get("/api/peers/washington/withheld?limit=1").await?;
        let withheld = seoul.all("/api/peers/washington/withheld").await?;
        let findings: Vec<String> = withheld
            .iter()
            .filter(|w| text(w, "kind") == "finding")
            .map(|w| text(w, "id").to_owned())
            .collect();
        if findings.is_empty() {
            return Err("nothing was withheld, so nothing was tested".to_owned());
        }
        for id in withheld.iter().map(|w| text(w, "id")) {
            for path in ["findings", "incidents", "entries"] {
                let (status, _) = self.washington.client()?.page(&format!("/api/{path}/{id}")).await?;
                if status != 404 {
                    return Err(format!("Washington answers {status} for the withheld {id}"));
                }
            }
        }
        self.counts.insert("withheld", json!(withheld.len()));
        self.counts.insert("withheld_findings", json!(findings.len()));
        self.counts.insert("withheld_by_rule", page["rules"].clone());
        self.withheld = withheld.iter().map(|w| text(w, "id").to_owned()).collect();
        Ok(format!(
            "{} items stay at Seoul, {} of them findings; Washington knows none of them",
            withheld.len(),
            findings.len()
        ))
    }

    async fn pages(&mut self) -> Told {
        for side in [&self.seoul, &self.washington] {
            let (status, page) = side.client()?.page("/").await?;
            if status != 200 || !page.contains("<script") {
                return Err(format!("a console answers {status}"));
            }
            let stranger = Client::enter(&format!("http://{}/enter?token=none", side.listen)).await;
            if stranger.is_ok() {
                return Err("a made-up link was accepted".to_owned());
            }
        }
        Ok("both consoles are served, to who has a session only".to_owned())
    }

    async fn post_and_see(&self, title: &str, live: &mut Live) -> Result<(String, f64), String> {
        let receipt = self.seoul.client()?.post("/api/reports", &report(title, &["USA"])).await?;
        let id = text(&receipt, "entry").to_owned();
        let seen = live.wait(Duration::from_secs(20), "entry", |entry| text(entry, "id") == id).await?;
        let milliseconds = milliseconds_since(text(&seen, "committed"))?;
        Ok((id, milliseconds))
    }

    /// A report at Seoul shows on Washington's open page by itself; one for Korea alone does not.
    async fn live(&mut self) -> Told {
        let mut live = self.washington.client()?.listen().await?;
        let kept = self.seoul.client()?.post("/api/reports", &report("Demo: for Korea alone", &[])).await?;
        let (_, milliseconds) =
            self.post_and_see("Demo: downlink lost at a ground station", &mut live).await?;
        let kept = text(&kept, "entry");
        let (status, _) = self.washington.client()?.page(&format!("/api/findings/{kept}")).await?;
        if status != 404 {
            return Err("the report for Korea alone reached Washington".to_owned());
        }
        self.counts.insert("commit_to_visible_milliseconds", json!((milliseconds * 10.0).round() / 10.0));
        Ok(format!("visible at Washington {milliseconds:.1} ms after its commit at Seoul"))
    }

    async fn recall(&mut self) -> Told {
        let mut live = self.washington.client()?.listen().await?;
        let (id, _) = self.post_and_see("Demo: to be recalled", &mut live).await?;
        let path = format!("/api/findings/{id}");
        let washington = self.washington.client()?;
        if washington.page(&path).await?.0 != 200 {
            return Err("the item to be recalled is not at Washington".to_owned());
        }
        self.seoul
            .client()?
            .post(&format!("/api/entries/{id}/recall"), &json!({"reason": "sent by mistake"}))
            .await?;
        live.wait(Duration::from_secs(20), "recall", |recall| text(recall, "target") == id).await?;
        let (status, _) = washington.page(&path).await?;
        let listed = washington.all("/api/findings").await?.iter().any(|f| text(f, "id") == id);
        let told = washington
            .all("/api/incidents")
            .await?
            .iter()
            .any(|i| text(i, "title").contains("to be recalled"));
        if status != 404 || listed || told {
            return Err("the recalled item is still to be seen at Washington".to_owned());
        }
        Ok("the recalled item is gone at Washington".to_owned())
    }

    async fn outage(&mut self) -> Told {
        self.washington.stop().await;
        let mut ids = BTreeSet::new();
        for number in 1..=5 {
            let report = report(&format!("Demo: while Washington was away, {number}"), &["USA"]);
            let receipt = self.seoul.client()?.post("/api/reports", &report).await?;
            ids.insert(text(&receipt, "entry").to_owned());
        }
        self.washington.start().await.map_err(|e| e.to_string())?;
        self.settled(Duration::from_secs(30)).await?;
        let findings = self.washington.client()?.all("/api/findings").await?;
        let arrived: Vec<&str> = findings.iter().map(|f| text(f, "id")).collect();
        let distinct: BTreeSet<&str> = arrived.iter().copied().collect();
        if distinct.len() != arrived.len() || !ids.iter().all(|id| distinct.contains(id.as_str())) {
            return Err("after the outage items are missing or there twice".to_owned());
        }
        Ok(format!("{} items posted while Washington was down arrived, none twice", ids.len()))
    }

    async fn verify(&mut self) -> Told {
        let mut sizes = Vec::new();
        for side in [&self.seoul, &self.washington] {
            let verdict = side.client()?.post("/api/record/verify", &json!({})).await?;
            if verdict["ok"] != json!(true) {
                return Err(format!("a record does not verify: {}", verdict["first"]));
            }
            sizes.push(verdict["entries"].to_string());
        }
        for id in &self.withheld {
            let (status, _) = self.washington.client()?.page(&format!("/api/entries/{id}")).await?;
            if status != 404 {
                return Err(format!("the withheld {id} reached Washington"));
            }
        }
        Ok(format!("both records verify to the byte: {} entries", sizes.join(" and ")))
    }
}

async fn node_counts(side: &Side) -> Result<Value, String> {
    let client = side.client()?;
    let overview = client.get("/api/overview").await?;
    let peers = client.get("/api/peers").await?;
    let peer = &peers["items"][0];
    Ok(json!({
        "url": format!("http://{}", side.listen),
        "data": side.folder,
        "entries": overview["log"]["size"],
        "findings": overview["findings"],
        "incidents": overview["incidents"],
        "observations": overview["observations"],
        "shared": peer["shared"],
        "withheld": peer["withheld"],
        "recalled": peer["recalled"],
        "received": peer["received"],
        "acknowledged": peer["acked"],
    }))
}
