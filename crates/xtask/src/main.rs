//! `cargo run -p xtask -- <command>`: the commands that tools/check.sh needs beside cargo and npm.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks on stdout and stderr")]

use std::path::Path;
use std::process::ExitCode;

use xtask::{console_check, manoeuvre_score, repository};

const USAGE: &str = "usage: cargo run -p xtask -- console-check
       cargo run -p xtask -- manoeuvre-score --data DIR [--bongsu PATH]
  console-check    rebuild the console and compare it with the checked-in console/dist
  manoeuvre-score  compare `bongsu orbit manoeuvres` with published burns; see docs/guide/manoeuvres.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["console-check"] => match console_check(&repository()) {
            Ok(()) => {
                println!("console/dist is current");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        ["manoeuvre-score", "--data", data] => score(data, "bongsu"),
        ["manoeuvre-score", "--data", data, "--bongsu", bongsu] => score(data, bongsu),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn score(data: &str, bongsu: &str) -> ExitCode {
    match manoeuvre_score(Path::new(data), Path::new(bongsu)) {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
