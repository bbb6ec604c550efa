//! Coverage: when satellites have access to the cells of a region, how well that covers them, and what the loss of
//! satellites costs.
//!
//! # What is access
//! A cell stands for its centre, at height 0 on the WGS-84 ellipsoid. Positions are SGP4's in the Earth-fixed frame
//! (PEF by GMST-82, UT1 taken as UTC; see the frames of this crate). The *elevation* of a satellite is the angle of the
//! straight line from the centre to it above the plane at right angles to the ellipsoid's normal there; refraction and
//! terrain are left out. The *off-nadir angle* is the angle at the satellite between [`Nadir`] and the line to the
//! centre. A satellite has access
//! - with [`View::min_elevation`] while its elevation is at least so much;
//! - with [`View::off_nadir`] while the off-nadir angle is at most so much and the elevation at least 0;
//!
//! and with [`AccessLimits::sunlit`] only while the centre of the Sun's disc is above the cell's horizon, too.
//! Windows that are under way at the start or the end of the span are cut there.
//!
//! # How edges are found
//! Each satellite is propagated once, every 60 s, by [`crate::Kernel::Portable`] on every machine, so that no figure
//! depends on the processor (within 1e-6 km of [`Propagator::state_at`]). In between its position comes from Lagrange's
//! polynomial through eight samples, where that agrees to 1e-6 km half way between them, and from `state_at` where not. `access.rs` says
//! why no window is stepped over. Edges are found by bisection to 1e-6 s.
//!
//! # Loss
//! [`Coverage::losses`] lays out, for each cell, the times at which any window begins or ends, and for each satellite a
//! bitmap of the stretches between them. The bitmaps of all satellites but one or two are joined by OR, and runs of zeros
//! are gaps: so the figures after a loss are exact, not those of a time step.

mod access;
mod geojson;
mod loss;
mod merit;
mod region;
mod sun;
#[cfg(test)]
mod tests;
mod track;

pub use geojson::{RegionRead, read_region};
pub use loss::{Loss, Requirement};
pub use merit::{EndGaps, Merit, merit_of_accesses};
pub use region::{Cell, MAX_CELLS, Region, RegionError};

use base::{Fault, Interval, NoradId, Timestamp};
use rayon::prelude::*;

use access::{EDGE_S, Ground, Search};
use merit::{Stretch, percentile};
use track::Track;

use crate::{Catalogue, ElementSet, Propagator};

/// More windows than this are refused.
pub const MAX_ACCESSES: usize = 20_000_000;

/// More pairs of satellite and cell than this are refused.
const MAX_PAIRS: usize = 5_000_000;

/// The longest span in seconds: element sets say nothing about a time further off.
const MAX_SPAN_S: f64 = 31.0 * 86_400.0;

/// How far beyond the span [`EndGaps::Extend`] looks at least, in seconds.
const MIN_REACH_S: f64 = 86_400.0;

/// Which way is down for a sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nadir {
    /// Along the ellipsoid's normal through the satellite, to the point whose zenith it stands in: how imaging
    /// satellites point.
    #[default]
    Geodetic,
    /// To the Earth's centre, up to 0.2 degrees from the other.
    Geocentric,
}

/// Which line of sight is good enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum View {
    /// Made by [`View::min_elevation`].
    #[non_exhaustive]
    MinElevation {
        /// Its sine.
        sine: f64,
    },
    /// Made by [`View::off_nadir`].
    #[non_exhaustive]
    OffNadir {
        /// The cosine of the angle.
        cosine: f64,
        /// What it is measured from.
        nadir: Nadir,
    },
}

impl View {
    /// The satellite stands at least so many degrees above the cell's horizon.
    ///
    /// # Errors
    /// When the angle is not 0 to below 90 degrees.
    pub fn min_elevation(degrees: f64) -> Result<Self, CoverageError> {
        if (0.0..90.0).contains(&degrees) {
            Ok(Self::MinElevation { sine: degrees.to_radians().sin() })
        } else {
            Err(CoverageError::Angle { degrees, what: "least elevation", allowed: "0 to below 90" })
        }
    }

    /// The cell lies at most so many degrees from the satellite's nadir, and above its horizon is the satellite.
    ///
    /// # Errors
    /// When the angle is not above 0 and up to 90 degrees.
    pub fn off_nadir(degrees: f64, nadir: Nadir) -> Result<Self, CoverageError> {
        if degrees > 0.0 && degrees <= 90.0 {
            Ok(Self::OffNadir { cosine: degrees.to_radians().cos(), nadir })
        } else {
            Err(CoverageError::Angle { degrees, what: "off-nadir angle", allowed: "above 0 and up to 90" })
        }
    }
}

/// When a satellite has access to a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccessLimits {
    /// The line of sight.
    pub view: View,
    /// Only while the Sun is above the cell's horizon (0.01 degrees; no refraction).
    pub sunlit: bool,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CoverageError {
    /// An angle that cannot be looked at.
    #[error("a {what} of `{degrees}` degrees cannot be had; allowed is {allowed}")]
    Angle {
        /// Which one.
        what: &'static str,
        /// What was given.
        degrees: f64,
        /// What may be given.
        allowed: &'static str,
    },
    /// The span.
    #[error("a span of {seconds} s cannot be covered; allowed is above 0 and up to 31 days")]
    Span {
        /// Its length.
        seconds: f64,
    },
    /// More than fits.
    #[error(
        "{satellites} satellites and {cells} cells are more than {MAX_PAIRS} pairs; choose larger cells or fewer satellites"
    )]
    TooManyPairs {
        /// Satellites asked for.
        satellites: usize,
        /// Cells asked for.
        cells: usize,
    },
    /// More losses than can be looked at.
    #[error(
        "the losses of {satellites} satellites are too many; choose fewer satellites, or single losses only"
    )]
    TooManyLosses {
        /// Satellites there are.
        satellites: usize,
    },
    /// More than fits.
    #[error("more than {MAX_ACCESSES} accesses; choose larger cells, a shorter span or fewer satellites")]
    TooManyAccesses,
}

/// A window: one satellite has access to one cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Access {
    /// The satellite.
    pub norad_id: NoradId,
    /// The cell, as an index into [`Coverage::cells`].
    pub cell: usize,
    /// When it begins, or the start of the span.
    pub start: Timestamp,
    /// When it ends, or the end of the span.
    pub end: Timestamp,
}

/// A satellite that is out, for good or for a time: lost, jammed, switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// The satellite.
    pub norad_id: NoradId,
    /// When; `None` is all the time.
    pub during: Option<Interval>,
}

/// All windows of a catalogue's satellites over cells, and what follows from them. Made by [`coverage`].
#[derive(Debug, Clone)]
pub struct Coverage {
    span: Interval,
    end_gaps: EndGaps,
    /// What was searched, in seconds from the span's start: more than the span with [`EndGaps::Extend`].
    reach: Stretch,
    cells: Vec<Cell>,
    satellites: Vec<NoradId>,
    /// By satellite, then by cell.
    windows: Vec<Vec<Vec<Stretch>>>,
    faults: Vec<Fault>,
}

/// Finds the windows in which the objects of `catalogue` have access to `cells` in `span`.
///
/// `pool` spreads the work; without one it runs on the calling thread; the result is the same. `progress` gets
/// satellites done and satellites in all, from any thread. With [`EndGaps::Extend`] the search goes on before and behind
/// the span by its length, at least by a day. See the module's notes for what access is.
///
/// # Errors
/// When the span is not above 0 and up to 31 days, and when there are more pairs or windows than can be kept.
///
/// ```
/// let tle = b"1 25544U 98067A   20194.88612269 -.00002218  00000-0 -31515-4 0  9992\r\n\
/// 2 25544  51.6461 221.2784 0001413  89.1723 280.4612 15.49507896236008\r\n";
/// let station = orbit::read_catalogue(tle, "station.txt").catalogue;
/// let seoul = orbit::Region::of_box(37.5, 127.0, 37.5, 127.0).unwrap().cells(1.0).unwrap();
/// let view = orbit::View::min_elevation(10.0).unwrap();
/// let limits = orbit::AccessLimits { view, sunlit: false };
/// let day = base::Interval::starting("2020-07-13T00:00:00Z".parse().unwrap(), 86_400.0);
/// let coverage =
///     orbit::coverage(&station, seoul, day, &limits, orbit::EndGaps::Cut, None, &|_, _| {}).unwrap();
/// assert!((3..=6).contains(&coverage.merit(0, &[]).accesses));
/// ```
pub fn coverage(
    catalogue: &Catalogue,
    cells: Vec<Cell>,
    span: Interval,
    limits: &AccessLimits,
    end_gaps: EndGaps,
    pool: Option<&rayon::ThreadPool>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Coverage, CoverageError> {
    let seconds = span.seconds();
    if !(seconds > 0.0 && seconds <= MAX_SPAN_S) {
        return Err(CoverageError::Span { seconds });
    }
    if catalogue.len().saturating_mul(cells.len()) > MAX_PAIRS {
        return Err(CoverageError::TooManyPairs { satellites: catalogue.len(), cells: cells.len() });
    }
    let beyond = if end_gaps == EndGaps::Extend { seconds.max(MIN_REACH_S) } else { 0.0 };
    let reach = Stretch { start_s: -beyond, end_s: seconds + beyond };
    let ground: Vec<Ground> = cells.iter().map(Ground::new).collect();
    let (done, kept) = (std::sync::atomic::AtomicU64::new(0), std::sync::atomic::AtomicUsize::new(0));
    let order = std::sync::atomic::Ordering::Relaxed;
    let one = |set: &ElementSet| {
        // Once there are too many, the rest is not worth the time.
        let found = if kept.load(order) > MAX_ACCESSES {
            (Vec::new(), None)
        } else {
            satellite(set, &ground, span.start(), reach, limits)
        };
        kept.fetch_add(found.0.iter().map(Vec::len).sum(), order);
        progress(done.fetch_add(1, order) + 1, catalogue.len() as u64);
        found
    };
    let sets: Vec<&ElementSet> = catalogue.iter().collect();
    let found: Vec<(Vec<Vec<Stretch>>, Option<Fault>)> = match pool {
        Some(pool) => pool.install(|| sets.par_iter().map(|set| one(set)).collect()),
        None => sets.iter().map(|set| one(set)).collect(),
    };
    if kept.load(order) > MAX_ACCESSES {
        return Err(CoverageError::TooManyAccesses);
    }
    let (windows, faults): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let satellites = catalogue.iter().map(ElementSet::norad_id).collect();
    let faults = faults.into_iter().flatten().collect();
    Ok(Coverage { span, end_gaps, reach, cells, satellites, windows, faults })
}

/// The windows of one satellite over each cell, and what is wrong with it.
fn satellite(
    set: &ElementSet,
    ground: &[Ground],
    origin: Timestamp,
    reach: Stretch,
    limits: &AccessLimits,
) -> (Vec<Vec<Stretch>>, Option<Fault>) {
    let propagator = match Propagator::new(set) {
        Ok(propagator) => propagator,
        Err(error) => {
            let message = format!("object {}: {error}; get a newer element set", set.norad_id());
            return (vec![Vec::new(); ground.len()], Some(Fault::error("orbit::cannot_propagate", message)));
        }
    };
    let track = Track::new(&propagator, origin, reach);
    let nearness_km = access::nearness_km(&track, limits);
    let search =
        |ground: &Ground| Search { track: &track, ground, limits, nearness_km: &nearness_km }.windows();
    // Inside a pool this spreads over it; the caller decides whether there is one.
    let windows = if rayon::current_thread_index().is_some() {
        ground.par_iter().map(search).collect()
    } else {
        ground.iter().map(search).collect()
    };
    (windows, track.fault(set, reach))
}

impl Coverage {
    /// The span.
    pub fn span(&self) -> Interval {
        self.span
    }

    /// The cells, in the order given.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The satellites by rising catalogue number.
    pub fn satellites(&self) -> &[NoradId] {
        &self.satellites
    }

    /// `orbit::cannot_propagate` (error) and `orbit::error_state` (warning), by rising catalogue number.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The windows inside the span that `outages` leave, by satellite, cell and time.
    pub fn accesses<'a>(&'a self, outages: &'a [Outage]) -> impl Iterator<Item = Access> + 'a {
        let span_s = self.span.seconds();
        // To a microsecond: more digits would say more than is known.
        let at = move |second: f64| {
            if second >= span_s {
                self.span.end()
            } else {
                self.span.start().plus_seconds((second * 1e6).round() / 1e6)
            }
        };
        self.satellites.iter().enumerate().flat_map(move |(satellite, norad_id)| {
            (0..self.cells.len()).flat_map(move |cell| {
                self.left(satellite, cell, outages).into_iter().filter_map(move |window| {
                    let part = window.within(0.0, span_s)?;
                    Some(Access { norad_id: *norad_id, cell, start: at(part.start_s), end: at(part.end_s) })
                })
            })
        })
    }

    /// The figures of a cell while `outages` last; an index that no cell has gives figures of nothing.
    pub fn merit(&self, cell: usize, outages: &[Outage]) -> Merit {
        if cell >= self.cells.len() { Merit::default() } else { self.merit_and_gaps(cell, outages).0 }
    }

    /// The figures of all cells together: accesses are the sum; the longest gap is the longest of any cell; the
    /// percentile is that of the gaps of all cells; the others are means over the cells that have the figure, by area.
    pub fn region_merit(&self, outages: &[Outage]) -> Merit {
        let mut mean = Mean::default();
        let mut lengths = Vec::new();
        for (index, cell) in self.cells.iter().enumerate() {
            let (merit, gaps) = self.merit_and_gaps(index, outages);
            mean.add(&merit, cell.weight());
            lengths.extend(gaps);
        }
        lengths.sort_by(f64::total_cmp);
        let mut merit = mean.merit();
        merit.revisit_p95_s = percentile(&lengths, 0.95).or(merit.revisit_max_s);
        merit
    }

    fn merit_and_gaps(&self, cell: usize, outages: &[Outage]) -> (Merit, Vec<f64>) {
        let satellites = 0..self.satellites.len();
        let seen = satellites.flat_map(|satellite| self.left(satellite, cell, outages)).collect();
        merit::merit(seen, self.span.seconds(), self.reach, self.end_gaps)
    }

    /// The windows of a satellite over a cell that outages leave, in order.
    fn left(&self, satellite: usize, cell: usize, outages: &[Outage]) -> Vec<Stretch> {
        let windows =
            self.windows.get(satellite).and_then(|cells| cells.get(cell)).cloned().unwrap_or_default();
        let norad_id = self.satellites.get(satellite);
        outages
            .iter()
            .filter(|outage| Some(&outage.norad_id) == norad_id)
            .fold(windows, |left, outage| self.without(left, outage))
    }

    /// What is left of windows outside an outage.
    fn without(&self, windows: Vec<Stretch>, outage: &Outage) -> Vec<Stretch> {
        let Some(during) = outage.during else { return Vec::new() };
        let second = |time: Timestamp| time.seconds_since(self.span.start());
        let (start_s, end_s) = (second(during.start()), second(during.end()));
        windows
            .into_iter()
            .flat_map(|w| [w.within(f64::NEG_INFINITY, start_s), w.within(end_s.max(start_s), f64::INFINITY)])
            .flatten()
            // Edges are known to no more than that: what is left of a window jammed from its start to its end is nothing.
            .filter(|left| left.seconds() > 2.0 * EDGE_S)
            .collect()
    }
}

/// Means over cells by weight.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    accesses: u64,
    covered: [f64; 2],
    revisit: [f64; 2],
    average: [f64; 2],
    response: [f64; 2],
    longest_s: Option<f64>,
}

impl Mean {
    fn add(&mut self, merit: &Merit, weight: f64) {
        let put = |sum: &mut [f64; 2], value: Option<f64>| {
            if let Some(value) = value {
                sum[0] += weight * value;
                sum[1] += weight;
            }
        };
        self.accesses += merit.accesses;
        put(&mut self.covered, Some(merit.covered_percent));
        put(&mut self.revisit, merit.revisit_mean_s);
        put(&mut self.average, merit.time_average_gap_s);
        put(&mut self.response, merit.response_mean_s);
        self.longest_s = match (self.longest_s, merit.revisit_max_s) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
    }

    fn merit(&self) -> Merit {
        let mean = |[sum, weight]: [f64; 2]| (weight > 0.0).then(|| sum / weight);
        Merit {
            accesses: self.accesses,
            covered_percent: mean(self.covered).unwrap_or(0.0),
            revisit_mean_s: mean(self.revisit),
            revisit_max_s: self.longest_s,
            revisit_p95_s: None,
            time_average_gap_s: mean(self.average),
            response_mean_s: mean(self.response),
        }
    }
}
