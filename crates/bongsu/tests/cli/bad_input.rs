//! Input that is wrong: a clear error that names file and line, exit 2, or a fault and on with the rest.

use std::fs::File;

use crate::support::{Ran, bongsu, bongsu_with};

const AT: &str = "2026-03-10T12:00:00Z";

fn propagate(file: &str) -> Ran {
    bongsu(&["orbit", "propagate", &format!("samples/bad/{file}"), "--at", AT])
}

/// A file from which something can be read: so many objects, these faults, exit 0; exit 2 with `--strict`.
#[track_caller]
fn partly(file: &str, objects: usize, faults: &[(&str, u64)]) {
    let ran = propagate(file).exits(0);
    assert_eq!(ran.items().len(), objects);
    let wanted: Vec<_> = faults.iter().map(|(code, line)| ((*code).to_owned(), Some(*line))).collect();
    assert_eq!(ran.codes(), wanted);
    assert!(ran.faults().iter().all(|fault| fault["source"] == format!("samples/bad/{file}")), "{ran:?}");
    let strict =
        bongsu(&["orbit", "propagate", &format!("samples/bad/{file}"), "--at", AT, "--strict"]).exits(2);
    assert_eq!(strict.items().len(), objects);
    assert_eq!(strict.codes().last().unwrap().0, "cli::strict");
}

/// A file from which nothing can be read.
#[track_caller]
fn not_at_all(file: &str, fault: &str, line: Option<u64>) {
    let ran = propagate(file).exits(2);
    assert_eq!(ran.out, "");
    let codes = ran.codes();
    assert_eq!(codes[0], (fault.to_owned(), line), "{ran:?}");
    assert!(ran.err.contains(file), "{ran:?}");
}

#[test]
fn a_truncated_catalogue() {
    partly("truncated.csv", 5, &[("orbit::truncated", 7)]);
    partly("truncated.3le", 2, &[("orbit::truncated", 9)]);
    not_at_all("truncated.csv.zst", "cli::unreadable", None);
}

#[test]
fn a_line_with_a_bad_checksum() {
    partly("bad-checksum.3le", 3, &[("orbit::bad_checksum", 5)]);
    partly("changed-digit.3le", 3, &[("orbit::bad_checksum", 9)]);
}

#[test]
fn lines_and_values_that_do_not_fit() {
    partly("mismatched-lines.3le", 1, &[("orbit::orphan_line", 3), ("orbit::orphan_line", 6)]);
    partly("bad-values.csv", 1, &[("orbit::bad_field", 3), ("orbit::bad_field", 4), ("orbit::bad_field", 5)]);
    not_at_all("missing-column.csv", "orbit::missing_field", Some(1));
}

#[test]
fn invalid_utf8() {
    partly("invalid-utf8.csv", 3, &[("orbit::invalid_utf8", 4)]);
}

#[test]
fn an_unknown_format_or_nothing() {
    not_at_all("unknown-format.txt", "orbit::unknown_format", Some(1));
    not_at_all("empty.csv", "orbit::empty", None);
    let ran = bongsu_with(&["orbit", "propagate", "-", "--at", AT], b"").exits(2);
    assert_eq!(ran.faults()[0]["source"], "standard input");
}

#[test]
fn a_missing_file_and_a_folder() {
    not_at_all("gone.csv", "cli::io", None);
    let ran = bongsu(&["orbit", "propagate", "samples", "--at", AT]).exits(2);
    assert!(ran.err.contains("samples"), "{ran:?}");
}

#[test]
fn a_line_of_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endless.csv");
    // Sparse: a gigabyte of zero bytes that takes no room.
    File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let ran = bongsu(&["orbit", "propagate", path.to_str().unwrap(), "--at", AT]).exits(2);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("endless.csv") && ran.err.contains("line 1"), "{ran:?}");
}

#[test]
fn a_long_line_among_others_costs_only_itself() {
    let mut catalogue =
        std::fs::read(crate::support::root().join("samples/orbit/korea-2026-03.csv")).unwrap();
    catalogue.extend(vec![b'x'; 100 << 20]);
    catalogue.push(b'\n');
    let ran = bongsu_with(&["orbit", "propagate", "-", "--at", AT], &catalogue).exits(0);
    assert_eq!(ran.items().len(), 23);
    assert_eq!(ran.codes(), [("orbit::line_too_long".to_owned(), Some(25))]);
}

#[test]
fn unknown_flags_and_values() {
    for args in [
        &["orbit", "propagate", "x.csv", "--speed", "9"][..],
        &["orbit", "propagate", "x.csv", "--at", "yesterday"],
        &["orbit", "propagate", "x.csv", "--at", AT, "--frame", "moon"],
        &["orbit", "propagate", "x.csv", "--at", AT, "--step", "60x"],
        &["orbit", "frobnicate"],
        &["--format", "yaml", "config", "show", "--data", "x"],
    ] {
        let ran = bongsu(args).exits(2);
        assert_eq!(ran.out, "");
        assert!(ran.err.starts_with("error: "), "{ran:?}");
    }
}

#[test]
fn text_is_for_people() {
    let ran = bongsu(&["orbit", "propagate", "samples/bad/bad-checksum.3le", "--at", AT, "--format", "text"])
        .exits(0);
    assert!(ran.err.starts_with("samples/bad/bad-checksum.3le:5: error[orbit::bad_checksum]: "), "{ran:?}");
}
