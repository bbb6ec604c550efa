//! Peers: who they are, what went to them, what was withheld and by which rule. For this node's officers only.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use base::{NodeName, Timestamp};
use link::LinkState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Page, PageQuery, Receipt, page};
use super::{Api, ErrorView, Failure};
use crate::core::{Core, Draft, lock, now};
use crate::events::noun_of;
use crate::link_index::LinkIndex;
use crate::link_io::state_word;
use crate::offline::{CARD_SCHEMA, Card, agreement};
use crate::peer_link::PeerLink;
use crate::projection::{Decision, Projection};

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
}

/// Introduces a peer. Everything recorded before is decided for it at once.
#[utoipa::path(post, path = "/api/peers", tag = "share", request_body = Introduction,
    responses((status = 201, body = Receipt), (status = 400, body = ErrorView)))]
pub(crate) async fn introduce(
    State(api): State<Api>,
    Json(request): Json<Introduction>,
) -> Result<(StatusCode, Json<Receipt>), Failure> {
    let config = &api.core.config;
    let peer = request.card.peer(&request.clearance, config.name.as_str(), &config.country)?;
    let agreement =
        request.expires.map(|expires| agreement(&own_card(&api.core), &peer, expires)).transpose()?;
    let drafts = [Draft::Peer(peer)].into_iter();
    let drafts = drafts.chain(agreement.map(|agreed| Draft::Agreement(Box::new(agreed)))).collect();
    let ids = api.core.append(drafts).await?;
    let id = ids.first().ok_or_else(Failure::not_found)?;
    Ok((StatusCode::CREATED, Json(Receipt::of(*id))))
}

/// How it stands with one peer.
#[derive(Serialize, ToSchema)]
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
}

fn peer_view(p: &Projection, index: &LinkIndex, me: &NodeName, link: &PeerLink) -> PeerView {
    let decisions = p.decisions.get(&link.peer.node).map_or(&[][..], Vec::as_slice);
    let state = link.state();
    let detail = match &state {
        LinkState::Down(why) => Some(why.clone()),
        LinkState::Refused(refusal) => Some(refusal.to_string()),
        LinkState::Expired(at) => Some(format!("the peering agreement has run out at {at}")),
        LinkState::Never | LinkState::Up => None,
    };
    let (log_size, acked) = (link.size(), link.acked());
    let ours = index.agreement(me, &link.peer.node);
    let recalls = decisions.iter().filter(|d| d.outcome.is_ok()).filter_map(|d| p.get(&d.id));
    let recalls = recalls.filter(|meta| meta.kind == "bongsu.recall/1" && meta.is_own()).map(|meta| meta.id);
    let recalls_unconfirmed =
        recalls.filter(|recall| index.receipt(recall, &link.peer.node).is_none()).count();
    PeerView {
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
        shared: decisions.iter().filter(|d| d.outcome.is_ok()).count(),
        withheld: decisions.iter().filter(|d| d.outcome.is_err()).count(),
        recalled: decisions.iter().filter(|d| d.outcome.is_ok() && p.is_recalled(&d.id)).count(),
        recalls_unconfirmed,
        agreement: match (ours, index.agreement(&link.peer.node, me)) {
            (None, _) => "none",
            (Some(ours), _) if ours.expires <= now() => "expired",
            (Some(_), None) => "offered",
            (Some(ours), Some(theirs)) if ours == theirs => "signed",
            (Some(_), Some(_)) => "differs",
        },
        expires: ours.map(|agreement| agreement.expires),
        refusals: p.refusals.iter().filter(|(_, r)| r.peer.as_ref() == Some(&link.peer.node)).count(),
    }
}

/// All peers.
#[utoipa::path(get, path = "/api/peers", tag = "share", params(PageQuery), responses((status = 200, body = Page<PeerView>)))]
pub(crate) async fn peers(State(api): State<Api>, Query(query): Query<PageQuery>) -> Json<Page<PeerView>> {
    let p = api.core.read();
    let index = lock(&api.core.index);
    Json(page("bongsu.peers/1", &api.core.links(), &query, |link| {
        peer_view(&p, &index, &api.core.config.name, link)
    }))
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
    precedence: &'static str,
    /// `queued`, `acknowledged` or `recalled`.
    state: String,
    /// For a recall: the entry in which the peer confirms that it no longer shows what was recalled.
    confirmed_by: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
}

fn decisions<'a>(
    p: &'a Projection,
    name: &str,
) -> Result<(NodeName, impl DoubleEndedIterator<Item = &'a Decision> + use<'a>), Failure> {
    let name: NodeName = name.parse().map_err(|_| Failure::not_found())?;
    let all = p.decisions.get(&name).ok_or_else(Failure::not_found)?;
    Ok((name, all.iter()))
}

/// What went to one peer, newest first.
#[utoipa::path(get, path = "/api/peers/{name}/shared", tag = "share", params(("name" = String, Path), PageQuery),
    responses((status = 200, body = Page<SharedView>), (status = 404, body = ErrorView)))]
pub(crate) async fn shared(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SharedView>>, Failure> {
    let p = api.core.read();
    let (name, all) = decisions(&p, &name)?;
    let acked = api
        .core
        .link(&name)
        .map(|link| base::Precedence::ALL.map(|precedence| lock(&link.lane(precedence).outbound).acked()));
    let acked = acked.unwrap_or_default();
    let index = lock(&api.core.index);
    let all: Vec<_> = all.rev().filter_map(|d| Some((d, *d.outcome.as_ref().ok()?, p.get(&d.id)?))).collect();
    Ok(Json(page("bongsu.shared/1", &all, &query, |(decision, place, meta)| SharedView {
        id: decision.id.to_string(),
        kind: noun_of(&meta.kind).to_owned(),
        title: meta.title.clone(),
        seq: place.seq,
        precedence: place.precedence.as_str(),
        state: match (meta.recalled_by.is_some(), place.seq < acked[place.precedence as usize]) {
            (true, _) => "recalled",
            (false, true) => "acknowledged",
            (false, false) => "queued",
        }
        .to_owned(),
        confirmed_by: index.receipt(&meta.id, &name).map(|id| id.to_string()),
        time: meta.time,
    })))
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
    Path(name): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<WithheldPage>, Failure> {
    let p = api.core.read();
    let (_, all) = decisions(&p, &name)?;
    let all: Vec<_> = all.rev().filter_map(|d| Some((d.outcome.as_ref().err()?, p.get(&d.id)?))).collect();
    let mut counts = std::collections::BTreeMap::new();
    for (withheld, _) in &all {
        *counts.entry(withheld.rule.to_string()).or_insert(0) += 1;
    }
    let page = page("bongsu.withheld/1", &all, &query, |(withheld, meta)| WithheldView {
        id: meta.id.to_string(),
        kind: noun_of(&meta.kind).to_owned(),
        title: meta.title.clone(),
        rule: withheld.rule.to_string(),
        path: withheld.path.clone(),
        time: meta.time,
    });
    let rules = counts.into_iter().map(|(rule, count)| RuleCount { rule, count }).collect();
    Ok(Json(WithheldPage { page, rules }))
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
#[utoipa::path(get, path = "/api/refusals", tag = "share", params(PageQuery), responses((status = 200, body = Page<RefusalView>)))]
pub(crate) async fn refusals(
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
) -> Json<Page<RefusalView>> {
    let p = api.core.read();
    let all: Vec<_> = p.refusals.iter().rev().collect();
    Json(page("bongsu.refusals/1", &all, &query, |(id, refused)| RefusalView {
        entry: id.to_string(),
        peer: refused.peer.as_ref().map(NodeName::to_string),
        certificate: refused.certificate.map(|c| c.to_string()),
        address: refused.address.clone(),
        code: refused.refusal.code(),
        message: refused.refusal.to_string(),
        at: refused.at,
        suppressed: refused.suppressed,
    }))
}
