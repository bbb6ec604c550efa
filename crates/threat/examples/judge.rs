//! Judges every object of STIX bundles as often as is asked, on one thread, and prints how fast: for `bench/peers/stix.py`.
//!
//! `judge ROUNDS FILE..`; `.zst` is unpacked. With `-` in the place of ROUNDS the verdicts are printed, one a line.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program of its own: it has files and a clock"
)]

use std::error::Error;
use std::time::Instant;

use threat::{BundleReader, Piece, ValidateOptions, validate_member};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (rounds, files) = args.split_first().ok_or("judge ROUNDS FILE..")?;
    let options = ValidateOptions::default();
    let texts = files
        .iter()
        .map(|file| {
            let bytes = std::fs::read(file)?;
            if file.ends_with(".zst") { zstd::decode_all(&bytes[..]) } else { Ok(bytes) }
        })
        .collect::<Result<Vec<_>, _>>()?;
    if rounds == "-" {
        for text in &texts {
            judge(text, &options, |id, valid| println!("{id} {valid}"))?;
        }
        return Ok(());
    }
    let (mut objects, mut valid, mut best) = (0, 0, f64::INFINITY);
    let bytes: usize = texts.iter().map(Vec::len).sum();
    for _ in 0..rounds.parse::<u32>()? {
        (objects, valid) = (0, 0);
        let start = Instant::now();
        for text in &texts {
            judge(text, &options, |_, one| {
                objects += 1;
                valid += u32::from(one);
            })?;
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{{\"objects\": {objects}, \"valid\": {valid}, \"bytes\": {bytes}, \"seconds\": {best}}}");
    Ok(())
}

fn judge(
    text: &[u8],
    options: &ValidateOptions,
    mut each: impl FnMut(&str, bool),
) -> Result<(), Box<dyn Error>> {
    let mut reader = BundleReader::new(text, Default::default());
    while let Some(piece) = reader.next_piece() {
        match piece {
            Piece::Object(object) => {
                let verdict = validate_member(object.bytes, object.offset, options);
                each(&verdict.id, verdict.valid);
            }
            Piece::Fault(fault) => return Err(fault.to_string().into()),
            Piece::Frame(_) => {}
        }
    }
    Ok(())
}
