//! The own account, the accounts of others for administrators, the list of acts, and approvals.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base::{BlobHash, EntryId, Timestamp};
use label::Clearance;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use webauthn_rs::prelude::{PublicKeyCredential, RegisterPublicKeyCredential};

use super::model::{Page, PageQuery, page};
use super::session::{no_store, session_cookie};
use super::viewer::{AsQuery, Viewer};
use super::{Api, ErrorView, Failure};
use crate::NodeError;
use crate::people::{
    AccountAnswer, AccountOrder, AccountSummary, ActKind, Approval, Caller, NewAccount, Role, Way,
    passkey_name,
};
use crate::policy_account::{SIGN_POLICY, signed_values};
use crate::view::Noun;

/// A passkey of the own account.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeyView {
    /// Its id, base64url.
    id: String,
    title: String,
    #[schema(value_type = String, format = DateTime)]
    added: Timestamp,
}

/// The own account.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnAccountView {
    /// `bongsu.account/1`.
    schema: &'static str,
    #[serde(flatten)]
    account: AccountSummary,
    keys: Vec<PasskeyView>,
    /// Why no passkey can be registered at this node now.
    passkey_problem: Option<String>,
}

/// The own account; absent for sessions of the first start and of the machine's operator.
#[utoipa::path(get, path = "/api/account", tag = "session",
    responses((status = 200, body = OwnAccountView), (status = 404, body = ErrorView)))]
pub(crate) async fn own(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<OwnAccountView>, Failure> {
    let account = api.people.own(&caller).ok_or_else(Failure::not_found)?;
    let keys = account.passkeys.iter().map(|own| PasskeyView {
        id: passkey_name(&own.passkey),
        title: own.title.clone(),
        added: own.added,
    });
    Ok(Json(OwnAccountView {
        schema: "bongsu.account/1",
        account: AccountSummary::of(&account),
        keys: keys.collect(),
        passkey_problem: api.people.passkeys_ready().err(),
    }))
}

/// What a new passkey is called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasskeyRequest {
    /// For people, 1 to 100 characters.
    title: String,
}

/// What the browser passes to the authenticator.
#[derive(Serialize, ToSchema)]
pub(crate) struct CeremonyView {
    /// `bongsu.ceremony/1`.
    schema: &'static str,
    /// Comes back with the authenticator's answer.
    ceremony: String,
    /// What is to be approved, word by word; its SHA-256 is the challenge.
    text: Option<String>,
    /// Options of W3C Web Authentication, binary values in base64url.
    #[schema(value_type = Object)]
    options: Value,
}

/// Begins to register a passkey for the own account.
#[utoipa::path(post, path = "/api/account/passkeys/start", tag = "session", request_body = PasskeyRequest,
    responses((status = 200, body = CeremonyView), (status = 409, body = ErrorView)))]
pub(crate) async fn start_passkey(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Json(request): Json<PasskeyRequest>,
) -> Result<Json<CeremonyView>, Failure> {
    let title = request.title.trim();
    if !(1..=100).contains(&title.chars().count()) {
        return Err(Failure::bad("`title` must have 1 to 100 characters"));
    }
    let (ceremony, options) = api.people.start_registration(&caller, title.to_owned())?;
    let options = serde_json::to_value(options).unwrap_or_default();
    Ok(Json(CeremonyView { schema: "bongsu.ceremony/1", ceremony, text: None, options }))
}

/// What the authenticator made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    ceremony: String,
    /// A registration response of W3C Web Authentication, binary values in base64url.
    #[schema(value_type = Object)]
    credential: RegisterPublicKeyCredential,
}

/// Registers the passkey. Whoever came by an enrolment link has a full session from now on.
#[utoipa::path(post, path = "/api/account/passkeys/finish", tag = "session", request_body = Registration,
    responses((status = 204), (status = 400, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn finish_passkey(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Json(request): Json<Registration>,
) -> Result<Response, Failure> {
    match api.people.finish_registration(&caller, &request.ceremony, &request.credential).await? {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(token) => {
            let cookie = session_cookie(&api, &token, Way::Passkey);
            Ok(([(header::SET_COOKIE, cookie)], no_store(), StatusCode::NO_CONTENT).into_response())
        }
    }
}

/// Removes an own passkey; the sessions of the account end.
#[utoipa::path(post, path = "/api/account/passkeys/{id}/remove", tag = "session", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn remove_passkey(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    // A session without an account has no passkeys, so none is there.
    if caller.account.is_none() {
        return Err(Failure::not_found());
    }
    api.people.remove_passkey(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All accounts, by name.
#[utoipa::path(get, path = "/api/accounts", tag = "people", params(PageQuery),
    responses((status = 200, body = Page<AccountSummary>), (status = 403, body = ErrorView)))]
pub(crate) async fn accounts(
    State(api): State<Api>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<AccountSummary>>, Failure> {
    page("bongsu.accounts/1", &api.people.accounts(), &query, AccountSummary::of).map(Json)
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountRequest {
    /// 1 to 64 of a-z, 0-9, `.`, `_`, `-` and `@`.
    name: String,
    /// For people; the name when left out.
    #[serde(default)]
    title: Option<String>,
    roles: Vec<Role>,
    /// What the person may read here: `level`, `categories`, `countries`; everything that the roles allow when left out.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    clearance: Option<Clearance>,
    /// The `sub` of the person at the organisation's identity provider; such an account has no passkeys.
    #[serde(default)]
    oidc_subject: Option<String>,
}

/// What became of an account.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountView {
    /// `bongsu.account/1`.
    schema: &'static str,
    #[serde(flatten)]
    account: AccountSummary,
    /// The one-time address by which its person comes in first, good for a day. Shown this once.
    enter: Option<String>,
}

async fn order(api: &Api, caller: &Caller, order: AccountOrder) -> Result<Json<AccountView>, Failure> {
    let AccountAnswer { accounts, token } = api.people.order(&caller.actor(), order).await?;
    let account = accounts.into_iter().next().ok_or_else(Failure::not_found)?;
    if account.clearance.is_some() {
        // With a long record it takes a while: it begins before the person comes in.
        let people = Arc::clone(&api.people);
        tokio::spawn(async move { people.open_views().await });
    }
    let enter = token.map(|token| format!("{}/enter?token={token}", api.people.origin));
    Ok(Json(AccountView { schema: "bongsu.account/1", account, enter }))
}

/// Adds an account and makes the link by which its person registers a passkey.
#[utoipa::path(post, path = "/api/accounts", tag = "people", request_body = AccountRequest,
    responses((status = 201, body = AccountView), (status = 400, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn add(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Json(request): Json<AccountRequest>,
) -> Result<(StatusCode, Json<AccountView>), Failure> {
    let new = NewAccount {
        name: request.name.parse().map_err(|e| Failure::bad(format!("`name`: {e}")))?,
        title: request.title,
        roles: request.roles.into_iter().collect(),
        clearance: request.clearance,
        oidc_subject: request.oidc_subject,
    };
    Ok((StatusCode::CREATED, order(&api, &caller, AccountOrder::Add(new)).await?))
}

/// All roles that an account has from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolesRequest {
    roles: Vec<Role>,
}

/// Gives an account other roles; its sessions end.
#[utoipa::path(post, path = "/api/accounts/{name}/roles", tag = "people", params(("name" = String, Path)), request_body = RolesRequest,
    responses((status = 200, body = AccountView), (status = 404, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn roles(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Json(request): Json<RolesRequest>,
) -> Result<Json<AccountView>, Failure> {
    let name = name.parse().map_err(|_| Failure::not_found())?;
    order(&api, &caller, AccountOrder::Roles { name, roles: request.roles.into_iter().collect() }).await
}

/// What an account may read here from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClearanceRequest {
    /// `level`, `categories`, `countries`; null: everything that the roles allow.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Option<Object>)]
    clearance: Option<Clearance>,
}

/// Says what an account may read here; its sessions end.
#[utoipa::path(post, path = "/api/accounts/{name}/clearance", tag = "people", params(("name" = String, Path)), request_body = ClearanceRequest,
    responses((status = 200, body = AccountView), (status = 404, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn clearance(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Json(request): Json<ClearanceRequest>,
) -> Result<Json<AccountView>, Failure> {
    let name = name.parse().map_err(|_| Failure::not_found())?;
    order(&api, &caller, AccountOrder::Clearance { name, clearance: request.clearance }).await
}

/// Removes an account; its sessions end.
#[utoipa::path(post, path = "/api/accounts/{name}/remove", tag = "people", params(("name" = String, Path)),
    responses((status = 200, body = AccountView), (status = 404, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn remove(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<AccountView>, Failure> {
    let name = name.parse().map_err(|_| Failure::not_found())?;
    order(&api, &caller, AccountOrder::Remove { name }).await
}

/// Makes a new link for an account whose person never came in.
#[utoipa::path(post, path = "/api/accounts/{name}/link", tag = "people", params(("name" = String, Path)),
    responses((status = 200, body = AccountView), (status = 404, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn link(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<AccountView>, Failure> {
    let name = name.parse().map_err(|_| Failure::not_found())?;
    order(&api, &caller, AccountOrder::Link { name }).await
}

/// What a person did.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActView {
    /// The entry that says so.
    entry: String,
    kind: ActKind,
    /// The account that did it.
    by: Option<String>,
    way: Way,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Entries that it made or was about.
    about: Vec<String>,
    /// The account that it changed.
    account: Option<String>,
    roles: Option<Vec<Role>>,
    #[schema(value_type = Option<Object>)]
    clearance: Option<Clearance>,
    detail: Option<String>,
    /// Whether it was approved by a fresh passkey assertion.
    approved: bool,
    /// How many of the same sort before it were only counted.
    suppressed: u64,
}

/// What people did here, newest first.
#[utoipa::path(get, path = "/api/acts", tag = "people", params(PageQuery, AsQuery),
    responses((status = 200, body = Page<ActView>), (status = 403, body = ErrorView)))]
pub(crate) async fn acts(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ActView>>, Failure> {
    let (before, limit) = (query.before()?, query.limit());
    let page = api.core.read(&view, move |reader| {
        let found = reader.rows()?.standing(Noun::Act, before, limit + 1)?;
        Page::cut("bongsu.acts/1", found, limit, super::read::place, |row| {
            Ok(row.act().map(|act| ActView {
                entry: row.id.to_string(),
                kind: act.kind,
                by: act.by.account.as_ref().map(ToString::to_string),
                way: act.by.way,
                at: act.at,
                about: act.about.iter().map(ToString::to_string).collect(),
                account: act.account.as_ref().map(ToString::to_string),
                roles: act.roles.as_ref().map(|roles| roles.iter().copied().collect()),
                clearance: act.clearance.clone(),
                detail: act.detail.clone(),
                approved: act.approval.is_some(),
                suppressed: act.suppressed,
            }))
        })
    });
    Ok(Json(page.await?))
}

/// The act that is to be approved.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ApprovalRequest {
    /// Taking an own entry back.
    Recall {
        /// The entry.
        entry: String,
        /// Why.
        reason: String,
    },
    /// Introducing a peer.
    Introduce {
        /// The peer's card.
        card: crate::Card,
        /// The highest level that it may have.
        clearance: String,
    },
    /// Granting or refusing that an own item goes on.
    AnswerRequest {
        /// The entry of the request.
        #[schema(value_type = String)]
        request: EntryId,
        granted: bool,
        /// For how long, in hours.
        hours: f64,
    },
    /// Signing a policy.
    SignPolicy {
        /// The entry that holds the policy.
        #[schema(value_type = String)]
        proposal: EntryId,
        /// SHA-256 of the policy's canonical JSON.
        #[schema(value_type = String)]
        sha256: BlobHash,
    },
    /// Loading a table of codes or words.
    LoadTable {
        /// The whole table.
        #[schema(value_type = Object)]
        table: Value,
    },
}

impl ApprovalRequest {
    /// The word of the act, and all that it depends on.
    fn parts(&self) -> (&'static str, Value) {
        match self {
            Self::Recall { entry, reason } => ("recall", json!({"entry": entry, "reason": reason})),
            Self::Introduce { card, clearance } => {
                ("introduce", json!({"card": card, "clearance": clearance}))
            }
            Self::AnswerRequest { request, granted, hours } => {
                ("answer_request", json!({"request": request, "granted": granted, "hours": hours}))
            }
            Self::SignPolicy { proposal, sha256 } => (SIGN_POLICY, signed_values(proposal, sha256)),
            Self::LoadTable { table } => ("load_table", json!({"table": table})),
        }
    }
}

/// Begins to approve one act by a fresh assertion of an own passkey. Nothing is done by this alone: the answer goes
/// with the request for the act.
#[utoipa::path(post, path = "/api/approvals", tag = "session", request_body = ApprovalRequest,
    responses((status = 200, body = CeremonyView), (status = 409, body = ErrorView)))]
pub(crate) async fn start_approval(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Json(request): Json<ApprovalRequest>,
) -> Result<Json<CeremonyView>, Failure> {
    let (act, values) = request.parts();
    let (ceremony, text, options) = api.people.start_approval(&caller, act, values)?;
    let options = serde_json::to_value(options).unwrap_or_default();
    Ok(Json(CeremonyView { schema: "bongsu.ceremony/1", ceremony, text: Some(text), options }))
}

/// The answer to an approval that was begun.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalAnswer {
    ceremony: String,
    /// An authentication response of W3C Web Authentication, binary values in base64url.
    #[schema(value_type = Object)]
    credential: PublicKeyCredential,
}

/// What proves that the caller approved exactly this act; none is needed from who has no passkey.
pub(crate) async fn approved(
    api: &Api,
    caller: &Caller,
    request: &ApprovalRequest,
    answer: Option<ApprovalAnswer>,
) -> Result<Option<Approval>, Failure> {
    let (act, values) = request.parts();
    match answer {
        Some(answer) => {
            let ApprovalAnswer { ceremony, credential } = answer;
            let approval = api.people.finish_approval(caller, act, &values, &ceremony, &credential).await;
            approval.map(Some).map_err(|e| match e {
                NodeError::BadRequest { message } => {
                    Failure::new(StatusCode::FORBIDDEN, "node::not_approved", message)
                }
                other => other.into(),
            })
        }
        None if api.people.must_approve(caller) => Err(Failure::new(
            StatusCode::PRECONDITION_REQUIRED,
            "node::approval_needed",
            "this act must be approved by a passkey of the account",
        )
        .hint("begin at POST /api/approvals")),
        None => Ok(None),
    }
}
