//! Reading: overview, incidents, findings, entries, and checking them.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use base::{EntryId, NodeName, Observation, Timestamp};
use base64_std::encode;
use record::{Direction, Entry, Lane, RecordStore, SqliteRecord, Verdict, inclusion_holds, verify_open};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::model::{
    FindingView, IncidentSummary, IncidentView, MarkingView, Owner, Page, PageQuery, cursor, owner, page,
};
use super::viewer::{AsQuery, AtHome, OwnerOnly, Viewer};
use super::{Api, ErrorView, Failure};
use crate::core::{Draft, lock};
use crate::events::noun_of;
use crate::jobs::Job;
use crate::people::{ActKind, Caller};
use crate::situation::Situation;
use crate::view::{Noun, Row, View};

/// The longest lane for which a proof is computed while somebody waits.
const MAX_LANE_PROOF: u64 = 1 << 18;

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
    /// Seen as a peer: the logs to it, of which `size` counts the items together with those that came from it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lanes: Vec<LaneView>,
}

/// One log to a peer.
#[derive(Serialize, ToSchema)]
pub(crate) struct LaneView {
    /// `flash`, `immediate`, `priority` or `routine`.
    precedence: String,
    size: u64,
    /// Merkle root, base64.
    root: String,
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
#[utoipa::path(get, path = "/api/overview", tag = "record", params(AsQuery), responses((status = 200, body = Overview)))]
pub(crate) async fn overview(
    State(api): State<Api>,
    Viewer(view): Viewer,
) -> Result<Json<Overview>, Failure> {
    let log = log_view(&api, &view).await?;
    // An ally has neither this node's catalogue nor its work nor its peers, and a clearance does not admit them.
    let (situation, peers, jobs_running) = if view == View::Owner {
        (api.core.situation(), api.core.links().len(), api.core.jobs.running())
    } else {
        (Situation::default(), 0, 0)
    };
    let overview = api
        .core
        .read(&view, move |reader| {
            let rows = reader.rows()?;
            let count = |noun| Ok::<_, crate::NodeError>(small(rows.tally("noun", noun)?));
            let catalogue = situation.catalogue.as_ref();
            Ok(Overview {
                schema: "bongsu.overview/1",
                severity: rows.worst_severity()?,
                incidents: count("incident")?,
                findings: count("finding")?,
                observations: count("observation")?,
                objects: catalogue.map_or(0, |c| c.catalogue.len()),
                protected: situation.protected.len(),
                log: LogView { size: small(rows.size()?), ..log },
                peers,
                jobs_running,
                catalogue: catalogue.map(|c| CatalogueView {
                    entry: c.entry.to_string(),
                    title: c.title.clone(),
                    epoch_min: c.epochs.map(|e| e.start()),
                    epoch_max: c.epochs.map(|e| e.end()),
                    received: c.received,
                }),
                screened: situation.screened.map(|s| SpanView { start: s.start(), end: s.end() }),
            })
        })
        .await?;
    Ok(Json(overview))
}

fn small(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// The log that a view shows: at home the own one; for a peer that of its lanes, with their sizes and roots.
async fn log_view(api: &Api, view: &View) -> Result<LogView, Failure> {
    Ok(match view {
        View::Owner => {
            let checkpoint = lock(&api.core.checkpoint).clone();
            LogView {
                size: 0,
                root: checkpoint.as_ref().map(|c| encode(&c.root())).unwrap_or_default(),
                checkpoint_size: checkpoint.as_ref().map_or(0, record::Checkpoint::size),
                lanes: Vec::new(),
            }
        }
        // The log of all entries is not this person's: its size alone would tell of what it may not see.
        View::User(_) => LogView { size: 0, root: String::new(), checkpoint_size: 0, lanes: Vec::new() },
        View::Peer(peer) => {
            let lanes = peer_lanes(api, peer).await?;
            let checkpoint_size = lanes.iter().map(|lane| lane.size).sum();
            LogView { size: 0, root: String::new(), checkpoint_size, lanes }
        }
    })
}

/// The logs to a peer.
async fn peer_lanes(api: &Api, peer: &NodeName) -> Result<Vec<LaneView>, Failure> {
    let peer = peer.clone();
    let lanes = api.core.with_record(move |record| -> Result<Vec<LaneView>, crate::NodeError> {
        base::Precedence::ALL
            .into_iter()
            .map(|precedence| {
                let lane = Lane { peer: peer.clone(), direction: Direction::Out, precedence };
                let frontier = record.lane(&lane)?.frontier;
                Ok(LaneView {
                    precedence: precedence.to_string(),
                    size: frontier.size(),
                    root: encode(&frontier.root()),
                })
            })
            .collect()
    });
    Ok(lanes.await??)
}

/// Open incidents, worst first.
#[utoipa::path(get, path = "/api/incidents", tag = "record", params(PageQuery, AsQuery), responses((status = 200, body = Page<IncidentSummary>)))]
pub(crate) async fn incidents(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<IncidentSummary>>, Failure> {
    let limit = query.limit();
    let after = cursor(query.cursor.as_deref(), |text| {
        let mut parts = text.splitn(3, '.');
        Some((
            parts.next()?.parse().ok()?,
            parts.next()?.parse().ok()?,
            parts.next()?.parse().ok().filter(|seq| i64::try_from(*seq).is_ok())?,
        ))
    })?;
    let page = api.core.read(&view, move |reader| {
        let rows = reader.rows()?;
        Page::cut(
            "bongsu.incidents/1",
            rows.open_incidents(after, limit + 1)?,
            limit,
            |row| {
                let (severity, start, seq) = rows.worst_of(row)?;
                Ok(format!("{severity}.{start}.{seq}"))
            },
            |row| Ok(IncidentSummary::of(row)),
        )
    });
    Ok(Json(page.await?))
}

pub(super) fn parse_id(text: &str) -> Result<EntryId, Failure> {
    // What cannot be an id is not there.
    text.parse().map_err(|_| Failure::not_found())
}

/// One incident with its findings and their evidence; also one that was replaced since.
#[utoipa::path(get, path = "/api/incidents/{id}", tag = "record", params(("id" = String, Path), AsQuery), responses((status = 200, body = IncidentView), (status = 404, body = ErrorView)))]
pub(crate) async fn incident(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Path(id): Path<String>,
) -> Result<Json<IncidentView>, Failure> {
    let place = api.core.place(parse_id(&id)?).await?;
    let found = api.core.read(&view, move |reader| {
        let rows = reader.rows()?;
        let Some(row) = rows.by_home(place)? else { return Ok(None) };
        let (Some(summary), Some(incident)) = (IncidentSummary::of(&row), row.incident()) else {
            return Ok(None);
        };
        let mut items = Vec::new();
        for place in row.refs.iter().flatten() {
            if let Some(finding) = rows.at(*place)? {
                items.extend(FindingView::of(&rows, &finding)?);
            }
        }
        let timeline = incident.timeline.iter().map(Into::into).collect();
        Ok(Some(IncidentView { schema: "bongsu.incident-view/1", summary, timeline, items }))
    });
    found.await?.map(Json).ok_or_else(Failure::not_found)
}

/// Which findings.
#[derive(Deserialize, IntoParams)]
pub(crate) struct FindingQuery {
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many items, 1 to 1000.
    limit: Option<usize>,
    /// Only findings of this kind.
    kind: Option<String>,
}

/// Findings that stand, newest first.
#[utoipa::path(get, path = "/api/findings", tag = "record", params(FindingQuery, AsQuery), responses((status = 200, body = Page<FindingView>)))]
pub(crate) async fn findings(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Query(query): Query<FindingQuery>,
) -> Result<Json<Page<FindingView>>, Failure> {
    let pages = PageQuery { cursor: query.cursor, limit: query.limit };
    let (before, limit) = (pages.before()?, pages.limit());
    let page = api.core.read(&view, move |reader| {
        let rows = reader.rows()?;
        let found = match &query.kind {
            Some(kind) => rows.findings_of(kind, before, limit + 1)?,
            None => rows.standing(Noun::Finding, before, limit + 1)?,
        };
        Page::cut("bongsu.findings/1", found, limit, place, |row| FindingView::of(&rows, row))
    });
    Ok(Json(page.await?))
}

/// The cursor of lists that go down the log.
pub(super) fn place(row: &Row) -> Result<String, crate::NodeError> {
    Ok(row.seq.to_string())
}

/// One finding.
#[utoipa::path(get, path = "/api/findings/{id}", tag = "record", params(("id" = String, Path), AsQuery), responses((status = 200, body = FindingView), (status = 404, body = ErrorView)))]
pub(crate) async fn finding(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Path(id): Path<String>,
) -> Result<Json<FindingView>, Failure> {
    let place = api.core.place(parse_id(&id)?).await?;
    let found = api.core.read(&view, move |reader| {
        let rows = reader.rows()?;
        rows.by_home(place)?.map_or(Ok(None), |row| FindingView::of(&rows, &row))
    });
    found.await?.map(Json).ok_or_else(Failure::not_found)
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
    /// Null where there is none to show: for a person who does not see the whole log, for a peer's own entry, and in
    /// a very long lane.
    proof: Option<ProofView>,
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

/// One entry with envelope and proof. Seen as a peer, place and proof are those of the lane.
#[utoipa::path(get, path = "/api/entries/{id}", tag = "record", params(("id" = String, Path), AsQuery), responses((status = 200, body = EntryView), (status = 404, body = ErrorView)))]
pub(crate) async fn entry(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Path(id): Path<String>,
) -> Result<Json<EntryView>, Failure> {
    let id = parse_id(&id)?;
    let row = held_by(&api, &view, id).await?;
    let found = api
        .core
        .with_record(move |record| -> Result<Option<EntryView>, crate::NodeError> {
            let Some(entry) = record.get(&id)?.and_then(|stored| stored.entry) else { return Ok(None) };
            Ok(Some(EntryView {
                schema: "bongsu.entry-view/1",
                id: id.to_string(),
                seq: row.seq,
                kind: noun_of(entry.kind()).to_owned(),
                author: author(&entry),
                time: entry.time(),
                marking: base::Marked::marking(&entry).map(Into::into),
                evidence: base::Marked::evidence(&entry).iter().map(EntryId::to_string).collect(),
                body: entry.body().clone(),
                envelope: entry.to_envelope(),
                proof: proof(record, &view, &id, row.seq)?,
            }))
        })
        .await??;
    found.map(Json).ok_or_else(Failure::not_found)
}

/// The proof that an entry stands in the log that the view shows; `None` where the view shows no whole log.
fn proof(
    record: &SqliteRecord,
    view: &View,
    id: &EntryId,
    seq: u64,
) -> Result<Option<ProofView>, crate::NodeError> {
    let shown = |size, index, hashes: &[[u8; 32]], checkpoint: &record::Checkpoint| ProofView {
        size,
        index,
        hashes: hashes.iter().map(|hash| encode(hash)).collect(),
        checkpoint: checkpoint.note().to_owned(),
    };
    let peer = match view {
        View::Owner => {
            let checkpoint = record.checkpoint();
            let hashes = record.inclusion(seq, checkpoint.size()).unwrap_or_default();
            return Ok(Some(shown(checkpoint.size(), seq, &hashes, checkpoint)));
        }
        View::User(_) => return Ok(None),
        View::Peer(peer) => peer,
    };
    for precedence in base::Precedence::ALL {
        let lane = Lane { peer: peer.clone(), direction: Direction::Out, precedence };
        let Some(index) = record.lane_place(&lane, id)? else { continue };
        let frontier = record.lane(&lane)?.frontier;
        if frontier.size() > MAX_LANE_PROOF {
            return Ok(None);
        }
        let log = record::MerkleLog::from_ids(&record.lane_ids(&lane, 0, frontier.size())?);
        let hashes = log.inclusion(index, frontier.size()).unwrap_or_default();
        let origin = record::lane_origin(record.key().name(), peer, precedence);
        let checkpoint = record::Checkpoint::sign(&origin, frontier.size(), frontier.root(), record.key())
            .map_err(record::StoreError::from)?;
        return Ok(Some(shown(frontier.size(), index, &hashes, &checkpoint)));
    }
    // It is the peer's own: the proof is in the peer's log.
    Ok(None)
}

fn author(entry: &Entry) -> AuthorView {
    let author = entry.author();
    AuthorView {
        node: author.node.to_string(),
        country: author.country.to_string(),
        key: author.key.to_string(),
    }
}

/// The entry of that id when the view holds it with its content.
pub(super) async fn held_by(api: &Api, view: &View, id: EntryId) -> Result<Row, Failure> {
    let place = api.core.place(id).await?;
    let row = api.core.read(view, move |reader| Ok(reader.rows()?.by_home(place)?)).await?;
    row.filter(|row| row.noun != Noun::Purged).ok_or_else(Failure::not_found)
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
    AtHome(view): AtHome,
    Path(id): Path<String>,
) -> Result<Json<VerdictView>, Failure> {
    let id = parse_id(&id)?;
    if view != View::Owner {
        held_by(&api, &view, id).await?;
    }
    let own = api.core.public;
    let me = api.core.config.name.clone();
    let peer_keys: Vec<(NodeName, String)> =
        api.core.links().iter().map(|link| (link.peer.node.clone(), link.peer.key.clone())).collect();
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
pub(crate) async fn verify_record(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
) -> Result<Json<RecordVerdict>, Failure> {
    let act = api.core.act(ActKind::Verify, caller.actor());
    api.core.append(vec![Draft::Act(Box::new(act))]).await?;
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
#[utoipa::path(get, path = "/api/feeds", tag = "work", params(PageQuery, AsQuery), responses((status = 200, body = Page<FeedView>)))]
pub(crate) async fn feeds(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<FeedView>>, Failure> {
    let (before, limit) = (query.before()?, query.limit());
    let page = api.core.read(&view, move |reader| {
        let found = reader.rows()?.standing(Noun::Observation, before, limit + 1)?;
        Page::cut("bongsu.feeds/1", found, limit, place, |row| {
            Ok(row.observation().map(|o| FeedView {
                id: row.id.to_string(),
                title: o.title,
                kind: o.kind,
                received: o.received,
                bytes: o.bytes,
                items: o.items,
                faults: o.faults,
                entry: row.id.to_string(),
                owner: owner(row),
            }))
        })
    });
    Ok(Json(page.await?))
}

/// Work under way and done, newest first.
#[utoipa::path(get, path = "/api/jobs", tag = "work", params(PageQuery), responses((status = 200, body = Page<Job>)))]
pub(crate) async fn jobs(
    State(api): State<Api>,
    _: OwnerOnly,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Job>>, Failure> {
    page("bongsu.jobs/1", &api.core.jobs.list(), &query, Clone::clone).map(Json)
}

mod base64_std {
    use base64::prelude::{BASE64_STANDARD, Engine as _};

    pub(super) fn encode(bytes: &[u8]) -> String {
        BASE64_STANDARD.encode(bytes)
    }
}
