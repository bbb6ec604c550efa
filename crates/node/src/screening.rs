//! The screening job: protected objects against the whole catalogue, findings into the record.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Finding, Interval, Marking};

use crate::NodeError;
use crate::config::MarkingRule;
use crate::core::{Core, Draft};
use crate::events::NodeEvent;
use crate::jobs::Job;
use crate::situation::{LoadedCatalogue, finding_key};
use crate::view::View;

/// Findings that are recorded in one go.
const CHUNK: usize = 500;

/// Starts a screening in the background.
pub(crate) fn start(
    core: &Arc<Core>,
    span: Interval,
    within_km: f64,
    names: Option<Vec<String>>,
) -> Result<Job, NodeError> {
    let catalogue = core.situation().catalogue.ok_or_else(|| NodeError::Conflict {
        message: "there is no catalogue yet; give one to a feed first".to_owned(),
    })?;
    let limits = orbit::ScreenLimits::within_km(within_km)
        .map_err(|e| NodeError::BadRequest { message: e.to_string() })?;
    let names = names.unwrap_or_else(|| core.config.watch_names.clone());
    let patterns: Vec<&str> = names.iter().map(String::as_str).collect();
    let protected: std::collections::BTreeSet<_> =
        catalogue.catalogue.find_by_name(&patterns).iter().map(|set| set.norad_id()).collect();
    if protected.is_empty() {
        let message = "no object of the catalogue has a protected name; set watch.names".to_owned();
        return Err(NodeError::Conflict { message });
    }
    let title =
        format!("{} objects against {} within {within_km} km", protected.len(), catalogue.catalogue.len());
    let job = core.jobs.start("screen", title, core.surroundings.now());
    let (core, started) = (Arc::clone(core), job.clone());
    std::thread::Builder::new()
        .name("screen".to_owned())
        .spawn(move || {
            let result = screen(&core, &started, &catalogue, span, &limits, &protected);
            let (state, message) = match result {
                Ok(message) => ("done", message),
                Err(e) => ("failed", e.to_string()),
            };
            tell(&core, started.id, |job| {
                job.state = state;
                job.ended = Some(core.surroundings.now());
                job.message = Some(message);
            });
        })
        .map_err(|source| NodeError::Io { path: "thread".into(), source })?;
    Ok(job)
}

fn tell(core: &Core, id: u64, change: impl FnOnce(&mut Job)) {
    if let Some(job) = core.jobs.update(id, change) {
        let _ = core.events.send(NodeEvent::Job(job));
    }
}

fn screen(
    core: &Arc<Core>,
    job: &Job,
    loaded: &LoadedCatalogue,
    span: Interval,
    limits: &orbit::ScreenLimits,
    protected: &std::collections::BTreeSet<base::NoradId>,
) -> Result<String, NodeError> {
    let shown = AtomicU64::new(0);
    let progress = |done: u64, total: u64| {
        // A page needs no more than a hundred steps.
        let percent = done * 100 / total.max(1);
        if shown.fetch_max(percent, Ordering::Relaxed) < percent {
            tell(core, job.id, |job| (job.done, job.total) = (done, total));
        }
        ControlFlow::Continue(())
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| NodeError::Conflict { message: e.to_string() })?;
    let screening = orbit::screen(&loaded.catalogue, span, limits, Some(protected), Some(&pool), &progress)
        .map_err(|e| NodeError::Conflict { message: e.to_string() })?;
    let mut known = std::collections::HashSet::new();
    let reader = core.look(&View::Owner)?;
    let mut fresh: Vec<Draft> = Vec::new();
    for approach in &screening.approaches {
        if let Some(finding) = finding(core, loaded, protected, approach)?
            && known.insert(finding_key(&finding))
            && !reader.owner()?.knows(&finding)?
        {
            fresh.push(Draft::Finding(finding));
        }
    }
    drop(reader);
    let count = fresh.len();
    for chunk in fresh.chunks(CHUNK) {
        core.append_blocking(chunk.to_vec())?;
    }
    core.update(|p| p.screened = Some(span));
    Ok(format!("{} approaches, {count} of them new", screening.approaches.len()))
}

fn finding(
    core: &Core,
    loaded: &LoadedCatalogue,
    protected: &std::collections::BTreeSet<base::NoradId>,
    approach: &orbit::Approach,
) -> Result<Option<Finding>, NodeError> {
    let (Some(a), Some(b)) =
        (loaded.catalogue.get(approach.norad_a()), loaded.catalogue.get(approach.norad_b()))
    else {
        return Ok(None);
    };
    let names: Vec<&str> = [a, b]
        .into_iter()
        .filter(|set| protected.contains(&set.norad_id()))
        .filter_map(|set| set.name())
        .collect();
    let context = orbit::FindingContext {
        protected,
        marking: marking(core, &names)?,
        evidence: vec![loaded.entry],
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(Some(orbit::finding(approach, a, b, &context)))
}

/// The join of the catalogue's marking and of every rule that names one of the objects: never wider than any of them.
fn marking(core: &Core, names: &[&str]) -> Result<Marking, NodeError> {
    let config = &core.config;
    let country = config.country.as_str();
    if country == "ZZZ" {
        // Nobody's node yet: what it finds is for nobody else.
        return Ok(crate::core::nobody(&config.country));
    }
    let names_it = |rule: &&MarkingRule| {
        names.iter().any(|name| rule.names.iter().any(|pattern| orbit::name_matches(pattern, name)))
    };
    let mut rules: Vec<&MarkingRule> = config.marking_rules.iter().filter(names_it).collect();
    if rules.is_empty() {
        rules.push(&config.default_marking);
    }
    rules.push(&config.catalogue_marking);
    let markings: Vec<Marking> = rules.into_iter().map(|rule| rule.marking(country)).collect();
    let all: Vec<&Marking> = markings.iter().collect();
    label::join_markings(&all, &core.rules(core.surroundings.now()).codes)
        .map_err(|e| NodeError::Conflict { message: e.to_string() })
}
