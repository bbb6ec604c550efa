//! `config show`: each setting with its value and where it came from.

use std::process::ExitCode;

use crate::Common;
use crate::commands::serve::Settings;
use crate::error::CliError;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Config {
    /// Print each setting with its origin: default, file, environment or flag
    #[command(after_help = "Example:\n  bongsu config show --data ./seoul")]
    Show(Settings),
}

pub(crate) fn run(command: Config, common: &Common) -> Result<ExitCode, CliError> {
    let Config::Show(settings) = command;
    let config = settings.load()?;
    let mut list = common.out().list("bongsu.config/1");
    for (key, value, origin) in config.shown() {
        let value = if value.is_string() || value.is_number() || value.is_boolean() {
            value
        } else {
            value.to_string().into()
        };
        list.item(&serde_json::json!({"key": key, "value": value, "origin": origin.to_string()}))?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}
