use std::path::Path;
use std::process::{Command, Stdio};
use std::{fmt, io};

use crate::differences;

/// Why the console's build could not be called current.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConsoleError {
    /// A program could not be started or a file not read.
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        error: io::Error,
    },
    /// npm ended with an error; it has printed why.
    Failed {
        /// The command.
        command: String,
    },
    /// `console/dist` is not what the sources give.
    Stale {
        /// The files that differ, one line each.
        differences: Vec<String>,
    },
}

impl fmt::Display for ConsoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, error } => write!(f, "{doing}: {error}"),
            Self::Failed { command } => write!(f, "`{command}` in console/ failed"),
            Self::Stale { differences } => {
                writeln!(f, "console/dist is not what console/ builds:")?;
                for line in differences.iter().take(20) {
                    writeln!(f, "  {line}")?;
                }
                if differences.len() > 20 {
                    writeln!(f, "  and {} more", differences.len() - 20)?;
                }
                write!(f, "hint: run `npm ci && npm run build` in console/ and commit console/dist")
            }
        }
    }
}

impl std::error::Error for ConsoleError {}

/// Builds the console of the repository at `root` into a temporary folder and compares it, byte for byte, with
/// the checked-in `console/dist`. Installs the packages of the lock file when there are none.
///
/// # Errors
/// When npm cannot be run or fails, and when the two builds differ.
pub fn console_check(root: &Path) -> Result<(), ConsoleError> {
    let console = root.join("console");
    if !console.join("node_modules").is_dir() {
        npm(&console, &["ci", "--no-audit", "--no-fund"])?;
    }
    let fresh = tempfile::tempdir().map_err(|error| io_error("make a temporary folder", error))?;
    let out = fresh.path().join("dist");
    npm(&console, &["run", "build", "--", "--outDir", &out.to_string_lossy(), "--emptyOutDir"])?;
    let differences =
        differences(&out, &console.join("dist")).map_err(|error| io_error("compare console/dist", error))?;
    if differences.is_empty() { Ok(()) } else { Err(ConsoleError::Stale { differences }) }
}

fn npm(folder: &Path, arguments: &[&str]) -> Result<(), ConsoleError> {
    let command = format!("npm {}", arguments.join(" "));
    let status = Command::new("npm")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| io_error(&format!("run `{command}`"), error))?;
    if status.success() { Ok(()) } else { Err(ConsoleError::Failed { command }) }
}

fn io_error(doing: &str, error: io::Error) -> ConsoleError {
    ConsoleError::Io { doing: doing.to_owned(), error }
}
