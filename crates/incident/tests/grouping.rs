//! Which findings belong together, how an incident is named, and that nothing else plays a part.

mod common;

use std::collections::BTreeSet;

use base::{EntryId, Finding, Interval, Marking, Severity, to_document};
use common::{Entry, at, finding, id, several};
use incident::{GroupRules, Incident, group};
use proptest::prelude::*;

fn grouped(findings: &[Entry]) -> Vec<Incident> {
    group(findings, &GroupRules::default())
}

/// The incidents as lists of finding numbers, in the order of the findings.
fn numbers(findings: Vec<Finding>) -> Vec<Vec<u8>> {
    let entries: Vec<Entry> = (1..).map(id).zip(findings).collect();
    let mut lists: Vec<Vec<u8>> =
        grouped(&entries).iter().map(|i| i.findings.iter().map(|f| f.as_bytes()[0]).collect()).collect();
    lists.sort();
    lists
}

#[test]
fn shared_object_and_time_tie_directly_and_through_others() {
    let findings = vec![
        finding(0.0, &["*A", "C"]),
        finding(6.0, &["*A", "D"]),
        finding(12.0, &["*A", "E"]),
        finding(18.5, &["*A", "C"]),
        finding(6.0, &["*B", "F"]),
    ];
    assert_eq!(numbers(findings), vec![vec![1, 2, 3], vec![4], vec![5]]);
}

#[test]
fn a_long_finding_reaches_over_short_ones() {
    let mut long = finding(0.0, &["*A"]);
    long.interval = Interval::starting(at(0.0), 30.0 * 3600.0);
    assert_eq!(numbers(vec![long, finding(1.0, &["*A"]), finding(35.0, &["*A"])]), vec![vec![1, 2, 3]]);
}

#[test]
fn one_bystander_does_not_tie_two_protected_satellites() {
    assert_eq!(numbers(vec![finding(0.0, &["*A", "C"]), finding(1.0, &["*B", "C"])]), vec![vec![1], vec![2]]);
    // Nor does a finding about the bystander alone hang on to one of them.
    assert_eq!(numbers(vec![finding(0.0, &["*A", "C"]), finding(1.0, &["C"])]), vec![vec![1], vec![2]]);
    // Without any protected object, what is shared ties.
    assert_eq!(numbers(vec![finding(0.0, &["D", "C"]), finding(1.0, &["E", "C"])]), vec![vec![1, 2]]);
    // A report that names the satellite without calling it protected belongs to it.
    assert_eq!(numbers(vec![finding(0.0, &["*A", "C"]), finding(1.0, &["A"])]), vec![vec![1, 2]]);
    // Two protected satellites that meet are one matter.
    assert_eq!(
        numbers(vec![finding(0.0, &["*A"]), finding(1.0, &["*A", "*B"]), finding(2.0, &["*B"])]),
        vec![vec![1, 2, 3]]
    );
}

#[test]
fn findings_without_objects_stand_alone() {
    assert_eq!(numbers(vec![finding(0.0, &[]), finding(0.0, &[])]), vec![vec![1], vec![2]]);
}

#[test]
fn markings_never_mix_but_their_spelling_does_not_matter() {
    let marked = |marking: Marking| Finding { marking, ..finding(0.0, &["*A"]) };
    let usa = || Marking::new("RESTRICTED", &["USA"], "KOR");
    let caveats =
        |words: &[&str]| Marking { caveats: words.iter().map(|w| (*w).to_owned()).collect(), ..usa() };
    let others = [
        Marking::new("SECRET", &["USA"], "KOR"),
        Marking::new("RESTRICTED", &["USA", "JPN"], "KOR"),
        Marking::new("RESTRICTED", &[], "KOR"),
        Marking::new("RESTRICTED", &["USA"], "USA"),
        caveats(&["ORCON"]),
    ];
    for other in others {
        assert_eq!(numbers(vec![marked(usa()), marked(other)]), vec![vec![1], vec![2]]);
    }
    let spelt = Marking::new("RESTRICTED", &["USA", "JPN", "USA"], "KOR");
    let again = Marking::new("RESTRICTED", &["JPN", "USA"], "KOR");
    assert_eq!(numbers(vec![marked(spelt), marked(again)]), vec![vec![1, 2]]);
    assert_eq!(
        numbers(vec![marked(caveats(&["A", "B"])), marked(caveats(&["B", "A", "A"]))]),
        vec![vec![1, 2]]
    );
}

fn title(findings: Vec<Finding>) -> String {
    let entries: Vec<Entry> = (1..).map(id).zip(findings).collect();
    let incidents = grouped(&entries);
    assert_eq!(incidents.len(), 1);
    incidents[0].title.clone()
}

#[test]
fn titles() {
    let approaches =
        || vec![finding(0.34, &["*A", "C"]), finding(1.0, &["*A", "D"]), finding(2.0, &["*A", "C"])];
    assert_eq!(title(approaches()), "A: 3 approaches, closest 0.84 km");
    assert_eq!(title(approaches()[..1].to_vec()), "approach in hour 0.34");

    let mut mixed = approaches();
    mixed[1].kind = "orbit.proximity".to_owned();
    mixed[2].kind = "interference.event".to_owned();
    mixed[0].measures.clear();
    mixed[1].measures = [("min_km".to_owned(), 0.2)].into();
    assert_eq!(title(mixed), "A: 1 approach, 1 finding, 1 proximity, closest 0.20 km");

    let mut measureless = approaches();
    measureless.iter_mut().for_each(|f| f.measures.clear());
    assert_eq!(title(measureless), "A: 3 approaches");

    let crowd = vec![finding(0.0, &["C", "D"]), finding(1.0, &["D", "E", "F"])];
    assert_eq!(title(crowd), "C, D and 2 more: 2 approaches, closest 0.50 km");

    let report = |hour: f64, title: &str, severity| Finding {
        kind: "report.officer".to_owned(),
        title: title.to_owned(),
        severity,
        ..finding(hour, &["*A"])
    };
    let mut told = approaches();
    told.push(report(1.5, "small", Severity::Seen));
    told.push(report(3.0, "later", Severity::Attack));
    told.push(report(2.0, "worst", Severity::Attack));
    assert_eq!(title(told), "worst");
}

#[test]
fn an_incident_in_full() {
    let mut first = finding(1.0, &["*A", "C"]);
    first.severity = Severity::Approaching;
    first.interval = Interval::starting(at(1.0), 60.0);
    let mut second = finding(0.0, &["*A", "D"]);
    second.objects[1].name = None;
    let incidents = grouped(&[(id(1), first), (id(2), second.clone()), (id(2), second)]);
    let text = testkit::sorted_text(to_document(&incidents[0]).unwrap_or_default());
    assert_eq!(text, include_str!("data/golden/incident.json"));
}

/// The documented rule, pair by pair, closed by repetition: slow, and written without a look at the other one.
fn naive(findings: &[Entry], gap_seconds: f64) -> BTreeSet<BTreeSet<EntryId>> {
    let set = |words: &[String]| words.iter().cloned().collect::<BTreeSet<_>>();
    let ties = |f: &Finding| -> BTreeSet<String> {
        let protected: BTreeSet<_> = f.objects.iter().filter(|o| o.protected).map(|o| o.id.clone()).collect();
        if protected.is_empty() { f.objects.iter().map(|o| o.id.clone()).collect() } else { protected }
    };
    let together = |a: &Finding, b: &Finding| {
        a.marking.level == b.marking.level
            && set(&a.marking.rel_to) == set(&b.marking.rel_to)
            && set(&a.marking.caveats) == set(&b.marking.caveats)
            && a.marking.originator == b.marking.originator
            && !ties(a).is_disjoint(&ties(b))
            && a.interval.gap_seconds(&b.interval) <= gap_seconds
    };
    let mut of: Vec<usize> = (0..findings.len()).collect();
    loop {
        let before = of.clone();
        for a in 0..findings.len() {
            for b in 0..findings.len() {
                if together(&findings[a].1, &findings[b].1) {
                    of[a] = of[a].min(of[b]);
                }
            }
        }
        if of == before {
            break;
        }
    }
    let roots: BTreeSet<usize> = of.iter().copied().collect();
    roots
        .into_iter()
        .map(|root| (0..findings.len()).filter(|i| of[*i] == root).map(|i| findings[i].0).collect())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn as_the_naive_rule_says(findings in several(), gap in prop_oneof![Just(0.0), Just(21_600.0), 0.0..1e5]) {
        let got: BTreeSet<BTreeSet<EntryId>> =
            group(&findings, &GroupRules { gap_seconds: gap }).iter().map(|i| i.findings.iter().copied().collect()).collect();
        prop_assert_eq!(got, naive(&findings, gap));
    }

    #[test]
    fn order_and_repetition_play_no_part(
        (findings, shuffled) in several().prop_flat_map(|f| (Just(f.clone()), Just(f).prop_shuffle())),
        twice in 0..16_usize,
    ) {
        let mut shuffled = shuffled;
        if let Some(again) = shuffled.get(twice).cloned() {
            shuffled.push(again);
        }
        prop_assert_eq!(grouped(&findings), grouped(&shuffled));
    }

    #[test]
    fn every_finding_is_in_one_incident_and_shapes_it(findings in several()) {
        let incidents = grouped(&findings);
        let mut all: Vec<EntryId> = incidents.iter().flat_map(|i| i.findings.clone()).collect();
        all.sort();
        prop_assert_eq!(all, findings.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        for incident in &incidents {
            let of: Vec<&Finding> = incident
                .findings
                .iter()
                .filter_map(|id| findings.iter().find(|(other, _)| other == id).map(|(_, f)| f))
                .collect();
            prop_assert_eq!(Some(incident.severity), of.iter().map(|f| f.severity).max());
            prop_assert_eq!(Some(incident.interval), of.iter().map(|f| f.interval).reduce(|a, b| a.hull(&b)));
            prop_assert_eq!(&incident.evidence, &incident.findings);
            prop_assert!(incident.supersedes.is_empty());
            prop_assert!(incident.timeline.iter().map(|t| (t.time, t.entry)).is_sorted());
            prop_assert!(incident.timeline.iter().map(|t| t.entry).eq(incident.findings.iter().copied()));
            prop_assert!(incident.objects.iter().map(|o| &o.id).is_sorted());
            for finding in of {
                for object in &finding.objects {
                    prop_assert!(incident.objects.iter().any(|o| o.id == object.id && o.protected >= object.protected));
                }
            }
        }
        prop_assert!(incidents.is_sorted_by_key(|i| std::cmp::Reverse(i.severity)));
    }

    /// What a reader may see does not depend on findings of other markings: leave those out, and the incidents of
    /// this marking are the same to the byte.
    #[test]
    fn findings_of_other_markings_leave_no_trace(findings in several(), kept in common::marking()) {
        let spelt = |m: &Marking| (m.level.clone(), m.rel_to.iter().cloned().collect::<BTreeSet<_>>());
        let ours = |m: &Marking| spelt(m) == spelt(&kept);
        let alone: Vec<Entry> = findings.iter().filter(|(_, f)| ours(&f.marking)).cloned().collect();
        let mut among: Vec<Incident> = grouped(&findings);
        among.retain(|i| ours(&i.marking));
        prop_assert_eq!(among, grouped(&alone));
    }
}
