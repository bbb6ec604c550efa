//! Reports that are run by hand and print figures; they assert nothing about time.
//! `cargo test -p bongsu-node --release --lib -- --ignored --nocapture pairs::report`

#![expect(clippy::print_stdout, reason = "a report is printed")]

use std::time::Instant;

use axum::http::Method;
use base::{EntryId, Marking};
use record::{Entry, NodeKey, Stored};
use sha2::{Digest, Sha256};

use super::drive::{self, Question};
use super::world::{Rng, World};
use super::{runtime, setting, straight};
use crate::core::{Chance, Machine};
use crate::view::{Fold, Mark, Noun, Prepared, View, Views};

/// Answers for what is hidden and for what is not there, one after the other in random order: whether their times tell
/// them apart. Welch's t beyond some 5 would.
#[test]
#[ignore = "a report of times"]
fn times_of_hidden_and_absent() {
    let samples = setting("BONGSU_SAMPLES", 20_000);
    runtime().block_on(async {
        let mut world = World::new(1, 1).await;
        let mut rng = Rng::new(7);
        for n in 0..500 {
            world.hide(&mut rng, 1, n).await;
        }
        for template in ["/api/entries/{id}", "/api/findings/{id}", "/api/incidents/{id}"] {
            let mut times = [Vec::new(), Vec::new()];
            for sample in 0..samples * 2 {
                let absent = rng.below(2) == 1;
                let id = match absent {
                    true => EntryId::from_bytes(Sha256::digest(sample.to_le_bytes()).into()),
                    false => rng.pick(&world.hidden).0,
                };
                let question = Question::get(template, template.replace("{id}", &id.to_string()));
                let since = Instant::now();
                let answer = drive::ask(&world, &question, straight).await;
                let micros = since.elapsed().as_secs_f64() * 1e6;
                assert_eq!((answer.status, question.method), (404, Method::GET));
                times[usize::from(absent)].push(micros);
            }
            for side in &mut times {
                // The slowest hundredth is the machine's.
                side.sort_by(f64::total_cmp);
                side.truncate(side.len() * 99 / 100);
            }
            let [hidden, absent] = times.each_ref().map(|side| moments(side));
            let t = (hidden.1 - absent.1) / (hidden.2 / hidden.0 + absent.2 / absent.0).sqrt();
            let middle = times.each_ref().map(|side| side[side.len() / 2]);
            println!(
                "{template}: hidden {:.2} us (median {:.2}), absent {:.2} us (median {:.2}), {} samples each, t = {t:.2}",
                hidden.1, middle[0], absent.1, middle[1], samples
            );
        }
        world.stop().await;
    });
}

/// Number, mean and variance.
fn moments(values: &[f64]) -> (f64, f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (n, mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

/// How fast a view takes entries in, opens and pages, at `BONGSU_ROWS` entries.
#[test]
#[ignore = "a report of times"]
fn a_view_at_scale() {
    let rows = setting("BONGSU_ROWS", 1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let views = Views::new(folder.path()).unwrap();
    let key = NodeKey::from_secret("seoul".parse().unwrap(), &[1; 32]);
    let mut rng = Rng::new(1);
    let entries: Vec<Entry> = (0..1000)
        .map(|n| {
            let finding = World::finding(
                &mut rng,
                format!("Finding {n}"),
                Marking::new("SECRET", &["USA"], "KOR"),
                vec![],
            );
            Entry::sign(&finding, &"KOR".parse().unwrap(), &key, crate::core::now(), &mut Chance(&Machine))
                .unwrap()
        })
        .collect();
    let mut fold = Fold::open(views.folder(), View::Owner, |_, _| true).unwrap();
    let since = Instant::now();
    for start in (0..rows).step_by(1000) {
        let batch: Vec<Prepared> = (start..start + 1000)
            .zip(&entries)
            .map(|(seq, entry)| Stored {
                seq,
                id: EntryId::from_bytes(Sha256::digest(seq.to_le_bytes()).into()),
                entry: Some(entry.clone()),
                key: *entry.key(),
                received: None,
            })
            .map(Prepared::from)
            .collect();
        fold.take_in(batch, Mark::Home(start + 1000), &|_| None).unwrap();
    }
    let rate = rows as f64 / since.elapsed().as_secs_f64();
    drop(fold);
    let since = Instant::now();
    let fold = Fold::open(views.folder(), View::Owner, |_, _| true).unwrap();
    let opened = since.elapsed();
    views.show(&fold).unwrap();
    let reader = views.get(&View::Owner).unwrap().reader().unwrap();
    let shown = reader.rows().unwrap();
    let since = Instant::now();
    let first = shown.standing(Noun::Finding, None, 50).unwrap();
    let newest = since.elapsed();
    let since = Instant::now();
    let middle = shown.standing(Noun::Finding, Some(rows / 2), 50).unwrap();
    let far = since.elapsed();
    assert_eq!((first.len(), middle.len()), (50, 50));
    let bytes = std::fs::metadata(views.folder().join("owner.db")).unwrap().len();
    println!(
        "{rows} entries: {rate:.0} a second taken in, opened in {:.1} ms, first page {:.2} ms, a page in the middle {:.2} ms, {} MB",
        opened.as_secs_f64() * 1e3,
        newest.as_secs_f64() * 1e3,
        far.as_secs_f64() * 1e3,
        bytes >> 20
    );
}
