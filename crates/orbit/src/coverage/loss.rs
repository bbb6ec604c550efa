//! What the loss of any satellite, or of any two, costs.

use base::NoradId;
use rayon::prelude::*;

use super::merit::{Merit, Stretch, Sums};
use super::{Coverage, CoverageError, Mean};

/// More satellites than this are refused: the maps of a cell stand in memory together.
const MAX_SATELLITES: usize = 1_000;

/// With pairs: 200 satellites have 19,900.
const MAX_SATELLITES_IN_PAIRS: usize = 200;

/// What a cell must have. A figure that does not exist is not met.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Requirement {
    /// The longest gap that is allowed, in seconds.
    pub revisit_max_s: Option<f64>,
    /// The share of time that must be covered, in percent.
    pub covered_percent: Option<f64>,
}

impl Requirement {
    /// Whether figures meet it; with nothing required they do.
    pub fn met(&self, merit: &Merit) -> bool {
        self.revisit_max_s.is_none_or(|limit| merit.revisit_max_s.is_some_and(|longest| longest <= limit))
            && self.covered_percent.is_none_or(|least| merit.covered_percent >= least)
    }
}

/// What is left when some satellites are lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// The satellites that are lost: one or two, by rising number.
    pub lost: Vec<NoradId>,
    /// The figures of the region without them (see [`Coverage::region_merit`]); the percentile is `None`.
    pub region: Merit,
    /// The cells that meet the requirement with all satellites and do not without these, by index.
    pub crossing: Vec<usize>,
}

/// One cell, ready for any loss. Bit b of a satellite's map is set when it has access between `edges_s[b]` and
/// `edges_s[b + 1]`.
struct Bitmaps {
    edges_s: Vec<f64>,
    words: usize,
    /// By satellite, then by word.
    maps: Vec<u64>,
    /// Of each satellite, inside the span.
    accesses: Vec<u64>,
}

/// A cell's figures with all satellites and after each loss, in the order of [`losses_of`].
struct CellLosses {
    whole: Merit,
    without: Vec<Merit>,
}

impl Coverage {
    /// The figures after every single loss, and with `pairs` after every loss of two as well; the worst first: by the
    /// number of cells that cross the requirement, then by the mean response of the region, then by the satellites.
    /// `pool` spreads the work; the result is the same without.
    ///
    /// 30 satellites, 1,000 cells and 7 days, all 465 losses: some two seconds on one core.
    ///
    /// # Errors
    /// When there are more than 200 satellites with `pairs`, or more than 1,000 without.
    pub fn losses(
        &self,
        pairs: bool,
        requirement: &Requirement,
        pool: Option<&rayon::ThreadPool>,
    ) -> Result<Vec<Loss>, CoverageError> {
        let satellites = self.satellites.len();
        if satellites > if pairs { MAX_SATELLITES_IN_PAIRS } else { MAX_SATELLITES } {
            return Err(CoverageError::TooManyLosses { satellites });
        }
        let lost = losses_of(satellites, pairs);
        let mut sums: Vec<(Mean, Vec<usize>)> = vec![(Mean::default(), Vec::new()); lost.len()];
        // Blocks of cells, so that the figures of all cells after all losses never stand in memory at once. Sums are
        // taken in the order of cells, so that they are the same with any number of threads.
        const BLOCK: usize = 64;
        for first in (0..self.cells.len()).step_by(BLOCK) {
            let block = first..(first + BLOCK).min(self.cells.len());
            let one = |cell: usize| self.cell_losses(cell, &lost);
            let found: Vec<CellLosses> = match pool {
                Some(pool) => pool.install(|| block.clone().into_par_iter().map(one).collect()),
                None => block.clone().map(one).collect(),
            };
            for (cell, found) in block.zip(found) {
                let weight = self.cells.get(cell).map_or(0.0, super::Cell::weight);
                let met = requirement.met(&found.whole);
                for ((mean, crossing), merit) in sums.iter_mut().zip(&found.without) {
                    mean.add(merit, weight);
                    if met && !requirement.met(merit) {
                        crossing.push(cell);
                    }
                }
            }
        }
        let name = |index: &usize| self.satellites.get(*index).copied();
        let mut losses: Vec<Loss> = lost
            .iter()
            .zip(sums)
            .map(|((a, b), (mean, crossing))| Loss {
                lost: [Some(*a), *b].iter().flatten().filter_map(name).collect(),
                region: mean.merit(),
                crossing,
            })
            .collect();
        let wait = |loss: &Loss| loss.region.response_mean_s.unwrap_or(f64::INFINITY);
        losses.sort_by(|a, b| {
            let cells = b.crossing.len().cmp(&a.crossing.len());
            cells.then(wait(b).total_cmp(&wait(a))).then_with(|| a.lost.cmp(&b.lost))
        });
        Ok(losses)
    }

    /// The figures of one cell: the maps of all satellites before, between and behind the lost ones are joined, and each
    /// such join is made once.
    fn cell_losses(&self, cell: usize, lost: &[(usize, Option<usize>)]) -> CellLosses {
        let bitmaps = self.bitmaps(cell);
        let (words, satellites) = (bitmaps.words, self.satellites.len());
        // before[s]: the maps of all satellites below s, joined; behind[s]: of s and all above.
        let mut before = vec![0; words * (satellites + 1)];
        let mut behind = before.clone();
        for s in 0..satellites {
            join(&mut before, (s + 1) * words, s * words, bitmaps.map(s));
        }
        for s in (0..satellites).rev() {
            join(&mut behind, s * words, (s + 1) * words, bitmaps.map(s));
        }
        let row = |maps: &[u64], s: usize| -> Vec<u64> {
            maps.iter().skip(s * words).take(words).copied().collect()
        };
        let all: u64 = bitmaps.accesses.iter().sum();
        let figures = |map: &[u64], lost: &[usize]| {
            let gone: u64 = lost.iter().filter_map(|s| bitmaps.accesses.get(*s)).sum();
            self.figures(&bitmaps, map, all - gone)
        };
        let whole = figures(&row(&before, satellites), &[]);
        let mut without = Vec::with_capacity(lost.len());
        // The satellites between the two that are lost; grows as the second one goes up.
        let (mut between, mut between_of) = (Vec::new(), usize::MAX);
        for &(a, b) in lost {
            let mut map = row(&before, a);
            if let Some(b) = b {
                if between_of != a {
                    (between, between_of) = (vec![0; words], a);
                } else {
                    or(&mut between, bitmaps.map(b - 1));
                }
                or(&mut map, &between);
                or(&mut map, &row(&behind, b + 1));
                without.push(figures(&map, &[a, b]));
            } else {
                or(&mut map, &row(&behind, a + 1));
                without.push(figures(&map, &[a]));
            }
        }
        CellLosses { whole, without }
    }

    fn bitmaps(&self, cell: usize) -> Bitmaps {
        let span_s = self.span.seconds();
        let windows: Vec<&[Stretch]> =
            self.windows.iter().map(|cells| cells.get(cell).map_or(&[][..], Vec::as_slice)).collect();
        let mut edges_s = vec![self.reach.start_s, self.reach.end_s];
        edges_s.extend(windows.iter().copied().flatten().flat_map(|w| [w.start_s, w.end_s]));
        edges_s.sort_by(f64::total_cmp);
        edges_s.dedup();
        let words = (edges_s.len() - 1).div_ceil(64);
        let mut maps = vec![0; words * windows.len()];
        let index = |second: f64| edges_s.partition_point(|edge| *edge < second);
        for (map, windows) in maps.chunks_mut(words).zip(&windows) {
            for window in *windows {
                set(map, index(window.start_s), index(window.end_s));
            }
        }
        let inside =
            |windows: &&[Stretch]| windows.iter().filter(|w| w.within(0.0, span_s).is_some()).count() as u64;
        let accesses = windows.iter().map(inside).collect();
        Bitmaps { edges_s, words, maps, accesses }
    }

    /// The figures of a joined map, but for the percentile.
    fn figures(&self, bitmaps: &Bitmaps, map: &[u64], accesses: u64) -> Merit {
        let span_s = self.span.seconds();
        let mut sums = Sums::default();
        let last = bitmaps.edges_s.len() - 1;
        let mut bit = 0;
        while bit < last {
            let start = next(map, bit, last, false);
            bit = next(map, start, last, true);
            if start < last {
                sums.gap(
                    Stretch { start_s: bitmaps.edges_s[start], end_s: bitmaps.edges_s[bit] },
                    span_s,
                    self.end_gaps,
                );
            }
        }
        sums.merit(accesses, span_s)
    }
}

impl Bitmaps {
    fn map(&self, satellite: usize) -> &[u64] {
        self.maps.get(satellite * self.words..(satellite + 1) * self.words).unwrap_or_default()
    }
}

/// All losses: each satellite alone, then the pairs of the first with each behind it, and so on.
fn losses_of(satellites: usize, pairs: bool) -> Vec<(usize, Option<usize>)> {
    let single = (0..satellites).map(|a| (a, None));
    let double = (0..satellites).flat_map(|a| (a + 1..satellites).map(move |b| (a, Some(b))));
    single.chain(double.filter(|_| pairs)).collect()
}

fn or(into: &mut [u64], from: &[u64]) {
    for (into, from) in into.iter_mut().zip(from) {
        *into |= from;
    }
}

/// Row `to` becomes row `from`, joined with `map`.
fn join(rows: &mut [u64], to: usize, from: usize, map: &[u64]) {
    for (offset, word) in map.iter().enumerate() {
        rows[to + offset] = rows[from + offset] | word;
    }
}

/// Sets bits `from..to`.
fn set(map: &mut [u64], from: usize, to: usize) {
    for (index, word) in map.iter_mut().enumerate().take(to.div_ceil(64)).skip(from / 64) {
        let low = from.saturating_sub(index * 64);
        let high = (to - index * 64).min(64);
        *word |= (u64::MAX >> (64 - (high - low))) << low;
    }
}

/// The first bit at or behind `from` that is set or not, or `last`.
fn next(map: &[u64], from: usize, last: usize, set: bool) -> usize {
    let flip = if set { 0 } else { u64::MAX };
    let mut keep = u64::MAX << (from % 64);
    for (index, word) in map.iter().enumerate().skip(from / 64) {
        let hits = (word ^ flip) & keep;
        if hits != 0 {
            return (index * 64 + hits.trailing_zeros() as usize).min(last);
        }
        keep = u64::MAX;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_are_set_and_found(from in 0usize..200, long in 1usize..200) {
            let mut map = vec![0; 8];
            set(&mut map, from, from + long);
            let bit = |i: usize| map[i / 64] >> (i % 64) & 1 == 1;
            prop_assert!((0..512).all(|i| bit(i) == (from..from + long).contains(&i)));
            prop_assert_eq!(next(&map, 0, 512, true), from);
            prop_assert_eq!(next(&map, from, 512, false), from + long);
            prop_assert_eq!(next(&map, from + long, 500, true), 500);
        }
    }

    #[test]
    fn losses_are_counted() {
        assert_eq!(losses_of(30, true).len(), 30 + 435);
        assert_eq!(losses_of(3, false), [(0, None), (1, None), (2, None)]);
        assert!(losses_of(0, true).is_empty());
    }
}
