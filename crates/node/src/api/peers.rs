//! Peers: who they are, what went to them, what was withheld and by which rule. For this node's officers only.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use base::{NodeName, Precedence, Timestamp};
use link::LinkState;
use record::FraudKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::accounts::{ApprovalAnswer, ApprovalRequest, approved};
use super::model::{Page, PageQuery, Receipt, page};
use super::viewer::{AsQuery, OwnerOnly, Viewer};
use super::{Api, ErrorView, Failure};
use crate::core::{Core, Draft, lock};
use crate::events::noun_of;
use crate::link_index::LinkIndex;
use crate::link_io::state_word;
use crate::offline::{CARD_SCHEMA, Card, Terms, agreement};
use crate::peer_link::PeerLink;
use crate::people::{ActKind, Caller};
use crate::share::ITEM_OVERHEAD_BYTES;
use crate::tombstones::Unconfirmed;
use crate::view::{Noun, OwnerRows, View};
use crate::{Config, NodeError};

/// The most rules that a page counts.
const MAX_RULES: usize = 1000;

/// This node's card.
#[utoipa::path(get, path = "/api/card", tag = "share", responses((status = 200, body = Card)))]
pub(crate) async fn card(State(api): State<Api>) -> Json<Card> {
    Json(own_card(&api.core))
}

fn own_card(core: &Core) -> Card {
    Card {
        schema: CARD_SCHEMA.to_owned(),
        node: core.config.name.to_string(),
        title: core.config.title.clone(),
        country: core.config.country.to_string(),
        key: core.public.to_hex(),
        certificate: core.certificate.to_string(),
        address: lock(&core.link_address).clone(),
        contacts: core.config.contacts.clone(),
    }
}

/// A peer's card and how far it is trusted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Introduction {
    card: Card,
    /// The highest level that it may have, say `SECRET`.
    clearance: String,
    /// When the agreement with it runs out; the other side names the same time. Without it there is no agreement.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
    /// For an agreement: the lanes that are used; all when left out. FLASH must be among them.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    lanes: Option<Vec<Precedence>>,
    /// For an agreement: names of witnesses that both take.
    #[serde(default)]
    witnesses: Vec<String>,
    /// For an agreement: versions of tables that both decide by, beside the one of codes.
    #[serde(default)]
    tables: BTreeMap<String, String>,
    /// Needed from who has a passkey.
    #[serde(default)]
    approval: Option<ApprovalAnswer>,
}

/// Introduces a peer. Everything recorded before is decided for it at once.
#[utoipa::path(post, path = "/api/peers", tag = "share", request_body = Introduction,
    responses((status = 201, body = Receipt), (status = 400, body = ErrorView)))]
pub(crate) async fn introduce(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Json(request): Json<Introduction>,
) -> Result<(StatusCode, Json<Receipt>), Failure> {
    let config = &api.core.config;
    let codes = &api.core.rules(api.core.surroundings.now()).codes;
    let peer = request.card.clone().peer(&request.clearance, config.name.as_str(), &config.country, codes)?;
    let Introduction { expires, lanes, witnesses, tables, .. } = &request;
    if expires.is_none() && (lanes.is_some() || !witnesses.is_empty() || !tables.is_empty()) {
        return Err(Failure::bad(
            "`lanes`, `witnesses` and `tables` belong to an agreement, which needs `expires`",
        ));
    }
    let agreement = expires
        .map(|expires| {
            let terms = Terms {
                lanes: lanes.clone().unwrap_or_else(|| Precedence::ALL.to_vec()),
                witnesses: witnesses.clone(),
                tables: tables.clone(),
                ..Terms::until(expires)
            };
            agreement(&own_card(&api.core), &peer, request.card.contacts.clone(), codes, terms)
        })
        .transpose()?;
    let asked = ApprovalRequest::Introduce { card: request.card, clearance: request.clearance };
    let mut act = api.core.act(ActKind::PeerIntroduced, caller.actor());
    act.approval = approved(&api, &caller, &asked, request.approval).await?;
    let drafts = [Draft::Peer(peer)].into_iter();
    let drafts = drafts.chain(agreement.map(|agreed| Draft::Agreement(Box::new(agreed))));
    let ids = api.core.append(drafts.chain([Draft::Act(Box::new(act))]).collect()).await?;
    let id = ids.first().ok_or_else(Failure::not_found)?;
    Ok((StatusCode::CREATED, Json(Receipt::of(*id))))
}

/// How it stands with one peer.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct PeerView {
    name: String,
    title: String,
    country: String,
    clearance: String,
    key: String,
    certificate: String,
    address: String,
    /// `never`, `up`, `down`, `refused` or `expired`: that of its worst lane.
    state: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Why it is down or refused.
    detail: Option<String>,
    /// Items in the four logs for the peer.
    log_size: u64,
    /// How many of them it has acknowledged.
    acked: u64,
    queued: u64,
    /// Items received from it.
    received: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_ack: Option<Timestamp>,
    shared: usize,
    withheld: usize,
    recalled: usize,
    /// Recalls that went to it and that it has not confirmed by a signed receipt.
    recalls_unconfirmed: usize,
    /// The peering agreement: `none`, `offered` (signed by this node alone), `signed` (by both), `differs` (the peer
    /// signed another one) or `expired`.
    agreement: &'static str,
    /// When it runs out.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
    /// Refusals of this peer in the record.
    refusals: usize,
    /// What its entries take on this node's disk, in bytes, and how much they may.
    held_bytes: u64,
    allowed_bytes: u64,
    /// For how long it was made to wait since the start, because it sent more than its share.
    paused_milliseconds: u64,
    /// Since this node's folder was restored the peer was not heard: what it sent before is hidden until then, because it
    /// may have been recalled meanwhile.
    unconfirmed: bool,
    /// Proofs that it showed two histories, oldest first.
    frauds: Vec<FraudView>,
}

/// A recorded proof that a peer broke the promise of its log.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct FraudView {
    /// The entry that holds the proof.
    entry: String,
    title: String,
    /// `split_view`, `fork` or `rewind`.
    #[schema(value_type = String)]
    kind: FraudKind,
    /// The log, by its origin line.
    origin: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

fn peer_view(
    rows: &OwnerRows<'_>,
    index: &LinkIndex,
    config: &Config,
    link: &PeerLink,
    now: Timestamp,
) -> Result<PeerView, NodeError> {
    let (name, me) = (link.peer.node.as_str(), &config.name);
    let count = |field| Ok::<_, NodeError>(usize::try_from(rows.tally(field, name)?).unwrap_or(usize::MAX));
    let state = link.state();
    let detail = match &state {
        LinkState::Down(why) => Some(why.clone()),
        LinkState::Refused(refusal) => Some(refusal.to_string()),
        LinkState::Expired(at) => Some(format!("the peering agreement has run out at {at}")),
        LinkState::Never | LinkState::Up => None,
    };
    let (log_size, acked) = (link.size(), link.acked());
    let ours = index.agreement(me, &link.peer.node);
    let recalls = rows.recalls_to(&link.peer.node)?;
    let recalls_unconfirmed =
        recalls.iter().filter(|recall| index.receipt(recall, &link.peer.node).is_none()).count();
    Ok(PeerView {
        name: link.peer.node.to_string(),
        title: link.peer.title.clone(),
        country: link.peer.country.to_string(),
        clearance: link.peer.clearance.clone(),
        key: link.peer.key.clone(),
        certificate: link.peer.certificate.to_string(),
        address: link.peer.address.clone(),
        state: state_word(&state).to_owned(),
        since: *lock(&link.since),
        detail,
        log_size,
        acked,
        queued: log_size.saturating_sub(acked),
        received: link.received(),
        last_ack: *lock(&link.last_ack),
        shared: count("shared")?,
        withheld: count("withheld")?,
        recalled: count("recalled")?,
        recalls_unconfirmed,
        agreement: match (ours, index.agreement(&link.peer.node, me)) {
            (None, _) => "none",
            (Some(ours), _) if ours.expires <= now => "expired",
            (Some(_), None) => "offered",
            (Some(ours), Some(theirs)) if ours == theirs => "signed",
            (Some(_), Some(_)) => "differs",
        },
        expires: ours.map(|agreement| agreement.expires),
        refusals: count("refusal")?,
        held_bytes: rows.tally("received_bytes", name)? + link.received() * ITEM_OVERHEAD_BYTES,
        allowed_bytes: config.peer_max_bytes,
        paused_milliseconds: link.share.paused_milliseconds(),
        unconfirmed: Unconfirmed::read(&config.data)?.has(&link.peer.node),
        frauds: index
            .frauds_of(&link.peer.node)
            .iter()
            .map(|(entry, at, fraud)| FraudView {
                entry: entry.to_string(),
                title: fraud.title.clone(),
                kind: fraud.proof.kind,
                origin: fraud.proof.origin().to_owned(),
                at: *at,
            })
            .collect(),
    })
}

/// All peers.
#[utoipa::path(get, path = "/api/peers", tag = "share", params(PageQuery), responses((status = 200, body = Page<PeerView>)))]
pub(crate) async fn peers(
    State(api): State<Api>,
    _: OwnerOnly,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PeerView>>, Failure> {
    let core = Arc::clone(&api.core);
    let views = api.core.read(&View::Owner, move |reader| {
        let rows = reader.owner()?;
        let now = core.surroundings.now();
        let index = lock(&core.index);
        let view = |link: &Arc<PeerLink>| peer_view(&rows, &index, &core.config, link, now);
        core.links().iter().map(view).collect::<Result<Vec<_>, _>>()
    });
    page("bongsu.peers/1", &views.await?, &query, Clone::clone).map(Json)
}

/// An item that went, or is on its way.
#[derive(Serialize, ToSchema)]
pub(crate) struct SharedView {
    id: String,
    kind: String,
    title: String,
    /// Its place in the log of its lane for the peer.
    seq: u64,
    /// The lane: `flash`, `immediate`, `priority` or `routine`.
    precedence: String,
    /// `queued`, `acknowledged` or `recalled`.
    state: String,
    /// For a recall: the entry in which the peer confirms that it no longer shows what was recalled.
    confirmed_by: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
}

/// The peer of that name.
fn known(api: &Api, name: &str) -> Result<Arc<PeerLink>, Failure> {
    let name: NodeName = name.parse().map_err(|_| Failure::not_found())?;
    api.core.link(&name).ok_or_else(Failure::not_found)
}

/// What went to one peer, newest first.
#[utoipa::path(get, path = "/api/peers/{name}/shared", tag = "share", params(("name" = String, Path), PageQuery),
    responses((status = 200, body = Page<SharedView>), (status = 404, body = ErrorView)))]
pub(crate) async fn shared(
    State(api): State<Api>,
    _: OwnerOnly,
    Path(name): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SharedView>>, Failure> {
    let link = known(&api, &name)?;
    let (before, limit) = (query.before()?, query.limit());
    let core = Arc::clone(&api.core);
    let page = api.core.read(&View::Owner, move |reader| {
        let found = reader.owner()?.shared(&link.peer.node, before, limit + 1)?;
        let acked = |lane: &str| {
            lane.parse().map_or(0, |lane: base::Precedence| lock(&link.lane(lane).outbound).acked())
        };
        let confirmed =
            |id: &base::EntryId| lock(&core.index).receipt(id, &link.peer.node).map(|id| id.to_string());
        Page::cut(
            "bongsu.shared/1",
            found,
            limit,
            |(row, ..)| Ok(row.seq.to_string()),
            |(row, lane, place)| {
                let state = match (row.recalled_by.is_some(), *place < acked(lane)) {
                    (true, _) => "recalled",
                    (false, true) => "acknowledged",
                    (false, false) => "queued",
                };
                Ok(Some(SharedView {
                    id: row.id.to_string(),
                    kind: noun_of(&row.schema).to_owned(),
                    title: row.title.clone(),
                    seq: *place,
                    precedence: lane.clone(),
                    state: state.to_owned(),
                    confirmed_by: confirmed(&row.id),
                    time: row.time,
                }))
            },
        )
    });
    Ok(Json(page.await?))
}

/// An item that stayed here.
#[derive(Serialize, ToSchema)]
pub(crate) struct WithheldView {
    id: String,
    kind: String,
    title: String,
    /// The rule of the label kernel.
    rule: String,
    /// The part of the item that it looked at.
    path: String,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
}

/// How often a rule withheld something.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleCount {
    rule: String,
    count: usize,
}

/// What was withheld from one peer.
#[derive(Serialize, ToSchema)]
pub(crate) struct WithheldPage {
    #[serde(flatten)]
    page: Page<WithheldView>,
    rules: Vec<RuleCount>,
}

/// What was withheld from one peer and why, newest first.
#[utoipa::path(get, path = "/api/peers/{name}/withheld", tag = "share", params(("name" = String, Path), PageQuery),
    responses((status = 200, body = WithheldPage), (status = 404, body = ErrorView)))]
pub(crate) async fn withheld(
    State(api): State<Api>,
    _: OwnerOnly,
    Path(name): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<WithheldPage>, Failure> {
    let link = known(&api, &name)?;
    let (before, limit) = (query.before()?, query.limit());
    let page = api.core.read(&View::Owner, move |reader| {
        let rows = reader.owner()?;
        let peer = &link.peer.node;
        let page = Page::cut(
            "bongsu.withheld/1",
            rows.withheld(peer, before, limit + 1)?,
            limit,
            |(row, ..)| Ok(row.seq.to_string()),
            |(row, rule, path)| {
                Ok(Some(WithheldView {
                    id: row.id.to_string(),
                    kind: noun_of(&row.schema).to_owned(),
                    title: row.title.clone(),
                    rule: rule.clone(),
                    path: path.clone(),
                    time: row.time,
                }))
            },
        )?;
        let rules = rows
            .tallies(&format!("rule/{peer}"), MAX_RULES)?
            .into_iter()
            .map(|(rule, n)| RuleCount { rule, count: usize::try_from(n).unwrap_or(usize::MAX) })
            .collect();
        Ok(WithheldPage { page, rules })
    });
    Ok(Json(page.await?))
}

/// Something from a peer or a stranger that was not taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefusalView {
    entry: String,
    peer: Option<String>,
    certificate: Option<String>,
    address: Option<String>,
    /// A stable code.
    code: &'static str,
    message: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// How many of the same sort before it were only counted.
    suppressed: u64,
}

/// Refused connections and batches, newest first.
#[utoipa::path(get, path = "/api/refusals", tag = "share", params(PageQuery, AsQuery), responses((status = 200, body = Page<RefusalView>)))]
pub(crate) async fn refusals(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RefusalView>>, Failure> {
    let (before, limit) = (query.before()?, query.limit());
    let page = api.core.read(&view, move |reader| {
        let found = reader.rows()?.standing(Noun::Refusal, before, limit + 1)?;
        Page::cut("bongsu.refusals/1", found, limit, super::read::place, |row| {
            Ok(row.refusal().map(|refused| RefusalView {
                entry: row.id.to_string(),
                peer: refused.peer.as_ref().map(NodeName::to_string),
                certificate: refused.certificate.map(|c| c.to_string()),
                address: refused.address.clone(),
                code: refused.refusal.code(),
                message: refused.refusal.to_string(),
                at: refused.at,
                suppressed: refused.suppressed,
            }))
        })
    });
    Ok(Json(page.await?))
}
