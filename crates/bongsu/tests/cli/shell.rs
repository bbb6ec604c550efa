//! What the definition of the commands yields: completions, man pages, the OpenAPI document.

use std::process::{Command, Stdio};

use crate::support::{bongsu, bongsu_in, root};

#[test]
fn completions_for_three_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let script = bongsu(&["completions", shell]).exits(0).out;
        for word in ["propagate", "within-km", "preview"] {
            assert!(script.contains(word), "{word} is not in the completions for {shell}");
        }
    }
    bongsu(&["completions", "cmd.exe"]).exits(2);
}

#[test]
fn bash_can_read_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bongsu.bash");
    std::fs::write(&path, bongsu(&["completions", "bash"]).exits(0).out).unwrap();
    // Where there is no bash there is nothing to check.
    if let Ok(status) = Command::new("bash").arg("-n").arg(&path).stderr(Stdio::null()).status() {
        assert!(status.success());
    }
}

#[test]
fn every_command_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    bongsu_in(folder.path(), &["man", "man"]).exits(0);
    for page in
        ["bongsu", "bongsu-orbit-screen", "bongsu-label-preview", "bongsu-link-accept", "bongsu-serve"]
    {
        let text = std::fs::read_to_string(folder.path().join("man").join(format!("{page}.1"))).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
    let screen = std::fs::read_to_string(folder.path().join("man/bongsu-orbit-screen.1")).unwrap();
    assert!(
        screen.contains(".SH EXAMPLES\n  bongsu orbit screen") && screen.contains("BONGSU_WITHIN_KM"),
        "{screen}"
    );
}

#[test]
fn the_openapi_document_is_the_one_in_the_repository() {
    let path = "docs/reference/openapi.json";
    let now = bongsu(&["openapi"]).exits(0).out;
    let golden = std::fs::read_to_string(root().join(path)).unwrap_or_default();
    assert!(
        now == golden,
        "the HTTP interface is not the one in {path}. If that is wanted, write it anew and read the difference: cargo run -p bongsu -- openapi > {path}"
    );
}

#[test]
fn version_and_help() {
    assert_eq!(bongsu(&["--version"]).exits(0).out, format!("bongsu {}\n", env!("CARGO_PKG_VERSION")));
    let nothing = bongsu(&[]).exits(2);
    assert_eq!(nothing.out, "");
    assert!(nothing.err.contains("Usage: bongsu"));
}
