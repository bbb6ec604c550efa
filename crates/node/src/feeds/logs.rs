//! Logs: searched line by line for what is looked for. What is found is kept as evidence, told of in a finding, and
//! told to whoever gave the indicator, when its marking lets it. The log itself stays where it is.

use std::io::{BufReader, Read, SeekFrom};
use std::sync::Arc;

use base::{BlobHash, EntryId, Fault, Interval, Observation, Source, Timestamp};
use record::RecordStore;
use serde::Serialize;
use sha2::{Digest, Sha256};
use threat::{HitContext, HitGroup, HitGroups, MatchOptions, MatchSummary, Matcher, match_log};

use super::indicators::Watched;
use super::{Input, Taken, refused};
use crate::NodeError;
use crate::core::{Core, Draft};
use crate::unpack::unpacked;
use crate::view::View;

/// The kind of observations that say what was searched.
const KIND: &str = "threat.log";
/// Indicators of one log that are told of; the number of further hits is told.
const FINDINGS: usize = 10_000;
/// Faults of one log that are told one by one.
const FAULTS: usize = 1000;
/// Groups that are recorded in one go.
const CHUNK: usize = 200;

/// What is kept of a log: that it was searched, for how much, and with what result.
#[derive(Serialize)]
struct Searched<'a> {
    /// `bongsu.log-searched/1`.
    schema: &'static str,
    log: &'a str,
    /// SHA-256 of the bytes as they came, packed or not.
    sha256: Option<BlobHash>,
    bytes: u64,
    /// As which it was read.
    format: &'static str,
    /// The physical line of the first and the number of lines that were searched.
    from_line: u64,
    lines: u64,
    /// Indicators that it was searched for.
    indicators: u64,
    hits: u64,
    /// Hits that a warninglist knows.
    suppressed: u64,
    /// Hits of indicators beyond the number that is told of.
    untold: u64,
    faults: u64,
}

/// Searches a whole log.
pub(super) fn take_in(core: &Arc<Core>, title: &str, input: &mut dyn Input) -> Result<Taken, NodeError> {
    let watched = core.indicators.now().filter(|watched| !is_empty(watched)).ok_or_else(|| {
        NodeError::Conflict { message: "there are no indicators yet; give some to a feed first".to_owned() }
    })?;
    let unreadable = |e: std::io::Error| refused(title, e.to_string());
    let mut hash = Sha256::new();
    let bytes = hash_all(input, &mut hash).map_err(unreadable)?;
    input.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut groups = HitGroups::new(FINDINGS);
    let mut stream = unpacked(BufReader::new(input)).map_err(unreadable)?;
    let summary = search(&mut stream, title, &watched, &mut groups).map_err(unreadable)?;
    if summary.lines == 0 {
        let first = summary.faults.first().map_or_else(String::new, |fault| format!(": {fault}"));
        return Err(refused(title, format!("it has no line that could be searched{first}")));
    }
    let part = Part { sha256: Some(BlobHash::from_bytes(hash.finalize().into())), bytes, from_line: 1 };
    let entry = keep(core, title, &watched, &part, &summary, groups)?;
    let said = format!("{} hits, {} faults", summary.hits, summary.faults.len());
    Ok(Taken { entry, faults: summary.faults, said })
}

pub(super) fn is_empty(watched: &Watched) -> bool {
    watched.set.statistics().kept == 0
}

fn hash_all(input: &mut dyn Input, hash: &mut Sha256) -> std::io::Result<u64> {
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            return Ok(bytes);
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        bytes += count as u64;
    }
}

pub(super) fn search(
    stream: &mut dyn Read,
    title: &str,
    watched: &Watched,
    groups: &mut HitGroups,
) -> std::io::Result<MatchSummary> {
    let matcher = Matcher { set: &watched.set, warninglists: Some(&watched.warninglists) };
    let options = MatchOptions { log: title.to_owned(), suppressed: false };
    match_log(stream, &matcher, &options, &mut |hit, line| groups.take(hit, line))
}

/// Which part of a log was searched.
pub(super) struct Part {
    /// Of the whole log.
    pub(super) sha256: Option<BlobHash>,
    pub(super) bytes: u64,
    pub(super) from_line: u64,
}

/// Records that a log was searched and what was found; the entry that says so.
pub(super) fn keep(
    core: &Arc<Core>,
    title: &str,
    watched: &Watched,
    part: &Part,
    summary: &MatchSummary,
    groups: HitGroups,
) -> Result<EntryId, NodeError> {
    core.metrics.faults.inc_by(summary.faults.len() as u64);
    for fault in summary.faults.iter().take(FAULTS) {
        tracing::debug!(%fault, "a line of a log cannot be read");
    }
    let untold = groups.untold();
    let groups = groups.into_groups();
    let received = core.surroundings.now();
    let searched = Searched {
        schema: "bongsu.log-searched/1",
        log: title,
        sha256: part.sha256,
        bytes: part.bytes,
        format: summary.format.name(),
        from_line: part.from_line,
        lines: summary.lines,
        indicators: watched.set.statistics().kept,
        hits: summary.hits,
        suppressed: summary.suppressed,
        untold,
        faults: summary.faults.len() as u64,
    };
    let report = serde_json::to_vec(&searched).map_err(|e| refused(title, e.to_string()))?;
    let context = HitContext {
        source: Source::ungraded(title),
        received,
        marking: core.config.log_marking.marking(core.config.country.as_str()),
    };
    let observation = Observation {
        kind: KIND.to_owned(),
        title: title.to_owned(),
        source: context.source.clone(),
        received,
        interval: span(&groups, received),
        place: None,
        blob: put(core, report.clone())?,
        bytes: report.len() as u64,
        items: summary.lines,
        faults: summary.faults.len() as u64,
        marking: context.marking.clone(),
        evidence: Vec::new(),
    };
    let ids = core.append_blocking(vec![Draft::Observation(observation)])?;
    let log = *ids.first().ok_or(NodeError::Stopping)?;
    for chunk in groups.chunks(CHUNK) {
        record_hits(core, watched, chunk, &context, log)?;
    }
    Ok(log)
}

fn span(groups: &[HitGroup], received: Timestamp) -> Interval {
    let spans = || groups.iter().filter_map(|group| group.span);
    let first = spans().map(|(from, _)| from).min();
    let last = spans().map(|(_, to)| to).max();
    first
        .zip(last)
        .and_then(|(from, to)| Interval::new(from, to).ok())
        .unwrap_or_else(|| Interval::at(received))
}

fn put(core: &Core, bytes: Vec<u8>) -> Result<BlobHash, NodeError> {
    core.with_record_blocking(move |record| record.put_blob(&bytes))?
        .map_err(|e| NodeError::NotStored { message: e.to_string() })
}

/// Records the lines, then what they mean: first what a finding rests on. What was told of before is not told again.
fn record_hits(
    core: &Arc<Core>,
    watched: &Watched,
    groups: &[HitGroup],
    context: &HitContext,
    log: EntryId,
) -> Result<(), NodeError> {
    let mut fresh = Vec::new();
    let reader = core.look(&View::Owner)?;
    for group in groups {
        let draft = threat::finding_of_hits(group, context, &[]);
        if !reader.owner()?.knows_as(&draft, |known| known.title == draft.title)? {
            fresh.push(group);
        }
    }
    drop(reader);
    let mut lines = Vec::new();
    for group in &fresh {
        let mut observation = threat::observation_of_hits(group, context);
        observation.evidence = vec![log];
        put(core, group.evidence())?;
        lines.push(Draft::Observation(observation));
    }
    if lines.is_empty() {
        return Ok(());
    }
    let lines = core.append_blocking(lines)?;
    let mut drafts = Vec::new();
    for (group, line) in fresh.into_iter().zip(lines) {
        let mut evidence = vec![line];
        let sources = group.first.origins.iter().filter_map(|id| watched.set.origin(*id));
        evidence.extend(sources.filter_map(|origin| watched.entries.get(&origin.source)));
        evidence.dedup();
        let finding = threat::finding_of_hits(group, &narrowed(core, watched, group, context), &evidence);
        drafts.push(Draft::Finding(finding));
        // Whoever gave it is known where its object is.
        let sightings = threat::sightings_of_hits(group, &watched.set);
        drafts.extend(
            sightings.into_iter().filter(|s| s.object.is_some()).map(|s| Draft::Sighting(Box::new(s))),
        );
    }
    core.append_blocking(drafts).map(|_| ())
}

/// The context with the marking that the origins of an indicator leave: a finding tells of the indicator.
fn narrowed(core: &Core, watched: &Watched, group: &HitGroup, context: &HitContext) -> HitContext {
    let origins = group.first.origins.iter().filter_map(|id| watched.set.origin(*id)?.marking.as_ref());
    let all: Vec<&base::Marking> = origins.chain([&context.marking]).collect();
    let codes = &core.rules(context.received).codes;
    let marking = label::join_markings(&all, codes)
        .unwrap_or_else(|_| base::Marking { rel_to: Vec::new(), ..context.marking.clone() });
    HitContext { marking, ..context.clone() }
}

/// Tells of faults of a log that is followed.
pub(super) fn tell(title: &str, faults: &[Fault]) {
    if let Some(fault) = faults.first() {
        tracing::warn!(log = title, %fault, faults = faults.len(), "lines of a log cannot be read");
    }
}
