//! The record's incidents follow its findings: what is written and withdrawn, and that it comes to rest.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use base::EntryId;
use common::{Entry, finding, id, several};
use incident::{GroupRules, Incident, Update, group, update};
use proptest::prelude::*;

/// A record of incidents as a node keeps it: append-only, with recalls beside.
#[derive(Default)]
struct Record {
    written: Vec<(EntryId, Incident)>,
    recalled: BTreeSet<EntryId>,
}

impl Record {
    fn current(&self) -> Vec<(EntryId, Incident)> {
        let superseded: BTreeSet<EntryId> =
            self.written.iter().flat_map(|(_, i)| i.supersedes.clone()).collect();
        let gone = |id: &EntryId| superseded.contains(id) || self.recalled.contains(id);
        self.written.iter().filter(|(id, _)| !gone(id)).cloned().collect()
    }

    /// One run; true when there was something to do.
    fn follow(&mut self, findings: &[Entry]) -> bool {
        let Update { write, withdraw } = update(&self.current(), findings, &GroupRules::default());
        let idle = write.is_empty() && withdraw.is_empty();
        for incident in write {
            let mut bytes = [0xff; 32];
            bytes[..8].copy_from_slice(&(self.written.len() as u64).to_be_bytes());
            self.written.push((EntryId::from_bytes(bytes), incident));
        }
        self.recalled.extend(withdraw);
        !idle
    }
}

/// Without the history, as a map from findings to the rest.
fn contents(incidents: impl IntoIterator<Item = Incident>) -> BTreeMap<Vec<EntryId>, Incident> {
    incidents.into_iter().map(|i| (i.findings.clone(), Incident { supersedes: Vec::new(), ..i })).collect()
}

fn of(numbers: &[u8], all: &[Entry]) -> Vec<Entry> {
    all.iter().filter(|(f, _)| numbers.iter().any(|n| id(*n) == *f)).cloned().collect()
}

fn world() -> Vec<Entry> {
    [finding(0.0, &["*A"]), finding(10.0, &["*A"]), finding(5.0, &["*A"]), finding(5.0, &["*B"])]
        .into_iter()
        .enumerate()
        .map(|(n, f)| (id(n as u8 + 1), f))
        .collect()
}

#[test]
fn grow_merge_split_and_vanish() {
    let all = world();
    let mut record = Record::default();
    let ids = |record: &Record| record.current().iter().map(|(id, _)| *id).collect::<Vec<_>>();

    assert!(record.follow(&of(&[1, 2], &all)));
    let two = ids(&record);
    assert_eq!(two.len(), 2);

    // 3 lies between 1 and 2: one incident takes the place of both. 4 is another matter.
    assert!(record.follow(&all));
    let merged = &record.written[2..];
    assert_eq!(merged.len(), 2);
    assert_eq!(merged[0].1.findings, [id(1), id(3), id(2)]);
    assert_eq!(merged[0].1.supersedes, two);
    assert_eq!(merged[1].1.supersedes, []);
    assert_eq!(record.recalled, BTreeSet::new());

    // 3 is taken back: two incidents take the place of one, and what repeated 3 is taken back too.
    let (merged, other) = (merged[0].0, merged[1].0);
    assert!(record.follow(&of(&[1, 2, 4], &all)));
    let split = &record.written[4..];
    assert_eq!(split.len(), 2);
    assert!(split.iter().all(|(_, i)| i.supersedes == [merged]));
    assert_eq!(record.recalled, BTreeSet::from([merged]));

    // Nothing of 4 is left: its incident is withdrawn, with nothing in its place.
    assert!(record.follow(&of(&[1, 2], &all)));
    assert_eq!(record.written.len(), 6);
    assert_eq!(record.recalled, BTreeSet::from([merged, other]));
}

#[test]
fn the_same_incident_twice_becomes_one() {
    let all = world();
    let one = group(&all[..1], &GroupRules::default()).remove(0);
    let got = update(&[(id(9), one.clone()), (id(8), one)], &all[..1], &GroupRules::default());
    assert_eq!(got, Update { write: vec![], withdraw: vec![id(9)] });
}

#[test]
fn a_superseded_incident_in_the_list_is_passed_over() {
    let all = world();
    let one = group(&all[..1], &GroupRules::default()).remove(0);
    let next = Incident { supersedes: vec![id(8)], ..one.clone() };
    let got = update(&[(id(9), next), (id(8), one)], &all[..1], &GroupRules::default());
    assert_eq!(got, Update::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Findings come and go in any order; after each step one run brings the record to what `group` says of the
    /// findings held, and a second run finds nothing to do.
    #[test]
    fn one_run_arrives_and_a_second_has_nothing_to_do(
        all in several(), steps in prop::collection::vec(any::<u16>(), 1..6),
    ) {
        let mut record = Record::default();
        for step in steps {
            let held: Vec<Entry> =
                all.iter().enumerate().filter(|(n, _)| step & (1 << (n % 16)) != 0).map(|(_, e)| e.clone()).collect();
            record.follow(&held);
            let now = record.current();
            prop_assert_eq!(now.len(), contents(now.iter().map(|(_, i)| i.clone())).len());
            prop_assert_eq!(
                contents(now.into_iter().map(|(_, i)| i)),
                contents(group(&held, &GroupRules::default()))
            );
            prop_assert!(!record.follow(&held), "a second run had something to do");
        }
    }

    /// An incident never takes the place of one with another marking: a reader of the one need not have had the other.
    #[test]
    fn history_stays_within_a_marking(all in several(), step in any::<u16>()) {
        let mut record = Record::default();
        let held: Vec<Entry> =
            all.iter().enumerate().filter(|(n, _)| step & (1 << (n % 16)) != 0).map(|(_, e)| e.clone()).collect();
        record.follow(&held);
        record.follow(&all);
        for (_, incident) in &record.written {
            for former in &incident.supersedes {
                let former = record.written.iter().find(|(id, _)| id == former).map(|(_, i)| &i.marking);
                prop_assert_eq!(former, Some(&incident.marking));
            }
        }
    }

    #[test]
    fn the_order_of_entries_plays_no_part(
        (all, shuffled) in several().prop_flat_map(|f| (Just(f.clone()), Just(f).prop_shuffle())), few in 0..16_usize,
    ) {
        let mut record = Record::default();
        record.follow(&all[..few.min(all.len())]);
        let mut current = record.current();
        let forward = update(&current, &all, &GroupRules::default());
        current.reverse();
        prop_assert_eq!(forward, update(&current, &shuffled, &GroupRules::default()));
    }
}
