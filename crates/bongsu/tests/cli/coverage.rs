//! `orbit coverage`, and the pictures of the guide.

use crate::support::{bongsu, bongsu_in, bongsu_with, root};

const KOREA: &str = "samples/orbit/korea-2026-03.csv";
const FROM: &str = "2026-03-10T12:00:00Z";
const CAMERAS: &str = "29268,38338,40536,66820";
const FIGURES: [&str; 7] = [
    "accesses",
    "covered_percent",
    "response_mean_s",
    "revisit_max_s",
    "revisit_mean_s",
    "revisit_p95_s",
    "time_average_gap_s",
];

/// Arguments after those that most runs share.
fn args<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["orbit", "coverage", KOREA, "--from", FROM, "--hours", "24"];
    args.extend(more);
    args
}

#[test]
fn cells_come_first_and_the_region_last() {
    let items = bongsu(&args(&["--satellites", CAMERAS, "--region", "33,124,43,131", "--off-nadir", "35"]))
        .exits(0)
        .items();
    assert_eq!(items.len(), 71);
    assert_eq!((&items[0]["cell"], &items[70]["cell"]), (&"33.5,124.5".into(), &"region".into()));
    assert!(FIGURES.iter().all(|name| items.iter().all(|item| item.get(name).is_some())));
    let sum: u64 = items[..70].iter().map(|item| item["accesses"].as_u64().unwrap()).sum();
    assert_eq!(items[70]["accesses"], sum);
    assert!(items[0].get("without").is_none() && items[0].get("meets").is_none());
}

#[test]
fn windows_are_listed_and_add_up() {
    let shared = ["--satellites", CAMERAS, "--region", "37.5,127,37.5,127", "--min-elevation", "10"];
    let windows = bongsu(&args(&[&shared[..], &["--access"]].concat())).exits(0).items();
    let cell = &bongsu(&args(&shared)).exits(0).items()[0];
    assert_eq!(cell["accesses"], windows.len());
    for window in &windows {
        assert_eq!(
            window.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["norad_id", "cell", "start", "end"]
        );
        assert_eq!(window["cell"], "37.5,127");
    }
    let left = bongsu(&args(&[&shared[..], &["--access", "--lose", "29268"]].concat())).exits(0).items();
    assert!(left.len() < windows.len() && left.iter().all(|window| window["norad_id"] != 29268));
}

#[test]
fn a_loss_gives_the_pair_and_the_difference() {
    let shared = ["--satellites", CAMERAS, "--region", "33,124,43,131", "--off-nadir", "35"];
    let more = ["--lose", "66820,38338", "--require-revisit-max-s", "60000"];
    let items = bongsu(&args(&[&shared[..], &more].concat())).exits(0).items();
    let again =
        bongsu(&args(&["--satellites", "29268,40536", "--region", "33,124,43,131", "--off-nadir", "35"]))
            .exits(0)
            .items();
    for (item, again) in items.iter().zip(&again) {
        for name in FIGURES {
            assert_eq!(item["without"][name], again[name], "{}", item["cell"]);
            let number = |value: &serde_json::Value| value[name].as_f64().unwrap();
            let change = number(&item["without"]) - number(item);
            assert!((number(&item["difference"]) - change).abs() < 1e-9 * change.abs().max(1.0));
        }
        if item["cell"] != "region" {
            let met = |value: &serde_json::Value| value["revisit_max_s"].as_f64().unwrap() <= 60_000.0;
            assert_eq!(item["meets"], met(item));
            assert_eq!(item["crosses"], met(item) && !met(&item["without"]));
        }
    }
    assert!(items.iter().any(|item| item["crosses"] == true) && items[70]["crosses"] == true);
    // Every loss of one or two, after the line with all.
    let losses =
        bongsu(&args(&[&shared[..], &["--losses", "2", "--require-revisit-max-s", "60000"]].concat()))
            .exits(0)
            .items();
    assert_eq!(losses.len(), 1 + 4 + 6);
    let same = losses.iter().find(|loss| loss["lost"] == serde_json::json!([38338, 66820])).unwrap();
    let crossing: Vec<_> =
        items[..70].iter().filter(|item| item["crosses"] == true).map(|item| item["cell"].clone()).collect();
    assert_eq!(same["crossing"], serde_json::Value::Array(crossing));
    assert_eq!(same["revisit_max_s"], items[70]["without"]["revisit_max_s"]);
    assert_eq!(same["accesses"], items[70]["without"]["accesses"]);
}

#[test]
fn a_jam_counts_for_its_time_only() {
    let shared = ["--satellites", "29268", "--region", "37.5,127,37.5,127", "--min-elevation", "10"];
    let whole = "29268@2026-03-10T00:00:00Z/2026-03-12T00:00:00Z";
    let half = "29268@2026-03-10T00:00:00Z/2026-03-11T00:00:00Z";
    let without = |jam: &str| {
        let items = bongsu(&args(&[&shared[..], &["--jam", jam]].concat())).exits(0).items();
        items[0]["without"]["accesses"].as_u64().unwrap()
    };
    let all = bongsu(&args(&shared)).exits(0).items()[0]["accesses"].as_u64().unwrap();
    assert_eq!(without(whole), 0);
    assert!((1..all).contains(&without(half)));
}

#[test]
fn regions_are_read_from_geojson() {
    let shared = ["--satellites", CAMERAS, "--min-elevation", "20", "--region"];
    let korea =
        bongsu(&args(&[&shared[..], &["samples/geo/ne_10m_korea.geojson"]].concat())).exits(0).items();
    assert!((15..40).contains(&korea.len()), "{}", korea.len());
    let line = br#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},
        {"type":"Polygon","coordinates":[[[126,36],[128,36],[128,38],[126,38],[126,36]]]}]}"#;
    let ran = bongsu_with(&args(&[&shared[..], &["-"]].concat()), line).exits(0);
    assert_eq!((ran.items().len(), ran.codes()), (5, vec![("orbit::not_a_polygon".to_owned(), None)]));
    let ran = bongsu_with(&args(&[&shared[..], &["-"]].concat()), b"{}").exits(2);
    assert_eq!(ran.codes()[0].0, "orbit::not_geojson");
}

#[test]
fn what_cannot_be_covered_is_refused() {
    let good = ["--satellites", "29268", "--region", "33,124,43,131", "--min-elevation", "10"];
    bongsu(&args(&good)).exits(0);
    for (index, value) in [
        (1, "1"),
        (3, "33,124,43"),
        (3, "93,124,43,131"),
        (3, "nowhere.geojson"),
        (3, "-90,-180,90,NaN"),
        (5, "90"),
        (5, "-1"),
        (5, "NaN"),
    ] {
        let mut wrong = good;
        wrong[index] = value;
        bongsu(&args(&wrong)).exits(2);
    }
    for more in [
        &["--off-nadir", "20"][..],
        &["--cell-deg", "0"],
        &["--cell-deg", "0.001"],
        &["--lose", "38338"],
        &["--lose", "29268", "--losses", "1"],
        &["--losses", "3"],
        &["--jam", "29268@2026-03-10T00:00:00Z"],
        &["--require-covered-percent", "101"],
        &["--require-revisit-max-s", "NaN"],
        &["--picture", "no/such/folder/x.svg"],
    ] {
        bongsu(&args(&[&good[..], more].concat())).exits(2);
    }
    for hours in ["0", "-1", "NaN", "745"] {
        let mut wrong = args(&good);
        wrong[6] = hours;
        bongsu(&wrong).exits(2);
    }
}

#[test]
fn any_number_of_threads_prints_the_same() {
    let run = |threads: &str| {
        let more = ["--satellites", CAMERAS, "--region", "-60,-180,60,180", "--cell-deg", "20"];
        let rest = ["--min-elevation", "5", "--sunlit", "--gap-at-end", "extend", "--threads", threads];
        bongsu(&args(&[&more[..], &rest].concat())).exits(0).out
    };
    assert_eq!(run("1"), run("5"));
}

/// The commands of the guide that draw a picture, as words.
fn drawing_commands(page: &str) -> Vec<Vec<String>> {
    page.replace("\\\n", " ")
        .lines()
        .filter(|line| line.starts_with("bongsu ") && line.contains("--picture"))
        .map(|line| line.split_whitespace().skip(1).map(str::to_owned).collect())
        .collect()
}

#[test]
fn the_pictures_of_the_guide_are_what_its_commands_draw() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for page in ["screening.md", "coverage.md", "manoeuvres.md"] {
        let text = std::fs::read_to_string(root().join("docs/guide").join(page)).unwrap();
        for command in drawing_commands(&text) {
            let shown = command.iter().find(|word| word.ends_with(".svg")).unwrap();
            let drawn = folder.path().join("drawn.svg");
            let words: Vec<&str> = command
                .iter()
                .map(|word| if word == shown { drawn.to_str().unwrap() } else { word.as_str() })
                .collect();
            bongsu_in(&root(), &words).exits(0);
            let (fresh, kept) =
                (std::fs::read_to_string(&drawn), std::fs::read_to_string(root().join(shown)));
            assert!(fresh.unwrap() == kept.unwrap(), "{shown} is old: run the command in docs/guide/{page}");
            count += 1;
        }
    }
    assert_eq!(count, 3);
}
