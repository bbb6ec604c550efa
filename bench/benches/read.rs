//! Reading catalogues: two lines, OMM as CSV and as JSON.

mod measured;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use measured::{inputs, measured, shipped_bytes};

fn main() {
    divan::main();
}

fn read(bencher: Bencher<'_, '_>, bytes: &[u8]) {
    let objects = orbit::read_catalogue(bytes, "bench").catalogue.len();
    bencher
        .counter(BytesCount::new(bytes.len()))
        .counter(ItemsCount::new(objects))
        .bench(|| orbit::read_catalogue(black_box(bytes), "bench"));
}

#[divan::bench]
fn omm_csv(bencher: Bencher<'_, '_>) {
    read(bencher, &shipped_bytes());
}

#[divan::bench]
fn tle(bencher: Bencher<'_, '_>) {
    read(bencher, &inputs::tle(&measured()));
}

#[divan::bench]
fn omm_json_30k(bencher: Bencher<'_, '_>) {
    read(bencher, &inputs::omm_json(&measured(), inputs::JSON_OBJECTS));
}

/// Preparing SGP4 for each of them.
#[divan::bench]
fn initialise(bencher: Bencher<'_, '_>) {
    let catalogue = measured();
    bencher.counter(ItemsCount::new(catalogue.len())).bench(|| orbit::Ephemeris::new(black_box(&catalogue)));
}
