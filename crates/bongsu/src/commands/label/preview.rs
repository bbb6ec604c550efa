//! `label preview`: what a peer would get, and why the rest stays.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use base::{EntryId, NodeName, Noun as _};
use incident::Incident;
use label::{Audience, National, Rules};
use serde::Serialize;

use super::picture::{INCIDENT_OF_OTHERS, Picture, RECALL_OF_NOTHING};
use super::policy::compile;
use crate::Common;
use crate::error::CliError;
use crate::now;

#[derive(Serialize)]
struct Previewed<'a> {
    id: EntryId,
    kind: &'a str,
    released: bool,
    rule: Option<String>,
    path: Option<String>,
    /// Why, in words.
    why: String,
    /// The rule that holds back what it rests on.
    cause: Option<String>,
    policy: Option<String>,
    codes_version: &'a str,
}

pub(super) fn preview(
    store: &Path,
    peer: &NodeName,
    policy: Option<&str>,
    common: &Common,
) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.label-preview/1");
    let picture = Picture::read(store)?;
    for fault in picture.rules.faults() {
        list.fault(fault.clone());
    }
    let audience = picture.audience(peer)?;
    let now = now(common);
    let mut rules = Arc::unwrap_or_clone(picture.rules.at(now));
    if let Some(file) = policy {
        rules.national = National::Policy(compile(file, &mut list)?);
    }
    for held in picture.entries.iter().filter(|held| held.is_own) {
        let mut row = Previewed {
            id: held.id,
            kind: &held.kind,
            released: false,
            rule: None,
            path: None,
            why: String::new(),
            cause: None,
            policy: rules.national.path(),
            codes_version: rules.codes.version(),
        };
        if picture.recalls_nothing(peer, held) {
            row.rule = Some(RECALL_OF_NOTHING.to_owned());
            row.path = Some("target".to_owned());
            row.why = "It takes back something that the peer never had.".to_owned();
        } else {
            match picture.decide(held, &audience, &rules, now) {
                Ok(()) if held.kind == Incident::SCHEMA && !picture.is_shared(peer, &held.id) => {
                    row.rule = Some(INCIDENT_OF_OTHERS.to_owned());
                    row.path = Some("findings".to_owned());
                    row.why = "It was made for others; the peer gets incidents of the findings that it has."
                        .to_owned();
                }
                Ok(()) => {
                    row.released = true;
                    row.why = why_released(&audience, &rules);
                }
                Err(withheld) => {
                    row.why = withheld.meaning();
                    row.rule = Some(withheld.rule.to_string());
                    row.cause = withheld.cause.map(|cause| cause.to_string());
                    row.path = Some(withheld.path);
                }
            }
        }
        list.item(&row)?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn why_released(audience: &Audience, rules: &Rules) -> String {
    let Audience { country, clearance, .. } = audience;
    let permits = rules.national.path().map(|path| format!(", and {path} permits it")).unwrap_or_default();
    format!(
        "{country} is in the REL list, the level is within the clearance {clearance}, so is what it rests on{permits}."
    )
}
