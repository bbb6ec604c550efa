//! What an ally sees must not depend on what it may not see: pairs of nodes that differ in nothing else, driven through
//! the whole HTTP interface, compare byte by byte.
//!
//! A walk builds two nodes step by step. What Washington may have goes into both, at the same times and with the same
//! salts. In between each gets things of its own that Washington may not have. After each step the two are one pair:
//! every route of the OpenAPI document is asked with Washington's eyes, and status, headers and bytes must be the
//! same, and so must be the lanes, the batches of the link and, now and then, the file for a courier and the bundle of
//! evidence. Hidden items hold a canary word, which is looked for in every answer, however packed. In every second walk
//! a national policy withholds items of markings that others are released with.
//!
//! `BONGSU_PAIRS` sets how many pairs there are (10,000 when it is not set), `BONGSU_SEED` where to begin.

mod anew;
mod canary;
mod drive;
mod leaks;
mod report;
mod sent;
mod taxii;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::Request;

use drive::{Asked, Known, Question, difference};
use sent::Sent;
use world::{Rng, World};

/// Takes `world` some steps on, with things hidden and shown in turn.
async fn go_on(world: &mut World, rng: &mut Rng, steps: std::ops::Range<u64>) {
    for step in steps {
        for n in 0..2 {
            world.hide(rng, step, n).await;
        }
        let act = world.plan(rng);
        world.show(step, &act).await;
    }
}

/// Pairs of one walk.
const STEPS: u64 = 25;

/// The file for a courier is written for one step in so many.
const COURIER_EVERY: u64 = 5;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// How a question reaches a node; a test that must fail puts a leak here.
type Through = fn(&World, &Question, Request<axum::body::Body>) -> Request<axum::body::Body>;

fn straight(_: &World, _: &Question, request: Request<axum::body::Body>) -> Request<axum::body::Body> {
    request
}

/// How what a node says and sends reaches the comparison.
#[derive(Clone, Copy)]
struct Tap {
    through: Through,
    sent: Sent,
}

const STRAIGHT: Tap = Tap { through: straight, sent: sent::untouched };

/// What is wrong with two answers that should be one.
fn compare(place: &str, answers: [&Asked; 2]) -> Result<(), String> {
    if let Some(what) = difference(answers[0], answers[1]) {
        return Err(format!("{place}: {what}"));
    }
    // The other is the same.
    match canary::found(answers[0]) {
        Some(how) => Err(format!("{place}: a canary, {how}")),
        None => Ok(()),
    }
}

/// Walks one seed and gives the number of pairs and of questions; `Err` names the first difference.
async fn walk(seed: u64, steps: u64, tap: Tap) -> Result<(u64, u64), String> {
    let mut rng = Rng::new(seed);
    let mut worlds = [World::new(seed, 0).await, World::new(seed, 1).await];
    let mut questions = 0;
    for step in 0..steps {
        for (side, world) in worlds.iter_mut().enumerate() {
            let mut own = Rng::new(seed ^ (step << 20) ^ ((side as u64 + 1) << 50));
            let former = world.lanes().await;
            // The second always has something that the first has not.
            for n in 0..own.below(2) + side as u64 {
                world.hide(&mut own, step, n).await;
            }
            assert_eq!(
                former,
                world.lanes().await,
                "seed {seed}, step {step}: what is hidden went to the peer"
            );
        }
        let act = worlds[0].plan(&mut rng);
        let mut results = Vec::new();
        for world in &mut worlds {
            results.push(world.show(step, &act).await);
        }
        if results[0] != results[1] {
            return Err(format!("seed {seed}, step {step}: {act:?} became other entries"));
        }
        let lanes = [worlds[0].lanes().await, worlds[1].lanes().await];
        if lanes[0] != lanes[1] {
            return Err(format!("seed {seed}, step {step}: the lanes differ"));
        }
        let known = Known::of(&worlds, &mut rng);
        for question in drive::questions(&known, &mut rng) {
            questions += 1;
            let mut answers: Vec<Asked> = Vec::new();
            for world in &worlds {
                answers.push(drive::ask(world, &question, tap.through).await);
            }
            let place = format!("seed {seed}, step {step}, {} {}", question.method, question.uri);
            compare(&place, [&answers[0], &answers[1]])?;
        }
        questions += taxii_step(&mut worlds, step, &mut rng, tap)
            .await
            .map_err(|e| format!("seed {seed}, step {step}, {e}"))?;
        let starts = sent::starts(&worlds[0], &mut rng);
        let mut out = Vec::new();
        for world in &worlds {
            let mut sent = sent::batches(world, &starts, tap.sent).await;
            if step % COURIER_EVERY == 0 {
                sent.push(sent::courier(world, &starts, tap.sent).await);
            }
            out.push(sent);
        }
        for ((what, a), (_, b)) in out[0].iter().zip(&out[1]) {
            questions += 1;
            compare(&format!("seed {seed}, step {step}, {what}"), [a, b])?;
        }
    }
    let mut bundles = Vec::new();
    for world in worlds {
        let world = world.halted().await;
        bundles.push(sent::bundle(&world, tap.sent).1);
    }
    compare(&format!("seed {seed}, the bundle"), [&bundles[0], &bundles[1]])?;
    Ok((steps, questions + 1))
}

/// What TAXII clients do and ask in a step, in worlds that have TAXII; gives how many questions there were.
async fn taxii_step(worlds: &mut [World; 2], step: u64, rng: &mut Rng, tap: Tap) -> Result<u64, String> {
    for (side, world) in worlds.iter_mut().enumerate().filter(|(_, world)| world.shelf.is_some()) {
        let mut own = Rng::new(step ^ ((side as u64 + 1) << 40));
        for n in 0..own.below(2) + side as u64 {
            taxii::hide(world, &mut own, step, n).await;
        }
    }
    let Some(act) = taxii::plan(&worlds[0], rng) else { return Ok(0) };
    let mut told = Vec::new();
    for world in worlds.iter_mut() {
        let mut own = Rng::new(step ^ 77);
        told.extend(taxii::show(world, &act, step, &mut own).await);
    }
    if let [a, b] = &told[..] {
        compare(&format!("the answer to {act:?}"), [a, b])?;
    }
    let status = told.first().and_then(taxii::status_id);
    let asked = taxii::questions(Some(worlds), status.as_deref(), rng);
    for question in &asked {
        let mut answers = Vec::new();
        for world in worlds.iter() {
            answers.push(taxii::ask(world, question, tap.through).await);
        }
        compare(&format!("{} {}", question.method, question.uri), [&answers[0], &answers[1]])?;
    }
    Ok(asked.len() as u64 + 1)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
#[expect(clippy::print_stdout, reason = "how much was compared is a figure")]
fn an_ally_sees_the_same_whatever_is_hidden_from_it() {
    let pairs = setting("BONGSU_PAIRS", 10_000);
    let first = setting("BONGSU_SEED", 1);
    let walks = pairs.div_ceil(STEPS);
    let (next, done, asked) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let runtime = runtime();
                loop {
                    let walk_number = next.fetch_add(1, Ordering::Relaxed);
                    if walk_number >= walks {
                        return;
                    }
                    let (pairs, questions) =
                        runtime.block_on(walk(first + walk_number, STEPS, STRAIGHT)).unwrap();
                    done.fetch_add(pairs, Ordering::Relaxed);
                    asked.fetch_add(questions, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(done.load(Ordering::Relaxed) >= pairs);
    assert!(asked.load(Ordering::Relaxed) > pairs * 30, "too few questions: {asked:?}");
    println!("{done:?} pairs, {asked:?} questions, 0 differing bytes");
}

/// Every leak that the comparison must find. Each seed of some must show it.
#[test]
fn a_leak_is_found() {
    let leaks: [(&str, Through); 5] = [
        ("a number of the home log in a header", |world, _, mut request| {
            let size = world.home_size().to_string();
            request.extensions_mut().insert(drive::Extra(size));
            request
        }),
        ("a count over everything", |_, question, request| {
            if question.uri.starts_with("/api/overview") { drive::without_view(request) } else { request }
        }),
        ("a list that is not the view's", |_, question, request| {
            if question.uri.starts_with("/api/findings?") { drive::without_view(request) } else { request }
        }),
        ("a stream that is not the view's", |_, question, request| {
            if question.template == "/api/events" { drive::without_view(request) } else { request }
        }),
        (
            "one that answers otherwise for what is hidden than for what is not there",
            |_, question, request| {
                if question.template == "/api/entries/{id}" { drive::without_view(request) } else { request }
            },
        ),
    ];
    let runtime = runtime();
    for (leak, through) in leaks {
        let tap = Tap { through, ..STRAIGHT };
        let found = (1..=3).any(|seed| runtime.block_on(walk(seed, 6, tap)).is_err());
        assert!(found, "not found: {leak}");
    }
}

/// The same for TAXII: each resource in turn forgets who asks.
#[test]
fn a_leak_to_a_taxii_client_is_found() {
    let leaks: [(&str, Through); 4] = [
        ("objects", |_, question, request| {
            if question.uri.contains("/objects/?") { taxii::with_the_desks_eyes(request) } else { request }
        }),
        ("one object", |_, question, request| {
            let one = question.template.ends_with("{object}/");
            if one { taxii::with_the_desks_eyes(request) } else { request }
        }),
        ("a manifest", |_, question, request| {
            if question.template.ends_with("manifest/") {
                taxii::with_the_desks_eyes(request)
            } else {
                request
            }
        }),
        ("a stream", |_, question, request| {
            if question.template.ends_with("stream/") { taxii::with_the_desks_eyes(request) } else { request }
        }),
    ];
    let runtime = runtime();
    for (leak, through) in leaks {
        let tap = Tap { through, ..STRAIGHT };
        let found = [5, 10].into_iter().any(|seed| runtime.block_on(walk(seed, 8, tap)).is_err());
        assert!(found, "not found: {leak}");
    }
}

/// The same for what is sent: the batches of the link, the courier's file, the bundle of evidence.
#[test]
fn a_leak_in_what_is_sent_is_found() {
    let leaks: [(&str, Sent); 4] = [
        ("how long the home log is, in a batch", |world, what, mut bytes| {
            if what.starts_with("batch") {
                bytes.extend(world.home_size().to_string().into_bytes());
            }
            bytes
        }),
        ("the size of a batch alone", |world, what, mut bytes| {
            if what.starts_with("batch") {
                bytes.resize(bytes.len() + world.hidden.len(), b' ');
            }
            bytes
        }),
        ("the id of something hidden, in a courier's file", |world, what, mut bytes| {
            if what == "courier" {
                bytes.extend(world.hidden.last().iter().flat_map(|(id, ..)| *id.as_bytes()));
            }
            bytes
        }),
        ("a title that is hidden in both, packed into a bundle", |_, what, mut bytes| {
            if what == "bundle" {
                use std::io::Write;
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                gzip.write_all(canary::CANARY.as_bytes()).unwrap();
                bytes = gzip.finish().unwrap();
            }
            bytes
        }),
    ];
    let runtime = runtime();
    for (leak, sent) in leaks {
        let found = (1..=3).any(|seed| runtime.block_on(walk(seed, 6, Tap { sent, ..STRAIGHT })).is_err());
        assert!(found, "not found: {leak}");
    }
}

#[test]
fn every_route_of_the_document_is_driven() {
    let document: serde_json::Value = serde_json::from_str(&crate::openapi().unwrap()).unwrap();
    let mut documented: Vec<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |m| (m.to_uppercase(), path.clone()))
        })
        .collect();
    documented.sort();
    let known = Known::example();
    let mut driven: Vec<(String, String)> = drive::questions(&known, &mut Rng::new(1))
        .into_iter()
        .filter(|question| question.documented)
        .map(|question| (question.method.to_string(), question.template.to_owned()))
        .collect();
    driven.sort();
    driven.dedup();
    assert_eq!(documented, driven);
}

#[test]
fn every_route_of_the_taxii_server_is_driven() {
    let mut served: Vec<(String, &str)> =
        crate::taxii::ROUTES.iter().map(|route| (route.method.to_string(), route.path)).collect();
    served.sort();
    let mut driven: Vec<(String, &str)> = taxii::questions(None, None, &mut Rng::new(1))
        .into_iter()
        .filter(|question| !question.template.is_empty())
        .map(|question| (question.method.to_string(), question.template))
        .collect();
    driven.sort();
    driven.dedup();
    assert_eq!(served, driven);
}
