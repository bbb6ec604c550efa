//! Policies and tables on a running node: proposed, tried, signed by two officers with their accounts, put in force.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base::{BlobHash, EntryId, Timestamp};
use futures_util::{StreamExt, stream};
use label::{CodeTable, POLICY_SCHEMA, Policy, PolicyDocument, Rules};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use super::accounts::{ApprovalAnswer, ApprovalRequest, approved};
use super::model::{Page, PageQuery, Receipt, page};
use super::read::parse_id;
use super::viewer::OwnerOnly;
use super::{Api, ErrorView, Failure};
use crate::NodeError;
use crate::core::{Draft, RuleDraft, nobody};
use crate::dry_run::{DryRunLine, dry_run};
use crate::people::{Act, ActKind, Caller, PolicySummary, Way, row};
use crate::policy_account::{AccountSignature, account_signer};
use crate::policy_change::{PolicyStepError, Proposal, ProposedRule, RulesOnRecord};
use crate::policy_steps::{compiled, next_document, table_draft};

/// The longest name of a policy, in characters.
const MAX_NAME: usize = 100;
/// The most days that a dry run looks back.
const MAX_DAYS: u32 = 3660;
/// Lines of a dry run that wait for who reads them.
const WAITING: usize = 64;
/// How long a line waits for who reads it, before the dry run gives its place to another.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// How often a dry run looks whether the session still stands.
const SESSION_CHECK: Duration = Duration::from_secs(1);

/// A policy on its way, or in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyView {
    #[serde(flatten)]
    summary: PolicySummary,
    /// Cedar policies; of a table of codes its JSON.
    text: String,
}

impl PolicyView {
    fn of(id: &EntryId, proposal: &Proposal, rules: &RulesOnRecord, now: &Rules) -> Self {
        let text = match &proposal.rule {
            ProposedRule::Policy(document) => document.text.clone(),
            ProposedRule::Codes(table, _) => serde_json::to_string_pretty(table).unwrap_or_default(),
        };
        Self { summary: PolicySummary::of(id, proposal, rules, now), text }
    }
}

/// All policies and tables of codes of the record, newest first.
#[utoipa::path(get, path = "/api/policy", tag = "policy", params(PageQuery),
    responses((status = 200, body = Page<PolicyView>)))]
pub(crate) async fn policies(
    State(api): State<Api>,
    _: OwnerOnly,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PolicyView>>, Failure> {
    let rules = api.core.rules_on_record();
    let held = rules.at(api.core.surroundings.now());
    let mut all: Vec<_> = rules.proposals().collect();
    all.reverse();
    page("bongsu.policies/1", &all, &query, |(id, proposal)| PolicyView::of(id, proposal, &rules, &held))
        .map(Json)
}

/// A policy that somebody proposes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyDraft {
    /// a-z, 0-9, `.`, `_`, `-`.
    name: String,
    /// Cedar policies.
    text: String,
    /// One above the newest of that name when left out.
    #[serde(default)]
    version: Option<u64>,
    /// Now when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    effective_from: Option<Timestamp>,
}

/// A step toward a policy that was recorded.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyStepView {
    /// `bongsu.policy-step/1`.
    schema: &'static str,
    /// The entry of this step.
    step: String,
    #[serde(flatten)]
    policy: PolicyView,
}

fn step(api: &Api, step: EntryId, proposal: &EntryId) -> Result<Json<PolicyStepView>, Failure> {
    let rules = api.core.rules_on_record();
    let held = rules.at(api.core.surroundings.now());
    let found = rules.proposal(proposal).map_err(NodeError::from)?;
    let policy = PolicyView::of(proposal, found, &rules, &held);
    Ok(Json(PolicyStepView { schema: "bongsu.policy-step/1", step: step.to_string(), policy }))
}

/// Records a step with the act of who made it, in one commit.
async fn record(api: &Api, rule: RuleDraft, act: Act) -> Result<EntryId, Failure> {
    let drafts = vec![Draft::Rule(Box::new(rule)), Draft::Act(Box::new(act))];
    api.core.append(drafts).await?.first().copied().ok_or_else(Failure::not_found)
}

/// Records a policy for two officers to sign. It changes nothing yet.
#[utoipa::path(post, path = "/api/policy", tag = "policy", request_body = PolicyDraft,
    responses((status = 201, body = PolicyStepView), (status = 409, body = ErrorView), (status = 422, body = ErrorView)))]
pub(crate) async fn propose(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Json(draft): Json<PolicyDraft>,
) -> Result<(StatusCode, Json<PolicyStepView>), Failure> {
    if draft.name.chars().count() > MAX_NAME {
        return Err(Failure::bad(format!("`name` must have at most {MAX_NAME} characters")));
    }
    let by = caller.account.as_ref().map_or_else(|| "local officer".to_owned(), |(_, name)| name.to_string());
    let _alone = api.core.policy_steps.lock().await;
    let now = api.core.surroundings.now();
    let document = PolicyDocument {
        name: draft.name,
        version: draft.version.unwrap_or(0),
        author: by,
        effective_from: draft.effective_from.unwrap_or(now),
        policy_schema: POLICY_SCHEMA.to_owned(),
        text: draft.text,
        marking: nobody(&api.core.config.country),
    };
    let document = next_document(document, &api.core.rules_on_record())?;
    let document = compiled(document)?.document().clone();
    let act = api.core.act(ActKind::Policy, caller.actor()).detail(format!("proposed {}", document.path()));
    let id = record(&api, RuleDraft::Policy(document), act).await?;
    Ok((StatusCode::CREATED, step(&api, id, &id)?))
}

/// What an officer signs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignRequest {
    /// The hash of the policy that the officer has read.
    sha256: String,
    /// Needed from who has a passkey.
    #[serde(default)]
    approval: Option<ApprovalAnswer>,
}

/// Signs a policy or a table of codes as an officer, by a fresh assertion of an own passkey that names the policy's hash. Nobody signs twice.
#[utoipa::path(post, path = "/api/policy/{id}/sign", tag = "policy", params(("id" = String, Path)), request_body = SignRequest,
    responses((status = 201, body = PolicyStepView), (status = 404, body = ErrorView), (status = 409, body = ErrorView), (status = 428, body = ErrorView)))]
pub(crate) async fn sign(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(request): Json<SignRequest>,
) -> Result<(StatusCode, Json<PolicyStepView>), Failure> {
    let id = parse_id(&id)?;
    let sha256: BlobHash = request.sha256.parse().map_err(|e| Failure::bad(format!("`sha256`: {e}")))?;
    let conflict = |message: String| Failure::from(NodeError::Conflict { message });
    let _alone = api.core.policy_steps.lock().await;
    let may_sign = |account: &_, by: &[u8; 32]| -> Result<String, NodeError> {
        let rules = api.core.rules_on_record();
        let proposal = rules.may_sign_as(&id, account, by)?;
        if proposal.sha256 != sha256 {
            let message = "the policy has another hash than the one that is to be signed".to_owned();
            return Err(NodeError::Conflict { message });
        }
        Ok(proposal.rule.path())
    };
    api.core.rules_on_record().proposal(&id).map_err(NodeError::from)?;
    let Some(own) = api.people.signer(&caller) else {
        return Err(conflict("this session belongs to no account; a policy is signed by persons".to_owned()));
    };
    let path = may_sign(&own.account, &account_signer(&own.account_id))?;
    let asked = ApprovalRequest::SignPolicy { proposal: id, sha256 };
    let approval = approved(&api, &caller, &asked, request.approval).await?;
    let signature = AccountSignature {
        proposal: id,
        policy_sha256: sha256,
        account: own.account.clone(),
        account_id: own.account_id.clone(),
        way: if approval.is_some() { Way::Passkey } else { caller.way },
        passkey: approval.as_ref().and_then(|approval| own.passkeys.get(&approval.passkey).cloned()),
        approval: approval.clone(),
        marking: nobody(&api.core.config.country),
    };
    let by = signature.check(&sha256).map_err(conflict)?;
    may_sign(&own.account, &by)?;
    let mut act = api.core.act(ActKind::Policy, caller.actor()).about([id]).detail(format!("signed {path}"));
    act.approval = approval;
    let entry = record(&api, RuleDraft::Signature(signature), act).await?;
    Ok((StatusCode::CREATED, step(&api, entry, &id)?))
}

/// Puts a policy or a table of codes in force that two officers have signed.
#[utoipa::path(post, path = "/api/policy/{id}/apply", tag = "policy", params(("id" = String, Path)),
    responses((status = 201, body = PolicyStepView), (status = 404, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn apply(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<PolicyStepView>), Failure> {
    let id = parse_id(&id)?;
    let _alone = api.core.policy_steps.lock().await;
    let (applied, path) = {
        let rules = api.core.rules_on_record();
        let applied = rules.may_apply(&id, nobody(&api.core.config.country)).map_err(NodeError::from)?;
        (applied, rules.proposal(&id).map_err(NodeError::from)?.rule.path())
    };
    let act =
        api.core.act(ActKind::Policy, caller.actor()).about([id]).detail(format!("put {path} in force"));
    let entry = record(&api, RuleDraft::Applied(applied), act).await?;
    Ok((StatusCode::CREATED, step(&api, entry, &id)?))
}

/// What to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DryRunRequest {
    /// Cedar policies. Either this or `proposal`.
    #[serde(default)]
    text: Option<String>,
    /// The entry of a proposal.
    #[serde(default)]
    proposal: Option<String>,
    /// How many days back; 90 when left out.
    #[serde(default)]
    days: Option<u32>,
}

/// What a policy would newly release or hold back, for every peer, by the own entries of the last days. Lines of JSON:
/// `begin`, a `change` for each entry and peer whose decision changes, a `count` for each peer, and `end`. Without `end`
/// the answer is not whole.
#[utoipa::path(post, path = "/api/policy/dry-run", tag = "policy", request_body = DryRunRequest,
    responses((status = 200, content_type = "application/x-ndjson", body = String), (status = 404, body = ErrorView),
        (status = 409, body = ErrorView), (status = 422, body = ErrorView)))]
pub(crate) async fn try_out(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Json(request): Json<DryRunRequest>,
) -> Result<Response, Failure> {
    let days = request.days.unwrap_or(90);
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(Failure::bad(format!("`days` must be from 1 to {MAX_DAYS}")));
    }
    let document = match (request.text, request.proposal) {
        (Some(text), None) => PolicyDocument {
            name: "draft".to_owned(),
            version: 0,
            author: String::new(),
            effective_from: Timestamp::UNIX_EPOCH,
            policy_schema: POLICY_SCHEMA.to_owned(),
            text,
            marking: nobody(&api.core.config.country),
        },
        (None, Some(id)) => {
            let rules = api.core.rules_on_record();
            let rule = &rules.proposal(&parse_id(&id)?).map_err(NodeError::from)?.rule;
            rule.policy().cloned().ok_or_else(|| Failure::bad("a table of codes has no dry run"))?
        }
        _ => return Err(Failure::bad("either `text` or `proposal` is needed")),
    };
    let policy = Arc::new(compiled(document)?);
    let Ok(permit) = Arc::clone(&api.core.dry_runs).try_acquire_owned() else {
        let message = "dry runs of others are under way; try again".to_owned();
        return Err(NodeError::Conflict { message }.into());
    };
    let act = api.core.act(ActKind::PolicyDryRun, caller.actor()).detail(policy.document().path());
    api.core.append(vec![Draft::Act(Box::new(act))]).await?;
    Ok(lines(api, caller, policy, days, permit))
}

/// The lines of a dry run as they come. It ends with the session, and when nobody reads any more.
fn lines(
    api: Api,
    caller: Caller,
    policy: Arc<Policy>,
    days: u32,
    permit: tokio::sync::OwnedSemaphorePermit,
) -> Response {
    let (to, from) = mpsc::channel::<Bytes>(WAITING);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut looked = Instant::now();
        let mut give = |line: DryRunLine| {
            if looked.elapsed() >= SESSION_CHECK {
                looked = Instant::now();
                let stands = api.people.caller(&caller.token);
                let allowed = |c: &Caller| row("POST", "/api/policy/dry-run").is_some_and(|row| row.lets(c));
                if *api.stop.borrow() || !stands.is_some_and(|c| allowed(&c)) {
                    return false;
                }
            }
            let Ok(mut text) = serde_json::to_vec(&line) else { return false };
            text.push(b'\n');
            runtime.block_on(to.send_timeout(text.into(), READ_WITHIN)).is_ok()
        };
        if let Err(error) = dry_run(&api.core, policy, days, &mut give) {
            // Whoever reads sees that the last line is missing.
            tracing::error!(%error, "a dry run of a policy stopped");
        }
    });
    let lines = stream::unfold(from, |mut from| async move {
        from.recv().await.map(|line| (Ok::<_, Infallible>(line), from))
    });
    // Fused, because compression asks once more after the end.
    let lines = lines.fuse();
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// Of which time.
#[derive(Deserialize, IntoParams)]
pub(crate) struct TablesQuery {
    /// RFC 3339; now when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

/// The tables that hold at a time.
#[derive(Serialize, ToSchema)]
pub(crate) struct TablesView {
    /// `bongsu.label-tables/1`.
    schema: &'static str,
    /// The table of codes, then nations' words for levels.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Value>,
}

/// The tables of codes and words that hold at a time.
#[utoipa::path(get, path = "/api/tables", tag = "policy", params(TablesQuery), responses((status = 200, body = TablesView)))]
pub(crate) async fn tables(
    State(api): State<Api>,
    _: OwnerOnly,
    Query(query): Query<TablesQuery>,
) -> Result<Json<TablesView>, Failure> {
    let rules = api.core.rules(query.at.unwrap_or_else(|| api.core.surroundings.now()));
    let codes = CodeTable::of(rules.codes.clone(), nobody(&api.core.config.country));
    let mut items = vec![base::to_document(&codes)];
    items.extend(rules.words.tables().map(base::to_document));
    let items = items.into_iter().collect::<Result<_, _>>();
    let items = items.map_err(|e| Failure::bad(e.to_string()))?;
    Ok(Json(TablesView { schema: "bongsu.label-tables/1", items }))
}

/// A table to load.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableRequest {
    /// A `bongsu.code-table/1` or `bongsu.mapping-table/1`.
    #[schema(value_type = Object)]
    table: Value,
    /// Needed from who has a passkey.
    #[serde(default)]
    approval: Option<ApprovalAnswer>,
}

/// Records a table. One of words holds from its `valid_from` on, in place of the whole table before it. One of country and
/// group codes does so only once two officers have signed it and it was applied, as a policy is.
#[utoipa::path(post, path = "/api/tables", tag = "policy", request_body = TableRequest,
    responses((status = 201, body = Receipt), (status = 422, body = ErrorView), (status = 428, body = ErrorView)))]
pub(crate) async fn load_table(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Json(request): Json<TableRequest>,
) -> Result<(StatusCode, Json<Receipt>), Failure> {
    let (draft, what) = table_draft(&request.table)?;
    let _alone = api.core.policy_steps.lock().await;
    let asked = ApprovalRequest::LoadTable { table: request.table };
    let approval = approved(&api, &caller, &asked, request.approval).await?;
    let mut act = api.core.act(ActKind::Policy, caller.actor()).detail(what);
    act.approval = approval;
    let id = record(&api, draft, act).await?;
    Ok((StatusCode::CREATED, Json(Receipt::of(id))))
}

/// What a step that may not be taken answers.
pub(super) fn refused(error: &PolicyStepError) -> Failure {
    match error {
        PolicyStepError::NoProposal { .. } => Failure::not_found(),
        PolicyStepError::Stale => Failure::new(StatusCode::CONFLICT, "policy::stale", error.to_string())
            .hint("propose it anew at POST /api/policy"),
        other => Failure::new(StatusCode::CONFLICT, "node::conflict", other.to_string()),
    }
}
