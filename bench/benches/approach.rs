//! Screening all against all, and the search for companions.

mod measured;

use std::ops::ControlFlow;

use base::Interval;
use divan::{Bencher, black_box};
use measured::{inputs, measured};
use orbit::ScreenLimits;

fn main() {
    divan::main();
}

/// One thread, so that the trend is that of the work.
#[divan::bench(sample_count = 3, args = [1.0, 6.0])]
fn screen_5_km(bencher: Bencher<'_, '_>, hours: f64) {
    let catalogue = measured();
    let span = Interval::starting(inputs::start(&catalogue), hours * 3600.0);
    let Ok(limits) = ScreenLimits::within_km(5.0) else { return };
    let go = |_, _| ControlFlow::Continue(());
    bencher.bench(|| orbit::screen(black_box(&catalogue), span, &limits, None, None, &go));
}

#[divan::bench(sample_count = 3)]
fn companions_300_km_24_h(bencher: Bencher<'_, '_>) {
    let catalogue = measured();
    let span = Interval::starting(inputs::start(&catalogue), 86_400.0);
    let Ok(limits) = ScreenLimits::within_km(300.0) else { return };
    let go = |_, _| ControlFlow::Continue(());
    let catalogues = [catalogue];
    bencher.bench(|| orbit::companions(black_box(&catalogues), span, &limits, None, &go));
}
