use std::ops::Range;

use base::Timestamp;

use super::Proximity;
use super::refine::{CELL_NANOS, Lattice, Pair, Point};

/// A stay while it is followed.
struct Stay {
    start: Timestamp,
    min_km: f64,
    min_time: Timestamp,
    distance_seconds: f64,
    slow: bool,
}

/// All stays of a pair that have a slow closest point. `runs` are the lattice cells in which the pair can be within the
/// limit, in order; so no stay reaches beyond a run.
pub(super) fn stays(
    pair: &Pair<'_>,
    lattice: &Lattice,
    within_km: f64,
    runs: &[Range<u64>],
) -> Vec<Proximity> {
    let mut follow = Follow { pair, within_km, stay: None, done: Vec::new() };
    for run in runs {
        // The end of a cell is the start of the next; its state is worked out once.
        let mut before: Option<Point> = None;
        for cell in run.start..run.end.min(lattice.cells()) {
            let (start, end) = (lattice.node(cell), lattice.node(cell + 1));
            let known = before.take().map(|point| point.rebased(start));
            let Some((p, q)) = pair.valid_part(start, end, known) else { continue };
            let opens = cell == 0 || p.time() > start;
            let closes = cell + 1 == lattice.cells() || q.time() < end;
            before = (q.time() == end).then_some(q);
            follow.cell(&p, &q, opens, closes);
        }
    }
    follow.done
}

struct Follow<'a> {
    pair: &'a Pair<'a>,
    within_km: f64,
    stay: Option<Stay>,
    done: Vec<Proximity>,
}

impl Follow<'_> {
    /// Follows the pair through a cell, part by part between its turning points, in each of which the distance only
    /// rises or only falls.
    fn cell(&mut self, p: &Point, q: &Point, opens: bool, closes: bool) {
        let (f0, f1) = (p.closing(), q.closing());
        let turn = if f0 < 0.0 && f1 >= 0.0 || f0 >= 0.0 && f1 < 0.0 {
            Some(self.pair.crossing(p, q, Point::closing))
        } else {
            None
        };
        let inside = |x: &Point| x.km() <= self.within_km;
        if opens && inside(p) {
            self.enter(p);
            self.touch(p, f0 >= 0.0 && p.slow());
        }
        match &turn {
            Some(t) => {
                self.part(p, t);
                self.touch(t, f0 < 0.0 && t.slow());
                self.part(t, q);
            }
            None => self.part(p, q),
        }
        self.touch(q, closes && f1 < 0.0 && q.slow());
        if closes {
            self.leave(q);
        }
    }

    /// From `p` to `q` the distance is monotone.
    fn part(&mut self, p: &Point, q: &Point) {
        let limit = self.within_km;
        let outside_by = |x: &Point| x.km() - limit;
        match (p.km() <= limit, q.km() <= limit) {
            (true, true) => {
                // Rounding at the limit can leave a stay closed whose point lies inside.
                self.enter(p);
                self.add(p, q);
            }
            (true, false) => {
                let exit = self.pair.crossing(p, q, outside_by);
                self.enter(p);
                self.add(p, &exit);
                self.leave(&exit);
            }
            (false, true) => {
                let entry = self.pair.crossing(p, q, outside_by);
                self.enter(&entry);
                self.add(&entry, q);
            }
            (false, false) => {}
        }
    }

    fn enter(&mut self, p: &Point) {
        self.stay.get_or_insert_with(|| Stay {
            start: p.time(),
            min_km: p.km(),
            min_time: p.time(),
            distance_seconds: 0.0,
            slow: false,
        });
    }

    fn touch(&mut self, p: &Point, slow: bool) {
        if let Some(stay) = self.stay.as_mut() {
            if p.km() < stay.min_km {
                (stay.min_km, stay.min_time) = (p.km(), p.time());
            }
            stay.slow |= slow;
        }
    }

    /// The time integral of the distance by Simpson's rule.
    fn add(&mut self, p: &Point, q: &Point) {
        let seconds = q.time().seconds_since(p.time());
        let middle = self.pair.at(p.base, p.offset_s + 0.5 * seconds);
        let middle_km = middle.map_or(0.5 * (p.km() + q.km()), |m| m.km());
        if let Some(stay) = self.stay.as_mut() {
            stay.distance_seconds += seconds / 6.0 * (p.km() + 4.0 * middle_km + q.km());
        }
        self.touch(p, false);
        self.touch(q, false);
    }

    fn leave(&mut self, q: &Point) {
        let Some(mut stay) = self.stay.take().filter(|s| s.slow) else { return };
        self.sharpen(&mut stay, q.time());
        let seconds = q.time().seconds_since(stay.start);
        self.done.push(Proximity {
            norad_a: self.pair.a.propagator.norad_id(),
            norad_b: self.pair.b.propagator.norad_id(),
            start: stay.start,
            end: q.time().max(stay.start),
            min_km: stay.min_km,
            min_time: stay.min_time,
            mean_km: if seconds > 0.0 { stay.distance_seconds / seconds } else { stay.min_km },
        });
    }

    /// The minimum itself by golden section around the nearest known point. The turning points come from SGP4's
    /// velocity, which with strong drag is not quite the derivative of its position; between slow pairs that shows.
    fn sharpen(&self, stay: &mut Stay, end: Timestamp) {
        const GOLDEN: f64 = 0.381_966_011_250_105;
        let cell_s = CELL_NANOS as f64 * 1e-9;
        let mut low = -cell_s.min(stay.min_time.seconds_since(stay.start));
        let mut high = cell_s.min(end.seconds_since(stay.min_time));
        let base = stay.min_time;
        let at = |s: f64| self.pair.at(base, (s * 1e9).round() * 1e-9);
        // To a tenth of a millisecond: at 50 m/s the distance is then right to far below a millimetre.
        while high - low > 1e-4 {
            let (Some(x), Some(y)) = (at(low + GOLDEN * (high - low)), at(high - GOLDEN * (high - low)))
            else {
                return;
            };
            if x.km() <= y.km() {
                high = y.offset_s
            } else {
                low = x.offset_s
            }
            for point in [x, y] {
                if point.km() < stay.min_km {
                    (stay.min_km, stay.min_time) = (point.km(), point.time());
                }
            }
        }
    }
}
