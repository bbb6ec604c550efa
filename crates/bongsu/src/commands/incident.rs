//! `incident list|show`: incidents as the record has them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{EntryId, Marking, NodeName, ObjectRef, Recall, Severity, Timestamp};
use incident::Incident as Noun;
use record::ReadRecord;
use serde::Serialize;

use crate::Common;
use crate::error::CliError;
use crate::progress::Progress;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Incident {
    /// Incidents that stand (neither replaced nor recalled), worst first
    #[command(after_help = "Examples:
  bongsu incident list --store ./seoul
  bongsu incident list --store ./seoul --fail-on 4

With --fail-on the exit is 1 when one has at least so many beacons.
Stop the node first, or use its console.")]
    List {
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
    /// One incident with its timeline
    #[command(after_help = "Example:
  bongsu incident show 5d1f… --store ./seoul

An incident that was replaced since is shown with `superseded_by`.")]
    Show {
        /// The incident's entry
        id: EntryId,
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
}

pub(crate) fn run(command: Incident, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Incident::List { store } => list(&store, common),
        Incident::Show { id, store } => show(&id, &store, common),
    }
}

/// An incident entry and what became of it.
struct Held {
    incident: Noun,
    author: NodeName,
    time: Timestamp,
    received: Option<Timestamp>,
    recalled: bool,
    superseded_by: Option<EntryId>,
}

fn read(store: &Path) -> Result<HashMap<EntryId, Held>, CliError> {
    let record = ReadRecord::open(store)?;
    let mut held: HashMap<EntryId, Held> = HashMap::new();
    let progress = Progress::new("reading the record");
    let size = record.size()?;
    for seq in 0..size {
        progress.at(seq, size);
        let Some(stored) = record.at(seq)? else { continue };
        let Some(entry) = stored.entry else { continue };
        let author = &entry.author().node;
        if let Ok(incident) = entry.noun::<Noun>() {
            for old in &incident.supersedes {
                // Only its author may replace or take back an incident.
                if let Some(old) = held.get_mut(old).filter(|old| old.author == *author) {
                    old.superseded_by = Some(stored.id);
                }
            }
            let (author, time) = (author.clone(), entry.time());
            let received = stored.received;
            held.insert(
                stored.id,
                Held { incident, author, time, received, recalled: false, superseded_by: None },
            );
        } else if let Ok(parts) = entry.noun::<node::IncidentParts>() {
            // Made for peers that have less: the fuller incident stands in the list.
            for part in &parts.incidents {
                if let Some(part) = held.get_mut(part).filter(|part| part.author == *author) {
                    part.superseded_by.get_or_insert(stored.id);
                }
            }
        } else if let Ok(recall) = entry.noun::<Recall>()
            && let Some(target) = held.get_mut(&recall.target).filter(|target| target.author == *author)
        {
            target.recalled = true;
        }
    }
    Ok(held)
}

const COLUMNS: &[&str] = &[
    "severity",
    "title",
    "start",
    "end",
    "findings",
    "objects",
    "owner",
    "marking.level",
    "marking.rel_to",
    "marking.caveats",
    "marking.originator",
    "committed",
    "received",
    "id",
];

#[derive(Serialize)]
struct Item {
    id: EntryId,
    severity: Severity,
    title: String,
    start: Timestamp,
    end: Timestamp,
    findings: usize,
    owner: NodeName,
    committed: Timestamp,
    received: Option<Timestamp>,
    objects: Vec<ObjectRef>,
    marking: Marking,
}

fn list(store: &Path, common: &Common) -> Result<ExitCode, CliError> {
    let mut open: Vec<(EntryId, Held)> =
        read(store)?.into_iter().filter(|(_, held)| !held.recalled && held.superseded_by.is_none()).collect();
    open.sort_by(|(a, x), (b, y)| {
        let (p, q) = (&x.incident, &y.incident);
        (q.severity, p.interval.start(), a).cmp(&(p.severity, q.interval.start(), b))
    });
    let worst = open.first().map(|(_, held)| held.incident.severity);
    let mut list = common.out().list("bongsu.incidents/1").with_columns(COLUMNS);
    for (id, held) in open {
        let incident = held.incident;
        list.item(&Item {
            id,
            severity: incident.severity,
            title: incident.title,
            start: incident.interval.start(),
            end: incident.interval.end(),
            findings: incident.findings.len(),
            owner: held.author,
            committed: held.time,
            received: held.received,
            objects: incident.objects,
            marking: incident.marking,
        })?;
    }
    list.finish()?;
    let failed = common.fail_on.is_some_and(|level| worst.is_some_and(|worst| worst >= level));
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

#[derive(Serialize)]
struct Shown {
    id: EntryId,
    owner: NodeName,
    committed: Timestamp,
    received: Option<Timestamp>,
    superseded_by: Option<EntryId>,
    #[serde(flatten)]
    incident: Noun,
}

fn show(id: &EntryId, store: &Path, common: &Common) -> Result<ExitCode, CliError> {
    let Some(held) = read(store)?.remove(id) else {
        let message =
            format!("{id} is no incident of this record; bongsu incident list names those that stand");
        return Err(CliError::Usage(message));
    };
    if held.recalled {
        return Err(CliError::Usage(format!("incident {id} was recalled by its owner")));
    }
    let shown = Shown {
        id: *id,
        owner: held.author,
        committed: held.time,
        received: held.received,
        superseded_by: held.superseded_by,
        incident: held.incident,
    };
    common.out().document("bongsu.incident-show/1", &shown)?;
    Ok(ExitCode::SUCCESS)
}
