use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use base::{Fault, NoradId, Timestamp};
use orbit::{ElementSet, Manoeuvre, ManoeuvreSettings};
use serde::Serialize;

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::picture::{self, History, HistoryPoint, ManoeuvreMark};
use crate::progress::Progress;

const COLUMNS: &[&str] = &[
    "norad_id",
    "time",
    "window_start",
    "window_end",
    "delta_v_m_s",
    "kind",
    "confidence",
    "below_floor",
    "onset",
    "in_plane_m_s",
    "cross_plane_m_s",
    "floor_m_s",
    "alarm_time",
    "sets_until_alarm",
];

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu orbit manoeuvres samples/orbit/synthetic-history.tle
  bongsu orbit manoeuvres samples/orbit/synthetic-history.tle --ids 99001 --causal --format csv
  bongsu orbit manoeuvres samples/orbit/synthetic-history.tle --ids 99002 --picture history.svg

HISTORY has many element sets of each object, in any order; one catalogue a day
put together will do. `onset` is when the burn most likely was; `time` is the
middle between that and the first set that knows of it. An item with
`below_floor` makes no claim: sets of this object show such steps without a
burn too. docs/guide/manoeuvres.md tells the method and what it was measured at.")]
pub(crate) struct Manoeuvres {
    /// The element sets: TLE, 3LE or OMM (CSV, JSON, KVN, XML); .zst and .gz too; - is standard input
    #[arg(value_name = "HISTORY")]
    history: String,
    /// These objects only
    #[arg(long, value_name = "IDS", value_delimiter = ',', env = "BONGSU_IDS", hide_env_values = true)]
    ids: Vec<NoradId>,
    /// As alarms: each found with the sets up to it only, and how many sets after the burn that took
    #[arg(long)]
    causal: bool,
    /// The share of false ones that is accepted among those claimed, 0.001 to 0.5
    #[arg(long, value_name = "SHARE", default_value = "0.1", env = "BONGSU_FALSE_DISCOVERY_RATE", hide_env_values = true, value_parser = share)]
    false_discovery_rate: f64,
    /// Draw semi-major axis and inclination of one object over time, with its manoeuvres, into this file, as SVG; an older one of that name is replaced
    #[arg(long, value_name = "FILE", env = "BONGSU_PICTURE", hide_env_values = true)]
    picture: Option<PathBuf>,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.001..=0.5).contains(&share) => Ok(share),
        _ => Err(format!("`{text}` is no share from 0.001 to 0.5")),
    }
}

#[derive(Serialize)]
struct Item {
    norad_id: NoradId,
    time: Timestamp,
    window_start: Timestamp,
    window_end: Timestamp,
    delta_v_m_s: f64,
    kind: &'static str,
    confidence: f64,
    below_floor: bool,
    onset: Timestamp,
    in_plane_m_s: f64,
    cross_plane_m_s: f64,
    floor_m_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sets_until_alarm: Option<usize>,
}

impl From<Manoeuvre> for Item {
    fn from(found: Manoeuvre) -> Self {
        Self {
            norad_id: found.norad_id,
            time: found.time,
            window_start: found.window_start,
            window_end: found.window_end,
            delta_v_m_s: found.delta_v_m_s,
            kind: found.kind.name(),
            confidence: found.confidence,
            below_floor: found.below_floor,
            onset: found.onset,
            in_plane_m_s: found.in_plane_m_s,
            cross_plane_m_s: found.cross_plane_m_s,
            floor_m_s: found.floor_m_s,
            alarm_time: found.alarm.map(|alarm| alarm.time),
            sets_until_alarm: found.alarm.map(|alarm| alarm.sets),
        }
    }
}

pub(super) fn run(args: &Manoeuvres, common: &Common) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.manoeuvres/1").with_columns(COLUMNS);
    let source = input::name(&args.history);
    let read = orbit::read_history(&input::read(&args.history)?, &source);
    for fault in read.faults {
        list.fault(fault);
    }
    if read.history.is_empty() {
        return list.fail(CliError::NothingRead(source));
    }
    let wanted: BTreeSet<NoradId> = args.ids.iter().copied().collect();
    for id in wanted.iter().filter(|id| read.history.sets(**id).is_empty()) {
        let message =
            format!("object {id} is not in the history; look for the number, or give a file that has it");
        list.fault(Fault::error("orbit::unknown_id", message).in_source(&source));
    }
    let history = read.history.only(|id| wanted.is_empty() || wanted.contains(&id));
    if history.is_empty() {
        return list.fail(CliError::Usage(format!("none of the objects asked for is in `{source}`")));
    }
    if args.picture.is_some() && history.len() > 1 {
        let count = history.len();
        let message = format!("--picture shows one object, and there are {count}; name one with --ids");
        return list.fail(CliError::Usage(message));
    }
    let settings =
        ManoeuvreSettings { false_discovery_rate: args.false_discovery_rate, ..ManoeuvreSettings::default() };
    let progress = Progress::new("looking for manoeuvres");
    let total = history.len() as u64;
    let mut drawn = None;
    for (done, (id, sets)) in history.iter().enumerate() {
        progress.at(done as u64, total);
        let found = if args.causal {
            orbit::manoeuvre_alarms_of(id, sets, &settings)
        } else {
            orbit::manoeuvres_of(id, sets, &settings)
        };
        if args.picture.is_some() {
            drawn = Some(drawing(sets, &found));
        }
        for one in found {
            list.item(&Item::from(one))?;
        }
    }
    drop(progress);
    list.finish()?;
    if let (Some(path), Some(svg)) = (&args.picture, drawn) {
        picture::write(&svg, path)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The history of one object, with what was found in it. The name is that of its latest set.
fn drawing(sets: &[ElementSet], found: &[Manoeuvre]) -> String {
    let points: Vec<HistoryPoint> = sets
        .iter()
        .map(|set| HistoryPoint {
            time: set.epoch(),
            semi_major_axis_km: set.semi_major_axis_km(),
            inclination_deg: set.inclination_deg(),
        })
        .collect();
    let manoeuvres: Vec<ManoeuvreMark> = found
        .iter()
        .map(|one| ManoeuvreMark {
            time: one.onset,
            window_start: one.window_start,
            window_end: one.window_end,
            delta_v_m_s: one.delta_v_m_s,
            kind: one.kind.name(),
            confidence: one.confidence,
            below_floor: one.below_floor,
        })
        .collect();
    let name = sets.last().map(ElementSet::label).unwrap_or_default();
    picture::history(&History { name: &name, points: &points, manoeuvres: &manoeuvres })
}
