//! `orbit`: what is printed, for whom, and with which exit.

use crate::support::{bongsu, bongsu_in, bongsu_with, sample};

const KOREA: &str = "samples/orbit/korea-2026-03.csv";
const FROM: &str = "2026-03-10T12:00:00Z";

/// Decays on 2006-04-04 or so: an error state some days after its epoch.
const DECAYING: &str = "MINOTAUR R/B
1 28872U 05037B   05333.02012661  .25992681  00000-0  24476-3 0  1534
2 28872  96.4736 157.9986 0303955 244.0492 110.6523 16.46015938 10708
";

#[test]
fn a_span_has_both_ends() {
    let args =
        ["orbit", "propagate", KOREA, "--ids", "29268", "--from", FROM, "--to", "2026-03-10T12:02:00Z"];
    let times: Vec<String> =
        bongsu(&args).exits(0).items().iter().map(|item| item["time"].as_str().unwrap().to_owned()).collect();
    assert_eq!(times, [FROM, "2026-03-10T12:01:00Z", "2026-03-10T12:02:00Z"]);
}

#[test]
fn frames_keep_the_radius() {
    let radius = |frame: &str| {
        let item = &bongsu(&["orbit", "propagate", KOREA, "--ids", "29268", "--at", FROM, "--frame", frame])
            .exits(0)
            .items()[0];
        let position: Vec<f64> = (0..3).map(|axis| item["position_km"][axis].as_f64().unwrap()).collect();
        (position[0], position.iter().map(|x| x * x).sum::<f64>().sqrt())
    };
    let (teme, itrf, gcrf) = (radius("teme"), radius("itrf"), radius("gcrf"));
    assert!((teme.1 - itrf.1).abs() < 1e-6 && (teme.1 - gcrf.1).abs() < 1e-6);
    assert!((teme.0 - itrf.0).abs() > 100.0 && (teme.0 - gcrf.0).abs() > 1.0);
}

#[test]
fn an_error_state_has_a_code_and_no_position() {
    let ran = bongsu_with(
        &["orbit", "propagate", "-", "--at", "2005-11-29T01:00:00Z,2005-12-20T00:00:00Z"],
        DECAYING.as_bytes(),
    )
    .exits(0);
    let items = ran.items();
    assert!(items[0]["position_km"].is_array());
    assert_eq!(items[1].as_object().unwrap().keys().collect::<Vec<_>>(), ["norad_id", "time", "error_code"]);
    assert!((1..=6).contains(&items[1]["error_code"].as_u64().unwrap()));
}

#[test]
fn unknown_objects_are_faults() {
    let ran = bongsu(&["orbit", "propagate", KOREA, "--at", FROM, "--ids", "29268,11,12"]).exits(0);
    assert_eq!(ran.items().len(), 1);
    assert_eq!(ran.codes(), [("orbit::unknown_id".to_owned(), None), ("orbit::unknown_id".to_owned(), None)]);
    let ran = bongsu(&["orbit", "propagate", KOREA, "--at", FROM, "--ids", "11"]).exits(2);
    assert_eq!(ran.out, "");
}

#[test]
fn times_must_be_given() {
    bongsu(&["orbit", "propagate", KOREA]).exits(2);
    bongsu(&["orbit", "propagate", KOREA, "--at", FROM, "--from", FROM]).exits(2);
    bongsu(&["orbit", "propagate", KOREA, "--from", FROM, "--to", "2026-03-10T11:00:00Z"]).exits(2);
    bongsu(&["orbit", "screen", KOREA, "--hours", "1", "--within-km", "5"]).exits(2);
    bongsu(&["orbit", "screen", KOREA, "--hours", "1", "--within-km", "5", "--now", FROM]).exits(0);
}

fn screen(more: &[&str]) -> crate::support::Ran {
    let args = ["orbit", "screen", KOREA, "--from", FROM, "--hours", "24", "--within-km", "300"];
    bongsu(&[&args[..], more].concat())
}

#[test]
fn approaches_have_the_fields_of_the_contract() {
    let items = screen(&[]).exits(0).items();
    let keys = |kind: &str| -> Vec<String> {
        let item = items.iter().find(|item| item["kind"] == kind).unwrap();
        item.as_object().unwrap().keys().cloned().collect()
    };
    let event = "kind norad_a norad_b tca miss_km relative_speed_km_s radial_km in_track_km cross_track_km";
    assert_eq!(keys("event").join(" "), event);
    assert_eq!(keys("interval").join(" "), "kind norad_a norad_b start end min_km min_time mean_km");
    for item in &items {
        assert!(item["norad_a"].as_u64() < item["norad_b"].as_u64());
        if let Some(tca) = item["tca"].as_str() {
            let digits = tca.strip_suffix('Z').unwrap().split_once('.').unwrap().1;
            assert!(digits.len() >= 4 && (FROM..="2026-03-11T12:00:00Z").contains(&tca), "{tca}");
        }
    }
}

#[test]
fn primaries_come_from_the_line_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ours.txt");
    std::fs::write(&file, "# ours\n\n29268 # KOMPSAT-2\nnonsense\n 38338\n11\n").unwrap();
    let from_file = screen(&["--primaries", file.to_str().unwrap()]).exits(0);
    let codes = [("orbit::bad_id".to_owned(), Some(4)), ("orbit::unknown_id".to_owned(), None)];
    assert_eq!(from_file.codes(), codes);
    let from_line = screen(&["--primaries", "29268,38338"]).exits(0);
    assert_eq!(from_line.out, from_file.out);
    assert!(!from_line.items().is_empty());
    assert!(from_line.items().iter().all(|item| {
        [&item["norad_a"], &item["norad_b"]].into_iter().any(|id| *id == 29268 || *id == 38338)
    }));
    let ran = screen(&["--primaries", "no-such-file"]).exits(2);
    assert_eq!(ran.codes(), [("cli::usage".to_owned(), None)]);
}

#[test]
fn an_update_prints_what_a_screening_anew_does() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // The catalogue as it was before 43823 came and while 31307 was there.
    let now = String::from_utf8(sample("orbit/korea-2026-03.csv")).unwrap();
    let other = now.lines().find(|line| line.contains(",43823,")).unwrap().replace(",43823,", ",31307,");
    let before: String = now.lines().filter(|l| !l.contains(",43823,")).map(|l| format!("{l}\n")).collect();
    std::fs::write(at("before.csv"), before + &other).unwrap();
    let when = ["--from", FROM, "--hours", "24", "--within-km", "300"];
    let run = |catalogue: &str, more: &[&str]| {
        bongsu(&[&["orbit", "screen", catalogue], when.as_slice(), more].concat())
    };
    let anew = run(KOREA, &[]).exits(0);
    for format in ["ndjson", "json"] {
        let earlier = run(&at("before.csv"), &["--format", format]).exits(0).out;
        assert_ne!(earlier, anew.out);
        std::fs::write(at("earlier"), earlier).unwrap();
        let updated = run(KOREA, &["--update-from", &at("earlier"), "--changed", "43823,31307"]).exits(0);
        assert_eq!(updated.out, anew.out, "{format}");
    }
    let refused = |more: &[&str]| {
        let ran = run(KOREA, more).exits(2);
        assert_eq!((ran.codes(), ran.out.as_str()), (vec![("cli::usage".to_owned(), None)], ""), "{more:?}");
    };
    let unusable = |more: &[&str]| {
        let ran = run(KOREA, more).exits(2);
        assert_eq!(ran.out, "");
        assert!(ran.err.contains("--help"), "{}", ran.err);
    };
    unusable(&["--update-from", &at("earlier")]);
    unusable(&["--changed", "43823"]);
    unusable(&["--update-from", &at("earlier"), "--changed", "43823", "--primaries", "43823"]);
    // Cut off, and no result at all.
    let cut = anew.out.get(..anew.out.len() - 40).unwrap();
    std::fs::write(at("cut"), cut).unwrap();
    for wrong in [at("cut"), at("before.csv")] {
        refused(&["--update-from", &wrong, "--changed", "43823"]);
    }
    // Another span.
    let args = ["orbit", "screen", KOREA, "--from", FROM, "--hours", "1", "--within-km", "300"];
    let more = ["--update-from", &at("earlier"), "--changed", "43823"];
    let ran = bongsu(&[args.as_slice(), more.as_slice()].concat()).exits(2);
    assert!(ran.out.is_empty() && ran.err.contains("screen all pairs anew"), "{ran:?}");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    assert_eq!(screen(&["--threads", "1"]).exits(0).out, screen(&["--threads", "3"]).exits(0).out);
    screen(&["--threads", "0"]).exits(2);
}

#[test]
fn findings_at_the_level_make_the_exit_one() {
    // All that come near in this catalogue stay above a kilometre: two beacons.
    let calm = screen(&["--fail-on", "3"]).exits(0);
    let found = screen(&["--fail-on", "2"]).exits(1);
    assert_eq!(calm.out, found.out);
    screen(&["--fail-on", "approaching"]).exits(0);
    screen(&["--fail-on", "loud"]).exits(2);
}

#[test]
fn limits_that_mean_nothing_are_refused() {
    for (hours, within_km) in [("0", "5"), ("-1", "5"), ("NaN", "5"), ("9999", "5"), ("1", "0"), ("1", "1e9")]
    {
        let hours = format!("--hours={hours}");
        let ran =
            bongsu(&["orbit", "screen", KOREA, "--from", FROM, &hours, "--within-km", within_km]).exits(2);
        assert_eq!(ran.out, "");
    }
}

#[test]
fn check_tells_the_kind_and_refuses_faulty_files() {
    let good = bongsu(&["orbit", "check", KOREA, "samples/orbit/korea-2025-04-15.3le"]).exits(0).items();
    assert_eq!(
        (&good[0]["kind"], &good[0]["objects"], &good[0]["ok"]),
        (&"OMM CSV".into(), &23.into(), &true.into())
    );
    assert_eq!((&good[1]["kind"], &good[1]["objects"]), (&"3LE".into(), &18.into()));
    let bad = bongsu(&["orbit", "check", KOREA, "samples/bad/bad-checksum.3le", "no-such-file"]).exits(2);
    assert_eq!(
        bad.items().iter().map(|item| item["ok"].as_bool().unwrap()).collect::<Vec<_>>(),
        [true, false]
    );
    let codes: Vec<String> = bad.codes().into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["orbit::bad_checksum", "cli::io", "cli::refused"]);
}

#[test]
fn flags_are_in_the_environment_too() {
    let output = crate::support::command(&crate::support::root())
        .args(["orbit", "screen", KOREA])
        .envs([
            ("BONGSU_FROM", FROM),
            ("BONGSU_HOURS", "24"),
            ("BONGSU_WITHIN_KM", "300"),
            ("BONGSU_FORMAT", "csv"),
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"kind,"));
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ran = bongsu_in(folder.path(), &["orbit", "propagate", "gone.csv", "--at", FROM]).exits(2);
    assert!(ran.err.contains("gone.csv"), "{}", ran.err);
}

#[test]
fn companions_have_the_fields_of_the_contract_and_come_by_falling_score() {
    let with = |threads: &str| {
        let args = ["orbit", "companions", KOREA, "--from", FROM, "--hours", "24", "--threads", threads];
        bongsu(&args).exits(0)
    };
    let run = with("1");
    assert_eq!(with("3").out, run.out);
    const FIELDS: &[&str] = &[
        "chaser",
        "target",
        "score",
        "dwell_share",
        "mean_km",
        "min_km",
        "drift_deg_per_day",
        "since",
        "explanation",
    ];
    let items = run.items();
    assert!(items.len() > 4);
    for item in &items {
        let fields: Vec<&String> = item.as_object().unwrap().keys().collect();
        assert_eq!(fields.len(), FIELDS.len(), "{fields:?}");
        assert!(FIELDS.iter().all(|field| item.get(field).is_some()), "{fields:?}");
        assert!(item["min_km"].as_f64().unwrap() <= 300.0, "{item}");
    }
    let scores: Vec<f64> = items.iter().map(|item| item["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert!(items[0]["explanation"].as_str().unwrap().starts_with("company by design: "), "{}", items[0]);
}
