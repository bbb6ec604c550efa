//! `config show`: where each setting comes from, and what is no setting.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::support::{Ran, bongsu_in, command};

fn with_file(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("seoul")).unwrap();
    std::fs::write(folder.path().join("seoul/bongsu.toml"), text).unwrap();
    folder
}

fn show(folder: &Path, more: &[&str]) -> Ran {
    bongsu_in(folder, &[&["config", "show", "--data", "seoul"], more].concat())
}

#[test]
fn every_origin_is_shown() {
    let folder = with_file("title = \"Watch\"\ncountry = \"JPN\"\n[screen]\nhours = 12\n");
    let output = command(folder.path())
        .args(["config", "show", "--data", "seoul", "--country", "KOR"])
        .env("BONGSU_NAME", "seoul")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let shown = String::from_utf8(output.stdout).unwrap();
    let row = |key: &str| -> (String, String) {
        let item: serde_json::Value = shown
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .find(|item: &serde_json::Value| item["key"] == key)
            .unwrap();
        (
            item["value"].as_str().map_or_else(|| item["value"].to_string(), str::to_owned),
            item["origin"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(row("listen"), ("127.0.0.1:8420".to_owned(), "default".to_owned()));
    assert_eq!(row("title"), ("Watch".to_owned(), "seoul/bongsu.toml".to_owned()));
    assert_eq!(row("screen.hours"), ("12.0".to_owned(), "seoul/bongsu.toml".to_owned()));
    assert_eq!(row("name"), ("seoul".to_owned(), "environment BONGSU_NAME".to_owned()));
    assert_eq!(row("country"), ("KOR".to_owned(), "flag --country".to_owned()));
}

#[test]
fn an_unknown_key_is_an_error_with_its_line() {
    let folder = with_file("name = \"seoul\"\n\n[screen]\nhuors = 12\n");
    let ran = show(folder.path(), &[]).exits(2);
    for part in ["seoul/bongsu.toml", "line 4", "huors", "hours"] {
        assert!(ran.err.contains(part), "{part} is not in {}", ran.err);
    }
}

#[test]
fn values_that_mean_nothing_name_their_origin() {
    let folder = with_file("");
    for (flag, value) in
        [("--name", "Se oul"), ("--country", "Korea"), ("--listen", "nowhere"), ("--tls", "maybe")]
    {
        let ran = show(folder.path(), &[flag, value]).exits(2);
        assert!(ran.err.contains(&format!("flag {flag}")), "{ran:?}");
    }
}

#[test]
fn a_node_is_started_again_by_its_folder_alone() {
    let folder = tempfile::tempdir().unwrap();
    let first = ["--name", "seoul", "--country", "KOR", "--title", "Seoul \"watch\""];
    for flags in [&first[..], &[]] {
        let mut child = command(folder.path())
            .args(["serve", "--data", "seoul", "--listen", "127.0.0.1:0", "--link-listen", "127.0.0.1:0"])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("\"enter\":\"http://127.0.0.1:"), "`{line}` with {flags:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let title =
        show(folder.path(), &[]).exits(0).items().into_iter().find(|item| item["key"] == "title").unwrap();
    assert_eq!((&title["value"], &title["origin"]), (&"Seoul \"watch\"".into(), &"seoul/bongsu.toml".into()));
    let other = bongsu_in(folder.path(), &["serve", "--data", "seoul", "--name", "tokyo"]).exits(2);
    assert!(other.err.contains("--name seoul"), "{other:?}");
}
