//! `officer link`: a new one-time link into a node, whether it runs or not. For the first start, and to break the glass.

use std::process::ExitCode;

use crate::Common;
use crate::commands::serve::Settings;
use crate::error::CliError;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Officer {
    /// Make a one-time link, good for 15 minutes: the way in on a node without an administrator, later a way past the accounts
    #[command(
        after_help = "On a node that has an administrator the link lets in as administrator for an hour, and its use\nis an entry of the record. It is for the operator of the machine when nobody else can come in.\n\nExample:\n  bongsu officer link --data ./seoul"
    )]
    Link(Settings),
}

pub(crate) fn run(command: Officer, common: &Common) -> Result<ExitCode, CliError> {
    let Officer::Link(settings) = command;
    let config = settings.load()?;
    if !config.data.join("record").is_dir() {
        return Err(record::StoreError::Missing { path: config.data }.into());
    }
    let token = node::new_entry_token(&config.data)?;
    // A node that was started with other flags, say on any free port, answers elsewhere than the settings say.
    let url = node::last_url(&config.data).unwrap_or_else(|| {
        let scheme = if config.tls { "https" } else { "http" };
        format!("{scheme}://{}", config.listen)
    });
    let enter = format!("{url}/enter?token={token}");
    common.out().document("bongsu.officer-link/1", &serde_json::json!({"enter": enter}))?;
    Ok(ExitCode::SUCCESS)
}
