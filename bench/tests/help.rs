//! The program that the comparison drives starts, and says what it can do.

use std::process::Command;

#[test]
fn help_names_every_piece_of_work() {
    let output = Command::new(env!("CARGO_BIN_EXE_peers")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for work in ["split", "propagate", "positions", "screen", "losses", "ingest"] {
        assert!(help.contains(&format!("\n  {work} ")), "{help}");
    }
}
