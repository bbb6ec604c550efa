//! STIX: bundles read as a stream, headers, verdicts, and one verdict after another over ATT&CK.

use std::path::Path;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use threat::{BundleReader, Header, Piece, ValidateOptions, validate_member};

fn main() {
    divan::main();
}

/// ATT&CK ICS, which ships with the tests, or the bundle that `BONGSU_BENCH_STIX` names (.zst).
fn bundle() -> Vec<u8> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/threat/tests/data/attack/ics-attack-18.1.json.zst");
    let path = std::env::var_os("BONGSU_BENCH_STIX").map_or(shipped, Into::into);
    let packed = std::fs::read(&path).unwrap_or_default();
    zstd::decode_all(&packed[..]).unwrap_or_default()
}

fn each(text: &[u8], mut work: impl FnMut(&[u8], u64)) -> u64 {
    let mut reader = BundleReader::new(text, Default::default());
    let mut objects = 0;
    while let Some(piece) = reader.next_piece() {
        if let Piece::Object(object) = piece {
            work(object.bytes, object.offset);
            objects += 1;
        }
    }
    objects
}

fn counted(bencher: Bencher<'_, '_>, work: impl Fn(&[u8], u64) + Sync) {
    let text = bundle();
    let objects = each(&text, |_, _| {});
    bencher
        .counter(ItemsCount::new(objects))
        .counter(BytesCount::new(text.len()))
        .bench(|| each(black_box(&text), |bytes, offset| work(bytes, offset)));
}

#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    counted(bencher, |bytes, _| {
        black_box(bytes);
    });
}

#[divan::bench]
fn read_with_headers(bencher: Bencher<'_, '_>) {
    counted(bencher, |bytes, offset| {
        black_box(Header::read(bytes, offset).is_ok());
    });
}

#[divan::bench]
fn validate(bencher: Bencher<'_, '_>) {
    let options = ValidateOptions::default();
    counted(bencher, |bytes, offset| {
        black_box(validate_member(bytes, offset, &options).valid);
    });
}
