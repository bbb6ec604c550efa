//! `cargo run -p xtask -- <command>`: the commands that tools/check.sh needs beside cargo and npm.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks on stdout and stderr")]

use std::process::ExitCode;

use xtask::{console_check, repository};

const USAGE: &str = "usage: cargo run -p xtask -- console-check
  console-check   rebuild the console and compare it with the checked-in console/dist";

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
