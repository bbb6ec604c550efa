//! What an ally sees must not depend on what it may not see: pairs of nodes that differ in nothing else, driven through
//! the whole HTTP interface, compare byte by byte.
//!
//! A walk builds two nodes step by step. What Washington may have goes into both, at the same times and with the same
//! salts. In between each gets things of its own that Washington may not have. After each step the two are one pair:
//! every route of the OpenAPI document is asked with Washington's eyes, and status, headers and bytes must be the
//! same, and so must be the lanes. Hidden items hold a canary word, which is looked for in every answer, however packed.
//!
//! `BONGSU_PAIRS` sets how many pairs there are (10,000 when it is not set), `BONGSU_SEED` where to begin.

mod anew;
mod canary;
mod drive;
mod leaks;
mod report;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::Request;

use drive::{Asked, Known, Question, difference};
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

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// How a question reaches a node; a test that must fail puts a leak here.
type Through = fn(&World, &Question, Request<axum::body::Body>) -> Request<axum::body::Body>;

fn straight(_: &World, _: &Question, request: Request<axum::body::Body>) -> Request<axum::body::Body> {
    request
}

/// Walks one seed and gives the number of pairs and of questions; `Err` names the first difference.
async fn walk(seed: u64, steps: u64, through: Through) -> Result<(u64, u64), String> {
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
                answers.push(drive::ask(world, &question, through).await);
            }
            let place = format!("seed {seed}, step {step}, {} {}", question.method, question.uri);
            if let Some(what) = difference(&answers[0], &answers[1]) {
                return Err(format!("{place}: {what}"));
            }
            // The other is the same.
            if let Some(how) = canary::found(&answers[0]) {
                return Err(format!("{place}: a canary, {how}"));
            }
        }
    }
    for world in worlds {
        world.stop().await;
    }
    Ok((steps, questions))
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
                        runtime.block_on(walk(first + walk_number, STEPS, straight)).unwrap();
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
    let leaks: [(&str, Through); 4] = [
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
        (
            "one that answers otherwise for what is hidden than for what is not there",
            |_, question, request| {
                if question.template == "/api/entries/{id}" { drive::without_view(request) } else { request }
            },
        ),
    ];
    let runtime = runtime();
    for (leak, through) in leaks {
        let found = (1..=3).any(|seed| runtime.block_on(walk(seed, 6, through)).is_err());
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
