//! Finding things in a view: by words, by counts, by object, and why an item goes to a peer or does not.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use base::{EntryId, NodeName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{FindingView, Owner, Page, cursor, limit, owner};
use super::read::{held_by, parse_id, place};
use super::viewer::{AsQuery, AtHome, Viewer};
use super::{Api, ErrorView, Failure};
use crate::events::noun_of;
use crate::view::{Decided, Noun, Row, View};

/// The longest question.
const MAX_QUESTION: usize = 1000;
/// The most values of a facet that are listed.
const MAX_VALUES: usize = 1000;

/// What to search for.
#[derive(Deserialize, IntoParams)]
pub(crate) struct SearchQuery {
    /// Words, each as one in the text begins; all of them must be there.
    q: String,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many items, 1 to 1000.
    limit: Option<usize>,
}

/// An entry that was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct Hit {
    id: String,
    /// The finding's own kind for findings, the noun's name for the rest.
    kind: String,
    /// `finding`, `incident` or `observation`.
    noun: String,
    title: String,
    /// Beacons, 1 to 5; null for an observation.
    severity: Option<u8>,
    owner: Owner,
    #[schema(value_type = String, format = DateTime)]
    committed: Timestamp,
    /// The incident that replaces it.
    superseded_by: Option<String>,
}

impl Hit {
    fn of(row: &Row) -> Self {
        let noun = noun_of(&row.schema).to_owned();
        Self {
            id: row.id.to_string(),
            kind: if row.noun == Noun::Finding { row.kind.clone() } else { noun.clone() },
            noun,
            title: row.title.clone(),
            severity: row.severity.map(|s| s.beacons()),
            owner: owner(row),
            committed: row.time,
            superseded_by: row.superseded_by.map(|id| id.to_string()),
        }
    }
}

/// What a search found.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchPage {
    #[serde(flatten)]
    page: Page<Hit>,
    /// The index holds all entries; false for a moment after many came at once.
    complete: bool,
}

/// Findings, incidents and observations by their words, newest first.
#[utoipa::path(get, path = "/api/search", tag = "record", params(SearchQuery, AsQuery), responses((status = 200, body = SearchPage), (status = 400, body = ErrorView)))]
pub(crate) async fn search(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Query(query): Query<SearchQuery>,
) -> Result<Json<SearchPage>, Failure> {
    if query.q.len() > MAX_QUESTION {
        return Err(Failure::bad(format!("`q` must have at most {MAX_QUESTION} bytes")));
    }
    let before = cursor(query.cursor.as_deref(), |text| text.parse().ok())?;
    let limit = limit(query.limit);
    let found = api.core.read(&view, move |reader| {
        let Some((rows, indexed)) = reader.search(&query.q, before, limit + 1)? else { return Ok(None) };
        let complete = indexed >= reader.rows()?.size()?;
        let page = Page::cut("bongsu.search/1", rows, limit, place, |row| Ok(Some(Hit::of(row))))?;
        Ok(Some(SearchPage { page, complete }))
    });
    found.await?.map(Json).ok_or_else(|| Failure::bad("`q` has no word"))
}

/// How many findings that stand there are of each value.
#[derive(Serialize, ToSchema)]
pub(crate) struct Facets {
    /// `bongsu.facets/1`.
    schema: &'static str,
    /// By their own kind.
    kind: BTreeMap<String, u64>,
    /// By beacons.
    severity: BTreeMap<String, u64>,
    /// By the node that wrote them.
    owner: BTreeMap<String, u64>,
    /// By the level of their marking.
    level: BTreeMap<String, u64>,
}

/// How many findings that stand there are of each kind, severity, owner and level.
#[utoipa::path(get, path = "/api/facets", tag = "record", params(AsQuery), responses((status = 200, body = Facets)))]
pub(crate) async fn facets(State(api): State<Api>, Viewer(view): Viewer) -> Result<Json<Facets>, Failure> {
    let facets = api.core.read(&view, |reader| {
        let rows = reader.rows()?;
        let counts =
            |field| Ok::<_, crate::NodeError>(rows.tallies(field, MAX_VALUES)?.into_iter().collect());
        Ok(Facets {
            schema: "bongsu.facets/1",
            kind: counts("kind")?,
            severity: counts("severity")?,
            owner: counts("owner")?,
            level: counts("level")?,
        })
    });
    Ok(Json(facets.await?))
}

/// Of which object.
#[derive(Deserialize, IntoParams)]
pub(crate) struct HistoryQuery {
    /// The namespaced id: `norad:29268`.
    object: String,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many items, 1 to 1000.
    limit: Option<usize>,
}

/// Findings about one object that stand, by the time that they tell about, newest first.
#[utoipa::path(get, path = "/api/history", tag = "record", params(HistoryQuery, AsQuery), responses((status = 200, body = Page<FindingView>)))]
pub(crate) async fn history(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Page<FindingView>>, Failure> {
    let after = cursor(query.cursor.as_deref(), |text| {
        let (start, seq) = text.split_once('.')?;
        Some((start.parse().ok()?, seq.parse().ok().filter(|seq| i64::try_from(*seq).is_ok())?))
    })?;
    let limit = limit(query.limit);
    let page = api.core.read(&view, move |reader| {
        let rows = reader.rows()?;
        let found = rows.history(&query.object, after, limit + 1)?;
        Page::cut(
            "bongsu.history/1",
            found,
            limit,
            |row| {
                let (_, start, seq) = rows.worst_of(row)?;
                Ok(format!("{start}.{seq}"))
            },
            |row| FindingView::of(&rows, row),
        )
    });
    Ok(Json(page.await?))
}

/// For whom.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ReleaseQuery {
    /// The name of the peer.
    peer: String,
}

/// Why an entry goes to a peer, or why not. For the owner's officers.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseView {
    /// `bongsu.release/1`.
    schema: &'static str,
    id: String,
    peer: String,
    /// What was decided when it was recorded, or when the peer was introduced.
    decided: VerdictOnRelease,
    /// What the rules of today say. What went is not called back by it, and what stayed does not go.
    now: VerdictOnRelease,
    /// The version of the table of codes by which `now` was decided.
    codes_version: String,
}

/// Released or withheld, and why.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerdictOnRelease {
    /// `released`, `withheld` or `no_matter` for what is not between the two, such as the recall of an item that the
    /// peer never had.
    verdict: &'static str,
    /// The rule of the label kernel that withheld it.
    rule: Option<String>,
    /// The part of the item that the rule looked at.
    path: Option<String>,
    /// Why evidence is withheld.
    cause: Option<String>,
    /// The log for the peer that it stands in.
    precedence: Option<String>,
    /// Its place there.
    place: Option<u64>,
}

impl VerdictOnRelease {
    const fn plain(verdict: &'static str) -> Self {
        Self { verdict, rule: None, path: None, cause: None, precedence: None, place: None }
    }

    fn withheld(withheld: &label::Withheld) -> Self {
        Self {
            rule: Some(withheld.rule.to_string()),
            path: Some(withheld.path.clone()),
            cause: withheld.cause.map(|rule| rule.to_string()),
            ..Self::plain("withheld")
        }
    }

    fn decided(decided: Option<&Decided>) -> Self {
        match decided {
            None => Self::plain("no_matter"),
            Some(Decided::Withheld(withheld)) => Self::withheld(withheld),
            Some(Decided::Shared { lane, place }) => {
                Self { precedence: Some(lane.clone()), place: Some(*place), ..Self::plain("released") }
            }
        }
    }
}

/// Why an own entry goes to a peer, or why not.
#[utoipa::path(get, path = "/api/entries/{id}/release", tag = "share", params(("id" = String, Path), ReleaseQuery), responses((status = 200, body = ReleaseView), (status = 404, body = ErrorView)))]
pub(crate) async fn release(
    State(api): State<Api>,
    AtHome(view): AtHome,
    Path(id): Path<String>,
    Query(query): Query<ReleaseQuery>,
) -> Result<Json<ReleaseView>, Failure> {
    let id: EntryId = parse_id(&id)?;
    let peer: NodeName = query.peer.parse().map_err(|_| Failure::not_found())?;
    if view != View::Owner {
        held_by(&api, &view, id).await?;
    }
    let judgement = api.core.judge(id, peer.clone()).await?.ok_or_else(Failure::not_found)?;
    Ok(Json(ReleaseView {
        schema: "bongsu.release/1",
        id: id.to_string(),
        peer: peer.to_string(),
        decided: VerdictOnRelease::decided(judgement.decided.as_ref()),
        now: match &judgement.now {
            None => VerdictOnRelease::plain("no_matter"),
            Some(Ok(())) => VerdictOnRelease::plain("released"),
            Some(Err(withheld)) => VerdictOnRelease::withheld(withheld),
        },
        codes_version: api.core.rules(api.core.surroundings.now()).codes.version().to_owned(),
    }))
}
