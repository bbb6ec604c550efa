//! Reading: overview, incidents, findings, entries, and checking them.

use axum::Json;
use axum::extract::{Path, Query, State};
use base::{EntryId, Observation, Timestamp};
use base64_std::encode;
use record::{Entry, RecordStore, Verdict, inclusion_holds, verify_open};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::model::{
    FindingView, IncidentSummary, IncidentView, MarkingView, Owner, Page, PageQuery, incident_of, owner, page,
};
use super::{Api, ErrorView, Failure};
use crate::core::lock;
use crate::events::noun_of;
use crate::jobs::Job;

/// The situation at a glance.
#[derive(Serialize, ToSchema)]
pub(crate) struct Overview {
    /// `bongsu.overview/1`.
    schema: &'static str,
    /// Of the worst open incident; 1 when there is none.
    severity: u8,
    incidents: usize,
    findings: usize,
    observations: usize,
    /// Objects in the current catalogue.
    objects: usize,
    /// How many of them are protected.
    protected: usize,
    log: LogView,
    peers: usize,
    jobs_running: usize,
    catalogue: Option<CatalogueView>,
    screened: Option<SpanView>,
}

/// The own log.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogView {
    size: usize,
    /// Merkle root of the newest signed checkpoint, base64.
    root: String,
    /// How many entries that checkpoint covers.
    checkpoint_size: u64,
}

/// The current catalogue.
#[derive(Serialize, ToSchema)]
pub(crate) struct CatalogueView {
    entry: String,
    title: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    epoch_min: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    epoch_max: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    received: Timestamp,
}

/// A span of time, half-open.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpanView {
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    end: Timestamp,
}

/// The situation at a glance.
#[utoipa::path(get, path = "/api/overview", tag = "record", responses((status = 200, body = Overview)))]
pub(crate) async fn overview(State(api): State<Api>) -> Json<Overview> {
    let core = &api.core;
    let checkpoint = lock(&core.checkpoint).clone();
    let p = core.read();
    let open = p.open_incidents();
    let standing = |id: &EntryId| !p.is_recalled(id);
    Json(Overview {
        schema: "bongsu.overview/1",
        severity: open.iter().map(|(_, i)| i.severity.beacons()).max().unwrap_or(1),
        incidents: open.len(),
        findings: p.findings.keys().filter(|id| standing(id)).count(),
        observations: p.observations.keys().filter(|id| standing(id)).count(),
        objects: p.catalogue.as_ref().map_or(0, |c| c.catalogue.len()),
        protected: p.protected.len(),
        log: LogView {
            size: p.entries.len(),
            root: checkpoint.as_ref().map(|c| encode(&c.root())).unwrap_or_default(),
            checkpoint_size: checkpoint.as_ref().map_or(0, record::Checkpoint::size),
        },
        peers: p.peers.len(),
        jobs_running: core.jobs.running(),
        catalogue: p.catalogue.as_ref().map(|c| CatalogueView {
            entry: c.entry.to_string(),
            title: c.title.clone(),
            epoch_min: c.epochs.map(|e| e.start()),
            epoch_max: c.epochs.map(|e| e.end()),
            received: c.received,
        }),
        screened: p.screened.map(|s| SpanView { start: s.start(), end: s.end() }),
    })
}

/// Open incidents, worst first.
#[utoipa::path(get, path = "/api/incidents", tag = "record", params(PageQuery), responses((status = 200, body = Page<IncidentSummary>)))]
pub(crate) async fn incidents(
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
) -> Json<Page<IncidentSummary>> {
    let p = api.core.read();
    let open = p.open_incidents();
    Json(page("bongsu.incidents/1", &open, &query, |(meta, incident)| {
        IncidentSummary::of(&p, meta, incident)
    }))
}

fn parse_id(text: &str) -> Result<EntryId, Failure> {
    // What cannot be an id is not there.
    text.parse().map_err(|_| Failure::not_found())
}

/// One incident with its findings and their evidence; also one that was replaced since.
#[utoipa::path(get, path = "/api/incidents/{id}", tag = "record", params(("id" = String, Path)), responses((status = 200, body = IncidentView), (status = 404, body = ErrorView)))]
pub(crate) async fn incident(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<IncidentView>, Failure> {
    let id = parse_id(&id)?;
    let p = api.core.read();
    let (Some(meta), Some(found)) = (p.get(&id), p.incidents.get(&id)) else {
        return Err(Failure::not_found());
    };
    let of = incident_of(&p);
    let items = found
        .findings
        .iter()
        .filter_map(|id| Some(FindingView::of(&p, p.get(id)?, p.findings.get(id)?, &of)))
        .collect();
    Ok(Json(IncidentView {
        schema: "bongsu.incident-view/1",
        summary: IncidentSummary::of(&p, meta, found),
        timeline: found.timeline.iter().map(Into::into).collect(),
        items,
    }))
}

/// Which findings.
#[derive(Deserialize, IntoParams)]
pub(crate) struct FindingQuery {
    /// From `next` of the page before.
    cursor: Option<usize>,
    /// How many items, 1 to 1000.
    limit: Option<usize>,
    /// Only findings of this kind.
    kind: Option<String>,
}

/// Findings that stand, newest first.
#[utoipa::path(get, path = "/api/findings", tag = "record", params(FindingQuery), responses((status = 200, body = Page<FindingView>)))]
pub(crate) async fn findings(
    State(api): State<Api>,
    Query(query): Query<FindingQuery>,
) -> Json<Page<FindingView>> {
    let p = api.core.read();
    let of = incident_of(&p);
    let all: Vec<_> = p
        .entries
        .iter()
        .rev()
        .filter(|meta| meta.recalled_by.is_none())
        .filter_map(|meta| Some((meta, p.findings.get(&meta.id)?)))
        .filter(|(_, finding)| query.kind.as_ref().is_none_or(|kind| finding.kind == *kind))
        .collect();
    let pages = PageQuery { cursor: query.cursor, limit: query.limit };
    Json(page("bongsu.findings/1", &all, &pages, |(meta, finding)| FindingView::of(&p, meta, finding, &of)))
}

/// One finding.
#[utoipa::path(get, path = "/api/findings/{id}", tag = "record", params(("id" = String, Path)), responses((status = 200, body = FindingView), (status = 404, body = ErrorView)))]
pub(crate) async fn finding(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<FindingView>, Failure> {
    let id = parse_id(&id)?;
    let p = api.core.read();
    match (p.get(&id), p.findings.get(&id)) {
        (Some(meta), Some(finding)) => Ok(Json(FindingView::of(&p, meta, finding, &incident_of(&p)))),
        _ => Err(Failure::not_found()),
    }
}

/// An entry as it lies in the record, with the proof that it does.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryView {
    /// `bongsu.entry-view/1`.
    schema: &'static str,
    id: String,
    seq: u64,
    kind: String,
    author: AuthorView,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    marking: Option<MarkingView>,
    evidence: Vec<String>,
    /// The noun.
    #[schema(value_type = Object)]
    body: Value,
    /// The DSSE envelope.
    #[schema(value_type = Object)]
    envelope: Value,
    proof: ProofView,
}

/// Who signed an entry.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuthorView {
    node: String,
    country: String,
    /// SHA-256 of the public key.
    key: String,
}

/// An RFC 6962 inclusion proof under a signed checkpoint.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProofView {
    size: u64,
    index: u64,
    /// Base64, leaf to root.
    hashes: Vec<String>,
    /// The C2SP signed note.
    checkpoint: String,
}

/// One entry with envelope and proof.
#[utoipa::path(get, path = "/api/entries/{id}", tag = "record", params(("id" = String, Path)), responses((status = 200, body = EntryView), (status = 404, body = ErrorView)))]
pub(crate) async fn entry(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<EntryView>, Failure> {
    let id = parse_id(&id)?;
    let view = api
        .core
        .with_record(move |record| -> Result<Option<EntryView>, crate::NodeError> {
            let Some(stored) = record.get(&id)? else { return Ok(None) };
            let Some(entry) = stored.entry else { return Ok(None) };
            let checkpoint = record.checkpoint();
            let hashes = record.inclusion(stored.seq, checkpoint.size()).unwrap_or_default();
            Ok(Some(EntryView {
                schema: "bongsu.entry-view/1",
                id: id.to_string(),
                seq: stored.seq,
                kind: noun_of(entry.kind()).to_owned(),
                author: author(&entry),
                time: entry.time(),
                marking: base::Marked::marking(&entry).map(Into::into),
                evidence: base::Marked::evidence(&entry).iter().map(EntryId::to_string).collect(),
                body: entry.body().clone(),
                envelope: entry.to_envelope(),
                proof: ProofView {
                    size: checkpoint.size(),
                    index: stored.seq,
                    hashes: hashes.iter().map(|h| encode(h)).collect(),
                    checkpoint: checkpoint.note().to_owned(),
                },
            }))
        })
        .await??;
    view.map(Json).ok_or_else(Failure::not_found)
}

fn author(entry: &Entry) -> AuthorView {
    let author = entry.author();
    AuthorView {
        node: author.node.to_string(),
        country: author.country.to_string(),
        key: author.key.to_string(),
    }
}

/// What checking one entry gave.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerdictView {
    /// `bongsu.verdict/1`.
    schema: &'static str,
    ok: bool,
    checks: Vec<CheckView>,
}

/// One thing that was checked.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckView {
    /// `canonical`, `id`, `signature`, `author`, `inclusion`, `checkpoint`, `evidence` or `blob`.
    check: &'static str,
    ok: bool,
    detail: String,
}

/// Checks one entry anew from its stored bytes: form, hash, signature, author, place in the log, evidence, raw bytes.
#[utoipa::path(post, path = "/api/entries/{id}/verify", tag = "record", params(("id" = String, Path)), responses((status = 200, body = VerdictView), (status = 404, body = ErrorView)))]
pub(crate) async fn verify_entry(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<VerdictView>, Failure> {
    let id = parse_id(&id)?;
    let own = api.core.public;
    let me = api.core.config.name.clone();
    let peer_keys: Vec<(base::NodeName, String)> =
        api.core.read().peers.values().map(|p| (p.node.clone(), p.key.clone())).collect();
    let checks = api
        .core
        .with_record(move |record| -> Result<Option<Vec<CheckView>>, crate::NodeError> {
            let stored = match record.get(&id) {
                Ok(Some(stored)) => stored,
                Ok(None) => return Ok(None),
                Err(record::StoreError::Damaged { first }) => {
                    // Reading checks form, hash and signature; this is what it found.
                    return Ok(Some(vec![check("signature", false, first.message)]));
                }
                Err(e) => return Err(e.into()),
            };
            let Some(entry) = stored.entry else { return Ok(None) };
            let mut checks = vec![
                check("canonical", true, format!("{} bytes of RFC 8785 JSON", entry.payload().len())),
                check("id", entry.id() == id, format!("SHA-256 is {id}")),
                check("signature", true, format!("Ed25519 by key {}", entry.key().fingerprint())),
            ];
            let name = &entry.author().node;
            let known = if stored.received.is_none() {
                *entry.key() == own && *name == me
            } else {
                peer_keys.iter().any(|(peer, key)| peer == name && *key == entry.key().to_hex())
            };
            checks.push(check("author", known, format!("{name}, {}", entry.author().country)));
            let checkpoint = record.checkpoint();
            let proof = record.inclusion(stored.seq, checkpoint.size());
            let included = proof
                .is_ok_and(|p| inclusion_holds(&p, checkpoint.size(), checkpoint.root(), stored.seq, &id));
            let place = format!("entry {} of {}", stored.seq, checkpoint.size());
            checks.push(check("inclusion", included, place));
            let origin = record::home_origin(&me);
            let signed = checkpoint.check(&origin, &me, &own);
            let detail = signed.as_ref().map_or_else(ToString::to_string, |()| format!("signed by {me}"));
            checks.push(check("checkpoint", signed.is_ok(), detail));
            let mut held = 0;
            for evidence in base::Marked::evidence(&entry) {
                held += usize::from(record.get(evidence)?.is_some_and(|s| s.entry.is_some()));
            }
            let all = base::Marked::evidence(&entry).len();
            // An ally's entry may rest on what the ally keeps; an own one rests on what is here.
            let whole = held == all || stored.received.is_some();
            checks.push(check("evidence", whole, format!("{held} of {all} entries are here and hold")));
            if let Ok(observation) = entry.noun::<Observation>() {
                checks.push(blob(record, &observation, stored.received.is_none()));
            }
            Ok(Some(checks))
        })
        .await??;
    let checks = checks.ok_or_else(Failure::not_found)?;
    Ok(Json(VerdictView { schema: "bongsu.verdict/1", ok: checks.iter().all(|c| c.ok), checks }))
}

fn blob(record: &record::SqliteRecord, observation: &Observation, own: bool) -> CheckView {
    match record.blob(&observation.blob) {
        Ok(Some(bytes)) => check("blob", true, format!("{} bytes have their hash", bytes.len())),
        Ok(None) => check("blob", !own, "the raw bytes are not here".to_owned()),
        Err(e) => check("blob", false, e.to_string()),
    }
}

fn check(check: &'static str, ok: bool, detail: String) -> CheckView {
    CheckView { check, ok, detail }
}

/// What checking the whole record gave.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordVerdict {
    /// `bongsu.record-verdict/1`.
    schema: &'static str,
    ok: bool,
    entries: u64,
    blobs: u64,
    lanes: u64,
    /// Merkle root over all entries, hexadecimal.
    root: String,
    /// The first damage, in words.
    first: Option<String>,
    /// All damage, in words.
    faults: Vec<String>,
}

/// Checks the whole record to the byte. The node takes nothing in meanwhile.
#[utoipa::path(post, path = "/api/record/verify", tag = "record", responses((status = 200, body = RecordVerdict)))]
pub(crate) async fn verify_record(State(api): State<Api>) -> Result<Json<RecordVerdict>, Failure> {
    let verdict = api
        .core
        .with_record(|record| -> Result<Verdict, crate::NodeError> {
            record.copy_log()?;
            Ok(verify_open(record.folder())?)
        })
        .await??;
    Ok(Json(RecordVerdict {
        schema: "bongsu.record-verdict/1",
        ok: verdict.ok,
        entries: verdict.entries,
        blobs: verdict.blobs,
        lanes: verdict.lanes,
        root: verdict.root,
        first: verdict.first.map(|d| d.to_string()),
        faults: verdict.damage.iter().map(ToString::to_string).collect(),
    }))
}

/// What came in.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedView {
    id: String,
    title: String,
    kind: String,
    #[schema(value_type = String, format = DateTime)]
    received: Timestamp,
    bytes: u64,
    items: u64,
    faults: u64,
    entry: String,
    owner: Owner,
}

/// Inputs, newest first.
#[utoipa::path(get, path = "/api/feeds", tag = "work", params(PageQuery), responses((status = 200, body = Page<FeedView>)))]
pub(crate) async fn feeds(State(api): State<Api>, Query(query): Query<PageQuery>) -> Json<Page<FeedView>> {
    let p = api.core.read();
    let all: Vec<_> = p
        .entries
        .iter()
        .rev()
        .filter(|meta| meta.recalled_by.is_none())
        .filter_map(|meta| Some((meta, p.observations.get(&meta.id)?)))
        .collect();
    Json(page("bongsu.feeds/1", &all, &query, |(meta, o)| FeedView {
        id: meta.id.to_string(),
        title: o.title.clone(),
        kind: o.kind.clone(),
        received: o.received,
        bytes: o.bytes,
        items: o.items,
        faults: o.faults,
        entry: meta.id.to_string(),
        owner: owner(meta),
    }))
}

/// Work under way and done, newest first.
#[utoipa::path(get, path = "/api/jobs", tag = "work", params(PageQuery), responses((status = 200, body = Page<Job>)))]
pub(crate) async fn jobs(State(api): State<Api>, Query(query): Query<PageQuery>) -> Json<Page<Job>> {
    Json(page("bongsu.jobs/1", &api.core.jobs.list(), &query, Clone::clone))
}

mod base64_std {
    use base64::prelude::{BASE64_STANDARD, Engine as _};

    pub(super) fn encode(bytes: &[u8]) -> String {
        BASE64_STANDARD.encode(bytes)
    }
}
