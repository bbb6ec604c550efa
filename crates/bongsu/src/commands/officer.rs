//! `officer link|new`: a new one-time link into a node, whether it runs or not, for the first start and to break the
//! glass; a key to sign policies with.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::NodeName;

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
    /// Make a key for an officer who signs policies, and record its public half
    #[command(after_help = "Example:
  bongsu officer new park --key park.key --store ./seoul

The key file is the officer's alone. The same name again takes the place of the old key.
Stop the node first.")]
    New {
        /// The officer's name: a-z, 0-9 and -
        name: NodeName,
        /// Where to write the secret key; an existing file is never overwritten
        #[arg(long, value_name = "FILE", env = "BONGSU_OFFICER_KEY", hide_env_values = true)]
        key: PathBuf,
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
}

pub(crate) fn run(command: Officer, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Officer::Link(settings) => link(&settings, common),
        Officer::New { name, key, store } => new(name, &key, &store, common),
    }
}

fn new(name: NodeName, file: &Path, store: &Path, common: &Common) -> Result<ExitCode, CliError> {
    let config = node::Config::load(store, &node::Overrides::default())?;
    let mut desk = node::Desk::open(&config)?;
    let key = node::new_officer_key(file, &name)?;
    let officer = node::Officer { name, key: key.public().to_hex(), marking: desk.nobody() };
    let entry = desk.sign(&officer, common.now)?;
    let id = desk.record(entry)?;
    let made = serde_json::json!({
        "entry": id, "name": officer.name, "key": officer.key, "fingerprint": key.public().fingerprint(),
    });
    common.out().document("bongsu.officer-new/1", &made)?;
    Ok(ExitCode::SUCCESS)
}

fn link(settings: &Settings, common: &Common) -> Result<ExitCode, CliError> {
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
