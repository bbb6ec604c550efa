//! Steps toward the rules of release that the operator of the machine orders of a running node: the same steps, and the
//! same entries, as in the folder of a stopped one.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use base::{BlobHash, EntryId, Timestamp};
use label::{CodeTable, PolicyDocument, Rules};
use record::Entry;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::People;
use super::act::{ActKind, Actor};
use crate::NodeError;
use crate::core::{Draft, RuleDraft, nobody};
use crate::dry_run::dry_run;
use crate::policy_change::{PolicySignature, Proposal, ProposedRule, RulesOnRecord};
use crate::policy_steps::{compiled, next_document, table_draft};

/// A step toward the rules of release, or a look at them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RulesOrder {
    /// Policies, who signed them, and which is in force.
    Policies,
    /// Records a policy for officers to sign; version 0 is the one that follows.
    Propose(PolicyDocument),
    /// Records an officer's signature, made with the officer's key file.
    Sign {
        /// The entry of the proposal.
        proposal: EntryId,
        /// The envelope of a [`PolicyApproval`](crate::PolicyApproval) under the officer's key.
        approval: Value,
    },
    /// Puts a policy in force that two officers have signed.
    Apply {
        /// The entry of the proposal.
        proposal: EntryId,
    },
    /// What a policy would newly release or hold back. The lines go to a file, of which the answer tells.
    DryRun {
        /// The policy.
        policy: PolicyDocument,
        /// How many days back.
        days: u32,
    },
    /// The tables that hold at a time.
    Tables {
        /// Now when left out.
        at: Option<Timestamp>,
    },
    /// Records a table: one of codes for officers to sign, one of words as it holds from its `valid_from` on.
    LoadTable {
        /// A `bongsu.code-table/1` or `bongsu.mapping-table/1`.
        table: Value,
    },
}

/// A policy or a table of codes in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PolicySummary {
    /// The entry that holds it.
    #[schema(value_type = String)]
    pub entry: EntryId,
    /// `policy`, or `codes` for a table of country and group codes.
    pub kind: String,
    /// The policy's name; `codes` for a table.
    pub name: String,
    /// Its version; of a table of codes its place among those of the record, from 1.
    pub version: u64,
    /// The name that a table of codes has of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Who wrote it; empty for a table.
    pub author: String,
    /// Of its canonical JSON; this is signed.
    #[schema(value_type = String)]
    pub sha256: BlobHash,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub proposed: Timestamp,
    /// Officers and accounts.
    pub signed_by: Vec<String>,
    /// When it was put in force.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub applied: Option<Timestamp>,
    /// From when on it holds, at the earliest.
    #[schema(value_type = String, format = DateTime)]
    pub effective_from: Timestamp,
    /// Whether it is the one that holds now.
    pub in_force: bool,
    /// Whether another one was put in force since it was proposed, so that it can be signed no more.
    pub stale: bool,
}

impl PolicySummary {
    /// Of one proposal among `rules`, of which `now` hold.
    pub fn of(id: &EntryId, proposal: &Proposal, rules: &RulesOnRecord, now: &Rules) -> Self {
        let (name, author, table) = match &proposal.rule {
            ProposedRule::Policy(document) => (document.name.clone(), document.author.clone(), None),
            ProposedRule::Codes(table, _) => ("codes".to_owned(), String::new(), Some(table.version.clone())),
        };
        Self {
            entry: *id,
            kind: proposal.rule.kind().to_owned(),
            name,
            version: proposal.rule.version(),
            table,
            author,
            sha256: proposal.sha256,
            proposed: proposal.time,
            signed_by: proposal.signatures.keys().cloned().collect(),
            applied: proposal.applied,
            effective_from: proposal.rule.effective_from(),
            in_force: proposal.applied.is_some() && proposal.rule.holds(now),
            stale: rules.is_stale(proposal),
        }
    }
}

/// What a [`RulesOrder`] led to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RulesAnswer {
    /// The entry of the step.
    pub step: Option<EntryId>,
    /// The officer who signed.
    pub officer: Option<String>,
    /// The policy of the step, or all of them.
    pub policies: Vec<PolicySummary>,
    /// The tables.
    pub tables: Vec<Value>,
    /// What counts for nothing in the record, and why, in words.
    pub faults: Vec<String>,
}

impl People {
    /// Carries out what the operator of the machine ordered; lines of a dry run go to `lines`. It may block.
    pub(super) async fn order_rules(
        &self,
        order: RulesOrder,
        lines: &Path,
    ) -> Result<RulesAnswer, NodeError> {
        let core = &self.core;
        let now = core.surroundings.now();
        let mut answer = RulesAnswer::default();
        let alone = core.policy_steps.lock().await;
        let (draft, proposal, what) = match order {
            RulesOrder::Policies => {
                let rules = core.rules_on_record();
                let held = rules.at(now);
                let of = |(id, proposal)| PolicySummary::of(id, proposal, &rules, &held);
                answer.policies = rules.proposals().map(of).collect();
                answer.faults = rules.faults().iter().map(ToString::to_string).collect();
                return Ok(answer);
            }
            RulesOrder::Tables { at } => {
                let rules = core.rules(at.unwrap_or(now));
                let codes = CodeTable::of(rules.codes.clone(), nobody(&core.config.country));
                let documents = std::iter::once(base::to_document(&codes));
                let documents = documents.chain(rules.words.tables().map(base::to_document));
                let bad = |e: base::WireError| NodeError::BadRequest { message: e.to_string() };
                answer.tables = documents.collect::<Result<_, _>>().map_err(bad)?;
                return Ok(answer);
            }
            RulesOrder::DryRun { policy, days } => {
                let (core, policy) = (Arc::clone(core), Arc::new(compiled(policy)?));
                let act = core.act(ActKind::PolicyDryRun, Actor::OPERATOR).detail(policy.document().path());
                core.append(vec![Draft::Act(Box::new(act))]).await?;
                let path = lines.to_owned();
                drop(alone);
                let run = tokio::task::spawn_blocking(move || write_lines(&core, policy, days, &path));
                run.await.map_err(|_| NodeError::Stopping)??;
                return Ok(answer);
            }
            RulesOrder::Propose(mut document) => {
                document.marking = nobody(&core.config.country);
                let document = next_document(document, &core.rules_on_record())?;
                let document = compiled(document)?.document().clone();
                let what = format!("proposed {}", document.path());
                (RuleDraft::Policy(document), None, what)
            }
            RulesOrder::Sign { proposal, approval } => {
                let signed = Entry::from_envelope(&approval)
                    .map_err(|e| NodeError::BadRequest { message: format!("the approval: {e}") })?;
                let rules = core.rules_on_record();
                let officer = rules.may_sign(&proposal, signed.key())?.clone();
                let what = format!("signed {} as {officer}", rules.proposal(&proposal)?.rule.path());
                answer.officer = Some(officer.to_string());
                let marking = nobody(&core.config.country);
                let signature = PolicySignature { proposal, officer, approval, marking };
                (RuleDraft::KeySignature(signature), Some(proposal), what)
            }
            RulesOrder::Apply { proposal } => {
                let rules = core.rules_on_record();
                let applied = rules.may_apply(&proposal, nobody(&core.config.country))?;
                let what = format!("put {} in force", rules.proposal(&proposal)?.rule.path());
                (RuleDraft::Applied(applied), Some(proposal), what)
            }
            RulesOrder::LoadTable { table } => {
                let (draft, what) = table_draft(&table)?;
                (draft, None, what)
            }
        };
        let goes_on = !matches!(draft, RuleDraft::Words(_));
        let act = core.act(ActKind::Policy, Actor::OPERATOR).about(proposal).detail(what);
        let drafts = vec![Draft::Rule(Box::new(draft)), Draft::Act(Box::new(act))];
        let step = core.append(drafts).await?.first().copied().ok_or(NodeError::Stopping)?;
        answer.step = Some(step);
        if goes_on {
            let rules = core.rules_on_record();
            let id = proposal.unwrap_or(step);
            let held = rules.at(core.surroundings.now());
            answer.policies.push(PolicySummary::of(&id, rules.proposal(&id)?, &rules, &held));
        }
        Ok(answer)
    }
}

/// The lines of a dry run into a file for the owner of the folder alone.
fn write_lines(
    core: &Arc<crate::core::Core>,
    policy: Arc<label::Policy>,
    days: u32,
    path: &Path,
) -> Result<(), NodeError> {
    use std::os::unix::fs::OpenOptionsExt;
    let io = |source| NodeError::Io { path: path.to_owned(), source };
    let file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(io)?;
    let mut out = std::io::BufWriter::new(file);
    let mut failed = None;
    dry_run(core, policy, days, |line| {
        let written =
            serde_json::to_writer(&mut out, &line).map_err(Into::into).and_then(|()| out.write_all(b"\n"));
        failed = written.err();
        failed.is_none()
    })?;
    failed.map_or(Ok(()), Err).and_then(|()| out.flush()).map_err(io)
}
