//! A view follows from its log alone: kept up entry by entry, made up for after a crash, or built anew, it is the same.

use std::path::Path;

use axum::http::Request;
use base::EntryId;
use incident::{GroupRules, Incident};

use super::drive::{self, Asked, Known, Question};
use super::world::{Rng, World};
use super::{go_on, runtime};
use crate::view::{Noun, View};

/// All that Washington's eyes and the owner's see.
async fn transcript(world: &World, ids: &[EntryId]) -> Vec<(String, Asked)> {
    let known = Known::about(world, ids.to_vec());
    let mut all = Vec::new();
    for question in drive::questions(&known, &mut Rng::new(3)) {
        // What the node keeps in memory, or writes, is not the views'.
        // Why something stayed is said by the rules and recalls of the day on which the view is built.
        let beside = ["/api/jobs", "/api/peers", "/api/peers/{name}/withheld", "/api/events", ""];
        if beside.contains(&question.template) || question.method != axum::http::Method::GET {
            continue;
        }
        let question = question.plainly();
        let own = |_: &World, _: &Question, request: Request<_>| drive::without_view(request);
        let answers =
            [drive::ask(world, &question, super::straight).await, drive::ask(world, &question, own).await];
        for answer in answers {
            // The current catalogue is loaded by the node's start, which these worlds do not have.
            if !question.uri.contains("catalogue") && !question.uri.contains("overview") {
                all.push((question.uri.clone(), answer));
            }
        }
    }
    all
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn compare(before: &[(String, Asked)], after: &[(String, Asked)], how: &str) {
    assert!(before.len() > 60);
    for ((uri, before), (_, after)) in before.iter().zip(after) {
        let difference = drive::difference(before, after);
        assert!(difference.is_none(), "{how}, {uri}: {}", difference.unwrap_or_default());
    }
}

#[test]
fn a_view_that_was_behind_or_is_built_anew_is_the_same() {
    runtime().block_on(async {
        for seed in 0..4 {
            let mut world = World::new(seed, 1).await;
            let mut rng = Rng::new(seed);
            go_on(&mut world, &mut rng, 0..15).await;
            let kept = tempfile::tempdir().unwrap();
            world.restart(|data| copy(&data.join("views"), kept.path())).await;
            go_on(&mut world, &mut rng, 15..30).await;
            // What came last is in the view with the next entry that goes there.
            let last = World::report(&mut rng);
            world.show(30, &last).await;
            let ids: Vec<EntryId> =
                world.visible().into_iter().chain(world.hidden.iter().map(|(id, ..)| *id)).collect();
            let before = transcript(&world, &ids).await;
            world.restart(|_| ()).await;
            compare(&before, &transcript(&world, &ids).await, "after a restart");
            let behind = |data: &Path| {
                std::fs::remove_dir_all(data.join("views")).unwrap();
                copy(kept.path(), &data.join("views"));
            };
            world.restart(behind).await;
            compare(&before, &transcript(&world, &ids).await, "behind by half");
            world.restart(|data| std::fs::remove_dir_all(data.join("views")).unwrap()).await;
            compare(&before, &transcript(&world, &ids).await, "built anew");
            let spoil = |data: &Path| {
                for file in ["owner.db", "peer.washington.db", "owner.words.db"] {
                    std::fs::write(data.join("views").join(file), "no database").unwrap();
                }
            };
            world.restart(spoil).await;
            compare(&before, &transcript(&world, &ids).await, "damaged");
            world.stop().await;
        }
    });
}

/// Views that followed another record, as after a copy was brought back, are not believed.
#[test]
fn views_of_another_record_are_built_anew() {
    runtime().block_on(async {
        let mut world = World::new(1, 1).await;
        let mut other = World::new(2, 1).await;
        go_on(&mut world, &mut Rng::new(1), 0..5).await;
        go_on(&mut other, &mut Rng::new(2), 0..9).await;
        let ids = world.visible();
        let before = transcript(&world, &ids).await;
        let views = other.data().join("views");
        let kept = tempfile::tempdir().unwrap();
        other.restart(|_| copy(&views, kept.path())).await;
        world
            .restart(|data| {
                std::fs::remove_dir_all(data.join("views")).unwrap();
                copy(kept.path(), &data.join("views"));
            })
            .await;
        compare(&before, &transcript(&world, &ids).await, "views of another record");
        world.stop().await;
        other.stop().await;
    });
}

/// Grouping looks only at what is near; the incidents are those that all findings together make.
#[test]
fn incidents_of_what_is_near_are_those_of_everything() {
    runtime().block_on(async {
        for seed in 0..6 {
            let mut world = World::new(seed, 1).await;
            let mut rng = Rng::new(seed + 100);
            for part in 0..4 {
                go_on(&mut world, &mut rng, part * 8..part * 8 + 8).await;
                let reader = world.core.look(&View::Owner).unwrap();
                let rows = reader.rows().unwrap();
                let findings: Vec<_> = rows
                    .standing(Noun::Finding, None, 10_000)
                    .unwrap()
                    .into_iter()
                    .filter(|row| row.is_own())
                    .map(|row| (row.id, row.finding().unwrap()))
                    .collect();
                let bare = |incident: Incident| Incident { supersedes: Vec::new(), ..incident };
                let mut open: Vec<Incident> = rows
                    .open_incidents(None, 10_000)
                    .unwrap()
                    .iter()
                    .filter(|row| row.is_own())
                    .map(|row| bare(row.incident().unwrap()))
                    .collect();
                let mut all = incident::group(&findings, &GroupRules::default());
                open.sort_by(|a, b| a.findings.cmp(&b.findings));
                all.sort_by(|a, b| a.findings.cmp(&b.findings));
                assert!(!all.is_empty());
                assert_eq!(open, all, "seed {seed}, part {part}");
            }
            world.stop().await;
        }
    });
}

/// Washington's incidents are those that the findings which Washington has make, and the people here read the whole.
#[test]
fn an_ally_is_told_of_the_incidents_that_its_findings_make() {
    runtime().block_on(async {
        for seed in [1, 3, 5] {
            let mut world = World::new(seed, 1).await;
            let mut rng = Rng::new(seed);
            for step in 0..25 {
                world.hide(&mut rng, step, 0).await;
                world.hide(&mut rng, step, 1).await;
                let act = World::report(&mut rng);
                world.show(step, &act).await;
            }
            let incidents = |view: &View, both: bool| {
                let reader = world.core.look(view).unwrap();
                let rows = reader.rows().unwrap();
                let own = |row: &crate::view::Row| row.is_own();
                let findings = rows.standing(Noun::Finding, None, 10_000).unwrap();
                let findings: Vec<_> =
                    findings.into_iter().filter(own).map(|row| (row.id, row.finding().unwrap())).collect();
                let bare = |incident: Incident| Incident { supersedes: Vec::new(), ..incident };
                let open = rows.open_incidents(None, 10_000).unwrap();
                let open = open.iter().filter(|row| own(row));
                let mut open: Vec<Incident> = open.map(|row| bare(row.incident().unwrap())).collect();
                let mut all = incident::group(&findings, &GroupRules::default());
                open.sort_by(|a, b| a.findings.cmp(&b.findings));
                all.sort_by(|a, b| a.findings.cmp(&b.findings));
                assert!(all.len() > 3);
                assert_eq!(open, all, "seed {seed}, {view:?}");
                let parts = rows.from(0, 10_000).unwrap();
                assert_eq!(parts.iter().any(|row| row.schema == "bongsu.incident-parts/1"), both);
            };
            incidents(&View::Owner, true);
            incidents(&View::Peer(super::world::washington()), false);
            world.stop().await;
        }
    });
}

/// A person sees the log up to a clearance, with places, counts and words of its own.
#[test]
fn a_person_sees_up_to_a_clearance() {
    runtime().block_on(async {
        let mut world = World::new(4, 1).await;
        go_on(&mut world, &mut Rng::new(5), 0..20).await;
        let core = std::sync::Arc::clone(&world.core);
        let seen =
            |level: label::Level| {
                let clearance =
                    label::Clearance { level, categories: Default::default(), countries: Default::default() };
                let core = std::sync::Arc::clone(&core);
                tokio::task::spawn_blocking(move || {
                    let reader = core.look(&View::User(clearance)).unwrap();
                    let rows = reader.rows().unwrap();
                    let all = rows.from(0, 10_000).unwrap();
                    assert_eq!(rows.size().unwrap(), all.len() as u64);
                    assert!(all.iter().enumerate().all(|(place, row)| row.seq == place as u64));
                    assert!(all.iter().filter_map(|row| row.marking.as_ref()).all(|marking| {
                        marking.level.parse::<label::Level>().is_ok_and(|of| of <= level)
                    }));
                    let standing = rows.standing(Noun::Finding, None, 10_000).unwrap().len() as u64;
                    assert_eq!(rows.tally("noun", "finding").unwrap(), standing);
                    all.len()
                })
            };
        let low = seen(label::Level::Restricted).await.unwrap();
        let high = seen(label::Level::Secret).await.unwrap();
        let top = seen(label::Level::TopSecret).await.unwrap();
        assert!(low < high && high < top && (top as u64) < world.home_size() + 1, "{low} {high} {top}");
        // It goes on.
        go_on(&mut world, &mut Rng::new(6), 20..25).await;
        assert!(seen(label::Level::TopSecret).await.unwrap() > top);
        drop(core);
        world.stop().await;
    });
}
