//! `completions`, `man`, `openapi`: what the definition of the commands and of the HTTP interface yields.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::command_tree;
use crate::error::CliError;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bongsu completions bash > ~/.local/share/bash-completion/completions/bongsu"
)]
pub(crate) struct Completions {
    /// For which shell
    shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bongsu man ./man\n\nThen: man -l ./man/bongsu.1")]
pub(crate) struct Man {
    /// The folder that the pages are written into
    folder: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bongsu openapi > openapi.json")]
pub(crate) struct Openapi {}

pub(crate) fn completions(args: Completions) -> Result<ExitCode, CliError> {
    let mut bytes = Vec::new();
    clap_complete::generate(args.shell, &mut command_tree(), "bongsu", &mut bytes);
    print(&bytes)
}

pub(crate) fn man(args: Man) -> Result<ExitCode, CliError> {
    std::fs::create_dir_all(&args.folder).map_err(CliError::io(&args.folder))?;
    let mut tree = command_tree().disable_help_subcommand(true);
    tree.build();
    pages(&tree, &args.folder)?;
    Ok(ExitCode::SUCCESS)
}

fn pages(command: &clap::Command, folder: &Path) -> Result<(), CliError> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages(below, folder)?;
    }
    let page = clap_mangen::Man::new(command.clone());
    let path = folder.join(page.get_filename());
    let mut bytes = Vec::new();
    page.render(&mut bytes).map_err(CliError::io(&path))?;
    // What stands behind the options in help begins with the examples.
    let text = String::from_utf8_lossy(&bytes)
        .replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n")
        .replace(".SH EXTRA\nExample:\n", ".SH EXAMPLES\n");
    std::fs::write(&path, text).map_err(CliError::io(&path))
}

pub(crate) fn openapi() -> Result<ExitCode, CliError> {
    print(node::openapi()?.as_bytes())
}

fn print(bytes: &[u8]) -> Result<ExitCode, CliError> {
    match std::io::stdout().lock().write_all(bytes) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Err(CliError::Pipe),
        Err(e) => Err(CliError::Io { path: "standard output".into(), source: e }),
    }
}
