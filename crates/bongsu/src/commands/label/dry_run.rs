//! `label policy dry-run`: what a new policy would change, by the entries of the last days.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use base::{EntryId, NodeName, Timestamp};
use label::{Audience, National, PolicyDocument, Rules, Withheld};
use node::RulesOrder;
use rayon::prelude::*;
use record::ReadRecord;
use serde::Serialize;
use serde_json::Value;

use super::picture::{Held, Picture};
use super::policy::compile;
use crate::Common;
use crate::error::CliError;
use crate::now;
use crate::out::List;

const NANOS_PER_DAY: i64 = 86_400_000_000_000;

const COLUMNS: &[&str] = &[
    "kind",
    "peer",
    "days",
    "considered",
    "unchanged",
    "newly_released",
    "newly_held",
    "change",
    "entry",
    "entry_kind",
    "time",
    "shared",
    "rule",
    "path",
    "why",
];

/// One peer in numbers.
#[derive(Serialize)]
struct Count<'a> {
    kind: &'static str,
    peer: &'a NodeName,
    days: u32,
    considered: usize,
    unchanged: usize,
    newly_released: usize,
    newly_held: usize,
}

/// One entry whose decision changes.
#[derive(Serialize)]
struct Change<'a> {
    kind: &'static str,
    peer: &'a NodeName,
    /// `newly_released` or `newly_held`.
    change: &'static str,
    entry: EntryId,
    entry_kind: &'a str,
    time: Timestamp,
    /// Whether it lies in the log for the peer already.
    shared: bool,
    /// The rule that holds it back: now for what would be released, then for what would be held.
    rule: String,
    path: String,
    why: String,
}

pub(super) fn run(store: &Path, policy: &str, days: u32, common: &Common) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.label-policy-dry-run/1").with_columns(COLUMNS);
    let new = match compile(policy, &mut list) {
        Ok(policy) => policy,
        Err(error) => return list.fail(error),
    };
    if super::stopped(ReadRecord::open(store))?.is_none() {
        return online(store, new.document().clone(), days, list);
    }
    let picture = Picture::read(store)?;
    for fault in picture.rules.faults() {
        list.fault(fault.clone());
    }
    let now = now(common);
    let old = picture.rules.at(now);
    let new = Rules { national: National::Policy(new), ..Arc::unwrap_or_clone(Arc::clone(&old)) };
    let since = now.unix_nanos().saturating_sub(i64::from(days).saturating_mul(NANOS_PER_DAY));
    let looked_at: Vec<&Held> =
        picture.entries.iter().filter(|held| held.is_own && held.time.unix_nanos() >= since).collect();

    let mut changes: BTreeMap<NodeName, Vec<Change<'_>>> = BTreeMap::new();
    let audiences = picture.audiences()?;
    for audience in &audiences {
        let found: Vec<Change<'_>> = looked_at
            .par_iter()
            .filter(|held| !picture.recalls_nothing(&audience.node, held))
            .filter_map(|held| change(&picture, held, audience, &old, &new, now))
            .collect();
        changes.insert(audience.node.clone(), found);
    }
    for (peer, found) in &changes {
        let considered = looked_at.par_iter().filter(|held| !picture.recalls_nothing(peer, held)).count();
        let newly_held = found.iter().filter(|one| one.change == HELD).count();
        list.item(&Count {
            kind: "count",
            peer,
            days,
            considered,
            unchanged: considered - found.len(),
            newly_released: found.len() - newly_held,
            newly_held,
        })?;
    }
    for found in changes.values().flatten() {
        list.item(found)?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// The same by a running node: its lines, the counts first.
fn online(store: &Path, policy: PolicyDocument, days: u32, mut list: List) -> Result<ExitCode, CliError> {
    let order = RulesOrder::DryRun { policy, days };
    let (_, lines) = node::order_rules(&super::settings(store)?, order)?;
    let parse = |line: &[u8]| serde_json::from_slice::<Value>(line);
    let each = || lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for kind in ["count", "change"] {
        for line in each() {
            let line = parse(line)?;
            if line["kind"] == kind {
                list.item(&line)?;
            }
        }
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

const HELD: &str = "newly_held";
const RELEASED: &str = "newly_released";

fn change<'a>(
    picture: &Picture,
    held: &'a Held,
    audience: &'a Audience,
    old: &Rules,
    new: &Rules,
    now: Timestamp,
) -> Option<Change<'a>> {
    let before = picture.decide(held, audience, old, now);
    // What the kernel alone withholds no policy changes.
    if before.as_ref().is_err_and(|withheld| !is_by_policy(withheld)) {
        return None;
    }
    let (change, withheld) = match (before, picture.decide(held, audience, new, now)) {
        (Ok(()), Err(withheld)) => (HELD, withheld),
        (Err(withheld), Ok(())) => (RELEASED, withheld),
        _ => return None,
    };
    Some(Change {
        kind: "change",
        peer: &audience.node,
        change,
        entry: held.id,
        entry_kind: &held.kind,
        time: held.time,
        shared: picture.is_shared(&audience.node, &held.id),
        rule: withheld.rule.to_string(),
        why: withheld.meaning(),
        path: withheld.path,
    })
}

/// Whether a national policy, and not the kernel, holds it or what it rests on back.
fn is_by_policy(withheld: &Withheld) -> bool {
    withheld.cause.unwrap_or(withheld.rule).is_of_national_policy()
}
