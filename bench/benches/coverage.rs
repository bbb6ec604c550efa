//! Access windows of 30 satellites over some thousand cells in seven days, and the losses of one or two of them.

mod measured;

use base::Interval;
use divan::{Bencher, black_box};
use measured::{inputs, measured};
use orbit::{AccessLimits, Catalogue, Cell, Coverage, CoverageError, EndGaps, Requirement, View};

fn main() {
    divan::main();
}

fn windows(satellites: &Catalogue, cells: Vec<Cell>, span: Interval) -> Result<Coverage, CoverageError> {
    let limits = AccessLimits { view: View::min_elevation(10.0)?, sunlit: false };
    orbit::coverage(satellites, cells, span, &limits, EndGaps::Cut, None, &|_, _| {})
}

/// What is looked at: one thread, so that the trend is that of the work.
#[expect(clippy::panic, reason = "without its input a bench measures nothing")]
fn input() -> (Catalogue, Vec<Cell>, Interval) {
    let catalogue = measured();
    let span = Interval::starting(inputs::start(&catalogue), 7.0 * 86_400.0);
    let cells = inputs::cells().unwrap_or_else(|error| panic!("{error}"));
    (inputs::constellation(&catalogue, 30), cells, span)
}

#[divan::bench(sample_count = 3)]
fn windows_30_satellites_7_d(bencher: Bencher<'_, '_>) {
    let (satellites, cells, span) = input();
    bencher.bench(|| windows(black_box(&satellites), cells.clone(), span));
}

#[divan::bench(sample_count = 3)]
#[expect(clippy::panic, reason = "without its input a bench measures nothing")]
fn losses_of_one_and_two(bencher: Bencher<'_, '_>) {
    let (satellites, cells, span) = input();
    let coverage = windows(&satellites, cells, span).unwrap_or_else(|error| panic!("{error}"));
    let required = Requirement { revisit_max_s: Some(21_600.0), covered_percent: None };
    bencher.bench(|| black_box(&coverage).losses(true, &required, None));
}
