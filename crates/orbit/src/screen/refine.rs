use base::{Interval, Timestamp};

use super::bodies::Body;
use super::sightings::segment_km;
use super::{Event, SLOW_KM_S};
use crate::frame::{cross, dot, minus, norm};

/// Length of a lattice cell.
pub(super) const CELL_NANOS: i64 = 30_000_000_000;

/// The times between which closest points are looked for: the span's start and every 30 s after it, and its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lattice {
    span: Interval,
    cells: u64,
}

impl Lattice {
    pub(super) fn new(span: Interval) -> Self {
        let nanos = i128::from(span.end().unix_nanos()) - i128::from(span.start().unix_nanos());
        let cells = (nanos + i128::from(CELL_NANOS) - 1) / i128::from(CELL_NANOS);
        Self { span, cells: cells as u64 }
    }

    pub(super) fn span(&self) -> Interval {
        self.span
    }

    pub(super) fn cells(&self) -> u64 {
        self.cells
    }

    /// The start of cell `i`, which is the end of the one before it.
    pub(super) fn node(&self, i: u64) -> Timestamp {
        if i >= self.cells { self.span.end() } else { self.span.start().plus_nanos(i as i64 * CELL_NANOS) }
    }
}

/// Two objects, the one with the lower catalogue number first: always in this order, so that no bit depends on it.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) a: &'a Body,
    pub(super) b: &'a Body,
}

/// b as seen from a at a time: `offset_s` seconds after `base`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) base: Timestamp,
    pub(super) offset_s: f64,
    r: [f64; 3],
    v: [f64; 3],
    /// Position and velocity of a.
    a: ([f64; 3], [f64; 3]),
}

impl Point {
    pub(super) fn km(&self) -> f64 {
        norm(self.r)
    }

    pub(super) fn speed_km_s(&self) -> f64 {
        norm(self.v)
    }

    /// Half the rate of the squared distance: negative while they close in.
    pub(super) fn closing(&self) -> f64 {
        dot(self.r, self.v)
    }

    pub(super) fn time(&self) -> Timestamp {
        self.base.plus_nanos((self.offset_s * 1e9).round() as i64)
    }

    /// The same point, told as being at `base`, which is its time.
    pub(super) fn rebased(self, base: Timestamp) -> Self {
        Self { base, offset_s: 0.0, ..self }
    }

    pub(super) fn slow(&self) -> bool {
        self.speed_km_s() < SLOW_KM_S
    }
}

impl Pair<'_> {
    /// The pair at `offset_s` seconds after `base`; `None` when one of them is in an error state.
    pub(super) fn at(&self, base: Timestamp, offset_s: f64) -> Option<Point> {
        let minutes = offset_s / 60.0;
        let (ra, va) = self.a.propagator.raw(self.a.propagator.minutes_to(base) + minutes).ok()?;
        let (rb, vb) = self.b.propagator.raw(self.b.propagator.minutes_to(base) + minutes).ok()?;
        Some(Point { base, offset_s, r: minus(rb, ra), v: minus(vb, va), a: (ra, va) })
    }

    /// Where `value` crosses zero between two points of one cell that lie on either side of it: Illinois' variant of
    /// regula falsi, which needs no derivative and keeps the bracket. To a tenth of a nanosecond.
    pub(super) fn crossing(&self, from: &Point, to: &Point, value: impl Fn(&Point) -> f64) -> Point {
        let base = from.base;
        let (mut low, mut high) = (*from, *to);
        // The end of a cell is the base of the next.
        let (mut x0, mut x1) = (from.offset_s, to.offset_s + to.base.seconds_since(base));
        let (mut y0, mut y1) = (value(from), value(to));
        let mut side = 0;
        let mut before = f64::INFINITY;
        for _ in 0..200 {
            if x1 - x0 < 1e-10 || y1 == 0.0 {
                break;
            }
            let guess = (x0 * y1 - x1 * y0) / (y1 - y0);
            let x = if guess > x0 && guess < x1 { guess } else { 0.5 * (x0 + x1) };
            if x <= x0 || x >= x1 {
                break;
            }
            let Some(point) = self.at(base, x) else { break };
            let y = value(&point);
            // It converges from one side; the step tells of the end before the bracket does.
            let settled = (x - before).abs() < 2e-10;
            before = x;
            if (y < 0.0) == (y0 < 0.0) && y != 0.0 {
                (x0, y0, low) = (x, y, point);
                if side == -1 {
                    y1 *= 0.5;
                }
                side = -1;
            } else {
                (x1, y1, high) = (x, y, point);
                if side == 1 {
                    y0 *= 0.5;
                }
                side = 1;
            }
            if settled {
                break;
            }
        }
        let nearest = if value(&low).abs() < value(&high).abs() { low } else { high };
        // Values belong to the time that is reported, which has whole nanoseconds.
        let offset_s = (nearest.offset_s + nearest.base.seconds_since(base)) * 1e9;
        self.at(base, offset_s.round() * 1e-9).unwrap_or(nearest)
    }

    /// The part of the cell from `start` to `end` in which both are valid, as its two end points. At most one edge of
    /// validity a cell is resolved. `first` is the point at `start` when it is known.
    pub(super) fn valid_part(
        &self,
        start: Timestamp,
        end: Timestamp,
        first: Option<Point>,
    ) -> Option<(Point, Point)> {
        if self.is_carried_off(start, end) {
            return None;
        }
        let length_s = end.seconds_since(start);
        match (first.or_else(|| self.at(start, 0.0)), self.at(end, 0.0)) {
            (Some(p), Some(q)) => Some((p, q)),
            (None, None) => None,
            (Some(p), None) => self.edge(p, length_s).map(|q| (p, q)),
            (None, Some(q)) => {
                let from = self.at(start, length_s)?;
                self.edge(from, 0.0).map(|p| (p, q))
            }
        }
    }

    /// Whether SGP4 carries one of them off in this cell; see [`Body::is_carried_off`].
    fn is_carried_off(&self, start: Timestamp, end: Timestamp) -> bool {
        let carried = |body: &Body| body.is_rough() && body.is_carried_off(&body.seen(start, end));
        carried(self.a) || carried(self.b)
    }

    /// The last valid point from a valid one towards an invalid offset, to a microsecond.
    fn edge(&self, valid: Point, invalid_s: f64) -> Option<Point> {
        let (mut good, mut bad) = (valid, invalid_s);
        while (bad - good.offset_s).abs() > 1e-6 {
            let middle = ((0.5 * (good.offset_s + bad)) * 1e9).round() * 1e-9;
            match self.at(valid.base, middle) {
                Some(point) => good = point,
                None => bad = middle,
            }
        }
        Some(good)
    }

    /// Whether the straight way between two points of a cell shows that the pair keeps further away in between: it
    /// strays from that way by T^2 / 8 times its acceleration. Gravity's gradient outside the Earth is below 3.3e-6 per
    /// second squared; 50 m are for what is not two-body motion. Says nothing of objects that SGP4 carries off.
    fn stays_out(&self, from: &Point, to: &Point, within_km: f64) -> bool {
        let seconds = to.offset_s + to.base.seconds_since(from.base) - from.offset_s;
        let strays = 0.125 * seconds * seconds * 3.3e-6 * (from.km().max(to.km()) + within_km) + 0.05;
        !self.a.is_rough() && !self.b.is_rough() && segment_km(from.r, to.r) > within_km + strays
    }

    /// The closest point between two points of a cell, when there is one.
    pub(super) fn closest(&self, from: &Point, to: &Point, at_border: bool) -> Option<Point> {
        let (f0, f1) = (from.closing(), to.closing());
        if at_border && f0 == 0.0 && f1 > 0.0 {
            return Some(*from);
        }
        (f0 < 0.0 && f1 >= 0.0).then(|| self.crossing(from, to, Point::closing))
    }

    pub(super) fn event(&self, point: &Point) -> Event {
        let (ra, va) = point.a;
        let radial = unit(ra);
        let normal = unit(cross(ra, va));
        let along = cross(normal, radial);
        Event {
            norad_a: self.a.propagator.norad_id(),
            norad_b: self.b.propagator.norad_id(),
            tca: point.time(),
            miss_km: point.km(),
            relative_speed_km_s: point.speed_km_s(),
            radial_km: dot(point.r, radial),
            in_track_km: dot(point.r, along),
            cross_track_km: dot(point.r, normal),
        }
    }
}

fn unit(v: [f64; 3]) -> [f64; 3] {
    let length = norm(v);
    v.map(|x| x / length)
}

/// What the cells `from..to` of the lattice hold for a pair: its events, and whether it has a slow closest point.
pub(super) fn search(
    pair: &Pair<'_>,
    lattice: &Lattice,
    from: u64,
    to: u64,
    within_km: f64,
    events: &mut Vec<Event>,
) -> bool {
    let mut slow = false;
    let mut before: Option<Point> = None;
    let near_and_slow = |p: &Point| p.km() <= within_km && p.slow();
    for cell in from..to.min(lattice.cells()) {
        let (start, end) = (lattice.node(cell), lattice.node(cell + 1));
        let known = before.take().map(|point| point.rebased(start));
        let Some((p, q)) = pair.valid_part(start, end, known) else { continue };
        before = (q.time() == end).then_some(q);
        let opens = cell == 0 || p.time() > start;
        let closes = cell + 1 == lattice.cells() || q.time() < end;
        slow |= opens && p.closing() >= 0.0 && near_and_slow(&p);
        slow |= closes && q.closing() < 0.0 && near_and_slow(&q);
        if pair.stays_out(&p, &q, within_km) {
            continue;
        }
        let Some(closest) = pair.closest(&p, &q, opens) else { continue };
        if closest.km() > within_km {
            continue;
        }
        if closest.slow() {
            slow = true;
        } else if lattice.span().contains(closest.time()) {
            events.push(pair.event(&closest));
        }
    }
    slow
}
