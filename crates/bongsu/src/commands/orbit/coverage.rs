use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use base::{Interval, NoradId, Timestamp};
use orbit::{AccessLimits, EndGaps, Merit, Nadir, Outage, Region, Requirement, View};
use serde::Serialize;

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::List;
use crate::picture::{self, CoverageMap, MapCell, coverage_map};
use crate::progress::Progress;

use super::{catalogue, ids, known, pool};

/// What stands for all cells together in the field `cell`.
const REGION: &str = "region";

const LOSS_COLUMNS: &[&str] = &[
    "lost",
    "cells_crossing",
    "accesses",
    "covered_percent",
    "revisit_mean_s",
    "revisit_max_s",
    "time_average_gap_s",
    "response_mean_s",
    "difference.covered_percent",
    "difference.revisit_max_s",
    "difference.response_mean_s",
    "crossing",
];

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("view").required(true).args(["off_nadir", "min_elevation"]))]
#[command(after_help = "Examples:
  bongsu orbit coverage samples/orbit/korea-2026-03.csv \\
    --satellites 29268,38338,40536,66820 --region 33,124,43,131 \\
    --from 2026-03-10T12:00:00Z --hours 72 --off-nadir 30 --lose 66820
  bongsu orbit coverage samples/orbit/korea-2026-03.csv --access \\
    --satellites 29268 --region 37.5,127,37.5,127 --min-elevation 10 \\
    --from 2026-03-10T12:00:00Z --hours 24
  bongsu orbit coverage samples/orbit/korea-2026-03.csv --losses 2 \\
    --satellites 29268,38338,40536,66820 --region 33,124,43,131 \\
    --from 2026-03-10T12:00:00Z --hours 72 --off-nadir 30 --gap-at-end extend \\
    --require-revisit-max-s 86400 --picture coverage.svg

An item is a cell, named by latitude and longitude of its centre; the last one,
`region`, has the sum of the accesses, the longest gap and the 95th percentile of
all gaps, and else means by area. Gaps are times without any of the satellites.
time_average_gap_s is the sum of the squares of the gaps over the span,
response_mean_s the mean wait for the next access. With --lose and --jam the same
stands under `without`, and what changes under `difference`.")]
pub(crate) struct Coverage {
    /// The catalogue: TLE, 3LE or OMM (CSV, JSON, KVN, XML); .zst and .gz too; - is standard input
    #[arg(value_name = "CAT")]
    catalogue: String,
    /// The satellites: numbers with commas, or a file with one a line (# starts a note)
    #[arg(long, value_name = "IDS|FILE", env = "BONGSU_SATELLITES", hide_env_values = true)]
    satellites: String,
    /// The region: polygons as GeoJSON, or a box, from the first longitude eastwards to the second
    #[arg(
        long,
        value_name = "FILE|LAT1,LON1,LAT2,LON2",
        env = "BONGSU_REGION",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    region: String,
    /// Edge of a cell in degrees, at most; the centre stands for the cell
    #[arg(long, value_name = "DEG", default_value_t = 1.0, env = "BONGSU_CELL_DEG", hide_env_values = true)]
    cell_deg: f64,
    /// When to start, say 2026-03-10T12:00:00Z [default: --now]
    #[arg(long, value_name = "TIME", env = "BONGSU_FROM", hide_env_values = true)]
    from: Option<Timestamp>,
    /// How long, in hours
    #[arg(long, value_name = "H", env = "BONGSU_HOURS", hide_env_values = true)]
    hours: f64,
    /// Access while the cell is at most so far from the satellite's nadir, seen from there
    #[arg(long, value_name = "DEG", env = "BONGSU_OFF_NADIR", hide_env_values = true)]
    off_nadir: Option<f64>,
    /// Access while the satellite is at least so high above the cell's horizon (WGS-84)
    #[arg(long, value_name = "DEG", env = "BONGSU_MIN_ELEVATION", hide_env_values = true)]
    min_elevation: Option<f64>,
    /// What --off-nadir is measured from
    #[arg(long, value_enum, default_value = "geodetic", env = "BONGSU_NADIR", hide_env_values = true)]
    nadir: NadirName,
    /// Only while the Sun is above the cell's horizon
    #[arg(long, env = "BONGSU_SUNLIT", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    sunlit: bool,
    /// What counts of a gap that the span cuts
    #[arg(long, value_enum, default_value = "cut", env = "BONGSU_GAP_AT_END", hide_env_values = true)]
    gap_at_end: GapAtEnd,
    /// List the windows: norad_id, cell, start, end
    #[arg(long, env = "BONGSU_ACCESS", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    access: bool,
    /// Also without these satellites
    #[arg(long, value_name = "ID[,ID]", value_delimiter = ',', env = "BONGSU_LOSE", hide_env_values = true)]
    lose: Vec<NoradId>,
    /// Also without a satellite for a time, say 66820@2026-03-11T00:00:00Z/2026-03-12T00:00:00Z
    #[arg(long, value_name = "ID@START/END", value_delimiter = ',', env = "BONGSU_JAM", hide_env_values = true, value_parser = jam)]
    jam: Vec<Outage>,
    /// Try the loss of each satellite (1), and of each two (2); the worst come first
    #[arg(long, value_name = "1|2", env = "BONGSU_LOSSES", hide_env_values = true, value_parser = clap::value_parser!(u8).range(1..=2), conflicts_with_all = ["lose", "jam", "access"])]
    losses: Option<u8>,
    /// Say which cells have longer gaps than this (seconds), or come to have them
    #[arg(long, value_name = "S", env = "BONGSU_REQUIRE_REVISIT_MAX_S", hide_env_values = true)]
    require_revisit_max_s: Option<f64>,
    /// Say which cells are covered less than this, or come to be
    #[arg(long, value_name = "P", env = "BONGSU_REQUIRE_COVERED_PERCENT", hide_env_values = true)]
    require_covered_percent: Option<f64>,
    /// How many threads [default: one a core]; the result is the same with any number
    #[arg(long, value_name = "N", env = "BONGSU_THREADS", hide_env_values = true)]
    threads: Option<NonZeroUsize>,
    /// Draw a map of the longest gaps into this file, as SVG; an older one of that name is replaced
    #[arg(long, value_name = "FILE", env = "BONGSU_PICTURE", hide_env_values = true)]
    picture: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum NadirName {
    /// The normal of the ellipsoid through the satellite.
    Geodetic,
    /// The line to the Earth's centre.
    Geocentric,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum GapAtEnd {
    /// The part inside the span.
    Cut,
    /// Nothing.
    Ignore,
    /// All of it, to the access before or behind the span; looked for as far as the span is long, a day at least.
    Extend,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Figures {
    accesses: u64,
    covered_percent: f64,
    revisit_mean_s: Option<f64>,
    revisit_max_s: Option<f64>,
    revisit_p95_s: Option<f64>,
    time_average_gap_s: Option<f64>,
    response_mean_s: Option<f64>,
}

/// What is added, or less than zero taken away.
#[derive(Debug, Clone, Copy, Serialize)]
struct Difference {
    accesses: i64,
    covered_percent: f64,
    revisit_mean_s: Option<f64>,
    revisit_max_s: Option<f64>,
    revisit_p95_s: Option<f64>,
    time_average_gap_s: Option<f64>,
    response_mean_s: Option<f64>,
}

#[derive(Serialize)]
struct Item<'a> {
    cell: &'a str,
    latitude_deg: Option<f64>,
    longitude_deg: Option<f64>,
    #[serde(flatten)]
    figures: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    meets: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    without: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Difference>,
    /// Meets the requirement with all satellites and not without.
    #[serde(skip_serializing_if = "Option::is_none")]
    crosses: Option<bool>,
}

#[derive(Serialize)]
struct Window<'a> {
    norad_id: NoradId,
    cell: &'a str,
    start: Timestamp,
    end: Timestamp,
}

#[derive(Serialize)]
struct LossItem<'a> {
    /// None: all satellites are there.
    lost: &'a [NoradId],
    cells_crossing: usize,
    #[serde(flatten)]
    figures: Figures,
    difference: Difference,
    crossing: Vec<&'a str>,
}

impl From<&Merit> for Figures {
    fn from(merit: &Merit) -> Self {
        Self {
            accesses: merit.accesses,
            covered_percent: merit.covered_percent,
            revisit_mean_s: merit.revisit_mean_s,
            revisit_max_s: merit.revisit_max_s,
            revisit_p95_s: merit.revisit_p95_s,
            time_average_gap_s: merit.time_average_gap_s,
            response_mean_s: merit.response_mean_s,
        }
    }
}

impl Difference {
    fn between(whole: &Merit, without: &Merit) -> Self {
        let change = |a: Option<f64>, b: Option<f64>| Some(b? - a?);
        Self {
            accesses: without.accesses.cast_signed() - whole.accesses.cast_signed(),
            covered_percent: without.covered_percent - whole.covered_percent,
            revisit_mean_s: change(whole.revisit_mean_s, without.revisit_mean_s),
            revisit_max_s: change(whole.revisit_max_s, without.revisit_max_s),
            revisit_p95_s: change(whole.revisit_p95_s, without.revisit_p95_s),
            time_average_gap_s: change(whole.time_average_gap_s, without.time_average_gap_s),
            response_mean_s: change(whole.response_mean_s, without.response_mean_s),
        }
    }
}

/// `ID@START/END`.
fn jam(text: &str) -> Result<Outage, String> {
    let wrong =
        || format!("`{text}` is not ID@START/END, say 66820@2026-03-11T00:00:00Z/2026-03-12T00:00:00Z");
    let (id, span) = text.split_once('@').ok_or_else(wrong)?;
    let (start, end) = span.split_once('/').ok_or_else(wrong)?;
    let norad_id = id.parse().map_err(|e| format!("{}: {e}", wrong()))?;
    let time = |text: &str| text.parse::<Timestamp>().map_err(|e| e.to_string());
    let during = Interval::new(time(start)?, time(end)?).map_err(|e| e.to_string())?;
    Ok(Outage { norad_id, during: Some(during) })
}

pub(super) fn run(args: &Coverage, common: &Common) -> Result<ExitCode, CliError> {
    let usage = |message: &str| CliError::Usage(message.to_owned());
    let from = args.from.or(common.now).ok_or_else(|| usage("from when? give --from TIME"))?;
    if [&args.catalogue, &args.satellites, &args.region].iter().filter(|name| **name == "-").count() > 1 {
        return Err(usage("only one of CAT, --satellites and --region can be standard input"));
    }
    let limits = limits(args)?;
    let requirement = requirement(args)?;
    let mut list = if args.access {
        common.out().list("bongsu.accesses/1")
    } else if args.losses.is_some() {
        common.out().list("bongsu.losses/1").with_columns(LOSS_COLUMNS)
    } else {
        common.out().list("bongsu.coverage/1")
    };
    let pool = pool(args.threads)?;
    let found = match find(args, from, &limits, &pool, &mut list) {
        Ok(found) => found,
        Err(error) => return list.fail(error),
    };
    let mut out = outages(args);
    if args.access {
        for window in found.accesses(&out) {
            let cell = found.cells().get(window.cell).map_or("", orbit::Cell::name);
            list.item(&Window { norad_id: window.norad_id, cell, start: window.start, end: window.end })?;
        }
    } else if let Some(losses) = args.losses {
        out = all_losses(&found, losses == 2, &requirement.unwrap_or_default(), &pool, &mut list)?;
    } else {
        cells(&found, &out, requirement.as_ref(), &mut list)?;
    }
    list.finish()?;
    if let Some(path) = &args.picture {
        picture::write(&map(args, &found, &out, requirement.as_ref()), path)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn limits(args: &Coverage) -> Result<AccessLimits, CliError> {
    let nadir = match args.nadir {
        NadirName::Geodetic => Nadir::Geodetic,
        NadirName::Geocentric => Nadir::Geocentric,
    };
    let view = match (args.off_nadir, args.min_elevation) {
        (Some(degrees), _) => View::off_nadir(degrees, nadir)?,
        (None, degrees) => View::min_elevation(degrees.unwrap_or_default())?,
    };
    Ok(AccessLimits { view, sunlit: args.sunlit })
}

/// What is required, when anything is.
fn requirement(args: &Coverage) -> Result<Option<Requirement>, CliError> {
    let (longest, least) = (args.require_revisit_max_s, args.require_covered_percent);
    if longest.is_some_and(|seconds| !(seconds >= 0.0 && seconds.is_finite())) {
        return Err(CliError::Usage("--require-revisit-max-s takes seconds, 0 or more".to_owned()));
    }
    if least.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
        return Err(CliError::Usage("--require-covered-percent takes 0 to 100".to_owned()));
    }
    let any = longest.is_some() || least.is_some();
    Ok(any.then_some(Requirement { revisit_max_s: longest, covered_percent: least }))
}

fn outages(args: &Coverage) -> Vec<Outage> {
    let lost = args.lose.iter().map(|norad_id| Outage { norad_id: *norad_id, during: None });
    lost.chain(args.jam.iter().copied()).collect()
}

/// Reads what there is to read and finds all windows.
fn find(
    args: &Coverage,
    from: Timestamp,
    limits: &AccessLimits,
    pool: &rayon::ThreadPool,
    list: &mut List,
) -> Result<orbit::Coverage, CliError> {
    let wanted = ids(&args.satellites, list)?;
    let cells = region(&args.region, list)?.cells(args.cell_deg)?;
    let name = input::name(&args.catalogue);
    let Some(catalogue) = catalogue(&args.catalogue, list)? else {
        return Err(CliError::NothingRead(name));
    };
    let known: BTreeSet<NoradId> = known(&wanted, &catalogue, &name, list)?;
    if let Some(outage) = outages(args).iter().find(|outage| !known.contains(&outage.norad_id)) {
        return Err(CliError::Usage(format!(
            "object {} cannot be lost or jammed: it is none of --satellites",
            outage.norad_id
        )));
    }
    let catalogue = catalogue.only(|set| known.contains(&set.norad_id()));
    let rule = match args.gap_at_end {
        GapAtEnd::Cut => EndGaps::Cut,
        GapAtEnd::Ignore => EndGaps::Ignore,
        GapAtEnd::Extend => EndGaps::Extend,
    };
    let progress = Progress::new("finding access");
    let tell = |done, total| progress.at(done, total);
    let span = Interval::starting(from, args.hours * 3600.0);
    let found = orbit::coverage(&catalogue, cells, span, limits, rule, Some(pool), &tell)?;
    for fault in found.faults() {
        list.fault(fault.clone().in_source(&name));
    }
    Ok(found)
}

/// A region from four numbers or from a file.
fn region(text: &str, list: &mut List) -> Result<Region, CliError> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse::<f64>()).collect();
    if let Ok([south, west, north, east]) = numbers.as_deref() {
        return Ok(Region::of_box(*south, *west, *north, *east)?);
    }
    if numbers.is_ok() {
        return Err(CliError::Usage(format!(
            "--region `{text}`: a box has four numbers, LAT1,LON1,LAT2,LON2"
        )));
    }
    let name = input::name(text);
    let read = orbit::read_region(&input::read(text)?, &name);
    for fault in read.faults {
        list.fault(fault);
    }
    read.region.ok_or(CliError::NothingRead(name))
}

/// Prints the figures of each cell, then those of the region.
fn cells(
    found: &orbit::Coverage,
    out: &[Outage],
    requirement: Option<&Requirement>,
    list: &mut List,
) -> Result<(), CliError> {
    // What is required is required of cells: the region meets it when all do, and crosses it when any does.
    let (mut all_meet, mut any_crosses) = (true, false);
    for index in 0..=found.cells().len() {
        let cell = found.cells().get(index);
        let figures = |out: &[Outage]| match cell {
            Some(_) => found.merit(index, out),
            None => found.region_merit(out),
        };
        let whole = figures(&[]);
        let without = (!out.is_empty()).then(|| figures(out));
        let (meets, crosses) = match (cell, requirement) {
            (Some(_), Some(required)) => {
                let meets = required.met(&whole);
                (meets, without.is_some_and(|without| meets && !required.met(&without)))
            }
            _ => (all_meet, any_crosses),
        };
        (all_meet, any_crosses) = (all_meet && meets, any_crosses || crosses);
        list.item(&Item {
            cell: cell.map_or(REGION, orbit::Cell::name),
            latitude_deg: cell.map(orbit::Cell::latitude_deg),
            longitude_deg: cell.map(orbit::Cell::longitude_deg),
            figures: Figures::from(&whole),
            meets: requirement.map(|_| meets),
            without: without.as_ref().map(Figures::from),
            difference: without.as_ref().map(|without| Difference::between(&whole, without)),
            crosses: requirement.and(without).map(|_| crosses),
        })?;
    }
    Ok(())
}

/// Prints every loss, after a line with all satellites. Gives the worst.
fn all_losses(
    found: &orbit::Coverage,
    pairs: bool,
    requirement: &Requirement,
    pool: &rayon::ThreadPool,
    list: &mut List,
) -> Result<Vec<Outage>, CliError> {
    let losses = found.losses(pairs, requirement, Some(pool))?;
    // The lines below have no percentile, so this one has none either.
    let whole = Merit { revisit_p95_s: None, ..found.region_merit(&[]) };
    let all = orbit::Loss { lost: Vec::new(), region: whole, crossing: Vec::new() };
    for loss in std::iter::once(&all).chain(&losses) {
        let name = |cell: &usize| found.cells().get(*cell).map(orbit::Cell::name);
        list.item(&LossItem {
            lost: &loss.lost,
            cells_crossing: loss.crossing.len(),
            figures: Figures::from(&loss.region),
            difference: Difference::between(&whole, &loss.region),
            crossing: loss.crossing.iter().filter_map(name).collect(),
        })?;
    }
    let worst = losses.first().map_or(&all, |worst| worst);
    Ok(worst.lost.iter().map(|norad_id| Outage { norad_id: *norad_id, during: None }).collect())
}

/// The map of the longest gaps while `out` are out.
fn map(
    args: &Coverage,
    found: &orbit::Coverage,
    out: &[Outage],
    requirement: Option<&Requirement>,
) -> String {
    let cell = |(index, cell): (usize, &orbit::Cell)| {
        let merit = found.merit(index, out);
        let crossing = requirement
            .is_some_and(|required| required.met(&found.merit(index, &[])) && !required.met(&merit));
        MapCell {
            latitude_deg: cell.latitude_deg(),
            longitude_deg: cell.longitude_deg(),
            width_deg: cell.width_deg(),
            height_deg: cell.height_deg(),
            value: merit.revisit_max_s.map(|seconds| seconds / 3600.0),
            crossing,
        }
    };
    let cells: Vec<MapCell> = found.cells().iter().enumerate().map(cell).collect();
    coverage_map(&CoverageMap { cells: &cells, about: &about(args, found, out) })
}

/// What a map shows, in words.
fn about(args: &Coverage, found: &orbit::Coverage, out: &[Outage]) -> String {
    let names = |ids: &[NoradId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let satellites = match found.satellites() {
        few if few.len() <= 6 => format!("Satellites {}", names(few)),
        many => format!("{} satellites", many.len()),
    };
    let out = match out {
        [] => String::new(),
        out => {
            let ids: Vec<NoradId> = out.iter().map(|outage| outage.norad_id).collect();
            let how =
                if out.iter().any(|outage| outage.during.is_some()) { "with outages of" } else { "without" };
            format!(" {how} {}", names(&ids))
        }
    };
    let view = match (args.off_nadir, args.min_elevation) {
        (Some(degrees), _) => format!("up to {degrees}° off nadir"),
        (None, degrees) => format!("from {}° above the horizon", degrees.unwrap_or_default()),
    };
    let day = if args.sunlit { ", by daylight" } else { "" };
    let from: String = found.span().start().to_string().chars().take(16).collect();
    format!("{satellites}{out}, {view}{day}; {} hours from {} UTC.", args.hours, from.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jams_are_read() {
        let outage = jam("66820@2026-03-11T00:00:00Z/2026-03-12T00:00:00Z").unwrap();
        assert_eq!(outage.norad_id, NoradId::new(66820));
        assert_eq!(outage.during.map(|during| during.seconds()), Some(86_400.0));
        for wrong in [
            "",
            "1",
            "1@",
            "x@2026-03-11T00:00:00Z/2026-03-12T00:00:00Z",
            "1@2026-03-12T00:00:00Z/2026-03-11T00:00:00Z",
        ] {
            assert!(jam(wrong).is_err(), "{wrong}");
        }
    }
}
